"""What can be configured per share group (KIP-932, KIP-1240), under Kafka's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Final, NamedTuple, cast

from anabranch.errors import ClientFault, ErrorCode
from anabranch.groups.share.partition import Limits
from anabranch.log.config import ConfigDef, ConfigType, ConfigValue, between, one_of

_DURATION: Final = "by_duration:"

RESET: Final = "share.auto.offset.reset"
ISOLATION: Final = "share.isolation.level"
DELIVERIES: Final = "share.delivery.count.limit"
LOCKS: Final = "share.partition.max.record.locks"
LOCK_MS: Final = "share.record.lock.duration.ms"
SESSION_MS: Final = "share.session.timeout.ms"
HEARTBEAT_MS: Final = "share.heartbeat.interval.ms"


class Isolation(Enum):
    """Whether records of transactions that are not committed are delivered."""

    READ_UNCOMMITTED = "read_uncommitted"
    READ_COMMITTED = "read_committed"


def _reset(value: ConfigValue) -> str | None:
    try:
        parse_reset(str(value))
    except ClientFault as fault:
        return fault.message
    return None


SHARE_CONFIGS: Final[Mapping[str, ConfigDef]] = {
    one.name: one
    for one in (
        ConfigDef(
            RESET,
            ConfigType.STRING,
            "latest",
            "Where a share group begins that has not read a partition before: earliest, latest or by_duration: with "
            "an ISO 8601 duration.",
            _reset,
        ),
        ConfigDef(
            DELIVERIES,
            ConfigType.INT,
            "5",
            "How often a record is delivered before it is given up.",
            between(2, 10),
        ),
        ConfigDef(
            HEARTBEAT_MS,
            ConfigType.INT,
            "5000",
            "How often a member of a share group sends a heartbeat, in milliseconds.",
            between(1000, 15_000),
        ),
        ConfigDef(
            ISOLATION,
            ConfigType.STRING,
            Isolation.READ_UNCOMMITTED.value,
            "Whether records of transactions that are not committed are delivered.",
            one_of(*(one.value for one in Isolation)),
        ),
        ConfigDef(
            LOCKS,
            ConfigType.INT,
            "2000",
            "Records of one partition that are in flight at the same time.",
            between(100, 10_000),
        ),
        ConfigDef(
            LOCK_MS,
            ConfigType.INT,
            "30000",
            "How long a member has for a record before others may get it, in milliseconds.",
            between(15_000, 60_000),
        ),
        ConfigDef(
            SESSION_MS,
            ConfigType.INT,
            "45000",
            "A member of a share group that is silent for so long is gone, in milliseconds.",
            between(45_000, 60_000),
        ),
    )
}
"""Every config of share groups."""


class ShareSettings(NamedTuple):
    """What one share group goes by."""

    limits: Limits
    isolation: Isolation
    reset: int | None  # see parse_reset
    session_ms: int
    heartbeat_ms: int


def share_settings(configs: Mapping[str, str]) -> ShareSettings:
    """``configs`` (validated when they were set) over the defaults."""
    configs = {name: value for name, value in configs.items() if name in SHARE_CONFIGS}
    return _parse(configs) if configs else DEFAULTS


def _parse(configs: Mapping[str, str]) -> ShareSettings:

    def value(name: str) -> ConfigValue:
        definition = SHARE_CONFIGS[name]
        return definition.parse(configs.get(name, definition.default))

    def number(name: str) -> int:
        return cast(int, value(name))

    return ShareSettings(
        Limits(number(LOCKS), number(DELIVERIES), number(LOCK_MS)),
        Isolation(value(ISOLATION)),
        parse_reset(cast(str, value(RESET))),
        number(SESSION_MS),
        number(HEARTBEAT_MS),
    )


EARLIEST: Final = -2
LATEST: Final = -1


def parse_reset(text: str) -> int:
    """LATEST, EARLIEST, or how many milliseconds ago. Raises ClientFault(INVALID_CONFIG)."""
    if text == "latest":
        return LATEST
    if text == "earliest":
        return EARLIEST
    if text.startswith(_DURATION):
        milliseconds = _duration_ms(text.removeprefix(_DURATION))
        if milliseconds is not None:
            return milliseconds
    raise ClientFault(
        ErrorCode.INVALID_CONFIG,
        "must be earliest, latest or by_duration: with an ISO 8601 duration",
    )


_ISO: Final = re.compile(
    r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


def _duration_ms(text: str) -> int | None:
    """An ISO 8601 duration of days and smaller units, as Java's Duration takes it; None if it is none."""
    match = _ISO.fullmatch(text.upper())
    if match is None or not any(match.groups()):
        return None
    parts = {unit: float(value) for unit, value in match.groupdict().items() if value}
    return int(timedelta(**parts).total_seconds() * 1000)


DEFAULTS: Final = _parse({})
"""What a group goes by that sets nothing."""
