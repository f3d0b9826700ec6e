"""What can be configured per topic: names, types, defaults, checks, documentation.

The table holds every topic config of Kafka 4.x under its own name and with its own default, so that
tools which read all configs, change one and write all back keep working, and those of our own.
A config that needs a mechanism this log does not have is still accepted where ignoring it loses
nothing (``effect`` is False and the documentation says so); where ignoring it would break a promise,
any value but the default is refused.

Sources: Kafka's topic configuration reference; topic names: KIP-226, ``Topic.validate``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias, cast

from msgspec import Struct

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log import event_gate

ConfigValue: TypeAlias = bool | str | int | float | tuple[str, ...]
Validator: TypeAlias = Callable[[ConfigValue], str | None]
"""Takes a parsed value; returns what is wrong with it, or None."""

INT_MAX: Final = 2**31 - 1
LONG_MAX: Final = 2**63 - 1
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_MIB: Final = 1 << 20

LANE_CONFIG: Final = "anabranch.lane"
AUDIT_READS_CONFIG: Final = "anabranch.audit.reads"
TOPIC_NAME_LENGTH_MAX: Final = 249  # Kafka's: room for "-<partition>" in a 255-byte file name
_TOPIC_NAME: Final = re.compile(r"[a-zA-Z0-9._-]+")


class ConfigType(IntEnum):
    """Type of a config's value, numbered as in DescribeConfigs (KIP-569)."""

    BOOLEAN = 1
    STRING = 2
    INT = 3
    SHORT = 4
    LONG = 5
    DOUBLE = 6
    LIST = 7
    CLASS = 8
    PASSWORD = 9


class ConfigDef(NamedTuple):
    """One config. ``synonyms`` are the broker configs that stand behind it in Kafka, nearest first."""

    name: str
    type: ConfigType
    default: str
    doc: str
    validator: Validator | None = None
    sensitive: bool = False
    synonyms: tuple[str, ...] = ()
    effect: bool = True  # False: accepted for compatibility only

    def parse(self, text: str) -> ConfigValue:
        """The typed value of ``text``. Raises ClientFault(INVALID_CONFIG)."""
        try:
            value = parse_value(self.type, text)
        except ValueError as error:
            raise ClientFault(
                ErrorCode.INVALID_CONFIG,
                f"Invalid value {text!r} for configuration {self.name}: {error}",
            ) from None
        wrong = self.validator(value) if self.validator is not None else None
        if wrong is not None:
            raise ClientFault(
                ErrorCode.INVALID_CONFIG,
                f"Invalid value {text!r} for configuration {self.name}: {wrong}",
            )
        return value


def parse_value(type_: ConfigType, text: str) -> ConfigValue:
    """``text`` as a value of ``type_``; ValueError says what was expected."""
    text = text.strip()
    match type_:
        case ConfigType.BOOLEAN:
            if text.lower() not in ("true", "false"):
                raise ValueError("expected true or false")
            return text.lower() == "true"
        case ConfigType.SHORT:
            return _integer(text, 15)
        case ConfigType.INT:
            return _integer(text, 31)
        case ConfigType.LONG:
            return _integer(text, 63)
        case ConfigType.DOUBLE:
            try:
                return float(text)
            except ValueError:
                raise ValueError("expected a number") from None
        case ConfigType.LIST:
            return tuple(part.strip() for part in text.split(",")) if text else ()
        case _:
            return text


def _integer(text: str, bits: int) -> int:
    # int() also takes "1_000" and other scripts' digits, which Kafka's tools do not.
    if re.fullmatch(r"[+-]?[0-9]{1,20}", text) is None:
        raise ValueError("expected a whole number")
    value = int(text)
    if not -(1 << bits) <= value < (1 << bits):
        raise ValueError(f"expected a whole number of {bits + 1} bits")
    return value


def at_least(low: float) -> Validator:
    """A number of at least ``low``."""

    def check(value: ConfigValue) -> str | None:
        assert isinstance(value, (int, float))
        return None if value >= low else f"Value must be at least {low}"

    return check


def between(low: float, high: float, *also: float) -> Validator:
    """A number in ``low..high``, or one of ``also``."""

    def check(value: ConfigValue) -> str | None:
        assert isinstance(value, (int, float))
        if low <= value <= high or value in also:
            return None
        return f"Value must be between {low} and {high}" + "".join(f" or {one}" for one in also)

    return check


