"""SASL on a real broker: every mechanism right and wrong, every order of requests, sessions that end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from struct import pack
from typing import Any

import pytest
from msgspec.structs import replace

from anabranch.broker.audit.events import AuditEvent
from anabranch.broker.config import Limits, ListenerSettings
from anabranch.broker.security.exchanges import Peer, peer_password
from anabranch.broker.security.scram import ClientExchange
from anabranch.broker.security.secret import Secret
from anabranch.broker.security.settings import SaslSettings
from anabranch.broker.server import Broker
from anabranch.errors import ErrorCode, UserFault
from anabranch.wire.messages.m00_produce import ProduceRequest
from anabranch.wire.messages.m03_metadata import MetadataRequest
from anabranch.wire.messages.m17_sasl_handshake import SaslHandshakeRequest
from anabranch.wire.messages.m18_api_versions import ApiVersionsRequest
from anabranch.wire.messages.m36_sasl_authenticate import SaslAuthenticateRequest
from tests.broker.security.sasl import SASL, connect, handshake, plain, scram, secured, send
from tests.support.broker import Disconnected, WireClient, running_broker

FAILED = ErrorCode.SASL_AUTHENTICATION_FAILED
ILLEGAL = ErrorCode.ILLEGAL_SASL_STATE
ALL = SaslSettings(
    mechanisms=("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
    plain_users={"config": Secret("from the file")},
    failed_delay_ms=0,
)
USERS = {"alice": "in wonderland", "co,mma=": "ü"}


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))  # type: ignore[arg-type]


async def works(client: WireClient) -> None:
    assert (await client.call(MetadataRequest(topics=[]), 12)).brokers


def who(broker: Broker) -> list[str]:
    return [str(one.session.principal) for one in broker.listener.connections]


class Told:
    """An audit that remembers."""

    active = True

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []

    def record(self, event: AuditEvent) -> None:
        self.events.append(event)


# -- mechanisms ------------------------------------------------------------------------------------
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_scram_lets_the_right_password_in(tmp_path: Path, mechanism: str) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, users=USERS) as broker:
            for user, password in USERS.items():
                client = await connect(broker)
                answer = await scram(client, user, password, mechanism)
                assert (answer.error_code, answer.session_lifetime_ms) == (0, 0)
                await works(client)
                assert who(broker)[-1] == f"User:{user}"
                client.writer.close()

    run(scenario)


def test_plain_takes_users_of_the_file_and_of_the_metastore(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, sasl=ALL, users=USERS) as broker:
            for user, password in {**USERS, "config": "from the file"}.items():
                client = await connect(broker)
                assert (await plain(client, user, password)).error_code == 0
                await works(client)
                assert who(broker)[-1] == f"User:{user}"
                client.writer.close()

    run(scenario)


def test_whoever_fails_is_told_the_same_and_cut_off(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, sasl=ALL, users=USERS) as broker:
            broker.audit = told = Told()  # type: ignore[assignment]
            said: dict[str, set[Any]] = {"plain": set(), "scram": set()}
            for user in ("alice", "nobody", "config"):
                for kind, attempt in (("plain", plain), ("scram", scram)):
                    client = await connect(broker)
                    answer = await attempt(client, user, "wrong")  # type: ignore[operator]
                    assert await client.closed()
                    said[kind].add((answer.error_code, answer.error_message, answer.auth_bytes))
            for answers in said.values():
                assert len(answers) == 1
                assert {code for code, _, _ in answers} == {FAILED}
            assert [event.principal for event in told.events] == [
                f"User:{user}" for user in ("alice", "nobody", "config") for _ in range(2)
            ]
            assert {event.outcome for event in told.events} == {"failed"}
            assert broker.listener.authenticators is not None
            assert broker.listener.authenticators.counts["OUTER", "PLAIN", "failed"] == 3

    run(scenario)


def test_a_failure_costs_a_wrong_name_and_a_wrong_password_the_same_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work that takes time is counted, for times themselves prove nothing on a busy machine."""
    from anabranch.broker.security import scram as scrams

    hashed: list[int] = []
    real = scrams.salted_password

    def counting(mechanism: str, password: str, salt: bytes, iterations: int) -> bytes:
        hashed.append(iterations)
        return real(mechanism, password, salt, iterations)

    async def scenario() -> None:
        async with secured(tmp_path, sasl=ALL, users=USERS) as broker:
            monkeypatch.setattr(scrams, "salted_password", counting)
            work = []
            for user in ("alice", "nobody", "config"):
                hashed.clear()
                await plain(await connect(broker), user, "wrong")
                work.append(list(hashed))
            assert work == [[4096]] * 3

    run(scenario)


