"""Delegation tokens: made, shown, renewed, ended, and used to log in."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from anabranch.broker.security.principal import Principal
from anabranch.broker.security.secret import Secret
from anabranch.broker.security.settings import SaslSettings, TokenSettings
from anabranch.broker.security.tokens import RENEWERS_MAX, Tokens
from anabranch.broker.server import Broker
from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore.sqlite import SqliteMetastore
from anabranch.wire.messages.m03_metadata import MetadataRequest
from anabranch.wire.messages.m38_create_delegation_token import (
    CreatableRenewers,
    CreateDelegationTokenRequest,
)
from anabranch.wire.messages.m39_renew_delegation_token import RenewDelegationTokenRequest
from anabranch.wire.messages.m40_expire_delegation_token import ExpireDelegationTokenRequest
from anabranch.wire.messages.m41_describe_delegation_token import (
    DescribeDelegationTokenOwner,
    DescribeDelegationTokenRequest,
)
from tests.broker.security.sasl import connect, scram, secured
from tests.support.broker import WireClient, running_broker

SECRET = TokenSettings(secret=Secret("the brokers' own"))
USERS = {"alice": "a", "bob": "b", "eve": "e"}
SASL = SaslSettings(failed_delay_ms=0)
E = ErrorCode


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))  # type: ignore[arg-type]


async def logged_in(broker: Broker, user: str) -> WireClient:
    client = await connect(broker)
    assert (await scram(client, user, USERS[user])).error_code == 0
    return client


async def create(client: WireClient, *renewers: str, lifetime_ms: int = -1, **more: Any) -> Any:
    named = [CreatableRenewers(principal_type="User", principal_name=one) for one in renewers]
    request = CreateDelegationTokenRequest(renewers=named, max_lifetime_ms=lifetime_ms, **more)
    return await client.call(request, 3)


async def shown(client: WireClient, *owners: str) -> list[Any]:
    named = [DescribeDelegationTokenOwner(principal_type="User", principal_name=o) for o in owners]
    answer = await client.call(DescribeDelegationTokenRequest(owners=named or None), 3)
    assert answer.error_code == 0
    return [(one.token_id, bytes(one.hmac)) for one in answer.tokens]


async def by_token(broker: Broker, token: Any, mechanism: str = "SCRAM-SHA-256") -> Any:
    client = await connect(broker)
    password = base64.b64encode(bytes(token.hmac)).decode()
    answer = await scram(client, token.token_id, password, mechanism, extension=",tokenauth=true")
    return client, answer


def test_who_has_a_token_is_its_owner(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, users=USERS, sasl=SASL, tokens=SECRET) as broker:
            alice = await logged_in(broker, "alice")
            token = await create(alice, "bob")
            assert token.error_code == 0
            assert token.expiry_timestamp_ms - token.issue_timestamp_ms == SECRET.expiry_ms
            assert token.max_timestamp_ms - token.issue_timestamp_ms == SECRET.lifetime_ms_max
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
                client, answer = await by_token(broker, token, mechanism)
                assert answer.error_code == 0
                assert 0 < answer.session_lifetime_ms <= SECRET.expiry_ms
                assert (await client.call(MetadataRequest(topics=[]), 12)).brokers
                session = list(broker.listener.connections)[-1].session
                assert str(session.principal) == "User:alice"
                assert session.token_id == token.token_id
            # A token begets no other, and shows none.
            refused = await create(client)
            assert refused.error_code == E.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED
            described = await client.call(DescribeDelegationTokenRequest(owners=None), 2)
            assert described.error_code == E.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED
            # Without the extension its id is a user that does not exist.
            stranger = await connect(broker)
            password = base64.b64encode(bytes(token.hmac)).decode()
            failed = await scram(stranger, token.token_id, password)
            assert failed.error_code == E.SASL_AUTHENTICATION_FAILED
            token.hmac = bytes(token.hmac)[:-1] + b"x"
            _, failed = await by_token(broker, token)
            assert failed.error_code == E.SASL_AUTHENTICATION_FAILED
            token.token_id = "unknown"
            _, failed = await by_token(broker, token)
            assert failed.error_code == E.SASL_AUTHENTICATION_FAILED

    run(scenario)


def test_owner_and_renewers_alone_renew_expire_and_see_a_token(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, users=USERS, sasl=SASL, tokens=SECRET) as broker:
            alice, bob, eve = [await logged_in(broker, user) for user in USERS]
            token = await create(alice, "bob", lifetime_ms=3_600_000)
            of = (token.token_id, bytes(token.hmac))
            assert await shown(alice) == await shown(bob, "alice") == [of]
            assert await shown(eve) == await shown(alice, "bob") == []
            renew = RenewDelegationTokenRequest(hmac=of[1], renew_period_ms=600_000)
            assert (await eve.call(renew, 2)).error_code == E.DELEGATION_TOKEN_OWNER_MISMATCH
            renewed = await bob.call(renew, 2)
            assert renewed.error_code == 0
            assert renewed.expiry_timestamp_ms < token.expiry_timestamp_ms
            forever = RenewDelegationTokenRequest(hmac=of[1], renew_period_ms=1 << 40)
            assert (await alice.call(forever, 1)).expiry_timestamp_ms == token.max_timestamp_ms
            for proof in (b"", b"x" * 64, of[1][:-1], of[1][:64] + b"other", b"\xff" * 500):
                unknown = RenewDelegationTokenRequest(hmac=proof, renew_period_ms=1)
                assert (await alice.call(unknown, 2)).error_code == E.DELEGATION_TOKEN_NOT_FOUND
            now = ExpireDelegationTokenRequest(hmac=of[1], expiry_time_period_ms=-1)
            assert (await eve.call(now, 2)).error_code == E.DELEGATION_TOKEN_OWNER_MISMATCH
            assert (await bob.call(now, 2)).error_code == 0
            assert (await alice.call(now, 2)).error_code == E.DELEGATION_TOKEN_NOT_FOUND
            assert await shown(alice) == []
            _, failed = await by_token(broker, token)
            assert failed.error_code == E.SASL_AUTHENTICATION_FAILED

    run(scenario)


def test_tokens_are_for_who_has_proven_who_it_is_where_a_secret_is(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with secured(tmp_path / "1", users=USERS, sasl=SASL) as broker:
            alice = await logged_in(broker, "alice")
            assert (await create(alice)).error_code == E.DELEGATION_TOKEN_AUTH_DISABLED
        async with running_broker(tmp_path / "2", tokens=SECRET) as broker:
            client = await connect(broker)
            assert (await create(client)).error_code == E.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED
        async with secured(tmp_path / "3", users=USERS, sasl=SASL, tokens=SECRET) as broker:
            alice = await logged_in(broker, "alice")
            other = [CreatableRenewers(principal_type="Group", principal_name="ops")]
            answer = await alice.call(CreateDelegationTokenRequest(renewers=other), 3)
            assert answer.error_code == E.INVALID_PRINCIPAL_TYPE
            many = await create(alice, *map(str, range(RENEWERS_MAX + 1)))
            assert many.error_code == E.INVALID_REQUEST

    run(scenario)


def test_expired_tokens_are_of_no_use_and_swept(tmp_path: Path) -> None:
    async def scenario() -> None:
        meta = SqliteMetastore.open(tmp_path / "m.db", now_ms=1, new_cluster_id=lambda: b"c" * 16)
        clock = [1000]
        tokens = Tokens(meta, SECRET, lambda: clock[0], lambda count: bytes(count))
        alice = Principal("User", "alice")
        token = await tokens.create(alice, alice, [], 5000)
        assert token.expires_ms == 6000
        assert await tokens.keys(token.token_id) is not None
        clock[0] = 6000
        assert await tokens.keys(token.token_id) is None
        assert await tokens.described(None) == []
        proof = tokens.hmac_of(token.token_id)
        for attempt in (tokens.renew, tokens.expire):
            with pytest.raises(ClientFault) as caught:
                await attempt(proof, alice, 1)
            assert caught.value.code is E.DELEGATION_TOKEN_EXPIRED
        assert await tokens.sweep() == 1
        assert await meta.delegation_tokens() == []
        meta.close()

    run(scenario)


def test_neither_database_nor_journal_holds_what_proves_possession(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, users=USERS, sasl=SASL, tokens=SECRET) as broker:
            token = await create(await logged_in(broker, "alice"))
        held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert token.token_id.encode() in held
        mac = bytes(token.hmac)[:64]
        for spelled in (mac, base64.b64encode(mac)[:80], mac.hex().encode(), b"the brokers' own"):
            assert spelled not in held

    run(scenario)
