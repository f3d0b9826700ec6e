"""What can be configured per consumer group. Kept as documents in the metastore, so every broker goes by it
without a restart, and a rebuild brings it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.config import LONG_MAX, ConfigDef, ConfigType, between
from anabranch.metastore.api import Metastore

DOCUMENT_KIND: Final = "group-config"
CONFIGURED_MAX: Final = 1000  # groups with configs; every broker reads all of them every second

CATCHUP_RATE: Final = "catchup.bytes.per.second"

GROUP_CONFIGS: Final[Mapping[str, ConfigDef]] = {
    CATCHUP_RATE: ConfigDef(
        CATCHUP_RATE,
        ConfigType.LONG,
        "-1",
        "Anabranch's own: the rate in bytes per second at which each broker serves this group data that "
        "is no longer in memory, -1 for no limit.",
        between(1, LONG_MAX, -1),
    ),
}

_decode = msgspec.json.Decoder(dict[str, str]).decode


def validate(configs: Mapping[str, str]) -> None:
    """Raises ClientFault(INVALID_CONFIG) for a name that does not exist or a value that is none."""
    for name, text in configs.items():
        if name not in GROUP_CONFIGS:
            raise ClientFault(ErrorCode.INVALID_CONFIG, f"Unknown group config name: {name}")
        GROUP_CONFIGS[name].parse(text)


def catchup_rate(configs: Mapping[str, str]) -> int:
    """Bytes per second, 0 for no limit."""
    definition = GROUP_CONFIGS[CATCHUP_RATE]
    value = definition.parse(configs.get(CATCHUP_RATE, definition.default))
    assert isinstance(value, int)
    return max(0, value)


async def load(metastore: Metastore, group_id: str) -> dict[str, str]:
    document = await metastore.document(DOCUMENT_KIND, group_id)
    return {} if document is None else known(document.body)


async def load_all(metastore: Metastore) -> dict[str, dict[str, str]]:
    """By group, of those that have any."""
    return {one.id: known(one.body) for one in await metastore.documents(DOCUMENT_KIND)}


async def save(
    metastore: Metastore, group_id: str, configs: Mapping[str, str], now_ms: int
) -> None:
    """Give the group exactly these configs, whether it exists yet or not. Raises ClientFault."""
    validate(configs)
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
        validate(found)
    except (msgspec.MsgspecError, ClientFault):
        return {}
    return found
