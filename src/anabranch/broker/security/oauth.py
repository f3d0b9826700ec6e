"""OAUTHBEARER (RFC 7628, KIP-255): a client shows a token (JWT) that an issuer signed.

A token counts if its signature is of a key of the issuer's and by an algorithm that is configured (never ``none``, never a
shared key), its time has come and is not over, and issuer, audience and scopes are as configured. Whoever is refused
gets an answer in JSON first, as the RFC wants it, and the failure for the next message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from anabranch.broker.security.exchanges import Answer, Proof, Refused
from anabranch.broker.security.jwks import Jwks
from anabranch.broker.security.settings import OauthSettings
from anabranch.broker.security.users import USER_NAME_MAX

TOKEN_BYTES_MAX: Final = 32 * 1024
_FIRST: Final = re.compile(
    r"n,(?:a=((?:[^=,\x01]|=2C|=3D)+))?,\x01((?:[A-Za-z]+=[\x21-\x7e \t\r\n]*\x01)*)\x01"
)
_BEARER: Final = re.compile(r"(?i:bearer) +([-_.a-zA-Z0-9]+=*)")
_GO_ON: Final = b"\x01"


class Invalid(Exception):
    """The token does not count. The sentence never holds the token."""


class Verifier:
    """Judges tokens by the configuration."""

    def __init__(self, settings: OauthSettings, jwks: Jwks, now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._jwks = jwks
        self._now_ms = now_ms

    async def verify(self, token: str) -> Proof:
        """Whose it is, and until when. Raises Invalid."""
        import jwt

        settings = self._settings
        if len(token) > TOKEN_BYTES_MAX:
            raise Invalid("the token is too long")
        try:
            header = jwt.get_unverified_header(token)
            algorithm = header.get("alg")
            if algorithm not in settings.algorithms:
                raise Invalid("the token is not signed by an algorithm of oauth.algorithms")
            if "crit" in header:
                raise Invalid("the token has a critical header that is not known")
            kid = header.get("kid")
            key = await self._jwks.key(kid if isinstance(kid, str) else None)
            if key is None:
                raise Invalid("the token is signed by a key that the issuer does not publish")
            if key.algorithm not in (None, algorithm):
                raise Invalid("the token is signed by another algorithm than its key is for")
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                audience=list(settings.audience) or None,
                issuer=settings.issuer,
                options={
                    # Times are judged below, by this broker's clock.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_aud": bool(settings.audience),
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
        except jwt.PyJWTError as error:
            raise Invalid(f"the token is not valid: {error}") from None
        return Proof(self._name(claims), expires_ms=self._times(claims))

    def _times(self, claims: Mapping[str, Any]) -> int:
        """When it expires, with the skew that clocks may have. Raises Invalid."""
        now_ms, skew_ms = self._now_ms(), self._settings.clock_skew_ms
        times = {}
        for claim in ("exp", "nbf", "iat"):
            value = claims.get(claim)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e12:
                raise Invalid(f"the token's {claim} is no time")
            times[claim] = int(value * 1000)
        if "exp" not in times:
            raise Invalid("the token does not say when it expires")
        expires_ms = times["exp"] + skew_ms
        if expires_ms <= now_ms:
            raise Invalid("the token has expired")
        for claim in ("nbf", "iat"):
            if times.get(claim, now_ms) - skew_ms > now_ms:
                raise Invalid("the token is not valid yet")
        return expires_ms

    def _name(self, claims: Mapping[str, Any]) -> str:
        settings = self._settings
        name = claims.get(settings.principal_claim)
        if not isinstance(name, str) or not 0 < len(name) <= USER_NAME_MAX:
            raise Invalid(f"the token has no {settings.principal_claim}")
        granted = claims.get(settings.scope_claim, ())
        if isinstance(granted, str):
            granted = granted.split()
        if not isinstance(granted, (list, tuple)):
            granted = ()
        missing = [scope for scope in settings.scopes if scope not in granted]
        if missing:
            raise Invalid(f"the token has not the scope {missing[0]}")
        return name


class Oauth:
    """One authentication by a token."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._wrong: str | None = None

    async def step(self, message: bytes) -> Answer:
        if self._wrong is not None:
            raise Refused(f"Authentication failed: {self._wrong}")
        authzid, token = self._parse(message)
        try:
            proof = await self._verifier.verify(token)
        except Invalid as invalid:
            self._wrong = str(invalid)
            return Answer(msgspec.json.encode({"status": "invalid_token"}))
        if authzid and authzid != proof.user:
            raise Refused(
                "Authentication failed: Client requested an authorization id that is different from the "
                "token's principal name",
                proof.user,
            )
        return Answer(b"", proof)

    def _parse(self, message: bytes) -> tuple[str, str]:
        try:
            found = _FIRST.fullmatch(message.decode())
        except UnicodeDecodeError:
            found = None
        if found is None:
            raise Refused("Authentication failed: the message is not what RFC 7628 says")
        pairs = dict(part.split("=", 1) for part in found[2].split("\x01") if part)
        bearer = _BEARER.fullmatch(pairs.get("auth", "").strip())
        if bearer is None:
            raise Refused("Authentication failed: the message has no bearer token")
        authzid = (found[1] or "").replace("=2C", ",").replace("=3D", "=")
        return authzid, bearer[1]
