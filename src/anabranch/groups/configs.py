"""What can be configured per consumer group. Kept as documents in the metastore, so every broker goes by it
without a restart, and a rebuild brings it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from anabranch.errors import ClientFault, ErrorCode
from anabranch.groups.consumer_values import ConsumerTiming
from anabranch.groups.settings import GroupSettings
from anabranch.groups.share.settings import SHARE_CONFIGS
from anabranch.log.config import LONG_MAX, ConfigDef, ConfigType, at_least, between
from anabranch.metastore.api import Metastore

DOCUMENT_KIND: Final = "group-config"
CONFIGURED_MAX: Final = 1000  # groups with configs; every broker reads all of them every second

CATCHUP_RATE: Final = "catchup.bytes.per.second"
CONSUMER_RATE: Final = "consumer.bytes.per.second"
SESSION_TIMEOUT: Final = "consumer.session.timeout.ms"
HEARTBEAT_INTERVAL: Final = "consumer.heartbeat.interval.ms"

_DEFAULTS: Final = GroupSettings()

GROUP_CONFIGS: Final[Mapping[str, ConfigDef]] = {
    **SHARE_CONFIGS,
    CATCHUP_RATE: ConfigDef(
        CATCHUP_RATE,
        ConfigType.LONG,
        "-1",
        "Anabranch's own: the rate in bytes per second at which each broker serves this group data that "
        "is no longer in memory, -1 for no limit.",
        between(1, LONG_MAX, -1),
    ),
    CONSUMER_RATE: ConfigDef(
        CONSUMER_RATE,
        ConfigType.LONG,
        "-1",
        "Anabranch's own: the rate in bytes per second at which each broker serves this group anything, "
        "-1 for no limit. consumer_byte_rate is the same for users and client ids.",
        between(1, LONG_MAX, -1),
    ),
    HEARTBEAT_INTERVAL: ConfigDef(
        HEARTBEAT_INTERVAL,
        ConfigType.INT,
        str(_DEFAULTS.consumer_heartbeat_interval_ms),
        "How often members of the consumer protocol send a heartbeat, in milliseconds.",
        at_least(1),
        synonyms=("group.consumer.heartbeat.interval.ms",),
    ),
    SESSION_TIMEOUT: ConfigDef(
        SESSION_TIMEOUT,
        ConfigType.INT,
        str(_DEFAULTS.consumer_session_timeout_ms),
        "A member of the consumer protocol that is silent for so long is taken for dead, in milliseconds.",
        at_least(1),
        synonyms=("group.consumer.session.timeout.ms",),
    ),
}

_decode = msgspec.json.Decoder(dict[str, str]).decode


def validate(configs: Mapping[str, str], settings: GroupSettings = _DEFAULTS) -> None:
    """Raises ClientFault(INVALID_CONFIG) for a name that does not exist or a value that is none, or is
    outside the bounds that the broker sets."""
    for name, text in configs.items():
        if name not in GROUP_CONFIGS:
            raise ClientFault(ErrorCode.INVALID_CONFIG, f"Unknown group config name: {name}")
        GROUP_CONFIGS[name].parse(text)
    timing = consumer_timing(configs, default_timing(settings))
    bounds = (
        (
            HEARTBEAT_INTERVAL,
            timing.heartbeat_interval_ms,
            settings.consumer_heartbeat_interval_ms_min,
            settings.consumer_heartbeat_interval_ms_max,
        ),
        (
            SESSION_TIMEOUT,
            timing.session_timeout_ms,
            settings.consumer_session_timeout_ms_min,
            settings.consumer_session_timeout_ms_max,
        ),
    )
    for name, value, low, high in bounds:
        if name in configs and not low <= value <= high:
            least, most = (
                name.replace("consumer.", f"group.consumer.{m}.") for m in ("min", "max")
            )
            bound = (
                f"greater than or equal to {least}"
                if value < low
                else f"less than or equal to {most}"
            )
            raise ClientFault(
                ErrorCode.INVALID_CONFIG, f"{name} must be {bound} ({low if value < low else high})"
            )
    if configs and timing.session_timeout_ms <= timing.heartbeat_interval_ms:
        raise ClientFault(
            ErrorCode.INVALID_CONFIG, f"{SESSION_TIMEOUT} must be greater than {HEARTBEAT_INTERVAL}"
        )


def default_timing(settings: GroupSettings) -> ConsumerTiming:
    """Of consumer groups that set nothing."""
    return ConsumerTiming(
        session_timeout_ms=settings.consumer_session_timeout_ms,
        heartbeat_interval_ms=settings.consumer_heartbeat_interval_ms,
    )


def consumer_timing(configs: Mapping[str, str], default: ConsumerTiming) -> ConsumerTiming:
    """Of a group with these configs, of which each is valid."""
    session, interval = configs.get(SESSION_TIMEOUT), configs.get(HEARTBEAT_INTERVAL)
    return ConsumerTiming(
        session_timeout_ms=default.session_timeout_ms if session is None else int(session),
        heartbeat_interval_ms=default.heartbeat_interval_ms if interval is None else int(interval),
    )


def catchup_rate(configs: Mapping[str, str]) -> int:
    """Bytes per second of what is no longer in memory, 0 for no limit."""
    return _rate(configs, CATCHUP_RATE)


def consumer_rate(configs: Mapping[str, str]) -> int:
    """Bytes per second of everything, 0 for no limit."""
    return _rate(configs, CONSUMER_RATE)


def _rate(configs: Mapping[str, str], name: str) -> int:
    definition = GROUP_CONFIGS[name]
    value = definition.parse(configs.get(name, definition.default))
    assert isinstance(value, int)
    return max(0, value)


async def load(metastore: Metastore, group_id: str) -> dict[str, str]:
    document = await metastore.document(DOCUMENT_KIND, group_id)
    return {} if document is None else known(document.body)


async def load_all(metastore: Metastore) -> dict[str, dict[str, str]]:
    """By group, of those that have any."""
    return {one.id: known(one.body) for one in await metastore.documents(DOCUMENT_KIND)}


async def save(
    metastore: Metastore,
    group_id: str,
    configs: Mapping[str, str],
    now_ms: int,
    settings: GroupSettings = _DEFAULTS,
) -> None:
    """Give the group exactly these configs, whether it exists yet or not. Raises ClientFault."""
    validate(configs, settings)
    if not group_id:
        raise ClientFault(ErrorCode.INVALID_REQUEST, "a group has to be named")
    if not configs:
        await metastore.delete_document(DOCUMENT_KIND, group_id)
        return
    others = {one.id for one in await metastore.documents(DOCUMENT_KIND)} - {group_id}
    if len(others) >= CONFIGURED_MAX:
        raise ClientFault(
            ErrorCode.POLICY_VIOLATION, f"{CONFIGURED_MAX} groups have configs of their own already"
        )
    body = msgspec.json.encode(dict(configs))
    await metastore.put_document(DOCUMENT_KIND, group_id, body, now_ms)


def known(body: bytes) -> dict[str, str]:
    """What a document says, as far as this release knows it."""
    try:
        configs = _decode(body)
        found = {name: text for name, text in configs.items() if name in GROUP_CONFIGS}
        for name, text in found.items():
            GROUP_CONFIGS[name].parse(text)
    except (msgspec.MsgspecError, ClientFault):
        return {}
    return found