def one_of(*choices: str) -> Validator:
    """One of the named strings."""

    def check(value: ConfigValue) -> str | None:
        return None if value in choices else f"String must be one of: {', '.join(choices)}"

    return check


def event_order(value: ConfigValue) -> str | None:
    """As :mod:`anabranch.log.event_gate` says."""
    assert isinstance(value, str)
    try:
        event_gate.parse(value)
    except ClientFault as fault:
        return fault.message
    return None


def subset_of(*choices: str) -> Validator:
    """A list of some of the named strings, each at most once."""

    def check(value: ConfigValue) -> str | None:
        assert isinstance(value, tuple)
        if set(value) <= set(choices) and len(set(value)) == len(value):
            return None
        return f"List must hold distinct values of: {', '.join(choices)}"

    return check


def only(sole: ConfigValue, why: str) -> Validator:
    """The default and nothing else: another value would promise what is not done."""

    def check(value: ConfigValue) -> str | None:
        return None if value == sole else why

    return check


_NO_EFFECT = " Accepted for compatibility; without effect here: "
_TIERED = "retained data already lies on object storage, there is no second tier to configure"

_T = ConfigType
_DEFS: Final = (
    ConfigDef(
        AUDIT_READS_CONFIG, _T.BOOLEAN, "false",
        "Anabranch's own: whether the audit log notes which ranges of this topic are read, and by whom.",
    ),
    ConfigDef(
        LANE_CONFIG, _T.STRING, "",
        "Anabranch's own: the lane, besides live, whose brokers may write to this topic. Topics that "
        "are created from a lane are that lane's; branches can be written from every lane.",
    ),
    ConfigDef(
        "cleanup.policy", _T.LIST, "delete",
        "How old records leave the log: 'delete' drops them by retention.ms and retention.bytes, "
        "'compact' keeps at least the last record of each key and refuses records without a key, "
        "both do both, and an empty list keeps everything.",
        subset_of("compact", "delete"), synonyms=("log.cleanup.policy",),
    ),
    ConfigDef(
        "compression.gzip.level", _T.INT, "-1",
        "Level of gzip where the broker compresses." + _NO_EFFECT + "it never does.",
        between(1, 9, -1), synonyms=("compression.gzip.level",), effect=False,
    ),
    ConfigDef(
        "compression.lz4.level", _T.INT, "9",
        "Level of lz4 where the broker compresses." + _NO_EFFECT + "it never does.",
        between(1, 17), synonyms=("compression.lz4.level",), effect=False,
    ),
    ConfigDef(
        "compression.type", _T.STRING, "producer",
        "The compression of stored batches; 'producer' keeps the producer's." + _NO_EFFECT
        + "batches are always kept exactly as they were produced.",
        one_of("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"),
        synonyms=("compression.type",), effect=False,
    ),
    ConfigDef(
        "compression.zstd.level", _T.INT, "3",
        "Level of zstd where the broker compresses." + _NO_EFFECT + "it never does.",
        between(-131072, 22), synonyms=("compression.zstd.level",), effect=False,
    ),
    ConfigDef(
        "delete.retention.ms", _T.LONG, str(_DAY_MS),
        "How long a delete marker (a record without a value) of a compacted topic is kept, in "
        "milliseconds, so that readers from the beginning see it: from the first compaction that sees it.",
        at_least(0), synonyms=("log.cleaner.delete.retention.ms",),
    ),
    ConfigDef(
        "fetch.bytes.per.second", _T.LONG, "-1",
        "Anabranch's own: the rate in bytes per second at which one broker serves this topic's "
        "partitions together to consumers, -1 for no limit, 0 to serve nothing until it is changed. A replay "
        "sets it on the branch that it reads.",
        between(0, LONG_MAX, -1),
    ),
    ConfigDef(
        "fetch.event.order", _T.STRING, "",
        "Anabranch's own: serve this topic by the time of its events, together with all that say the same, in the form "
        "`SESSION [slack.ms=MILLISECONDS] [speed=FACTOR]`: none of them further than so many milliseconds of event time "
        "before the hindmost, and none before its time has come where event time passes FACTOR times as fast as "
        "recorded. Each broker by itself: a replay with a broker of its own sets it on its branches.",
        event_order,
    ),
    ConfigDef(
        "fetch.records.per.second", _T.LONG, "-1",
        "Anabranch's own: the same in records per second. Batches are served whole, and one that is "
        "larger than what is left is paid off.",
        between(0, LONG_MAX, -1),
    ),
    ConfigDef(
        "file.delete.delay.ms", _T.LONG, "60000",
        "How long the bytes of removed records stay in the store at least, in milliseconds. The "
        "broker's own grace period applies where it is longer.",
        at_least(0), synonyms=("log.segment.delete.delay.ms",),
    ),
    ConfigDef(
        "flush.messages", _T.LONG, str(LONG_MAX),
        "Sync to disk after so many records." + _NO_EFFECT
        + "every batch is durable before it is acknowledged.",
        at_least(1), synonyms=("log.flush.interval.messages",), effect=False,
    ),
    ConfigDef(
        "flush.ms", _T.LONG, str(LONG_MAX),
        "Sync to disk after so many milliseconds." + _NO_EFFECT
        + "every batch is durable before it is acknowledged.",
        at_least(0), synonyms=("log.flush.interval.ms", "log.flush.scheduler.interval.ms"),
        effect=False,
    ),
    ConfigDef(
        "follower.replication.throttled.replicas", _T.LIST, "",
        "Replicas whose replication is throttled on the following side." + _NO_EFFECT
        + "nothing is replicated between brokers.",
        effect=False,
    ),
    ConfigDef(
        "index.interval.bytes", _T.INT, "4096",
        "Distance in bytes between the entries of a segment's offset index." + _NO_EFFECT
        + "the store's segments carry an index of their own.",
        at_least(0), synonyms=("log.index.interval.bytes",), effect=False,
    ),
    ConfigDef(
        "leader.replication.throttled.replicas", _T.LIST, "",
        "Replicas whose replication is throttled on the leading side." + _NO_EFFECT
        + "nothing is replicated between brokers.",
        effect=False,
    ),
    ConfigDef(
        "local.retention.bytes", _T.LONG, "-2",
        "Bytes to keep on the local tier." + _NO_EFFECT + _TIERED + ".",
        at_least(-2), synonyms=("log.local.retention.bytes",), effect=False,
    ),
    ConfigDef(
        "local.retention.ms", _T.LONG, "-2",
        "Milliseconds to keep on the local tier." + _NO_EFFECT + _TIERED + ".",
        at_least(-2), synonyms=("log.local.retention.ms",), effect=False,
    ),
    ConfigDef(
        "max.compaction.lag.ms", _T.LONG, str(LONG_MAX),
        "How long a record of a compacted topic may stay uncompacted at most, in milliseconds since its append.",
        at_least(1), synonyms=("log.cleaner.max.compaction.lag.ms",),
    ),
    ConfigDef(
        "max.message.bytes", _T.INT, str(_MIB + 12),
        "The largest record batch accepted, in bytes as it arrives (compressed).",
        at_least(0), synonyms=("message.max.bytes",),
    ),
    ConfigDef(
        "message.timestamp.after.max.ms", _T.LONG, str(_HOUR_MS),
        "How far a record's timestamp may lie in the broker's future, in milliseconds. Only with "
        "CreateTime.",
        at_least(0), synonyms=("log.message.timestamp.after.max.ms",),
    ),
    ConfigDef(
        "message.timestamp.before.max.ms", _T.LONG, str(LONG_MAX),
        "How far a record's timestamp may lie in the broker's past, in milliseconds. Only with "
        "CreateTime.",
        at_least(0), synonyms=("log.message.timestamp.before.max.ms",),
    ),
    ConfigDef(
        "message.timestamp.type", _T.STRING, "CreateTime",
        "Whose clock a record's timestamp comes from: the producer's (CreateTime) or the "
        "broker's at append (LogAppendTime).",
        one_of("CreateTime", "LogAppendTime"), synonyms=("log.message.timestamp.type",),
    ),
    ConfigDef(
        "min.cleanable.dirty.ratio", _T.DOUBLE, "0.5",
        "The share of a compacted topic's log that must be uncompacted before it is compacted.",
        between(0, 1), synonyms=("log.cleaner.min.cleanable.ratio",),
    ),
    ConfigDef(
        "min.compaction.lag.ms", _T.LONG, "0",
        "How long a record of a compacted topic stays uncompacted at least, in milliseconds since its append.",
        at_least(0), synonyms=("log.cleaner.min.compaction.lag.ms",),
    ),
    ConfigDef(
        "min.insync.replicas", _T.INT, "1",
        "Replicas that must have a record before acks=all is answered." + _NO_EFFECT
        + "a record is acknowledged once it is durable, whatever acks says.",
        at_least(1), synonyms=("min.insync.replicas",), effect=False,
    ),
    ConfigDef(
        "preallocate", _T.BOOLEAN, "false",
        "Allocate segment files ahead." + _NO_EFFECT + "the write-ahead log always does.",
        synonyms=("log.preallocate",), effect=False,
    ),
    ConfigDef(
        "remote.log.copy.disable", _T.BOOLEAN, "false",
        "Stop copying to the remote tier." + _NO_EFFECT + _TIERED + ".", effect=False,
    ),
    ConfigDef(
        "remote.log.delete.on.disable", _T.BOOLEAN, "false",
        "Delete remote data when the remote tier is turned off." + _NO_EFFECT + _TIERED + ".",
        effect=False,
    ),
    ConfigDef(
        "remote.storage.enable", _T.BOOLEAN, "false",
        "Kafka's switch for tiered storage. Only 'false': " + _TIERED + ".",
        only(False, _TIERED), effect=False,
    ),
    ConfigDef(
        "retention.bytes", _T.LONG, "-1",
        "Bytes kept per partition under the delete policy; the oldest go first, -1 for no limit.",
        at_least(-1), synonyms=("log.retention.bytes",),
    ),
    ConfigDef(
        "retention.ms", _T.LONG, str(7 * _DAY_MS),
        "How long records are kept under the delete policy, in milliseconds, -1 for ever.",
        at_least(-1),
        synonyms=("log.retention.ms", "log.retention.minutes", "log.retention.hours"),
    ),
    ConfigDef(
        "segment.bytes", _T.INT, str(1024 * _MIB),
        "The largest segment object, in bytes. The broker's own bound applies where it is "
        "smaller.",
        at_least(_MIB), synonyms=("log.segment.bytes",),
    ),
    ConfigDef(
        "segment.index.bytes", _T.INT, str(10 * _MIB),
        "Size of a segment's index file." + _NO_EFFECT
        + "the store's segments carry an index of their own.",
        at_least(4), synonyms=("log.index.size.max.bytes",), effect=False,
    ),
    ConfigDef(
        "segment.jitter.ms", _T.LONG, "0",
        "Random delay of rolling a segment." + _NO_EFFECT
        + "records are retained and expire by extent, not by segment.",
        at_least(0), synonyms=("log.roll.jitter.ms", "log.roll.jitter.hours"), effect=False,
    ),
    ConfigDef(
        "segment.ms", _T.LONG, str(7 * _DAY_MS),
        "Age at which a segment is rolled." + _NO_EFFECT
        + "records are retained and expire by extent, not by segment.",
        at_least(1), synonyms=("log.roll.ms", "log.roll.hours"), effect=False,
    ),
    ConfigDef(
        "unclean.leader.election.enable", _T.BOOLEAN, "false",
        "Let a replica that lags lead." + _NO_EFFECT + "no replica can lag.",
        synonyms=("unclean.leader.election.enable",), effect=False,
    ),
)  # fmt: skip

