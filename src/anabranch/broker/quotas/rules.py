"""Quotas as values: whose they are, which one counts for a client, how they are stored.

An entity is a user, a client id, both, or an address; each part is a name or the default (None), which
stands for everybody without a quota of their own. Precedence and sharing are Kafka's (KIP-13, KIP-55): of
the eight kinds the most specific one that sets a key counts; clients of the same user (and client id, if the
entity names one) share it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from anabranch.errors import ClientFault, Corrupt, ErrorCode

DOCUMENT_KIND: Final = "client-quota"
NAME_MAX: Final = 1024  # characters of a user, client id or address
QUOTAS_MAX: Final = 10_000  # values of a cluster, all of which every broker holds

USER: Final = "user"
CLIENT: Final = "client-id"
IP: Final = "ip"

PRODUCER: Final = "producer_byte_rate"
CONSUMER: Final = "consumer_byte_rate"
REQUEST: Final = "request_percentage"
MUTATION: Final = "controller_mutation_rate"
CONNECTIONS: Final = "connection_creation_rate"
CLIENT_KEYS: Final = (PRODUCER, CONSUMER, REQUEST, MUTATION)
WHOLE: Final = (PRODUCER, CONSUMER, CONNECTIONS)  # Kafka takes only whole numbers for these

Entity = tuple[tuple[str, str | None], ...]
"""(type, name or None for the default), by type: ``(("client-id", None), ("user", "alice"))``."""

Scope = tuple[str | None, str | None]
"""Who shares a quota: (user, client id), None where it does not matter."""


class Found(NamedTuple):
    """The quota that counts for a client: its value, who shares it, and whose it is."""

    value: float
    scope: Scope
    entity: Entity


def entity_of(parts: Iterable[tuple[str, str | None]]) -> Entity:
    """Raises ClientFault(INVALID_REQUEST) for what is no entity."""
    found = sorted(parts, key=lambda part: part[0])
    kinds = [kind for kind, _ in found]
    if not kinds:
        raise _invalid("Invalid empty client quota entity")
    if len(set(kinds)) < len(kinds):
        raise _invalid(f"Duplicate entity types in {kinds}")
    if kinds not in ([USER], [CLIENT], [CLIENT, USER], [IP]):
        raise _invalid(f"Unhandled client quota entity types: {', '.join(kinds)}")
    for kind, name in found:
        if name is not None and not 0 < len(name) <= NAME_MAX:
            raise _invalid(f"Invalid {kind} name: it has 1 to {NAME_MAX} characters")
    return tuple(found)


def check_value(entity: Entity, key: str, value: float) -> None:
    """Raises ClientFault(INVALID_REQUEST)."""
    keys = (CONNECTIONS,) if entity[0][0] == IP else CLIENT_KEYS
    if key not in keys:
        raise _invalid(
            f"Invalid configuration key {key}: of this entity there are {', '.join(keys)}"
        )
    if not (math.isfinite(value) and value > 0):
        raise _invalid(f"Quota {key} must be greater than 0")
    if key in WHOLE and (value != int(value) or value >= 2**63):
        raise _invalid(f"Quota {key} must be a whole number of 63 bits")


def _invalid(message: str) -> ClientFault:
    return ClientFault(ErrorCode.INVALID_REQUEST, message)


def text(entity: Entity) -> str:
    """As in ``user=alice, client-id=<default>``."""
    return ", ".join(f"{kind}={'<default>' if name is None else name}" for kind, name in entity)


# -- stored ----------------------------------------------------------------------------------------
def document_id(entity: Entity, key: str) -> str:
    return hashlib.sha256(msgspec.json.encode((entity, key))).hexdigest()


def encode(entity: Entity, key: str, value: float) -> bytes:
    return msgspec.json.encode((entity, key, value))


_decode = msgspec.json.Decoder(tuple[tuple[tuple[str, str | None], ...], str, float]).decode


def decode(body: bytes) -> tuple[Entity, str, float]:
    """Raises Corrupt."""
    try:
        entity, key, value = _decode(body)
        entity = entity_of(entity)
        check_value(entity, key, value)
    except (msgspec.MsgspecError, ClientFault) as error:
        raise Corrupt(f"a stored quota cannot be read: {error}") from None
    return entity, key, value


# -- looked up -------------------------------------------------------------------------------------
class Rules:
    """Every quota of the cluster."""

    def __init__(self, values: Mapping[Entity, Mapping[str, float]]) -> None:
        self.values = {entity: dict(keys) for entity, keys in values.items() if keys}

    def __len__(self) -> int:
        return sum(map(len, self.values.values()))

    @property
    def keys(self) -> frozenset[str]:
        """Those of which there is any quota."""
        return frozenset(key for keys in self.values.values() for key in keys)

    def client(self, user: str, client_id: str, key: str) -> Found | None:
        """The quota of a client: the most specific one that there is."""
        both, by_user, by_client = (user, client_id), (user, None), (None, client_id)
        order: tuple[tuple[Entity, Scope], ...] = (
            (((CLIENT, client_id), (USER, user)), both),
            (((CLIENT, None), (USER, user)), both),
            (((USER, user),), by_user),
            (((CLIENT, client_id), (USER, None)), both),
            (((CLIENT, None), (USER, None)), both),
            (((USER, None),), by_user),
            (((CLIENT, client_id),), by_client),
            (((CLIENT, None),), by_client),
        )
        for entity, scope in order:
            value = self.values.get(entity, {}).get(key)
            if value is not None:
                return Found(value, scope, entity)
        return None

    def address(self, host: str) -> float | None:
        """Connections per second that may come from an address."""
        for name in (host, None):
            value = self.values.get(((IP, name),), {}).get(CONNECTIONS)
            if value is not None:
                return value
        return None
