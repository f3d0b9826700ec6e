"""An issuer's public keys (JWKS, RFC 7517), from a file or an address, fetched anew when they change.

Keys are taken up without a restart: a file when it changes, an address every ``refresh_ms``, and both when a token names
a key that is not known yet, as just after a rotation. While the address is away, the last keys stand.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from anabranch.errors import UserFault

logger = logging.getLogger(__name__)

JWKS_BYTES_MAX: Final = 1 << 20  # of an answer or a file; a key is some 500 bytes
KEYS_MAX: Final = 200
FETCH_S_MAX: Final = 10.0
ASK_AGAIN_S: Final = 10.0  # between two fetches that unknown keys or failures cause
_USE: Final = ("sig", None)


class IssuerKey(NamedTuple):
    """A public key, and the one algorithm that it is for, if its issuer says so."""

    key: Any
    algorithm: str | None


def fetch(where: str) -> bytes:
    """The document at an address or in a file. Raises UserFault."""
    # Imported where it is needed: a broker that starts without it is up some 20 ms earlier.
    import urllib.error
    import urllib.request

    class NoRedirects(urllib.request.HTTPRedirectHandler):
        """What is fetched elsewhere would not be the address that was configured."""

        def redirect_request(self, *_: Any) -> None:
            return None

    try:
        if "://" in where:
            opener = urllib.request.build_opener(NoRedirects)
            with opener.open(where, timeout=FETCH_S_MAX) as answer:
                body: bytes = answer.read(JWKS_BYTES_MAX + 1)
        else:
            with Path(where).open("rb") as file:
                body = file.read(JWKS_BYTES_MAX + 1)
    except urllib.error.HTTPError as error:
        raise UserFault(f"{where} answers {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise UserFault(f"{where} cannot be fetched: {error.reason}") from None
    except (OSError, ValueError) as error:
        raise UserFault(f"{where} cannot be read: {error}") from None
    if len(body) > JWKS_BYTES_MAX:
        raise UserFault(f"{where} has more than {JWKS_BYTES_MAX} bytes")
    return body


def parse(body: bytes, where: str) -> Mapping[str | None, IssuerKey]:
    """Keys by their ids. What is no public key to verify with is left out. Raises UserFault."""
    import jwt

    try:
        document = msgspec.json.decode(body)
        listed = document["keys"]
        assert isinstance(listed, list)
    except (msgspec.DecodeError, KeyError, TypeError, AssertionError):
        raise UserFault(f"{where} is no JWKS: an object with “keys”") from None
    keys: dict[str | None, IssuerKey] = {}
    for one in listed[:KEYS_MAX]:
        # Never a shared key ("oct"): whoever reads it could sign.
        if not isinstance(one, dict) or one.get("kty") not in ("RSA", "EC", "OKP"):
            continue
        if one.get("use") not in _USE:
            continue
        public = {name: value for name, value in one.items() if name != "d"}
        kid = one.get("kid")
        try:
            key = IssuerKey(jwt.PyJWK.from_dict(public).key, one.get("alg"))
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            logger.warning("a key of %s is left out: %s", where, error)
            continue
        keys[kid if isinstance(kid, str) else None] = key
    if not keys:
        raise UserFault(f"{where} has no public key of an issuer")
    return keys


class Jwks:
    """See the module. ``monotonic_s`` is a clock that only goes forward."""

    def __init__(
        self,
        where: str,
        refresh_ms: int,
        monotonic_s: Callable[[], float],
        threads: Executor,
        fetch: Callable[[str], bytes] = fetch,
    ) -> None:
        self._where = where
        self._refresh_s = refresh_ms / 1000 if "://" in where else ASK_AGAIN_S
        self._monotonic_s = monotonic_s
        self._threads = threads
        self._fetch = fetch
        self._keys: Mapping[str | None, IssuerKey] = {}
        self._asked_s: float | None = None
        self._good = False
        self._asking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up the keys. A file that cannot be used is a UserFault; an address may be away for now."""
        try:
            self._keys = await self._load()
            self._good = True
        except UserFault as fault:
            if "://" not in self._where:
                raise
            logger.error("no token is accepted before keys are there: %s", fault)
        self._asked_s = self._monotonic_s()

    async def _load(self) -> Mapping[str | None, IssuerKey]:
        loop = asyncio.get_running_loop()
        body = await loop.run_in_executor(self._threads, self._fetch, self._where)
        return parse(body, self._where)

    async def key(self, kid: str | None) -> IssuerKey | None:
        """The key of that id; without an id, the only one there is."""
        if self._due(self._refresh_s if self._good else ASK_AGAIN_S):
            await self._ask()
        found = self._find(kid)
        if found is None and self._due(ASK_AGAIN_S):
            await self._ask()
            found = self._find(kid)
        return found

    def _find(self, kid: str | None) -> IssuerKey | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    def _due(self, after_s: float) -> bool:
        return self._asked_s is None or self._monotonic_s() - self._asked_s >= after_s

    async def _ask(self) -> None:
        """Fetch once, however many wait for it."""
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._refresh())
        await asyncio.shield(self._asking)

    async def _refresh(self) -> None:
        try:
            self._keys = await self._load()
            if not self._good:
                logger.warning("the issuer's keys are there again: %s", self._where)
            self._good = True
        except UserFault as fault:
            if self._good:
                logger.error("the issuer's keys stay as they are: %s", fault)
            self._good = False
        finally:
            self._asked_s = self._monotonic_s()
            self._asking = None
