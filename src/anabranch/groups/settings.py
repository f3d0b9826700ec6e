"""Every setting of consumer groups, with its unit, its reason and Kafka's name for it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

KIB = 1024
MIB = 1024 * KIB
SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
DAY_MS = 24 * 60 * MINUTE_MS


class MigrationPolicy(StrEnum):
    """Whether a group changes its protocol with its members: to the consumer protocol with the first member
    that speaks it, back to the classic one when the last of them leaves."""

    BIDIRECTIONAL = "bidirectional"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    DISABLED = "disabled"

    @property
    def allows_upgrade(self) -> bool:
        return self in (MigrationPolicy.BIDIRECTIONAL, MigrationPolicy.UPGRADE)

    @property
    def allows_downgrade(self) -> bool:
        return self in (MigrationPolicy.BIDIRECTIONAL, MigrationPolicy.DOWNGRADE)


class GroupSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds (I10) and delays of all groups. Sizes in bytes, times in milliseconds."""

    session_timeout_ms_min: int = 6 * SECOND_MS  # group.min.session.timeout.ms
    session_timeout_ms_max: int = 30 * MINUTE_MS  # group.max.session.timeout.ms
    initial_rebalance_delay_ms: int = 3 * SECOND_MS  # group.initial.rebalance.delay.ms
    members_max: int = (
        5_000  # of one group: group(.consumer).max.size; Kafka's own default knows no bound
    )
    member_metadata_bytes_max: int = 1 * MIB  # one member's subscription: ~20,000 topic names
    group_bytes_max: int = 32 * MIB  # metadata and assignments of all members; one stored row
    # Of the consumer protocol (KIP-848); a group's own configs are within the bounds.
    consumer_protocol: bool = True  # group.coordinator.rebalance.protocols
    consumer_session_timeout_ms: int = 45 * SECOND_MS  # group.consumer.session.timeout.ms
    consumer_session_timeout_ms_min: int = 45 * SECOND_MS  # group.consumer.min.session.timeout.ms
    consumer_session_timeout_ms_max: int = 60 * SECOND_MS  # group.consumer.max.session.timeout.ms
    consumer_heartbeat_interval_ms: int = 5 * SECOND_MS  # group.consumer.heartbeat.interval.ms
    consumer_heartbeat_interval_ms_min: int = (
        5 * SECOND_MS  # group.consumer.min.heartbeat.interval.ms
    )
    consumer_heartbeat_interval_ms_max: int = (
        15 * SECOND_MS  # group.consumer.max.heartbeat.interval.ms
    )
    migration: MigrationPolicy = MigrationPolicy.BIDIRECTIONAL  # group.consumer.migration.policy
    groups_max: int = 10_000  # with members, at the same time; empty ones are only in the metastore
    offset_metadata_max: int = 4096  # offset.metadata.max.bytes; in characters, as Kafka counts
    offsets_retention_ms: int = 7 * DAY_MS  # offsets.retention.minutes
    offsets_retention_check_interval_ms: int = 10 * MINUTE_MS  # offsets.retention.check.interval.ms
