"""Subscriptions to what clients measure (KIP-714), under the names of Kafka's CLIENT_METRICS configs.

Kept as documents in the metastore, so that every broker goes by them and a rebuild brings them back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, cast

import msgspec

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.config import ConfigDef, ConfigType, between
from anabranch.metastore.api import Metastore

DOCUMENT_KIND: Final = "client-metrics"
SUBSCRIPTIONS_MAX: Final = 100  # each is matched against every client that asks

INTERVAL_MS: Final = 300_000
ALL_METRICS: Final = "*"

METRICS: Final = "metrics"
INTERVAL: Final = "interval.ms"
MATCH: Final = "match"

MATCH_KEYS: Final = (
    "client_instance_id",
    "client_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
)
"""What a subscription can choose clients by."""

CONFIGS: Final[Mapping[str, ConfigDef]] = {
    INTERVAL: ConfigDef(
        INTERVAL,
        ConfigType.INT,
        str(INTERVAL_MS),
        "How often a client sends what it measured, in milliseconds.",
        between(100, 3_600_000),
    ),
    MATCH: ConfigDef(
        MATCH,
        ConfigType.LIST,
        "",
        "Which clients: KEY=REGULAR EXPRESSION, all of which must match as a whole; none: all clients. "
        f"The keys are {', '.join(MATCH_KEYS)}.",
    ),
    METRICS: ConfigDef(
        METRICS,
        ConfigType.LIST,
        "",
        "Which metrics: the beginnings of their names, * for all; none: nothing.",
    ),
}


class Subscription(NamedTuple):
    """What some clients are asked for."""

    metrics: tuple[str, ...]
    interval_ms: int
    match: tuple[tuple[str, re.Pattern[str]], ...]

    def matches(self, client: Mapping[str, str]) -> bool:
        """``client`` has a value for each of MATCH_KEYS."""
        return all(pattern.fullmatch(client[key]) for key, pattern in self.match)


def parse(configs: Mapping[str, str]) -> Subscription:
    """Raises ClientFault(INVALID_CONFIG) for a name that does not exist or a value that is none."""
    for name in configs:
        if name not in CONFIGS:
            raise ClientFault(ErrorCode.INVALID_CONFIG, f"Unknown client metrics config: {name}")
    values = {name: one.parse(configs.get(name, one.default)) for name, one in CONFIGS.items()}
    return Subscription(
        metrics=tuple(filter(None, cast("tuple[str, ...]", values[METRICS]))),
        interval_ms=cast(int, values[INTERVAL]),
        match=tuple(_selectors(cast("tuple[str, ...]", values[MATCH]))),
    )


def _selectors(texts: Iterable[str]) -> Iterable[tuple[str, re.Pattern[str]]]:
    for text in filter(None, texts):
        key, equals, pattern = text.partition("=")
        key = key.strip()
        if not equals or key not in MATCH_KEYS:
            raise ClientFault(
                ErrorCode.INVALID_CONFIG,
                f"Illegal client matching pattern: {text!r}; write KEY=REGULAR EXPRESSION with a key of "
                f"{', '.join(MATCH_KEYS)}",
            )
        try:
            yield key, re.compile(pattern.strip())
        except re.error as error:
            raise ClientFault(
                ErrorCode.INVALID_CONFIG, f"{text!r} is no regular expression: {error}"
            ) from None


async def load(metastore: Metastore, name: str) -> dict[str, str] | None:
    """What a subscription sets; None if there is none of that name."""
    document = await metastore.document(DOCUMENT_KIND, name)
    return None if document is None else _known(document.body)


async def load_all(metastore: Metastore) -> dict[str, dict[str, str]]:
    """By name."""
    return {one.id: _known(one.body) for one in await metastore.documents(DOCUMENT_KIND)}


async def save(metastore: Metastore, name: str, configs: Mapping[str, str], now_ms: int) -> None:
    """Give the subscription exactly these configs; none: it is gone, as in Kafka. Raises ClientFault."""
    parse(configs)
    if not name:
        raise ClientFault(ErrorCode.INVALID_REQUEST, "a subscription has to be named")
    if not configs:
        await metastore.delete_document(DOCUMENT_KIND, name)
        return
    if len((await load_all(metastore)).keys() - {name}) >= SUBSCRIPTIONS_MAX:
        raise ClientFault(
            ErrorCode.POLICY_VIOLATION, f"there are {SUBSCRIPTIONS_MAX} subscriptions already"
        )
    body = msgspec.json.encode(dict(configs))
    await metastore.put_document(DOCUMENT_KIND, name, body, now_ms)


def _known(body: bytes) -> dict[str, str]:
    try:
        found = msgspec.json.decode(body, type=dict[str, str])
        parse(found)
    except (msgspec.MsgspecError, ClientFault):
        return {}
    return found
