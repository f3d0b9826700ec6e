"""OAUTHBEARER: tokens right, wrong, forged and late; keys that are rotated, away, or none."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from anabranch.broker.config import ListenerSettings
from anabranch.broker.security import jwks as jwks_module
from anabranch.broker.security.exchanges import Refused
from anabranch.broker.security.jwks import Jwks, parse
from anabranch.broker.security.oauth import Invalid, Oauth, Verifier
from anabranch.broker.security.settings import OauthSettings, SaslSettings
from anabranch.errors import ErrorCode, UserFault
from anabranch.log.opening import wall_clock_ms
from anabranch.wire.messages.m03_metadata import MetadataRequest
from tests.broker.security.sasl import connect, handshake, secured, send
from tests.support.tokens import Issuer, jwks

NOW_S = 1_700_000_000
GOOD: dict[str, Any] = {"sub": "alice", "exp": NOW_S + 60}


def run(scenario: Callable[[], Awaitable[Any]]) -> Any:
    return asyncio.run(asyncio.wait_for(scenario(), 60))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


class Source:
    """An address whose answer the test decides; counts how often it was asked."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.body: bytes | None = jwks(*keys)
        self.asked = 0

    def __call__(self, where: str) -> bytes:
        self.asked += 1
        if self.body is None:
            raise UserFault("away")
        return self.body


def verify(
    token: str, source: Source, settings: OauthSettings | None = None, now_ms: int = NOW_S * 1000
) -> Any:
    async def scenario() -> Any:
        with ThreadPoolExecutor(1) as threads:
            keys = Jwks("https://idp", 60_000, lambda: 0.0, threads, source)
            await keys.start()
            return await Verifier(settings or OauthSettings(), keys, lambda: now_ms).verify(token)

    return run(scenario)


# -- tokens ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "ES256"])
def test_a_signed_token_names_its_user_and_when_it_ends(algorithm: str) -> None:
    issuer = Issuer(algorithm=algorithm)
    proof = verify(issuer.token(**GOOD), Source(issuer.jwk()))
    assert (proof.user, proof.expires_ms) == ("alice", (NOW_S + 60) * 1000 + 30_000)


STRICT = OauthSettings(
    issuer="https://idp", audience=("kafka", "log"), scopes=("produce",), clock_skew_ms=5000
)
FULL = {**GOOD, "iss": "https://idp", "aud": "kafka", "scope": "consume produce"}


@pytest.mark.parametrize(
    "claims",
    [
        FULL,
        {**FULL, "aud": ["other", "log"]},
        {**FULL, "scope": ["produce"]},
        {**FULL, "exp": NOW_S - 4},
        {**FULL, "nbf": NOW_S + 4, "iat": NOW_S + 4},
        {**FULL, "exp": NOW_S + 0.5},
    ],
)
def test_what_is_configured_is_found_in_the_token(claims: dict[str, Any], issuer: Issuer) -> None:
    assert verify(issuer.token(**claims), Source(issuer.jwk()), STRICT).user == "alice"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"iss": "https://evil"}, "(?i)issuer"),
        ({"iss": None}, "(?i)issuer|iss"),
        ({"aud": "other"}, "(?i)audience"),
        ({"aud": None}, "(?i)aud"),
        ({"scope": "consume producers"}, "scope produce"),
        ({"scope": None}, "scope produce"),
        ({"exp": NOW_S - 6}, "expired"),
        ({"exp": None}, "does not say when it expires"),
        ({"exp": "soon"}, "exp is no time"),
        ({"exp": True}, "exp is no time"),
        ({"exp": 1e300}, "exp is no time"),
        ({"nbf": NOW_S + 6}, "not valid yet"),
        ({"iat": NOW_S + 6}, "not valid yet"),
        ({"sub": None}, "has no sub"),
        ({"sub": ""}, "has no sub"),
        ({"sub": 7}, "has no sub"),
        ({"sub": "x" * 600}, "has no sub"),
    ],
)
def test_a_token_that_lacks_something_is_refused(
    changes: dict[str, Any], said: str, issuer: Issuer
) -> None:
    claims = {name: value for name, value in {**FULL, **changes}.items() if value is not None}
    with pytest.raises(Invalid, match=said):
        verify(issuer.token(**claims), Source(issuer.jwk()), STRICT)


