"""Several listeners of one broker: how they are told, and which addresses their clients are led to."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from anabranch.broker.config import (
    BrokerSettings,
    ListenerSettings,
    decode_settings,
    encode_settings,
    load_settings,
)
from anabranch.broker.routing import Routes
from anabranch.broker.security.secret import Secret
from anabranch.broker.security.settings import SaslSettings
from anabranch.broker.workers import worker_settings
from anabranch.cli.up import listeners
from anabranch.errors import UserFault
from anabranch.metastore.api import BrokerRow, Endpoint
from anabranch.wire.messages.m03_metadata import MetadataRequest
from anabranch.wire.messages.m10_find_coordinator import FindCoordinatorRequest
from anabranch.wire.messages.m60_describe_cluster import DescribeClusterRequest
from tests.support.broker import WireClient, running_broker

INNER = ListenerSettings(name="INNER", port=0)
OUTER = ListenerSettings(name="OUTER", port=0, advertised_host="log.example", advertised_port=443)


def row(number: int, *endpoints: tuple[str, str, int]) -> BrokerRow:
    made = tuple(Endpoint(name, "PLAINTEXT", host, port) for name, host, port in endpoints)
    return BrokerRow(number, number, f"h{number}", 9092, 0, heartbeat_ms=1, endpoints=made)


# -- settings --------------------------------------------------------------------------------------
def settings(**overrides: Any) -> BrokerSettings:
    return load_settings(None, {"data": Path("d"), **overrides})


def test_flags_name_listeners_and_what_is_told_of_them() -> None:
    said = listeners(["10.0.0.1:9090", "OUTER=PLAINTEXT://[::1]:9093"], ["OUTER=log.example:443"])
    inner, outer = settings(**said).all_listeners
    assert (inner.known_as, inner.protocol, inner.host, inner.port) == (
        "PLAINTEXT",
        "PLAINTEXT",
        "10.0.0.1",
        9090,
    )
    assert (outer.known_as, outer.host, outer.advertised_host, outer.advertised_port) == (
        "OUTER",
        "::1",
        "log.example",
        443,
    )
    (alone,) = settings(**listeners(["h:1"], ["told:2"])).all_listeners
    assert (alone.known_as, alone.port, alone.advertised_host) == ("PLAINTEXT", 1, "told")


def test_flags_keep_what_the_file_says_of_a_listener_of_the_same_name(tmp_path: Path) -> None:
    file = tmp_path / "broker.toml"
    file.write_text(
        'data = "d"\n[[listeners]]\nname = "OUTER"\nprotocol = "SASL_PLAINTEXT"\n'
        'mechanisms = ["PLAIN"]\n[[listeners]]\nname = "OTHER"\n'
    )
    said = listeners(["OUTER=SASL_PLAINTEXT://127.0.0.1:1"], [])
    (outer,) = load_settings(file, said).all_listeners
    assert (outer.port, outer.mechanisms) == (1, ("PLAIN",))
    (plain,) = load_settings(file, listeners(["127.0.0.1:0"], [])).all_listeners
    assert (plain.known_as, plain.protocol) == ("PLAINTEXT", "PLAINTEXT")


@pytest.mark.parametrize(
    ("listen", "advertise", "said"),
    [
        (["A=PLAINTEXT://h:1", "B=PLAINTEXT://h:2"], ["C=h:3"], "--advertise C="),
        (["A=PLAINTEXT://h:1", "B=PLAINTEXT://h:2"], ["h:3"], "several listeners"),
        (["h:1"], ["A=h:2"], "--advertise NAME="),
        (["PLAINTEXT://h"], [], "--listen takes HOST:PORT"),
    ],
)
def test_flags_that_mean_nothing_are_refused(
    listen: list[str], advertise: list[str], said: str
) -> None:
    with pytest.raises(UserFault, match=said):
        listeners(listen, advertise)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"listeners": [{}, {}]}, "two listeners are called PLAINTEXT"),
        ({"listeners": [{"protocol": "TLS"}]}, "protocol is TLS"),
        ({"listeners": [{"name": "A B"}]}, "cannot be called"),
        ({"listeners": [{}], "inner_listener": "X"}, "inner_listener is X"),
        ({"listeners": [{"protocol": "SSL"}]}, "it needs a certificate"),
        ({"listeners": [{"host": "0.0.0.0"}]}, "clients cannot connect to 0.0.0.0"),
        ({"listeners": [{"connections_max": 0}]}, "connections_max must be at least 1"),
        ({"listeners": [{"name": str(n)} for n in range(17)]}, "17 listeners"),
        ({"listener": {"protocol": "SASL_PLAINTEXT", "mechanisms": ["GSSAPI"]}}, "GSSAPI"),
        ({"listener": {"protocol": "SASL_PLAINTEXT", "mechanisms": ["OAUTHBEARER"]}}, "oauth.jwks"),
        (
            {
                "listener": {"protocol": "SSL"},
                "tls": {"certificate": "c.pem", "client_auth": "required"},
            },
            "tls.ca",
        ),
        (
            {"listener": {"protocol": "SSL"}, "tls": {"certificate": "c", "version_min": "SSLv3"}},
            "version_min is SSLv3",
        ),
        (
            {"listener": {"protocol": "SSL"}, "tls": {"certificate": "c", "client_auth": "yes"}},
            "client_auth is yes",
        ),
        ({"oauth": {"jwks": "http://idp.example/keys"}}, "https://"),
        ({"oauth": {"jwks": "keys.json", "algorithms": ["RS256", "HS256"]}}, "HS256"),
        ({"sasl": {"reauth_ms_max": -1}}, "sasl.reauth_ms_max is too small"),
        ({"sasl": {"plain_users": {"a": 3}}}, "plain_users"),
    ],
)
def test_listeners_that_cannot_be_are_refused_with_a_sentence(
    overrides: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserFault, match=said):
        settings(**overrides)


def test_workers_take_ports_that_follow_for_every_listener() -> None:
    base = settings(
        listeners=[{"name": "A", "port": 9092}, {"name": "B", "port": 9192, "advertised_port": 443}]
    )
    first, second = worker_settings(base, 2)
    assert [one.port for one in first.all_listeners] == [9092, 9192]
    assert [(one.port, one.advertised_port) for one in second.all_listeners] == [
        (9093, None),
        (9193, 444),
    ]


# -- secrets ---------------------------------------------------------------------------------------
def test_a_secret_shows_itself_to_nobody_and_reaches_a_worker(tmp_path: Path) -> None:
    made = BrokerSettings(data=tmp_path, sasl=SaslSettings(plain_users={"a": Secret("hunter2")}))
    assert "hunter2" not in repr(made)
    assert "hunter2" not in str(made.sasl.plain_users["a"])
    read = decode_settings(encode_settings(made))
    assert read == made
    assert read.sasl.plain_users["a"].reveal() == "hunter2"


def test_a_secret_is_read_from_its_file_or_variable_when_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text("one\r\n")
    secret = Secret(f"file:{file}")
    assert secret.reveal() == "one"
    file.write_text("two\n")
    assert secret.reveal() == "two"
    monkeypatch.setenv("A_SECRET", "three")
    assert Secret("env:A_SECRET").reveal() == "three"
    with pytest.raises(UserFault, match="is not there"):
        Secret("env:NO_SECRET").reveal()
    with pytest.raises(UserFault, match="cannot read"):
        Secret(f"file:{tmp_path}/absent").reveal()
    file.write_bytes(b"\xff")
    with pytest.raises(UserFault, match="not UTF-8"):
        secret.reveal()


# -- addresses -------------------------------------------------------------------------------------
def test_each_listeners_clients_see_its_addresses_and_the_same_leaders() -> None:
    rows = [row(n, ("A", f"a{n}", 1), ("B", f"b{n}", 2)) for n in (1, 2, 3)]
    routes = Routes(rows[0], rows)
    a, b = routes.seen_by("A"), routes.seen_by("B")
    assert [(one.host, one.port) for one in a.lane] == [("a1", 1), ("a2", 1), ("a3", 1)]
    assert [one.host for one in b.lane] == ["b1", "b2", "b3"]
    assert routes.seen_by("A") is a
    for partition in range(20):
        of = {one.leader(b"t" * 16, partition).broker_id for one in (routes, a, b)}
        assert len(of) == 1
    assert a.coordinator("g").broker_id == routes.coordinator("g").broker_id


def test_brokers_without_a_listener_are_not_shown_to_its_clients() -> None:
    rows = [row(1, ("A", "a1", 1)), row(2, ("B", "b2", 1)), row(3)]
    seen = Routes(rows[0], rows).seen_by("A")
    # The third is of an earlier release: it has one listener and does not name it.
    assert [(one.broker_id, one.host) for one in seen.lane] == [(1, "a1"), (3, "h3")]


def test_a_client_is_led_to_the_listener_that_it_came_by(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_broker(tmp_path, listeners=(INNER, OUTER)) as broker:
            inner = broker.doors[0]
            expected = {"INNER": ("127.0.0.1", inner.port), "OUTER": ("log.example", 443)}
            (told,) = await broker.log.metastore.brokers()
            assert (told.host, told.port) == expected["INNER"]
            for door in broker.doors:
                client = WireClient(*await asyncio.open_connection("127.0.0.1", door.port))
                answer = await client.call(MetadataRequest(topics=[]), 12)
                where = [(one.host, one.port) for one in answer.brokers]
                found = await client.call(FindCoordinatorRequest(key="g"), 3)
                where.append((found.host, found.port))
                cluster = await client.call(DescribeClusterRequest(endpoint_type=1), 1)
                where += [(one.host, one.port) for one in cluster.brokers]
                assert set(where) == {expected[door.name]}
                client.writer.close()

    asyncio.run(scenario())


def test_I10_a_listener_has_a_bound_of_its_own(tmp_path: Path) -> None:
    async def scenario() -> None:
        narrow = ListenerSettings(name="OUTER", port=0, connections_max=1)
        async with running_broker(tmp_path, listeners=(INNER, narrow)) as broker:
            inner, outer = (door.port for door in broker.doors)
            one, two, other = [
                WireClient(*await asyncio.open_connection("127.0.0.1", port))
                for port in (outer, outer, inner)
            ]
            assert await two.closed()
            for client in (one, other):
                await client.call(MetadataRequest(topics=[]), 12)
            assert [door.connections for door in broker.doors] == [1, 1]
            one.writer.close()
            other.writer.close()

    asyncio.run(scenario())
