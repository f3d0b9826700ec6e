"""A broker's settings: from the command line and a TOML file, checked as a whole.

The file's sections are the fields of :class:`BrokerSettings`; a key that does not exist is an error
with its path. :data:`BROKER_CONFIGS` shows the same settings under Kafka's names, which is what
DescribeConfigs answers; those marked ``dynamic`` can be changed while the broker runs.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from anabranch.errors import UserFault
from anabranch.groups.settings import GroupSettings
from anabranch.log.config import (
    INT_MAX,
    LONG_MAX,
    TOPIC_CONFIGS,
    ConfigDef,
    ConfigType,
    ConfigValue,
    at_least,
    between,
)
from anabranch.log.settings import LogSettings

KIB: Final = 1024
MIB: Final = 1024 * KIB
SECOND_MS: Final = 1000
MINUTE_MS: Final = 60 * SECOND_MS

DEFAULT_PORT: Final = 9092

T = TypeVar("T")


class ListenerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the broker listens, and what it tells clients about it."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT  # 0: any free port
    advertised_host: str | None = None  # None: the same as host
    advertised_port: int | None = None


class TopicSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How topics come to be."""

    auto_create: bool = True
    partitions: int = 1  # of a topic whose creator does not say


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on what clients can make the broker hold (I10). Sizes in bytes, times in milliseconds."""

    request_bytes_max: int = 100 * MIB  # Kafka's socket.request.max.bytes
    large_requests_bytes_max: int = 128 * MIB  # all frames above 64 KiB that are being received
    connections_max: int = 1000  # 256 KiB of ring each at worst
    connections_per_ip_max: int = INT_MAX
    idle_ms_max: int = 10 * MINUTE_MS  # Kafka's connections.max.idle.ms
    stall_ms_max: int = (
        30 * SECOND_MS
    )  # a large frame whose bytes stop coming holds budget of others
    produces_in_flight_max: int = 256  # of one connection; clients keep 5, librdkafka any number
    unsent_bytes_max: int = 1 * MIB  # of one connection; past it, its requests wait
    fetch_bytes_max: int = 8 * MIB  # one answer, whatever the client asks for
    unsent_total_bytes_max: int = (
        128 * MIB
    )  # of all connections; near it, fetches get less at a time
    stop_ms_max: int = 10 * SECOND_MS  # how long a stopping broker finishes what it has begun


class BrokerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a broker is told at its start."""

    data: Path
    node_id: int = 1
    rack: str | None = None
    listener: ListenerSettings = field(default_factory=ListenerSettings)
    topics: TopicSettings = field(default_factory=TopicSettings)
    limits: Limits = field(default_factory=Limits)
    groups: GroupSettings = field(default_factory=GroupSettings)
    log: LogSettings = field(default_factory=LogSettings)


