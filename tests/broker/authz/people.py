"""Brokers with ACLs, and clients that are whom a test says: how they prove it is not tested here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from anabranch.broker.authz.acl import Acl, Operation, PatternType, Permission, ResourceType
from anabranch.broker.authz.settings import AuthorizationSettings
from anabranch.broker.security.principal import Principal
from tests.broker.conversation import Bench, talking

TOPIC, GROUP, CLUSTER = ResourceType.TOPIC, ResourceType.GROUP, ResourceType.CLUSTER
TXN = ResourceType.TRANSACTIONAL_ID
THE_CLUSTER = "kafka-cluster"
ADMIN = "User:admin"

Right = tuple[Operation, ResourceType, str]


def become(bench: Bench, principal: str) -> None:
    """From now on the broker takes its connections for this principal's."""
    for connection in bench.broker.listener.connections:
        connection.session = connection.session._replace(principal=Principal.parse(principal))


def entry(
    operation: Operation,
    kind: ResourceType,
    name: str,
    *,
    principal: str = "User:alice",
    permission: Permission = Permission.ALLOW,
    pattern: PatternType = PatternType.LITERAL,
    host: str = "*",
) -> Acl:
    return Acl(kind, name, pattern, principal, host, operation, permission)


@asynccontextmanager
async def guarded(data: Path, **changes: Any) -> AsyncIterator[Bench]:
    """As User:admin, a super user, at first."""
    settings = AuthorizationSettings(acls=True, super_users=(ADMIN,), **changes.pop("authz", {}))
    async with talking(data, authorization=settings, **changes) as bench:
        await bench.call(software())
        become(bench, ADMIN)
        yield bench


def software() -> Any:
    from anabranch.wire.messages.m18_api_versions import ApiVersionsRequest

    return ApiVersionsRequest(client_software_name="test", client_software_version="1")


async def set_acls(bench: Bench, *acls: Acl) -> None:
    """Exactly these entries, REPLAY too, as the command line would make them."""
    authorizer = bench.broker.authorizer
    assert authorizer is not None
    from anabranch.broker.authz import store

    await store.delete(authorizer._metastore, list(authorizer.index), 1, "gone")
    await store.create(authorizer._metastore, acls, 2, "come")
    await authorizer._load()


def codes(message: Any) -> Iterator[int]:
    """Every error code in an answer, wherever it is."""
    for name in type(message).__slots__:
        value = getattr(message, name)
        if name.endswith("error_code"):
            yield value
        elif isinstance(value, list):
            for one in value:
                if hasattr(type(one), "__slots__"):
                    yield from codes(one)
