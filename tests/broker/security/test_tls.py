"""TLS listeners on real sockets: handshakes good and bad, client certificates, renewal, large answers."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.broker.config import Limits, ListenerSettings
from anabranch.broker.security.secret import Secret
from anabranch.broker.security.settings import SaslSettings, TlsSettings
from anabranch.broker.security.tls import TlsKeeper
from anabranch.broker.server import Broker
from anabranch.errors import UserFault
from anabranch.wire.messages.m03_metadata import MetadataRequest
from tests.broker.conversation import batch, create_topics, fetch_request, produce_request
from tests.broker.security.sasl import scram
from tests.support.broker import Disconnected, WireClient, running_broker
from tests.support.certificates import Authority

SSL = ListenerSettings(name="TLS", protocol="SSL", port=0)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def tls(authority: Authority) -> TlsSettings:
    return TlsSettings(certificate=authority.issue("broker"), ca=authority.ca)


def trusting(authority: Authority, certificate: Path | None = None, **more: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.ca))
    if certificate is not None:
        context.load_cert_chain(certificate)
    for name, value in more.items():
        setattr(context, name, value)
    return context


async def connect(broker: Broker, context: ssl.SSLContext | None) -> WireClient:
    return WireClient(
        *await asyncio.open_connection("127.0.0.1", broker.port, ssl=context, limit=1 << 26)
    )


async def works(client: WireClient) -> None:
    assert (await client.call(MetadataRequest(topics=[]), 12)).brokers


def who(broker: Broker) -> list[str]:
    return [str(one.session.principal) for one in broker.listener.connections]


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(12_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to pass")


# -- handshakes ------------------------------------------------------------------------------------
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_requests_go_over_tls(
    tmp_path: Path, authority: Authority, tls: TlsSettings, version: ssl.TLSVersion
) -> None:
    async def scenario() -> None:
        async with running_broker(tmp_path, listeners=(SSL,), tls=tls) as broker:
            context = trusting(authority, maximum_version=version)
            client = await connect(broker, context)
            for _ in range(3):
                await works(client)
            assert who(broker) == ["User:ANONYMOUS"]
            assert not broker.listener.handshakes.open
            client.writer.close()
            await until(lambda: not broker.listener.connections)

    run(scenario)


def test_sasl_goes_over_tls(tmp_path: Path, authority: Authority, tls: TlsSettings) -> None:
    async def scenario() -> None:
        both = ListenerSettings(protocol="SASL_SSL", port=0)
        sasl = SaslSettings(failed_delay_ms=0)
        async with running_broker(tmp_path, listeners=(both,), tls=tls, sasl=sasl) as broker:
            keys = broker.users.new_keys("SCRAM-SHA-512", "secret")
            await broker.users.put("alice", "SCRAM-SHA-512", keys, 1)
            client = await connect(broker, trusting(authority))
            assert (await scram(client, "alice", "secret")).error_code == 0
            await works(client)
            assert who(broker) == ["User:alice"]
            client = await connect(broker, trusting(authority))
            assert (await scram(client, "alice", "wrong")).error_code
            assert await client.closed()

    run(scenario)


@pytest.mark.parametrize(
    ("opening", "said"),
    [
        (b"\0\0\0\x10\0\x12\0\0\0\0\0\1\0\1x", "it does not speak TLS, and listener TLS is SSL"),
        (b"GET / HTTP/1.1\r\n\r\n", "it does not speak TLS"),
        (b"\x16\3\1\0\5hello", "TLS handshake by listener TLS"),
        (b"\x16\3\1\xff\xff" + b"x" * 100_000, "TLS handshake by listener TLS"),
    ],
)
def test_what_is_no_tls_ends_in_one_line(
    tmp_path: Path, tls: TlsSettings, opening: bytes, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with running_broker(tmp_path, listeners=(SSL,), tls=tls) as broker:
            client = await connect(broker, None)
            client.send_bytes(opening)
            try:
                while await client.reader.read(1000):
                    pass
            except ConnectionError:
                pass
            assert not broker.listener.handshakes.open

    with caplog.at_level(logging.WARNING):
        run(scenario)
    (line,) = [one for one in caplog.messages if "closing" in one]
    assert said in line
    assert not [one for one in caplog.records if one.exc_info]


def test_tls_on_a_plain_listener_ends_in_one_line(
    tmp_path: Path, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with running_broker(tmp_path) as broker:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await connect(broker, trusting(authority))

    with caplog.at_level(logging.WARNING):
        run(scenario)
    (line,) = [one for one in caplog.messages if "closing" in one]
    assert "it speaks TLS, and this listener does not" in line


def test_a_client_that_does_not_trust_us_is_one_line(
    tmp_path: Path, tls: TlsSettings, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as plain, pytest.raises(ssl.SSLError):
            ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")

    async def scenario() -> None:
        async with running_broker(tmp_path, listeners=(SSL,), tls=tls) as broker:
            await asyncio.to_thread(refuse, broker.port)
            await until(lambda: not broker.listener.connections)

    with caplog.at_level(logging.WARNING):
        run(scenario)
    (line,) = [one for one in caplog.messages if "closing" in one]
    assert "alert unknown ca" in line


def test_an_old_version_of_tls_is_refused(
    tmp_path: Path, authority: Authority, tls: TlsSettings
) -> None:
    async def scenario() -> None:
        from msgspec.structs import replace

        newest = replace(tls, version_min="TLSv1.3")
        async with running_broker(tmp_path, listeners=(SSL,), tls=newest) as broker:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await connect(broker, trusting(authority, maximum_version=ssl.TLSVersion.TLSv1_2))

    run(scenario)


def test_I10_handshakes_in_progress_are_bounded_and_end(
    tmp_path: Path, authority: Authority, tls: TlsSettings
) -> None:
    async def scenario() -> None:
        limits = Limits(handshakes_max=2, authentication_ms_max=800)
        async with running_broker(tmp_path, listeners=(SSL,), tls=tls, limits=limits) as broker:
            silent = [await connect(broker, None) for _ in range(2)]
            await until(lambda: len(broker.listener.handshakes.open) == 2)
            waiting = asyncio.create_task(connect(broker, trusting(authority)))
            await until(lambda: len(broker.listener.handshakes.waiting) == 1)
            silent[0].writer.close()
            client = await waiting  # its turn came when one left
            await works(client)
            assert await silent[1].closed()  # too slow
            assert not broker.listener.handshakes.open
            await works(client)

    run(scenario)


@settings(max_examples=15, deadline=None)
@given(data=st.binary(min_size=1, max_size=600), cut=st.integers(0, 600))
def test_no_bytes_break_a_handshake(data: bytes, cut: int) -> None:
    """Real hellos with anything in them, without a socket: OpenSSL refuses, and no more."""
    from anabranch.broker.security.tls import reason

    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="x")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    sent = hello.read()
    incoming.write(sent[:cut] + data + sent[cut:])
    try:
        server.do_handshake()
    except ssl.SSLWantReadError:
        pass
    except ssl.SSLError as error:
        assert reason(error)


# -- client certificates ---------------------------------------------------------------------------
RULES = "RULE:^CN=([^,]*),OU=services.*$/svc-$1/L,RULE:^CN=(\\w+)$/$1/"


def test_a_client_certificate_is_the_principal(tmp_path: Path, authority: Authority) -> None:
    async def scenario() -> None:
        tls = TlsSettings(
            certificate=authority.issue("broker"),
            ca=authority.ca,
            client_auth="required",
            principal_rules=RULES,
        )
        subjects = {"alice": "User:alice", "Mill,OU=services,O=x": "User:svc-mill"}
        async with running_broker(tmp_path, listeners=(SSL,), tls=tls) as broker:
            for common, principal in subjects.items():
                certificate = authority.issue("client", f"CN={common}")
                client = await connect(broker, trusting(authority, certificate))
                await works(client)
                assert who(broker)[-1] == principal
            # No rule is for this one.
            client = await connect(
                broker, trusting(authority, authority.issue("client", "CN=x,O=other"))
            )
            with pytest.raises(Disconnected):
                await works(client)

    run(scenario)


@pytest.mark.parametrize(("asked", "anonymous"), [("required", False), ("requested", True)])
def test_without_a_certificate_or_with_a_strangers(
    tmp_path: Path, authority: Authority, asked: str, anonymous: bool
) -> None:
    async def attempt(broker: Broker, context: ssl.SSLContext) -> str:
        try:
            client = await connect(broker, context)
            await works(client)  # in TLS 1.3 the refusal comes behind the client's handshake
        except (Disconnected, ssl.SSLError, ConnectionError):
            return "refused"
        return who(broker)[-1]

    async def scenario() -> None:
        tls = TlsSettings(certificate=authority.issue("broker"), ca=authority.ca, client_auth=asked)
        stranger = Authority(tmp_path / "stranger", "stranger").issue("eve")
        async with running_broker(tmp_path / "d", listeners=(SSL,), tls=tls) as broker:
            expected = "User:ANONYMOUS" if anonymous else "refused"
            assert await attempt(broker, trusting(authority)) == expected
            assert await attempt(broker, trusting(authority, stranger)) == "refused"

    run(scenario)


# -- files -----------------------------------------------------------------------------------------
def test_a_certificate_is_renewed_without_a_restart(tmp_path: Path) -> None:
    first, second = Authority(tmp_path / "1", "first"), Authority(tmp_path / "2", "second")
    live = tmp_path / "live.pem"
    live.write_bytes(first.issue("broker").read_bytes())

    async def scenario() -> None:
        tls = TlsSettings(certificate=live, reload_ms=20)
        async with running_broker(tmp_path / "d", listeners=(SSL,), tls=tls) as broker:
            old = await connect(broker, trusting(first))
            await works(old)
            keeper = broker.doors[0].tls
            assert keeper is not None
            before = keeper.context
            live.write_bytes(second.issue("broker").read_bytes()[:100])  # half written
            await asyncio.sleep(0.1)
            await works(await connect(broker, trusting(first)))
            live.write_bytes(second.issue("broker").read_bytes())
            await until(lambda: keeper.context is not before)
            await works(await connect(broker, trusting(second)))
            await works(old)
            with pytest.raises(ssl.SSLError):
                await connect(broker, trusting(first))

    run(scenario)


def test_files_that_cannot_be_used_are_named(tmp_path: Path, authority: Authority) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    good = authority.issue("good")
    locked = authority.issue("locked", password="hunter2")

    def keep(**changes: Any) -> TlsKeeper:
        return TlsKeeper("L", TlsSettings(**changes))

    for changes, said in (
        ({"certificate": tmp_path / "absent.pem"}, "cannot read .*absent.pem"),
        ({"certificate": junk}, "junk.pem"),
        ({"certificate": good, "key": authority.issue("other")}, "key values mismatch"),
        ({"certificate": good, "ca": junk}, "holds no certificates"),
        ({"certificate": good, "ciphers": "NOTHING"}, "names no cipher"),
        ({"certificate": locked}, r"set tls\.key_password"),
        ({"certificate": locked, "key_password": Secret("wrong")}, "locked.pem"),
    ):
        with pytest.raises(UserFault, match=said) as caught:
            keep(**changes)
        assert "hunter2" not in str(caught.value)
    assert keep(certificate=locked, key_password=Secret("hunter2")).context is not None


# -- bytes -----------------------------------------------------------------------------------------
def test_large_requests_and_answers_cross_whole(
    tmp_path: Path, authority: Authority, tls: TlsSettings
) -> None:
    """A record of 3 MiB there and back, left unread for a while, with a small request behind it."""

    async def scenario() -> None:
        value = os.urandom(3 << 20)
        async with running_broker(tmp_path, listeners=(SSL,), tls=tls) as broker:
            client = await connect(broker, trusting(authority))
            made = create_topics("big", configs={"max.message.bytes": str(4 << 20)})
            assert (await client.call(made, 7)).topics[0].error_code == 0
            answer = await client.call(produce_request("big", batch(value)), 9)
            assert answer.responses[0].partition_responses[0].error_code == 0
            fetch = fetch_request("big", max_bytes=1 << 30, partition_max_bytes=1 << 30)
            tickets = [client.send(fetch, 11), client.send(fetch, 11)]
            tickets.append(client.send(MetadataRequest(topics=[]), 12))
            await asyncio.sleep(0.05)  # nobody reads: it is kept, not lost
            for ticket in tickets[:2]:
                got = await client.receive(ticket)
                assert value in bytes(got.responses[0].partitions[0].records)
            assert (await client.receive(tickets[2])).brokers

    run(scenario)


def test_hello_in_single_bytes(tmp_path: Path, authority: Authority, tls: TlsSettings) -> None:
    async def scenario() -> None:
        async with running_broker(tmp_path, listeners=(SSL,), tls=tls) as broker:
            reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = trusting(authority).wrap_bio(incoming, outgoing, server_hostname="localhost")
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    client.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    for byte in outgoing.read():
                        writer.write(bytes([byte]))
                        await writer.drain()
                        await asyncio.sleep(0)
                    incoming.write(await reader.read(1 << 16))
            assert client.version() == "TLSv1.3"
            writer.close()

    run(scenario)
