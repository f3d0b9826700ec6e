"""Making ready what a broker's listeners ask their clients for, before the first of them comes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

from anabranch.broker.security.authenticators import Authenticators
from anabranch.broker.security.jwks import Jwks
from anabranch.broker.security.oauth import Verifier
from anabranch.broker.security.peers import Peers
from anabranch.broker.security.settings import PLAIN, SASL_PLAINTEXT
from anabranch.broker.security.tls import TlsKeeper
from anabranch.broker.security.tokens import Tokens
from anabranch.broker.security.users import Users
from anabranch.errors import AnabranchError

if TYPE_CHECKING:
    from anabranch.broker.door import Door
    from anabranch.broker.membership import Company
    from anabranch.broker.server import Broker
    from anabranch.broker.surroundings import Surroundings

logger = logging.getLogger(__name__)

HASHING_THREADS: Final = 2  # a password takes some milliseconds; a storm of them is to be slow
INNER_SECRET_BYTES: Final = 32


async def secure(broker: Broker, around: Surroundings, stack: AsyncExitStack) -> None:
    """Certificates, users, tokens and keys of issuers. Raises UserFault, StoreFault."""
    settings, metastore = broker.settings, broker.log.metastore
    broker.users = Users(metastore, settings.sasl.credentials_key, around.random_bytes)
    broker.tokens = Tokens(metastore, settings.tokens, broker.now_ms, around.random_bytes)
    for door in broker.doors:
        if door.encrypted:
            door.tls = TlsKeeper(door.name, door.settings.tls or settings.tls)
            _begin(stack, _renew(door.tls, (door.settings.tls or settings.tls).reload_ms))
        if PLAIN in door.mechanisms and door.protocol == SASL_PLAINTEXT:
            logger.warning("listener %s takes passwords that everybody on the way can read", door)
    if settings.tokens.secret is not None:
        _begin(stack, _sweep(broker.tokens, settings.tokens.check_interval_ms))
    if not any(door.sasl for door in broker.doors):
        return
    threads = around.new_threads(HASHING_THREADS, "hashing")
    stack.callback(threads.shutdown, wait=False, cancel_futures=True)
    verifier = None
    if settings.oauth.jwks is not None:
        jwks = Jwks(settings.oauth.jwks, settings.oauth.refresh_ms, around.monotonic_s, threads)
        await jwks.start()
        verifier = Verifier(settings.oauth, jwks, broker.now_ms)
    broker.listener.authenticators = Authenticators(
        broker.users,
        broker.tokens,
        settings.sasl,
        verifier,
        await metastore.inner_secret(around.random_bytes(INNER_SECRET_BYTES)),
        settings.inner.known_as,
        broker.now_ms,
        lambda: broker.audit,
        around.random_bytes,
        threads,
    )


async def company(broker: Broker, around: Surroundings) -> Company:
    """How this broker keeps company with others: by the inner listener, as that is secured."""
    settings = broker.settings
    name = settings.inner.known_as
    door: Door = next(one for one in broker.doors if one.name == name)
    if not (door.encrypted or door.sasl):
        return around.company
    return Peers(
        door,
        door.settings.tls or settings.tls,
        settings.peers,
        await broker.log.metastore.inner_secret(around.random_bytes(INNER_SECRET_BYTES)),
        lambda: str(broker.node_id),
        around.random_bytes,
    ).keep_company


def _begin(stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.get_running_loop().create_task(work)

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)


async def _renew(keeper: TlsKeeper, every_ms: int) -> None:
    """Take up certificates that change. Files are small, and looked at off the loop."""
    while True:
        await asyncio.sleep(every_ms / 1000)
        await asyncio.to_thread(keeper.renew)


async def _sweep(tokens: Tokens, every_ms: int) -> None:
    """Delete expired tokens. Every broker does; all but the first find nothing."""
    while True:
        await asyncio.sleep(every_ms / 1000)
        try:
            swept = await tokens.sweep()
            if swept:
                logger.info("%d delegation tokens had expired", swept)
        except AnabranchError as fault:
            logger.warning("expired tokens stay for now: %s", fault)
