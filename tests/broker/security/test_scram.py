"""SCRAM without a socket: RFC 7677's example, both halves against each other, and hostile messages."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.broker.security import scram
from anabranch.broker.security.scram import BadMessage, ClientExchange, ServerExchange
from anabranch.broker.security.settings import SCRAM_256, SCRAM_512

SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
CLIENT_NONCE = "rOprNGfwEbeRWgbNEkqO"
SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
FIRST = b"n,,n=user,r=" + CLIENT_NONCE.encode()
FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
VERIFIER = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def server(first: bytes = FIRST, password: str = "pencil") -> ServerExchange:
    keys = scram.make_keys(SCRAM_256, password, SALT, 4096)
    return ServerExchange(SCRAM_256, scram.parse_client_first(first), keys, SERVER_NONCE)


def test_the_example_of_rfc_7677() -> None:
    exchange = server()
    assert exchange.first == (
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    )
    assert exchange.final(FINAL) == VERIFIER
    client = ClientExchange(SCRAM_256, "user", "pencil", CLIENT_NONCE)
    assert (client.first, client.final(exchange.first)) == (FIRST, FINAL)
    assert client.trusts(VERIFIER)
    assert not client.trusts(b"v=" + base64.b64encode(b"x" * 32))
    assert server(password="pencil ").final(FINAL) is None


@settings(max_examples=20, deadline=None)
@given(
    user=st.text(min_size=1, max_size=20).filter(lambda text: "\0" not in text),
    password=st.text(min_size=1, max_size=20),
    other=st.text(min_size=1, max_size=20),
    mechanism=st.sampled_from([SCRAM_256, SCRAM_512]),
)
def test_the_right_password_and_no_other_is_proven(
    user: str, password: str, other: str, mechanism: str
) -> None:
    for tried in {password, other}:
        client = ClientExchange(mechanism, user, tried, "abc")
        first = scram.parse_client_first(client.first)
        assert first.user == user
        keys = scram.make_keys(mechanism, password, b"salt", 4096)
        exchange = ServerExchange(mechanism, first, keys, "def")
        answer = exchange.final(client.final(exchange.first))
        assert (answer is not None) is (tried == password)
        assert answer is None or client.trusts(answer)


def test_a_user_that_is_not_there_looks_like_one_that_is() -> None:
    one = scram.nobodys_keys(SCRAM_512, "eve", b"secret")
    assert one == scram.nobodys_keys(SCRAM_512, "eve", b"secret")
    real = scram.make_keys(SCRAM_512, "x", b"s" * scram.SALT_BYTES, scram.ITERATIONS)
    assert [len(part) for part in (one.salt, one.stored_key, one.server_key)] == [
        len(part) for part in (real.salt, real.stored_key, real.server_key)
    ]
    assert one.iterations == real.iterations
    assert one.salt != scram.nobodys_keys(SCRAM_512, "eva", b"secret").salt


def test_an_extension_of_the_first_message_is_read() -> None:
    first = scram.parse_client_first(b"n,a=al=2Cice,n=al=2Cice,r=x,tokenauth=true")
    assert (first.user, first.authzid, first.extensions) == (
        "al,ice",
        "al,ice",
        {"tokenauth": "true"},
    )
    assert first.bare == "n=al=2Cice,r=x,tokenauth=true"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n,,",
        b"n,,n=user",
        b"n,,n=us=er,r=x",
        b"n,,n=user,r=",
        b"y,,n=user,r=x",
        b"p=tls-unique,,n=user,r=x",
        b"n,,m=must,n=user,r=x",
        b"n,,n=user,r=x,ext",
        b"\xff\xfe",
        b"n,,n=user,r=" + b"x" * 70_000,
    ],
)
def test_a_hostile_first_message_is_refused(message: bytes) -> None:
    with pytest.raises(BadMessage):
        scram.parse_client_first(message)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        FINAL.replace(b"c=biws", b"c=eSws"),
        FINAL.replace(b"c=biws", b"c=!!!!"),
        FINAL.replace(b"r=r", b"r=R"),
        FINAL[:-8],
        FINAL.split(b",p=")[0],
        FINAL.replace(b"p=", b"p=AAAA"),
    ],
)
def test_a_hostile_final_message_is_refused(message: bytes) -> None:
    with pytest.raises(BadMessage):
        server().final(message)


@given(st.binary(max_size=200))
def test_no_message_breaks_the_server(message: bytes) -> None:
    for take in (scram.parse_client_first, server().final):
        try:
            take(message)
        except BadMessage:
            pass


@pytest.mark.parametrize(
    "message", [b"", b"r=x,s=AA==,i=4096", b"r=abc1,s=!,i=4096", b"r=abc1,s=AA==,i=999999999"]
)
def test_a_hostile_server_is_refused_by_a_broker(message: bytes) -> None:
    with pytest.raises(BadMessage):
        ClientExchange(SCRAM_256, "b", "p", "abc").final(message)