def test_a_failure_is_answered_late(tmp_path: Path) -> None:
    async def scenario() -> None:
        settings = replace(ALL, failed_delay_ms=300)
        async with secured(tmp_path, sasl=settings) as broker:
            client = await connect(broker)
            begun = asyncio.get_running_loop().time()
            assert (await plain(client, "nobody", "wrong")).error_code == FAILED
            assert asyncio.get_running_loop().time() - begun >= 0.299

    run(scenario)


@pytest.mark.parametrize(
    "message",
    [b"", b"\0", b"\0a", b"\0\0p", b"\0a\0", b"a\0b\0c\0d", b"\xff\0a\0b", b"\0a\0" + b"p" * 2000],
)
def test_hostile_plain_messages_are_failures(tmp_path: Path, message: bytes) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, sasl=ALL) as broker:
            client = await connect(broker)
            await handshake(client, "PLAIN")
            assert (await send(client, message)).error_code == FAILED
            assert await client.closed()

    run(scenario)


def test_nobody_acts_for_another(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, sasl=ALL, users=USERS) as broker:
            client = await connect(broker)
            await handshake(client, "PLAIN")
            answer = await send(client, b"bob\0alice\0in wonderland")
            assert answer.error_code == FAILED
            client = await connect(broker)
            await handshake(client, "SCRAM-SHA-256")
            assert (await send(client, b"n,a=bob,n=alice,r=x")).error_code == FAILED

    run(scenario)


# -- the order of requests -------------------------------------------------------------------------
def test_before_authentication_only_api_versions_is_answered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, users=USERS) as broker:
            client = await connect(broker)
            versions = await client.call(ApiVersionsRequest(), 0)
            assert {17, 36} <= {one.api_key for one in versions.api_keys}
            with pytest.raises(Disconnected):
                await client.call(MetadataRequest(topics=[]), 12)
            for request, version in ((MetadataRequest(topics=[]), 12), (ProduceRequest(), 9)):
                client = await connect(broker)
                await handshake(client, "SCRAM-SHA-256")
                with pytest.raises(Disconnected):
                    await client.call(request, version)

    with caplog.at_level(logging.WARNING):
        run(scenario)
    assert "asks for api 3 before it has proven who it is" in caplog.text


def test_what_is_sent_behind_an_authentication_waits_for_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, sasl=ALL, users=USERS) as broker:
            client = await connect(broker)
            tickets = [
                client.send(SaslHandshakeRequest(mechanism="PLAIN"), 1),
                client.send(SaslAuthenticateRequest(auth_bytes=b"\0alice\0in wonderland"), 1),
                client.send(MetadataRequest(topics=[]), 12),
            ]
            answers = [await client.receive(ticket) for ticket in tickets]
            assert answers[1].error_code == 0
            assert answers[2].brokers

    run(scenario)


