"""The broker's settings under Kafka's names, which is what DescribeConfigs answers.

A config is *dynamic* if it can be changed while the broker runs; those that stand behind topic configs
in Kafka are shown with the topic's own default and are fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from anabranch.broker.config import DEFAULT_PORT, KIB, BrokerSettings
from anabranch.broker.config_entry import BrokerConfig
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

STANDARD_AUTHORIZER: Final = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"


_T = ConfigType


def _limit(name: str) -> Callable[[BrokerSettings, ConfigValue], BrokerSettings]:
    return lambda settings, value: replace(
        settings, limits=replace(settings.limits, **{name: value})
    )


def _topic(name: str) -> Callable[[BrokerSettings, ConfigValue], BrokerSettings]:
    return lambda settings, value: replace(
        settings, topics=replace(settings.topics, **{name: value})
    )


def _endpoint(host: str, port: int, name: str = "PLAINTEXT") -> str:
    return f"{name}://{f'[{host}]' if ':' in host else host}:{port}"


def _listeners(settings: BrokerSettings) -> str:
    return ",".join(_endpoint(one.host, one.port, one.known_as) for one in settings.all_listeners)


def _advertised(settings: BrokerSettings) -> str:
    return ",".join(
        _endpoint(one.advertised_host or one.host, one.advertised_port or one.port, one.known_as)
        for one in settings.all_listeners
    )


def _overrides(items: Iterable[str]) -> dict[str, int]:
    """Raises ValueError."""
    made = {}
    for item in items:
        address, _, count = item.strip().rpartition(":")
        made[str(ip_address(address.removeprefix("[").removesuffix("]")))] = int(count)
        if int(count) < 0:
            raise ValueError(f"{item} is below 0")
    return made


def _overrides_wrong(value: ConfigValue) -> str | None:
    assert isinstance(value, (list, tuple))
    try:
        _overrides(value)
    except ValueError as error:
        return str(error)
    return None


def _change_overrides(settings: BrokerSettings, value: ConfigValue) -> BrokerSettings:
    assert isinstance(value, (list, tuple))
    limits = replace(settings.limits, connections_per_ip_overrides=_overrides(value))
    return replace(settings, limits=limits)


def _change_rate(settings: BrokerSettings, value: ConfigValue) -> BrokerSettings:
    assert isinstance(value, int)
    rate = 0 if value == INT_MAX else value
    return replace(settings, limits=replace(settings.limits, connections_per_second_max=rate))


def _boolean(value: bool) -> str:
    return "true" if value else "false"


_DEFAULTS: Final = BrokerSettings(data=Path("data"))
_LIMITS: Final = _DEFAULTS.limits


_OWN: Final = (
    BrokerConfig(
        ConfigDef("node.id", _T.INT, "1", "This broker's number in the cluster.", at_least(0)),
        lambda s: str(1 if s.node_id is None else s.node_id),
    ),
    BrokerConfig(
        ConfigDef("broker.id", _T.INT, "1", "The older name of node.id.", at_least(0)),
        lambda s: str(1 if s.node_id is None else s.node_id),
    ),
    BrokerConfig(
        ConfigDef("broker.rack", _T.STRING, "", "The rack that clients are told."),
        lambda s: s.rack or "",
    ),
    BrokerConfig(
        ConfigDef(
            "listeners", _T.LIST, _endpoint("127.0.0.1", DEFAULT_PORT), "Where the broker listens."
        ),
        _listeners,
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
        ConfigDef(
            "listener.security.protocol.map",
            _T.LIST,
            "PLAINTEXT:PLAINTEXT",
            "How each listener is secured.",
        ),
        lambda s: ",".join(f"{one.known_as}:{one.protocol}" for one in s.all_listeners),
    ),
    BrokerConfig(
        ConfigDef(
            "inter.broker.listener.name",
            _T.STRING,
            "PLAINTEXT",
            "The listener by which brokers meet each other.",
        ),
        lambda s: s.inner.known_as,
    ),
    BrokerConfig(
        ConfigDef(
            "sasl.enabled.mechanisms",
            _T.LIST,
            ",".join(_DEFAULTS.sasl.mechanisms),
            "The mechanisms of SASL listeners that do not name their own.",
        ),
        lambda s: ",".join(s.sasl.mechanisms),
    ),
    BrokerConfig(
        ConfigDef(
            "connections.max.reauth.ms",
            _T.LONG,
            str(_DEFAULTS.sasl.reauth_ms_max),
            "After so long a SASL client proves again who it is (KIP-368); 0: never.",
            at_least(0),
        ),
        lambda s: str(s.sasl.reauth_ms_max),
    ),
    BrokerConfig(
        ConfigDef(
            "connection.failed.authentication.delay.ms",
            _T.INT,
            str(_DEFAULTS.sasl.failed_delay_ms),
            "How long the answer to a failed authentication waits.",
            at_least(0),
        ),
        lambda s: str(s.sasl.failed_delay_ms),
    ),
    BrokerConfig(
        ConfigDef(
            "ssl.client.auth",
            _T.STRING,
            _DEFAULTS.tls.client_auth,
            "Whether clients show certificates: none, requested or required.",
        ),
        lambda s: s.tls.client_auth,
    ),
    BrokerConfig(
        ConfigDef(
            "ssl.principal.mapping.rules",
            _T.STRING,
            _DEFAULTS.tls.principal_rules,
            "How a certificate's subject becomes a principal's name (KIP-371).",
        ),
        lambda s: s.tls.principal_rules,
    ),
    BrokerConfig(
        ConfigDef(
            "delegation.token.max.lifetime.ms",
            _T.LONG,
            str(_DEFAULTS.tokens.lifetime_ms_max),
            "The longest a delegation token may live, however often it is renewed.",
            at_least(1),
        ),
        lambda s: str(s.tokens.lifetime_ms_max),
    ),
    BrokerConfig(
        ConfigDef(
            "delegation.token.expiry.time.ms",
            _T.LONG,
            str(_DEFAULTS.tokens.expiry_ms),
            "How long a delegation token lives without being renewed.",
            at_least(1),
        ),
        lambda s: str(s.tokens.expiry_ms),
    ),
    BrokerConfig(
        ConfigDef(
            "delegation.token.expiry.check.interval.ms",
            _T.LONG,
            str(_DEFAULTS.tokens.check_interval_ms),
            "How often delegation tokens whose time is over are deleted.",
            at_least(1),
        ),
        lambda s: str(s.tokens.check_interval_ms),
    ),
    BrokerConfig(
        ConfigDef("log.dirs", _T.LIST, "data", "The data directory."), lambda s: str(s.data or "")
    ),
    BrokerConfig(
        ConfigDef(
            "authorizer.class.name",
            _T.STRING,
            "",
            "Kafka's StandardAuthorizer where ACLs are enforced.",
        ),
        lambda s: STANDARD_AUTHORIZER if s.authorization.acls else "",
    ),
    BrokerConfig(
        ConfigDef("super.users", _T.STRING, "", "Principals that may do everything."),
        lambda s: ";".join(s.authorization.super_users),
    ),
    BrokerConfig(
        ConfigDef(
            "allow.everyone.if.no.acl.found",
            _T.BOOLEAN,
            "false",
            "Whether everyone may use a resource on which nobody has an ACL.",
        ),
        lambda s: _boolean(s.authorization.allow_everyone_if_no_acl_found),
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
            "max.connections.per.ip.overrides",
            _T.LIST,
            "",
            "Of single addresses, as ADDRESS:COUNT.",
            _overrides_wrong,
        ),
        lambda s: ",".join(f"{ip}:{n}" for ip, n in s.limits.connections_per_ip_overrides.items()),
        _change_overrides,
    ),
    BrokerConfig(
        ConfigDef(
            "max.connection.creation.rate",
            _T.INT,
            "2147483647",
            "New connections a second; others wait for their turn.",
            at_least(1),
        ),
        lambda s: str(s.limits.connections_per_second_max or INT_MAX),
        _change_rate,
    ),
    BrokerConfig(
        ConfigDef(
            "max.incremental.fetch.session.cache.slots",
            _T.INT,
            str(_LIMITS.fetch_sessions_max),
            "Fetch sessions that are kept at the same time.",
            at_least(0),
        ),
        lambda s: str(s.limits.fetch_sessions_max),
        _limit("fetch_sessions_max"),
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
            "producer.id.expiration.ms",
            _T.INT,
            str(_DEFAULTS.log.producer_expiration_ms),
            "An idempotent producer that is silent for so long is forgotten.",
            at_least(1),
        ),
        lambda s: str(s.log.producer_expiration_ms),
    ),
    BrokerConfig(
        ConfigDef(
            "transaction.max.timeout.ms",
            _T.INT,
            str(_DEFAULTS.log.transaction_timeout_ms_max),
            "The longest timeout of a transaction that a producer may ask for.",
            at_least(1),
        ),
        lambda s: str(s.log.transaction_timeout_ms_max),
    ),
    BrokerConfig(
        ConfigDef(
            "transactional.id.expiration.ms",
            _T.INT,
            str(_DEFAULTS.log.transactional_id_expiration_ms),
            "A transactional id that has had no transaction for so long is forgotten.",
            at_least(1),
        ),
        lambda s: str(s.log.transactional_id_expiration_ms),
    ),
    BrokerConfig(
        ConfigDef(
            "transaction.abort.timed.out.transaction.cleanup.interval.ms",
            _T.INT,
            str(_DEFAULTS.log.transaction_abort_interval_ms),
            "How often transactions that are open for too long are looked for.",
            at_least(1),
        ),
        lambda s: str(s.log.transaction_abort_interval_ms),
    ),
)


def _throttles() -> tuple[BrokerConfig, ...]:
    """Limits of replication, which tools set before they move replicas and delete afterwards."""
    names = (
        "follower.replication.throttled.rate",
        "leader.replication.throttled.rate",
        "replica.alter.log.dirs.io.max.bytes.per.second",
    )
    return tuple(
        BrokerConfig(
            ConfigDef(
                name,
                _T.LONG,
                str(LONG_MAX),
                "Bytes per second for moving replicas. Accepted for compatibility; without effect here: "
                "nothing is replicated between brokers.",
                at_least(0),
                effect=False,
            ),
            lambda _: str(LONG_MAX),
            lambda settings, _: settings,
        )
        for name in names
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
        for one in sorted(
            (*_OWN, *_throttles(), *_of_topics()), key=lambda one: one.definition.name
        )
    }
)
"""Every broker config that is shown, by Kafka's name, in alphabetical order."""
