"""Brokers among each other where the inner listener is secured."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from anabranch.broker.config import ListenerSettings
from anabranch.broker.door import Door
from anabranch.broker.security.peers import Peers
from anabranch.broker.security.settings import PeerSettings, TlsSettings
from anabranch.broker.server import Broker
from tests.support.broker import broker_settings, running_broker
from tests.support.certificates import Authority


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))  # type: ignore[arg-type]


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to pass")


def peers_of(broker: Broker) -> list[str]:
    """Who keeps company with it, having proven who it is."""
    return [
        str(one.session.principal)
        for one in broker.listener.connections
        if one.proven and one.session.principal.type == "Broker"
    ]


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_brokers_prove_themselves_and_notice_a_death(tmp_path: Path, protocol: str) -> None:
    authority = Authority(tmp_path / "ca")
    inner = ListenerSettings(name="INNER", protocol=protocol, port=0)
    outer = ListenerSettings(name="OUTER", port=0)
    tls = TlsSettings(
        certificate=authority.issue("broker"), ca=authority.ca, client_auth="required"
    )
    settings = broker_settings(
        tmp_path / "d", listeners=(outer, inner), inner_listener="INNER", tls=tls
    )

    async def scenario() -> None:
        one, two = Broker(settings), Broker(settings)
        await one.start()
        await two.start()
        try:
            await until(lambda: peers_of(one) == ["Broker:2"] and peers_of(two) == ["Broker:1"])
            for broker in (one, two):
                assert broker.doors[1].connections == 1
                assert broker.doors[0].connections == 0
        finally:
            await two.stop()
            await until(lambda: one.routes.alone)
            await one.stop()

    run(scenario)


def peers(directory: Path, authority: Authority, *, secret: bytes, protocol: str) -> Peers:
    return Peers(
        Door(ListenerSettings(name="INNER", protocol=protocol)),
        TlsSettings(certificate=authority.issue("peer"), ca=authority.ca),
        PeerSettings(),
        secret,
        lambda: "9",
        secrets.token_bytes,
    )


@pytest.mark.parametrize(
    ("trusted", "known", "said"),
    [(False, True, "self-signed certificate|issuer"), (True, False, "refuses us")],
)
def test_a_stranger_is_no_company_and_it_is_said_once(
    tmp_path: Path, trusted: bool, known: bool, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority(tmp_path / "ca")
    other = Authority(tmp_path / "other", "other")
    inner = ListenerSettings(name="INNER", protocol="SASL_SSL", port=0)
    tls = TlsSettings(certificate=authority.issue("broker"))

    async def scenario() -> None:
        async with running_broker(tmp_path / "d", listeners=(inner,), tls=tls) as broker:
            secret = await broker.log.metastore.inner_secret(b"") if known else b"guessed"
            peer = peers(
                tmp_path, authority if trusted else other, secret=secret, protocol="SASL_SSL"
            )
            for _ in range(2):
                await peer.keep_company("127.0.0.1", broker.port)
            assert peers_of(broker) == []

    with caplog.at_level(logging.ERROR):
        run(scenario)
    import re

    (line,) = [one for one in caplog.messages if "is no company" in one]
    assert re.search(said, line), line


def test_where_nobody_listens_nothing_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        authority = Authority(tmp_path / "ca")
        peer = peers(tmp_path, authority, secret=b"s", protocol="SASL_SSL")
        await peer.keep_company("127.0.0.1", 1)

    run(scenario)
    assert not caplog.messages


def test_a_server_that_says_anything_is_no_company(tmp_path: Path) -> None:
    async def scenario() -> None:
        answers = [
            b"",
            b"\0\0\0\4",
            b"\xff" * 100,
            b"\0\0\0\x0a" + b"x" * 10,
            b"\0\0\0\x08" + bytes(8),
        ]

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.write(answers.pop())
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        authority = Authority(tmp_path / "ca")
        peer = peers(tmp_path, authority, secret=b"s", protocol="SASL_PLAINTEXT")
        while answers:
            await peer.keep_company("127.0.0.1", port)
        server.close()

    run(scenario)
