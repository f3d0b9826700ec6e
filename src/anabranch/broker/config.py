"""A broker's settings: from the command line and a TOML file, checked as a whole.

The file's sections are the fields of :class:`BrokerSettings`; a key that does not exist is an error
with its path. The same settings under Kafka's names are in :mod:`anabranch.broker.kafka_configs`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct, field

from anabranch.broker.audit.settings import AuditSettings
from anabranch.broker.authz.settings import AuthorizationSettings
from anabranch.broker.lanes import LANE_NAME_MAX, LaneSettings
from anabranch.broker.routing import LIVE
from anabranch.broker.security.secret import Secret
from anabranch.broker.security.settings import (
    PLAINTEXT,
    OauthSettings,
    PeerSettings,
    SaslSettings,
    TlsSettings,
    TokenSettings,
)
from anabranch.errors import UserFault
from anabranch.groups.settings import GroupSettings
from anabranch.log.config import (
    INT_MAX,
    LONG_MAX,
)
from anabranch.log.location import Location
from anabranch.log.settings import LogSettings

KIB: Final = 1024
MIB: Final = 1024 * KIB
SECOND_MS: Final = 1000
MINUTE_MS: Final = 60 * SECOND_MS

DEFAULT_PORT: Final = 9092
DEFAULT_METRICS_PORT: Final = 9404  # what Kafka's own exporters usually take

T = TypeVar("T")


class ListenerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the broker listens, how, and what it tells clients about it."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT  # 0: any free port
    advertised_host: str | None = None  # None: the same as host
    advertised_port: int | None = None
    name: str | None = None  # None: as its protocol
    protocol: str = PLAINTEXT  # or SSL, SASL_PLAINTEXT, SASL_SSL
    mechanisms: tuple[str, ...] = ()  # of SASL; empty: sasl.mechanisms
    connections_max: int = INT_MAX  # through this listener
    tls: TlsSettings | None = None  # instead of the section tls

    @property
    def known_as(self) -> str:
        """Its name."""
        return self.name or self.protocol


class MetricsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where ``GET /metrics`` is answered, in Prometheus' text format."""

    host: str | None = None  # None: nowhere
    port: int = DEFAULT_METRICS_PORT  # 0: any free one


class TelemetrySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where what clients measure is handed on (KIP-714)."""

    endpoint: str | None = (
        None  # URL that takes OTLP's metrics by POST, as http://host:4318/v1/metrics
    )


class TopicSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How topics come to be."""

    auto_create: bool = True
    partitions: int = 1  # of a topic whose creator does not say


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on what clients can make the broker hold (I10). Sizes in bytes, times in milliseconds."""

    request_bytes_max: int = 100 * MIB  # Kafka's socket.request.max.bytes
    large_requests_bytes_max: int = 128 * MIB  # all frames above 64 KiB that are being received
    connections_max: int = 2000  # 16 KiB of ring each, 256 KiB at worst
    connections_per_ip_max: int = INT_MAX
    connections_per_ip_overrides: Mapping[str, int] = field(default_factory=dict)
    connections_per_second_max: int = 0  # new ones, of this broker; 0: any number
    connections_per_second_per_ip_max: int = 0
    idle_ms_max: int = 10 * MINUTE_MS  # Kafka's connections.max.idle.ms
    stall_ms_max: int = (
        30 * SECOND_MS
    )  # a large frame whose bytes stop coming holds budget of others
    handshakes_max: int = 128  # of TLS, in progress at the same time; some 50 KiB each
    authentication_ms_max: int = (
        10 * SECOND_MS
    )  # until a new client has shaken hands and proven who it is
    produces_in_flight_max: int = 256  # of one connection; clients keep 5, librdkafka any number
    unsent_bytes_max: int = 1 * MIB  # of one connection; past it, its requests wait
    fetch_bytes_max: int = 8 * MIB  # one answer, whatever the client asks for
    fetch_sessions_max: int = 1000  # Kafka's max.incremental.fetch.session.cache.slots
    fetch_session_partitions_max: int = 100_000  # of all sessions; half a KiB each
    unsent_total_bytes_max: int = (
        128 * MIB
    )  # of all connections; near it, fetches get less at a time
    stop_ms_max: int = 10 * SECOND_MS  # how long a stopping broker finishes what it has begun


class BrokerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a broker is told at its start."""

    data: Path | None = None  # None: metastore, store and wal are all elsewhere
    metastore: str | None = None  # URLs, or paths; None: in the data directory, or as last told
    store: str | None = None
    wal: str | None = None
    node_id: int | None = None  # None: the smallest number that no living broker has
    rack: str | None = None
    listener: ListenerSettings = field(default_factory=ListenerSettings)
    listeners: tuple[ListenerSettings, ...] = ()  # instead of the one above
    inner_listener: str | None = None  # by which brokers meet each other; None: the first
    tls: TlsSettings = field(default_factory=TlsSettings)
    sasl: SaslSettings = field(default_factory=SaslSettings)
    oauth: OauthSettings = field(default_factory=OauthSettings)
    tokens: TokenSettings = field(default_factory=TokenSettings)
    peers: PeerSettings = field(default_factory=PeerSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    topics: TopicSettings = field(default_factory=TopicSettings)
    limits: Limits = field(default_factory=Limits)
    groups: GroupSettings = field(default_factory=GroupSettings)
    lane: LaneSettings = field(default_factory=LaneSettings)
    authorization: AuthorizationSettings = field(default_factory=AuthorizationSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    log: LogSettings = field(default_factory=LogSettings)
    points: dict[str, Any] = field(default_factory=dict)  # for `anabranch point watch --config`

    @property
    def location(self) -> Location:
        """Where the cluster is."""
        return Location(self.data, self.metastore, self.store, self.wal)

    @property
    def all_listeners(self) -> tuple[ListenerSettings, ...]:
        """At least one; other brokers come by the :attr:`inner` one."""
        return self.listeners or (self.listener,)

    @property
    def inner(self) -> ListenerSettings:
        """The listener by which brokers meet each other."""
        for one in self.all_listeners:
            if one.known_as == self.inner_listener:
                return one
        return self.all_listeners[0]


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
    merged = _with_listeners(_lay_over(document, overrides), document)
    where = f"{file}: " if file is not None else ""
    if "data" not in merged and "metastore" not in merged:
        raise UserFault(
            f"{where}say where the cluster is: --data DIR, or --metastore URL with --store and --wal"
        )
    try:
        settings = msgspec.convert(merged, BrokerSettings, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise UserFault(f"{where}{_sentence(str(error))}") from None
    _check_ranges(settings, where)
    return settings


def encode_settings(settings: BrokerSettings) -> bytes:
    """One line, for :func:`decode_settings`."""
    return msgspec.json.encode(settings, enc_hook=_encode)


def decode_settings(line: bytes) -> BrokerSettings:
    """What another process of this release encoded."""
    return msgspec.json.decode(line, type=BrokerSettings, dec_hook=_decode)


def _encode(value: Any) -> str:
    return value.reference if isinstance(value, Secret) else str(value)


def _decode(type_: type, value: Any) -> Any:
    if type_ is Secret:
        if isinstance(value, (str, Secret)):
            return value if isinstance(value, Secret) else Secret(value)
        raise ValueError("Expected a text, file:PATH or env:NAME")
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


def _with_listeners(merged: dict[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Listeners of the command line keep what the file says of those of the same names."""
    said, filed = merged.get("listeners"), document.get("listeners")
    if said is filed or not (isinstance(said, list) and isinstance(filed, list)):
        return merged
    by_name = {
        one.get("name") or one.get("protocol"): one for one in filed if isinstance(one, Mapping)
    }
    merged["listeners"] = [
        _lay_over(by_name.get(one.get("name") or one.get("protocol")) or {}, one) for one in said
    ]
    return merged


def _sentence(message: str) -> str:
    """msgspec says ``Object contains unknown field `x` - at `$.limits```; people say limits.x."""
    text, _, path = message.partition(" - at `$")
    place = path.rstrip("`").lstrip(".")
    if text.startswith("Object contains unknown field"):
        name = text.split("`")[1]
        return f"there is no setting {f'{place}.{name}' if place else name}"
    return f"{place or 'settings'}: {text}"


def check_listeners(settings: BrokerSettings, where: str) -> None:
    """Raises UserFault with what is wrong about listeners and their security."""
    from anabranch.broker.security.checks import check

    check(settings, where)


def _check_ranges(settings: BrokerSettings, where: str) -> None:
    checks = (
        ("node_id", settings.node_id or 0, 0, INT_MAX),
        ("metrics.port", settings.metrics.port, 0, 65535),
        ("lane.niceness", settings.lane.niceness, 0, 19),
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
    check_listeners(settings, where)
    for name, percent in (
        ("log.cold_late_percent_max", settings.log.cold_late_percent_max),
        ("lane.late_percent_max", settings.lane.late_percent_max),
    ):
        if percent != 0 and not 100 < percent <= INT_MAX:
            raise UserFault(f"{where}{name} is {percent}; it must be above 100, or 0 for never")
    for name in ("cold_bytes_per_second_min", "cold_bytes_per_second_begin"):
        if getattr(settings.log, name) < 1:
            raise UserFault(f"{where}log.{name} must be at least 1")
    endpoint = settings.telemetry.endpoint
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise UserFault(
            f"{where}telemetry.endpoint is {endpoint!r}; it must be a URL, as http://127.0.0.1:4318/v1/metrics"
        )
    if settings.lane.session is not None and settings.lane.name in (LIVE, ""):
        raise UserFault(f"{where}lane.session wants a lane of its own: set lane.name, too")
    lane = settings.lane.name
    if not 0 < len(lane) <= LANE_NAME_MAX or not lane.isprintable() or lane.strip() != lane:
        raise UserFault(f"{where}lane.name is {lane!r}; it must be a word, as live or recovery")
    wrong = settings.authorization.wrong() or settings.audit.wrong(
        has_data=settings.data is not None
    )
    if wrong is not None:
        raise UserFault(f"{where}{wrong}")
    for host, most in settings.limits.connections_per_ip_overrides.items():
        if most < 0:
            raise UserFault(f"{where}limits.connections_per_ip_overrides: {host} is below 0")
    for name in Limits.__struct_fields__:
        if name == "connections_per_ip_overrides":
            continue
        least = 0 if name.startswith("connections_per_second") else 1
        if getattr(settings.limits, name) < least:
            raise UserFault(f"{where}limits.{name} must be at least {least}")
