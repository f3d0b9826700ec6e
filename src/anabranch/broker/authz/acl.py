"""Access control lists as values: an entry, a filter, what makes one valid, how it is stored.

An entry says that a principal is allowed or denied an operation on the resources of a pattern, from a
host. Numbers are those of Kafka's protocol (KIP-11, KIP-290). One operation is our own: ``REPLAY`` on a
topic is to read what is older than ``authorization.replay_age_ms``, and to branch it; on a group, to take
points of it and to move its committed offsets back. Kafka's tools do not see or change entries about it.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum
from typing import Final, NamedTuple

import msgspec

from anabranch.broker.security.principal import NAME_MAX, Principal
from anabranch.errors import ClientFault, Corrupt, ErrorCode, UserFault

DOCUMENT_KIND: Final = "acl"
RESOURCE_NAME_MAX: Final = (
    1024  # characters; topics have at most 249, groups here no more than this
)
HOST_MAX: Final = 255  # characters, a host name's most
ACLS_MAX: Final = 100_000  # entries of a cluster: some 60 MB in each broker

WILDCARD: Final = "*"
CLUSTER_NAME: Final = "kafka-cluster"
EVERYONE: Final = "User:*"


class ResourceType(IntEnum):
    """Kinds of resources; ANY only in filters."""

    __hash__ = int.__hash__  # Enum's own is Python code, and these are keys on the hot path

    ANY = 1
    TOPIC = 2
    GROUP = 3
    CLUSTER = 4
    TRANSACTIONAL_ID = 5
    DELEGATION_TOKEN = 6
    USER = 7


class PatternType(IntEnum):
    """How a pattern names resources; ANY and MATCH only in filters (KIP-290)."""

    ANY = 1
    MATCH = 2
    LITERAL = 3
    PREFIXED = 4


class Operation(IntEnum):
    """What is done to a resource; ANY only in filters, REPLAY is our own."""

    __hash__ = int.__hash__

    ANY = 1
    ALL = 2
    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    ALTER = 7
    DESCRIBE = 8
    CLUSTER_ACTION = 9
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11
    IDEMPOTENT_WRITE = 12
    CREATE_TOKENS = 13
    DESCRIBE_TOKENS = 14
    TWO_PHASE_COMMIT = 15
    REPLAY = 100


class Permission(IntEnum):
    """ANY only in filters."""

    ANY = 1
    DENY = 2
    ALLOW = 3


_O = Operation

# What an entry that *allows* an operation allows besides; one that denies denies only what it names.
IMPLIED_BY: Final = {
    _O.DESCRIBE: frozenset((_O.DESCRIBE, _O.READ, _O.WRITE, _O.DELETE, _O.ALTER)),
    _O.DESCRIBE_CONFIGS: frozenset((_O.DESCRIBE_CONFIGS, _O.ALTER_CONFIGS)),
}

# What can be asked of each kind of resource, in the bit fields of "authorized operations" too.
SUPPORTED: Final = {
    ResourceType.TOPIC: (
        _O.READ, _O.WRITE, _O.CREATE, _O.DELETE, _O.ALTER, _O.DESCRIBE, _O.DESCRIBE_CONFIGS, _O.ALTER_CONFIGS,
    ),
    ResourceType.GROUP: (_O.READ, _O.DELETE, _O.DESCRIBE, _O.DESCRIBE_CONFIGS, _O.ALTER_CONFIGS),
    ResourceType.CLUSTER: (
        _O.CREATE, _O.ALTER, _O.DESCRIBE, _O.CLUSTER_ACTION, _O.DESCRIBE_CONFIGS, _O.ALTER_CONFIGS,
        _O.IDEMPOTENT_WRITE,
    ),
    ResourceType.TRANSACTIONAL_ID: (_O.WRITE, _O.DESCRIBE, _O.TWO_PHASE_COMMIT),
    ResourceType.DELEGATION_TOKEN: (_O.DESCRIBE,),
    ResourceType.USER: (_O.CREATE_TOKENS, _O.DESCRIBE_TOKENS),
}  # fmt: skip
REPLAYABLE: Final = (ResourceType.TOPIC, ResourceType.GROUP)


class Acl(NamedTuple):
    """One entry. ``principal`` as in ``User:alice``, or ``User:*`` for everyone; ``host`` or ``*``."""

    resource_type: ResourceType
    name: str
    pattern: PatternType
    principal: str
    host: str
    operation: Operation
    permission: Permission

    def __str__(self) -> str:
        where = self.name + (WILDCARD if self.pattern is PatternType.PREFIXED else "")
        return (
            f"{self.permission.name} {self.principal} {self.operation.name} on "
            f"{self.resource_type.name} {where} from {self.host}"
        )

    @property
    def document_id(self) -> str:
        """Of the document that holds it: equal for equal entries, whatever their length."""
        return hashlib.sha256(self.encode()).hexdigest()

    def encode(self) -> bytes:
        """A JSON list, by names."""
        return msgspec.json.encode(
            (
                self.resource_type.name,
                self.name,
                self.pattern.name,
                self.principal,
                self.host,
                self.operation.name,
                self.permission.name,
            )
        )


class AclFilter(NamedTuple):
    """Which entries are meant; None and ANY mean all."""

    resource_type: ResourceType = ResourceType.ANY
    name: str | None = None
    pattern: PatternType = PatternType.ANY
    principal: str | None = None
    host: str | None = None
    operation: Operation = Operation.ANY
    permission: Permission = Permission.ANY

    def matches(self, acl: Acl) -> bool:
        """As Kafka's ``AclBindingFilter``: MATCH means whatever applies to the named resource."""
        return (
            self.resource_type in (ResourceType.ANY, acl.resource_type)
            and self._matches_pattern(acl)
            and self.principal in (None, acl.principal)
            and self.host in (None, acl.host)
            and self.operation in (Operation.ANY, acl.operation)
            and self.permission in (Permission.ANY, acl.permission)
        )

    def _matches_pattern(self, acl: Acl) -> bool:
        if self.pattern not in (PatternType.ANY, PatternType.MATCH, acl.pattern):
            return False
        if self.name is None:
            return True
        if self.pattern is not PatternType.MATCH:
            return self.name == acl.name
        if acl.pattern is PatternType.LITERAL:
            return acl.name in (self.name, WILDCARD)
        return self.name.startswith(acl.name)


