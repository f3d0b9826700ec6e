"""A client of SASL listeners for tests: the protocol's messages, one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from anabranch.broker.config import ListenerSettings
from anabranch.broker.security.scram import ClientExchange
from anabranch.broker.security.settings import SaslSettings
from anabranch.broker.server import Broker
from anabranch.wire.messages.m17_sasl_handshake import SaslHandshakeRequest
from anabranch.wire.messages.m36_sasl_authenticate import (
    SaslAuthenticateRequest,
    SaslAuthenticateResponse,
)
from tests.support.broker import WireClient, running_broker

SASL = ListenerSettings(name="OUTER", protocol="SASL_PLAINTEXT", port=0)


@asynccontextmanager
async def secured(
    data: Path,
    *,
    sasl: SaslSettings | None = None,
    users: dict[str, str] | None = None,
    **rest: Any,
) -> AsyncIterator[Broker]:
    """A broker with a SASL listener and users with both SCRAM mechanisms; failures are answered at once."""
    sasl = sasl or SaslSettings(failed_delay_ms=0)
    listener = rest.pop("listener", SASL)
    async with running_broker(data, listeners=(listener,), sasl=sasl, **rest) as broker:
        for user, password in (users or {}).items():
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
                keys = broker.users.new_keys(mechanism, password)
                await broker.users.put(user, mechanism, keys, 1)
        yield broker


async def connect(broker: Broker) -> WireClient:
    return WireClient(*await asyncio.open_connection(broker.host, broker.port, limit=1 << 26))


async def handshake(client: WireClient, mechanism: str, version: int = 1) -> int:
    answer = await client.call(SaslHandshakeRequest(mechanism=mechanism), version)
    code: int = answer.error_code
    return code


async def send(client: WireClient, message: bytes, version: int = 2) -> SaslAuthenticateResponse:
    answer: SaslAuthenticateResponse = await client.call(
        SaslAuthenticateRequest(auth_bytes=message), version
    )
    return answer


async def plain(client: WireClient, user: str, password: str) -> SaslAuthenticateResponse:
    assert await handshake(client, "PLAIN") == 0
    return await send(client, f"\0{user}\0{password}".encode())


async def scram(
    client: WireClient,
    user: str,
    password: str,
    mechanism: str = "SCRAM-SHA-512",
    *,
    extension: str = "",
) -> SaslAuthenticateResponse:
    """The answer that ended it."""
    assert await handshake(client, mechanism) == 0
    exchange = ClientExchange(mechanism, user, password, "client-nonce")
    exchange._bare += extension
    first = await send(client, exchange.first)
    if first.error_code:
        return first
    final = await send(client, exchange.final(bytes(first.auth_bytes)))
    assert final.error_code or exchange.trusts(bytes(final.auth_bytes))
    return final