def _b64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _forgeries(issuer: Issuer) -> dict[str, str]:
    good = issuer.token(**GOOD)
    head, body, signature = good.split(".")
    pem = issuer.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    import hashlib
    import hmac

    shared = f"{_b64({'alg': 'HS256', 'kid': 'k1'})}.{body}"
    mac = base64.urlsafe_b64encode(hmac.digest(pem, shared.encode(), hashlib.sha256)).rstrip(b"=")
    return {
        "unsigned": f"{_b64({'alg': 'none', 'kid': 'k1'})}.{body}.",
        "unsigned, in capitals": f"{_b64({'alg': 'NONE', 'kid': 'k1'})}.{body}.",
        "signed by the public key as a shared one": f"{shared}.{mac.decode()}",
        "another body": f"{head}.{_b64({**GOOD, 'sub': 'root'})}.{signature}",
        "no signature": f"{head}.{body}.",
        "another key of the same id": Issuer().token(**GOOD),
        "a key that is not published": Issuer("k2").token(**GOOD),
        "a key of its own in the header": Issuer("k2").token(
            header={"jwk": Issuer("k2").jwk()}, **GOOD
        ),
        "a critical header": issuer.token(header={"crit": ["x"], "x": 1}, **GOOD),
        "no token": "a.b.c",
        "too long": good + "A" * 40_000,
    }


def test_a_forged_token_is_refused(issuer: Issuer) -> None:
    for name, token in _forgeries(issuer).items():
        with pytest.raises(Invalid) as caught:
            verify(token, Source(issuer.jwk()))
        assert token not in str(caught.value), name


def test_a_key_is_for_its_algorithm_alone(issuer: Issuer) -> None:
    with pytest.raises(Invalid, match="another algorithm"):
        verify(issuer.token(**GOOD), Source(issuer.jwk(alg="RS512")))
    with pytest.raises(Invalid, match=r"oauth\.algorithms"):
        verify(issuer.token(**GOOD), Source(issuer.jwk()), OauthSettings(algorithms=("ES256",)))


# -- keys ------------------------------------------------------------------------------------------
def test_only_public_keys_for_signatures_are_taken(issuer: Issuer) -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"}
    bad = {"kty": "RSA", "n": "!", "e": "AQAB", "kid": "bad"}
    encrypting = issuer.jwk(use="enc", kid="enc")
    found = parse(jwks(secret, bad, encrypting, issuer.jwk()), "x")
    assert set(found) == {"k1"}
    for body in (b"", b"[]", b"{}", b'{"keys": 3}', jwks(), jwks(secret)):
        with pytest.raises(UserFault):
            parse(body, "x")


def test_keys_are_rotated_and_a_source_that_is_away_changes_nothing() -> None:
    old, new = Issuer("old"), Issuer("new")
    source, clock = Source(old.jwk()), [0.0]

    async def scenario() -> None:
        with ThreadPoolExecutor(1) as threads:
            keys = Jwks("https://idp", 60_000, lambda: clock[0], threads, source)
            await keys.start()
            assert await keys.key("old") is not None
            assert await keys.key("new") is None
            source.body = jwks(old.jwk(), new.jwk())
            assert await keys.key("new") is None, "not asked again so soon"
            assert source.asked == 1
            clock[0] = 11
            found = await asyncio.gather(*(keys.key("new") for _ in range(20)))
            assert None not in found
            assert source.asked == 2, "asked once for all that wait"
            source.body = None
            clock[0] = 80
            assert await keys.key("old") is not None
            assert source.asked == 3
            clock[0] = 85
            assert await keys.key("old") is not None
            assert source.asked == 3
            source.body = jwks(new.jwk())
            clock[0] = 92
            assert await keys.key("old") is None, "withdrawn"
            assert await keys.key(None) is not None, "the only one there is"

    run(scenario)


def test_a_file_of_keys_has_to_be_there_and_an_address_may_be_away(tmp_path: Path) -> None:
    async def scenario() -> None:
        with ThreadPoolExecutor(1) as threads:
            with pytest.raises(UserFault, match="cannot be read"):
                await Jwks(f"{tmp_path}/absent", 1000, lambda: 0.0, threads).start()
            away = Source()
            away.body = None
            await Jwks("https://idp", 1000, lambda: 0.0, threads, away).start()

    run(scenario)