TOPIC_CONFIGS: Final[Mapping[str, ConfigDef]] = MappingProxyType({one.name: one for one in _DEFS})
"""Every topic config by name, in alphabetical order."""


class TopicConfig(Struct, frozen=True):
    """The effective values that the log acts on. Times in milliseconds, sizes in bytes, -1: no limit."""

    cleanup_policy: frozenset[str]
    delete_retention_ms: int
    fetch_bytes_per_second: int
    fetch_event_order: str
    fetch_records_per_second: int
    file_delete_delay_ms: int
    max_compaction_lag_ms: int
    max_message_bytes: int
    timestamp_after_max_ms: int
    timestamp_before_max_ms: int
    timestamp_type: str  # "CreateTime" | "LogAppendTime"
    min_cleanable_dirty_ratio: float
    min_compaction_lag_ms: int
    retention_bytes: int
    retention_ms: int
    segment_bytes: int
    compression_type: str

    @property
    def compacted(self) -> bool:
        """Whether keys matter: such a topic takes no record without one."""
        return "compact" in self.cleanup_policy

    @property
    def deletes(self) -> bool:
        """Whether retention.ms and retention.bytes apply."""
        return "delete" in self.cleanup_policy

    @property
    def log_append_time(self) -> bool:
        """Whether the broker's clock overrides the records' timestamps."""
        return self.timestamp_type == "LogAppendTime"


