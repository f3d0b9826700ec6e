"""The group coordinator's settings under Kafka's names; see :mod:`anabranch.broker.kafka_configs`."""

from __future__ import annotations

from typing import Final

from anabranch.broker.config import MINUTE_MS, BrokerSettings
from anabranch.broker.config_entry import BrokerConfig
from anabranch.groups.assignors import ASSIGNORS
from anabranch.groups.settings import GroupSettings, MigrationPolicy
from anabranch.log.config import ConfigDef, ConfigType, at_least, one_of

_T = ConfigType
_GROUPS: Final = GroupSettings()


def _of_groups(name: str, field: str, doc: str) -> BrokerConfig:
    """Milliseconds of the group settings, by the settings' own name."""

    def value(settings: BrokerSettings) -> str:
        return str(getattr(settings.groups, field))

    return BrokerConfig(
        ConfigDef(name, _T.INT, str(getattr(_GROUPS, field)), doc, at_least(1)), value
    )


OF_GROUPS: Final = (
    BrokerConfig(
        ConfigDef(
            "group.initial.rebalance.delay.ms",
            _T.INT,
            str(_GROUPS.initial_rebalance_delay_ms),
            "How long the first rebalance of an empty group waits for more members.",
            at_least(0),
        ),
        lambda s: str(s.groups.initial_rebalance_delay_ms),
    ),
    BrokerConfig(
        ConfigDef(
            "group.min.session.timeout.ms",
            _T.INT,
            str(_GROUPS.session_timeout_ms_min),
            "The shortest session timeout that a member may ask for.",
            at_least(1),
        ),
        lambda s: str(s.groups.session_timeout_ms_min),
    ),
    BrokerConfig(
        ConfigDef(
            "group.max.session.timeout.ms",
            _T.INT,
            str(_GROUPS.session_timeout_ms_max),
            "The longest session timeout that a member may ask for.",
            at_least(1),
        ),
        lambda s: str(s.groups.session_timeout_ms_max),
    ),
    BrokerConfig(
        ConfigDef(
            "group.max.size",
            _T.INT,
            str(_GROUPS.members_max),
            "The most members of one group.",
            at_least(1),
        ),
        lambda s: str(s.groups.members_max),
    ),
    BrokerConfig(
        ConfigDef(
            "group.coordinator.rebalance.protocols",
            _T.LIST,
            "classic,consumer,share",
            "The group protocols that are served.",
        ),
        lambda s: "classic,consumer,share" if s.groups.consumer_protocol else "classic,share",
    ),
    BrokerConfig(
        ConfigDef(
            "group.consumer.migration.policy",
            _T.STRING,
            str(_GROUPS.migration),
            "Whether groups change between the classic and the consumer protocol with their members.",
            one_of(*MigrationPolicy),
        ),
        lambda s: str(s.groups.migration),
    ),
    BrokerConfig(
        ConfigDef(
            "group.consumer.assignors",
            _T.LIST,
            ",".join(ASSIGNORS),
            "The assignors of the consumer protocol; the first is the default.",
        ),
        lambda _: ",".join(ASSIGNORS),
    ),
    BrokerConfig(
        ConfigDef(
            "group.consumer.max.size",
            _T.INT,
            str(_GROUPS.members_max),
            "The most members of one group of the consumer protocol; as group.max.size.",
            at_least(1),
        ),
        lambda s: str(s.groups.members_max),
    ),
    *(
        _of_groups(name, field, doc)
        for name, field, doc in (
            (
                "group.consumer.session.timeout.ms",
                "consumer_session_timeout_ms",
                "A member of the consumer protocol that is silent for so long is taken for dead.",
            ),
            (
                "group.consumer.min.session.timeout.ms",
                "consumer_session_timeout_ms_min",
                "The shortest session timeout that a group's own configs may set.",
            ),
            (
                "group.consumer.max.session.timeout.ms",
                "consumer_session_timeout_ms_max",
                "The longest session timeout that a group's own configs may set.",
            ),
            (
                "group.consumer.heartbeat.interval.ms",
                "consumer_heartbeat_interval_ms",
                "How often members of the consumer protocol send a heartbeat.",
            ),
            (
                "group.consumer.min.heartbeat.interval.ms",
                "consumer_heartbeat_interval_ms_min",
                "The shortest heartbeat interval that a group's own configs may set.",
            ),
            (
                "group.consumer.max.heartbeat.interval.ms",
                "consumer_heartbeat_interval_ms_max",
                "The longest heartbeat interval that a group's own configs may set.",
            ),
        )
    ),
    BrokerConfig(
        ConfigDef(
            "offset.metadata.max.bytes",
            _T.INT,
            str(_GROUPS.offset_metadata_max),
            "The longest metadata string of a committed offset, in characters as in Kafka.",
            at_least(0),
        ),
        lambda s: str(s.groups.offset_metadata_max),
    ),
    BrokerConfig(
        ConfigDef(
            "offsets.retention.minutes",
            _T.INT,
            str(_GROUPS.offsets_retention_ms // MINUTE_MS),
            "How long the offsets of an empty group are kept.",
            at_least(1),
        ),
        lambda s: str(s.groups.offsets_retention_ms // MINUTE_MS),
    ),
    BrokerConfig(
        ConfigDef(
            "offsets.retention.check.interval.ms",
            _T.LONG,
            str(_GROUPS.offsets_retention_check_interval_ms),
            "How often offsets whose retention is over are looked for.",
            at_least(1),
        ),
        lambda s: str(s.groups.offsets_retention_check_interval_ms),
    ),
)