def test_a_mechanism_that_is_not_enabled_is_refused_with_those_that_are(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with secured(tmp_path) as broker:
            for mechanism in ("PLAIN", "GSSAPI", "", "x" * 1000):
                client = await connect(broker)
                answer = await client.call(SaslHandshakeRequest(mechanism=mechanism), 1)
                assert answer.error_code == ErrorCode.UNSUPPORTED_SASL_MECHANISM
                assert answer.mechanisms == ["SCRAM-SHA-256", "SCRAM-SHA-512"]
                assert await client.closed()

    run(scenario)


def test_steps_out_of_order_are_illegal(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, users=USERS) as broker:
            client = await connect(broker)
            assert (await send(client, b"x")).error_code == ILLEGAL
            assert await client.closed()
            client = await connect(broker)
            await handshake(client, "SCRAM-SHA-256")
            assert await handshake(client, "SCRAM-SHA-256") == ILLEGAL
            assert await client.closed()
            client = await connect(broker)
            await scram(client, "alice", USERS["alice"])
            # A session without an end is not renewed, as in Kafka; the connection lives on.
            assert await handshake(client, "SCRAM-SHA-512") == ILLEGAL
            assert (await send(client, b"x")).error_code == ILLEGAL
            await works(client)

    run(scenario)


def test_a_listener_without_sasl_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_broker(tmp_path) as broker:
            client = await connect(broker)
            assert await handshake(client, "PLAIN") == ILLEGAL
            assert (await send(client, b"x")).error_code == ILLEGAL
            await works(client)

    run(scenario)


# -- messages as they are, after a handshake of version 0 ------------------------------------------
def test_raw_messages_after_a_handshake_of_version_0(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, sasl=ALL, users=USERS) as broker:
            client = await connect(broker)
            assert await handshake(client, "SCRAM-SHA-256", 0) == 0
            exchange = ClientExchange("SCRAM-SHA-256", "alice", USERS["alice"], "nonce")
            for byte in pack(">i", len(exchange.first)) + exchange.first:  # byte by byte
                client.send_bytes(bytes([byte]))
                await client.writer.drain()
            final = exchange.final(await client.receive_frame())
            client.send_bytes(pack(">i", len(final)) + final)
            assert exchange.trusts(await client.receive_frame())
            await works(client)

            client = await connect(broker)
            await handshake(client, "PLAIN", 0)
            message = b"\0alice\0in wonderland"
            client.send_bytes(pack(">i", len(message)) + message)
            ticket = client.send(MetadataRequest(topics=[]), 12)  # behind it, without waiting
            assert await client.receive_frame() == b""
            assert (await client.receive(ticket)).brokers

    run(scenario)


@pytest.mark.parametrize(
    "sent", [pack(">i", 8) + b"\0a\0wrong", pack(">i", -1), pack(">i", 1 << 20), pack(">i", 0)]
)
def test_hostile_raw_messages_close_the_connection(tmp_path: Path, sent: bytes) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, sasl=ALL) as broker:
            client = await connect(broker)
            await handshake(client, "PLAIN", 0)
            client.send_bytes(sent)
            assert await client.closed()

    run(scenario)