def validate_configs(configs: Mapping[str, str]) -> None:
    """Raise ClientFault(INVALID_CONFIG) for an unknown name or a value its config does not allow."""
    parsed: dict[str, ConfigValue] = {}
    for name, text in configs.items():
        definition = TOPIC_CONFIGS.get(name)
        if definition is None:
            raise ClientFault(ErrorCode.INVALID_CONFIG, f"Unknown topic config name: {name}")
        if text is None:
            raise ClientFault(ErrorCode.INVALID_CONFIG, f"Null value not supported for {name}")
        parsed[name] = definition.parse(text)
    low = cast(int, parsed.get("min.compaction.lag.ms", 0))
    high = cast(int, parsed.get("max.compaction.lag.ms", LONG_MAX))
    if low > high:
        raise ClientFault(
            ErrorCode.INVALID_CONFIG,
            f"min.compaction.lag.ms ({low}) must not exceed max.compaction.lag.ms ({high})",
        )


def effective(configs: Mapping[str, str]) -> TopicConfig:
    """What the log acts on: ``configs`` (validated when they were set) over the defaults."""

    def value(name: str) -> ConfigValue:
        definition = TOPIC_CONFIGS[name]
        return definition.parse(configs.get(name, definition.default))

    def number(name: str) -> int:
        return cast(int, value(name))

    return TopicConfig(
        cleanup_policy=frozenset(cast("tuple[str, ...]", value("cleanup.policy"))),
        delete_retention_ms=number("delete.retention.ms"),
        fetch_bytes_per_second=number("fetch.bytes.per.second"),
        fetch_event_order=cast(str, value("fetch.event.order")),
        fetch_records_per_second=number("fetch.records.per.second"),
        file_delete_delay_ms=number("file.delete.delay.ms"),
        max_compaction_lag_ms=number("max.compaction.lag.ms"),
        max_message_bytes=number("max.message.bytes"),
        timestamp_after_max_ms=number("message.timestamp.after.max.ms"),
        timestamp_before_max_ms=number("message.timestamp.before.max.ms"),
        timestamp_type=cast(str, value("message.timestamp.type")),
        min_cleanable_dirty_ratio=cast(float, value("min.cleanable.dirty.ratio")),
        min_compaction_lag_ms=number("min.compaction.lag.ms"),
        retention_bytes=number("retention.bytes"),
        retention_ms=number("retention.ms"),
        segment_bytes=number("segment.bytes"),
        compression_type=cast(str, value("compression.type")),
    )


def is_topic_name(name: str) -> bool:
    """Whether Kafka allows it."""
    try:
        validate_topic_name(name)
    except ClientFault:
        return False
    return True


def validate_topic_name(name: str) -> None:
    """Raise ClientFault(INVALID_TOPIC_EXCEPTION) unless ``name`` is one that Kafka allows."""
    wrong = None
    if not name:
        wrong = "the empty string is not allowed"
    elif name in (".", ".."):
        wrong = f"'{name}' is not allowed"
    elif len(name) > TOPIC_NAME_LENGTH_MAX:
        wrong = f"the length of '{name}' is longer than {TOPIC_NAME_LENGTH_MAX} characters"
    elif _TOPIC_NAME.fullmatch(name) is None:
        wrong = f"'{name}' contains characters other than ASCII letters, digits, '.', '_' and '-'"
    if wrong is not None:
        raise ClientFault(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic name is invalid: {wrong}")