def test_what_is_fetched_is_bounded_and_never_from_elsewhere(tmp_path: Path) -> None:
    import http.server
    import threading

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/keys")
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * (5 if self.path == "/keys" else jwks_module.JWKS_BYTES_MAX + 1))

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    where = f"http://127.0.0.1:{server.server_port}"
    try:
        assert jwks_module.fetch(f"{where}/keys") == b"xxxxx"
        with pytest.raises(UserFault, match="answers 302"):
            jwks_module.fetch(f"{where}/moved")
        with pytest.raises(UserFault, match="more than"):
            jwks_module.fetch(f"{where}/large")
    finally:
        server.shutdown()
        server.server_close()
    with pytest.raises(UserFault, match="cannot be fetched"):
        jwks_module.fetch(f"{where}/keys")


# -- messages --------------------------------------------------------------------------------------
def first(token: str, *, authzid: str = "", more: str = "") -> bytes:
    named = f"a={authzid}" if authzid else ""
    return f"n,{named},\x01auth=Bearer {token}\x01{more}\x01".encode()


@given(st.binary(max_size=300))
def test_no_message_breaks_an_exchange(message: bytes) -> None:
    class Nobody:
        async def verify(self, token: str) -> None:
            raise Invalid("no")

    async def scenario() -> None:
        exchange = Oauth(Nobody())  # type: ignore[arg-type]
        try:
            await exchange.step(message)
        except Refused:
            pass

    asyncio.run(scenario())


def test_tokens_on_a_broker(tmp_path: Path, issuer: Issuer) -> None:
    keys = tmp_path / "keys.json"
    keys.write_bytes(jwks(issuer.jwk()))
    listener = ListenerSettings(protocol="SASL_PLAINTEXT", port=0, mechanisms=("OAUTHBEARER",))
    oauth = OauthSettings(jwks=str(keys), clock_skew_ms=0)
    sasl = SaslSettings(failed_delay_ms=0)

    async def scenario() -> None:
        async with secured(tmp_path / "d", listener=listener, oauth=oauth, sasl=sasl) as broker:
            now_s = wall_clock_ms() // 1000
            good = issuer.token(sub="alice", exp=now_s + 3600)
            client = await connect(broker)
            await handshake(client, "OAUTHBEARER")
            answer = await send(client, first(good, authzid="alice", more="ext=1\x01"))
            assert answer.error_code == 0
            assert 3_500_000 < answer.session_lifetime_ms <= 3_600_000
            assert (await client.call(MetadataRequest(topics=[]), 12)).brokers
            (one,) = broker.listener.connections
            assert str(one.session.principal) == "User:alice"

            client = await connect(broker)
            await handshake(client, "OAUTHBEARER")
            refused = await send(client, first(issuer.token(sub="alice", exp=now_s - 1)))
            assert (refused.error_code, json.loads(bytes(refused.auth_bytes))) == (
                0,
                {"status": "invalid_token"},
            )
            failed = await send(client, b"\x01")
            assert failed.error_code == ErrorCode.SASL_AUTHENTICATION_FAILED
            assert "expired" in str(failed.error_message)
            assert await client.closed()

            for message in (
                first(good, authzid="bob"),
                b"n,,\x01\x01",
                b"n,,\x01auth=Basic x\x01\x01",
            ):
                client = await connect(broker)
                await handshake(client, "OAUTHBEARER")
                failed = await send(client, message)
                assert failed.error_code == ErrorCode.SASL_AUTHENTICATION_FAILED

            # A session ends with its token.
            client = await connect(broker)
            await handshake(client, "OAUTHBEARER")
            short = issuer.token(sub="alice", exp=wall_clock_ms() / 1000 + 300)
            assert 0 < (await send(client, first(short))).session_lifetime_ms <= 300_000
            for connection in broker.listener.connections:
                if connection.authentication is not None and connection.authentication._ends_s:
                    connection.authentication._ends_s -= 300  # as if so many seconds had passed
            client.send(MetadataRequest(topics=[]), 12)
            assert await client.closed()

    run(scenario)