def validate(acl: Acl, *, own: bool = False) -> None:
    """Raises ClientFault(INVALID_REQUEST) for an entry that no cluster should hold.

    ``own`` says that REPLAY may be given, which Kafka's clients cannot.
    """
    if acl.resource_type is ResourceType.ANY:
        raise _invalid("Invalid resource type ANY")
    if acl.pattern not in (PatternType.LITERAL, PatternType.PREFIXED):
        raise _invalid(f"Invalid patternType {acl.pattern.name}")
    if acl.operation is Operation.ANY:
        raise _invalid("Invalid operation type ANY")
    if acl.permission is Permission.ANY:
        raise _invalid("Invalid permissionType ANY")
    if not acl.name:
        raise _invalid("Invalid empty resource name")
    if acl.resource_type is ResourceType.CLUSTER and acl.name != CLUSTER_NAME:
        raise _invalid(f"The only valid name for the CLUSTER resource is {CLUSTER_NAME}")
    if len(acl.name) > RESOURCE_NAME_MAX:
        raise _invalid(f"a resource name has at most {RESOURCE_NAME_MAX} characters")
    if acl.operation is Operation.REPLAY and not (own and acl.resource_type in REPLAYABLE):
        raise _invalid(
            "REPLAY is a right on topics and groups, given by `anabranch acl`" if own
            else "Invalid operation type UNKNOWN"
        )  # fmt: skip
    try:
        principal = Principal.parse(acl.principal)
    except UserFault:
        raise _invalid(
            f"Could not parse principal from `{acl.principal[:NAME_MAX]}` (no colon is present "
            "separating the principal type from the principal name)"
        ) from None
    if len(principal.type) + len(principal.name) > NAME_MAX:
        raise _invalid(f"a principal has at most {NAME_MAX} characters")
    if not 0 < len(acl.host) <= HOST_MAX:
        raise _invalid(f"a host has 1 to {HOST_MAX} characters, or is {WILDCARD}")


def _invalid(message: str) -> ClientFault:
    return ClientFault(ErrorCode.INVALID_REQUEST, message)


_decode = msgspec.json.Decoder(tuple[str, str, str, str, str, str, str]).decode


def decode(body: bytes) -> Acl:
    """What :meth:`Acl.encode` made. Raises Corrupt, also for what a later release stored."""
    try:
        kind, name, pattern, principal, host, operation, permission = _decode(body)
        return Acl(
            ResourceType[kind],
            name,
            PatternType[pattern],
            principal,
            host,
            Operation[operation],
            Permission[permission],
        )
    except (msgspec.MsgspecError, KeyError) as error:
        raise Corrupt(f"a stored ACL cannot be read: {error}") from None