# -- bounds ----------------------------------------------------------------------------------------
def test_I10_a_stranger_can_neither_send_much_nor_stay(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = Limits(authentication_ms_max=200)
        async with secured(tmp_path, limits=limits, users=USERS) as broker:
            client = await connect(broker)
            client.send_bytes(pack(">ihh", 50 << 20, 0, 9))  # a Produce of 50 MiB
            assert await client.closed()
            assert broker.listener.budget.reserved_bytes == 0
            known = await connect(broker)
            await scram(known, "alice", USERS["alice"])
            silent = await connect(broker)
            await handshake(silent, "SCRAM-SHA-256")
            assert await silent.closed()
            await works(known)

    run(scenario)


def test_an_exchange_has_an_end(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, users=USERS) as broker:
            client = await connect(broker)
            await handshake(client, "SCRAM-SHA-256")
            assert (await send(client, b"n,,n=alice,r=x")).error_code == 0
            assert (await send(client, b"n,,n=alice,r=x")).error_code == FAILED
            assert await client.closed()

    run(scenario)


# -- sessions that end (KIP-368) -------------------------------------------------------------------
def test_a_session_ends_and_is_renewed_by_the_same_principal_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anabranch.broker.security import authentication

    monkeypatch.setattr(authentication, "REAUTH_S_MIN", 0.0)

    async def scenario() -> None:
        settings = replace(ALL, reauth_ms_max=400_000)
        users = {**USERS, "bob": "b"}
        async with secured(tmp_path, sasl=settings, users=users) as broker:
            used, renewed, other, switched = [await connect(broker) for _ in range(4)]
            for client in (used, renewed, other, switched):
                assert (await scram(client, "alice", USERS["alice"])).session_lifetime_ms == 400_000
                await works(client)
            assert (await scram(renewed, "alice", USERS["alice"])).error_code == 0
            await works(renewed)
            answer = await scram(other, "bob", "b")
            assert answer.error_code == FAILED
            assert "Cannot change principals" in str(answer.error_message)
            assert await other.closed()
            answer = await plain(switched, "alice", USERS["alice"])
            assert "Cannot change the mechanism" in str(answer.error_message)
            for connection in broker.listener.connections:
                assert connection.authentication is not None
                assert connection.authentication._ends_s is not None
                connection.authentication._ends_s -= 400  # as if so many seconds had passed
            with pytest.raises(Disconnected):
                await works(used)
            # Past its end a session can still be renewed, but not used before that.
            assert (await scram(renewed, "alice", USERS["alice"])).error_code == 0
            await works(renewed)

    run(scenario)


def test_between_two_authentications_a_second_passes(tmp_path: Path) -> None:
    async def scenario() -> None:
        settings = replace(ALL, reauth_ms_max=60_000)
        async with secured(tmp_path, sasl=settings, users=USERS) as broker:
            client = await connect(broker)
            await scram(client, "alice", USERS["alice"])
            assert await handshake(client, "SCRAM-SHA-512") == ILLEGAL
            await works(client)

    run(scenario)


def test_no_bytes_of_a_stranger_break_the_broker(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Frames of every kind with anything in them, before a handshake, within one and after a raw one."""
    chance = Random(1)

    def garbage() -> bytes:
        body = chance.randbytes(chance.choice((0, 1, 8, 20, 300)))
        head = pack(
            ">hhi", chance.choice((17, 18, 36, chance.randrange(100))), chance.randrange(4), 1
        )
        whole = chance.choice((head + body, body))
        size = chance.choice((len(whole), len(whole), chance.randrange(-(1 << 31), 1 << 31)))
        return pack(">i", size) + whole

    async def scenario() -> None:
        async with secured(tmp_path, sasl=ALL, users=USERS) as broker:
            for number in range(120):
                client = await connect(broker)
                if number % 3:
                    await handshake(client, "SCRAM-SHA-256", 0 if number % 3 == 1 else 1)
                client.send_bytes(garbage() + garbage())
                client.writer.write_eof()
                try:
                    while await asyncio.wait_for(client.reader.read(1000), 60):
                        pass
                except ConnectionError:
                    pass
                client.writer.close()
            known = await connect(broker)
            assert (await scram(known, "alice", USERS["alice"])).error_code == 0

    with caplog.at_level(logging.ERROR):
        run(scenario)
    assert not [one for one in caplog.records if one.exc_info], caplog.text


# -- other brokers ---------------------------------------------------------------------------------
def test_a_broker_proves_itself_by_the_inner_listener_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        inner = ListenerSettings(name="INNER", protocol="SASL_PLAINTEXT", port=0)
        rest = {"listeners": (SASL, inner), "inner_listener": "INNER"}
        async with running_broker(tmp_path, **rest) as broker:
            secret = await broker.log.metastore.inner_secret(b"")
            for door in broker.doors:
                client = WireClient(*await asyncio.open_connection("127.0.0.1", door.port))
                found = await handshake(client, Peer.MECHANISM)
                if door.name != "INNER":
                    assert found == ErrorCode.UNSUPPORTED_SASL_MECHANISM
                    continue
                exchange = ClientExchange("SCRAM-SHA-256", "7", peer_password(secret), "n")
                first = await send(client, exchange.first)
                final = await send(client, exchange.final(bytes(first.auth_bytes)))
                assert exchange.trusts(bytes(final.auth_bytes))
                assert "Broker:7" in who(broker)

    run(scenario)


# -- secrets ---------------------------------------------------------------------------------------
def test_a_password_is_in_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, sasl=ALL, users=USERS) as broker:
            await plain(await connect(broker), "alice", "hunter2")
            await plain(await connect(broker), "config", "from the file")

    with caplog.at_level(logging.DEBUG):
        run(scenario)
    assert "hunter2" not in caplog.text
    assert "from the file" not in caplog.text


def test_a_broker_whose_secret_is_missing_does_not_start(tmp_path: Path) -> None:
    async def scenario() -> None:
        missing = replace(ALL, plain_users={"a": Secret(f"file:{tmp_path}/absent")})
        with pytest.raises(UserFault, match="cannot read the secret"):
            async with secured(tmp_path / "d", sasl=missing):
                pass

    run(scenario)