def load_settings(file: Path | None, overrides: Mapping[str, Any]) -> BrokerSettings:
    """Settings from an optional TOML file, with ``overrides`` (nested like the file) laid over it.

    Raises UserFault with the path of what is wrong.
    """
    document: dict[str, Any] = {}
    if file is not None:
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise UserFault(f"cannot read {file}: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UserFault(f"{file} is not TOML: {error}") from None
    merged = _lay_over(document, overrides)
    where = f"{file}: " if file is not None else ""
    if "data" not in merged:
        raise UserFault(f"{where}a data directory is needed: --data DIR")
    try:
        settings = msgspec.convert(merged, BrokerSettings, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise UserFault(f"{where}{_sentence(str(error))}") from None
    _check_ranges(settings, where)
    return settings


def _decode(type_: type, value: Any) -> Any:
    assert type_ is Path
    if isinstance(value, (str, Path)):
        return Path(value)
    raise ValueError("Expected a path")


def _lay_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        if value is None:
            continue
        present = merged.get(key)
        if isinstance(value, Mapping):
            merged[key] = _lay_over(present if isinstance(present, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def _sentence(message: str) -> str:
    """msgspec says ``Object contains unknown field `x` - at `$.limits```; people say limits.x."""
    text, _, path = message.partition(" - at `$")
    place = path.rstrip("`").lstrip(".")
    if text.startswith("Object contains unknown field"):
        name = text.split("`")[1]
        return f"there is no setting {f'{place}.{name}' if place else name}"
    return f"{place or 'settings'}: {text}"


def _check_ranges(settings: BrokerSettings, where: str) -> None:
    checks = (
        ("node_id", settings.node_id, 0, INT_MAX),
        ("listener.port", settings.listener.port, 0, 65535),
        ("topics.partitions", settings.topics.partitions, 1, 10_000),
        ("limits.request_bytes_max", settings.limits.request_bytes_max, 64 * KIB, INT_MAX),
        (
            "groups.initial_rebalance_delay_ms",
            settings.groups.initial_rebalance_delay_ms,
            0,
            INT_MAX,
        ),
        (
            "limits.large_requests_bytes_max",
            settings.limits.large_requests_bytes_max,
            settings.limits.request_bytes_max,
            LONG_MAX,
        ),
    )
    for name, value, low, high in checks:
        if not low <= value <= high:
            raise UserFault(f"{where}{name} is {value}; it must be between {low} and {high}")
    listener = settings.listener
    if listener.host in ("", "0.0.0.0", "::") and not listener.advertised_host:
        raise UserFault(
            f"{where}clients cannot connect to {listener.host or 'the empty address'}: say what they "
            "are to be told with --advertise HOST:PORT"
        )
    for name in Limits.__struct_fields__:
        if getattr(settings.limits, name) < 1:
            raise UserFault(f"{where}limits.{name} must be at least 1")


class BrokerConfig(NamedTuple):
    """One of Kafka's broker configs: what it is here, and how it is changed if it can be."""

    definition: ConfigDef
    value: Callable[[BrokerSettings], str]
    change: Callable[[BrokerSettings, ConfigValue], BrokerSettings] | None = None

    @property
    def dynamic(self) -> bool:
        """Whether it can be changed while the broker runs."""
        return self.change is not None


_T = ConfigType


def _limit(name: str) -> Callable[[BrokerSettings, ConfigValue], BrokerSettings]:
    return lambda settings, value: replace(
        settings, limits=replace(settings.limits, **{name: value})
    )


def _topic(name: str) -> Callable[[BrokerSettings, ConfigValue], BrokerSettings]:
    return lambda settings, value: replace(
        settings, topics=replace(settings.topics, **{name: value})
    )


def _endpoint(host: str, port: int) -> str:
    return f"PLAINTEXT://{f'[{host}]' if ':' in host else host}:{port}"


def _advertised(settings: BrokerSettings) -> str:
    listener = settings.listener
    return _endpoint(
        listener.advertised_host or listener.host, listener.advertised_port or listener.port
    )


def _boolean(value: bool) -> str:
    return "true" if value else "false"


_DEFAULTS: Final = BrokerSettings(data=Path("data"))
_LIMITS: Final = _DEFAULTS.limits
_GROUPS: Final = _DEFAULTS.groups

_OWN: Final = (
    BrokerConfig(
        ConfigDef("node.id", _T.INT, "1", "This broker's number in the cluster.", at_least(0)),
        lambda s: str(s.node_id),
    ),
    BrokerConfig(
        ConfigDef("broker.id", _T.INT, "1", "The older name of node.id.", at_least(0)),
        lambda s: str(s.node_id),
    ),
    BrokerConfig(
        ConfigDef("broker.rack", _T.STRING, "", "The rack that clients are told."),
        lambda s: s.rack or "",
    ),
    BrokerConfig(
        ConfigDef(
            "listeners", _T.LIST, _endpoint("127.0.0.1", DEFAULT_PORT), "Where the broker listens."
        ),
        lambda s: _endpoint(s.listener.host, s.listener.port),
    ),
    BrokerConfig(
        ConfigDef(
            "advertised.listeners",
            _T.LIST,
            _endpoint("127.0.0.1", DEFAULT_PORT),
            "What clients are told to connect to.",
        ),
        _advertised,
    ),
    BrokerConfig(
        ConfigDef("log.dirs", _T.LIST, "data", "The data directory."), lambda s: str(s.data)
    ),
    BrokerConfig(
        ConfigDef(
            "auto.create.topics.enable",
            _T.BOOLEAN,
            "true",
            "Whether a Metadata request for an unknown topic creates it.",
        ),
        lambda s: _boolean(s.topics.auto_create),
        _topic("auto_create"),
    ),
    BrokerConfig(
        ConfigDef(
            "num.partitions",
            _T.INT,
            "1",
            "Partitions of a topic whose creator does not say.",
            between(1, 10_000),
        ),
        lambda s: str(s.topics.partitions),
        _topic("partitions"),
    ),
    BrokerConfig(
        ConfigDef(
            "default.replication.factor",
            _T.INT,
            "1",
            "Always 1: durability comes from the store, not from replicas.",
        ),
        lambda _: "1",
    ),
    BrokerConfig(
        ConfigDef(
            "delete.topic.enable", _T.BOOLEAN, "true", "Whether topics can be deleted: always."
        ),
        lambda _: "true",
    ),
    BrokerConfig(
        ConfigDef(
            "socket.request.max.bytes",
            _T.INT,
            str(_LIMITS.request_bytes_max),
            "The largest request, in bytes.",
            at_least(64 * KIB),
        ),
        lambda s: str(s.limits.request_bytes_max),
    ),
    BrokerConfig(
        ConfigDef(
            "queued.max.request.bytes",
            _T.LONG,
            str(_LIMITS.large_requests_bytes_max),
            "Bytes of large requests that are received at the same time.",
            at_least(1),
        ),
        lambda s: str(s.limits.large_requests_bytes_max),
    ),
    BrokerConfig(
        ConfigDef(
            "fetch.max.bytes",
            _T.INT,
            str(_LIMITS.fetch_bytes_max),
            "The most bytes of one answer to a fetch, but for its first batch.",
            at_least(1024),
        ),
        lambda s: str(s.limits.fetch_bytes_max),
        _limit("fetch_bytes_max"),
    ),
    BrokerConfig(
        ConfigDef(
            "max.connections",
            _T.INT,
            str(_LIMITS.connections_max),
            "Connections at the same time.",
            at_least(1),
        ),
        lambda s: str(s.limits.connections_max),
        _limit("connections_max"),
    ),
    BrokerConfig(
        ConfigDef(
            "max.connections.per.ip",
            _T.INT,
            str(_LIMITS.connections_per_ip_max),
            "Connections at the same time from one address.",
            at_least(1),
        ),
        lambda s: str(s.limits.connections_per_ip_max),
        _limit("connections_per_ip_max"),
    ),
    BrokerConfig(
        ConfigDef(
            "connections.max.idle.ms",
            _T.LONG,
            str(_LIMITS.idle_ms_max),
            "A connection without a request for so long is closed.",
            at_least(1),
        ),
        lambda s: str(s.limits.idle_ms_max),
        _limit("idle_ms_max"),
    ),
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
    BrokerConfig(
        ConfigDef(
            "producer.id.expiration.ms",
            _T.INT,
            str(_DEFAULTS.log.producer_expiration_ms),
            "An idempotent producer that is silent for so long is forgotten.",
            at_least(1),
        ),
        lambda s: str(s.log.producer_expiration_ms),
    ),
)


def _of_topics() -> tuple[BrokerConfig, ...]:
    """The broker configs that stand behind topic configs: here always the topic's own default."""

    def fixed(value: str) -> Callable[[BrokerSettings], str]:
        return lambda _: value

    return tuple(
        BrokerConfig(
            ConfigDef(
                one.synonyms[0],
                one.type,
                one.default,
                f"What {one.name} is where a topic does not set it. Fixed: set it on the topic.",
            ),
            fixed(one.default),
        )
        for one in TOPIC_CONFIGS.values()
        if one.synonyms
    )


BROKER_CONFIGS: Final[Mapping[str, BrokerConfig]] = MappingProxyType(
    {
        one.definition.name: one
        for one in sorted((*_OWN, *_of_topics()), key=lambda one: one.definition.name)
    }
)
"""Every broker config that is shown, by Kafka's name, in alphabetical order."""
