"""What a client and a broker say to each other within SASL, one class for each mechanism.

An exchange takes the client's messages one by one and gives the answers, until it ends with a
:class:`Proof` or a :class:`Refused`. Whoever fails is told the same, in the same time, whether it was the name or
the password.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from typing import Final, NamedTuple, Protocol

from anabranch.broker.security import scram
from anabranch.broker.security.scram import BadMessage, Keys, ServerExchange
from anabranch.broker.security.secret import Secret
from anabranch.broker.security.settings import SCRAM_256, SCRAM_512
from anabranch.broker.security.users import PASSWORD_BYTES_MAX, USER_NAME_MAX

TOKEN_EXTENSION: Final = "tokenauth"  # a client authenticates with a delegation token (KIP-48)
NONCE_BYTES: Final = 24


class Proof(NamedTuple):
    """Who the client is. ``expires_ms``: when what it showed is worth nothing any more."""

    user: str
    token_id: str | None = None
    expires_ms: int | None = None
    principal_type: str = "User"


class Refused(Exception):
    """The client did not prove who it is. ``user``: who it said to be, as far as that is known."""

    def __init__(self, sentence: str, user: str = "", *, detail: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence  # for the client
        self.user = user
        self.detail = detail or sentence  # for the log


class Answer(NamedTuple):
    """``proof`` ends the exchange."""

    message: bytes
    proof: Proof | None = None


class Exchange(Protocol):
    """One authentication."""

    async def step(self, message: bytes) -> Answer:
        """The answer to a client's message. Raises Refused; StoreFault if the metastore is away."""


FindKeys = Callable[[str, str], Awaitable[Keys | None]]
"""(user, mechanism) → what proves the password."""


class Plain:
    """PLAIN (RFC 4616). Passwords are those of the configuration, or of users in the metastore."""

    FAILED: Final = "Authentication failed: Invalid username or password"

    def __init__(
        self,
        configured: Mapping[str, Secret],
        find: FindKeys,
        secret: bytes,
        threads: Executor,
    ) -> None:
        self._configured = configured
        self._find = find
        self._secret = secret
        self._threads = threads

    async def step(self, message: bytes) -> Answer:
        authzid, user, password = self._parse(message)
        expected = self._configured.get(user)
        known = _same(password, expected.reveal() if expected is not None else "")
        if expected is not None and known:
            return self._proven(authzid, user)
        # Whoever fails takes this way, also a user of the configuration, and waits as long.
        proven = await self._in_metastore(user, password)
        if proven and expected is None:
            return self._proven(authzid, user)
        raise Refused(self.FAILED, user)

    async def _in_metastore(self, user: str, password: str) -> bool:
        for mechanism in (SCRAM_512, SCRAM_256):
            keys = await self._find(user, mechanism)
            if keys is not None:
                break
        else:
            mechanism, keys = SCRAM_512, scram.nobodys_keys(SCRAM_512, user, self._secret)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, scram.proves, mechanism, keys, password)

    def _proven(self, authzid: str, user: str) -> Answer:
        if authzid and authzid != user:
            raise Refused(
                "Authentication failed: Client requested an authorization id that is different from "
                "username",
                user,
            )
        return Answer(b"", Proof(user))

    def _parse(self, message: bytes) -> tuple[str, str, str]:
        try:
            parts = message.decode().split("\0")
        except UnicodeDecodeError:
            raise Refused("Authentication failed: the message is not UTF-8") from None
        if len(parts) != 3:
            raise Refused("Authentication failed: expected authorization id, username, password")
        authzid, user, password = parts
        if not user:
            raise Refused("Authentication failed: username not specified")
        if not password:
            raise Refused("Authentication failed: password not specified")
        if len(user) > USER_NAME_MAX or len(password.encode()) > PASSWORD_BYTES_MAX:
            raise Refused(self.FAILED)
        return authzid, user, password


def _same(one: str, other: str) -> bool:
    """Whether they are the same, without telling by the time it takes how far."""
    digests = [hashlib.sha256(text.encode()).digest() for text in (one, other)]
    return hmac.compare_digest(*digests)


class TokenKeys(NamedTuple):
    """What proves the possession of a delegation token, and whose it is."""

    owner_type: str
    owner: str
    password: str
    expires_ms: int


FindToken = Callable[[str], Awaitable[TokenKeys | None]]
RandomBytes = Callable[[int], bytes]


def _nonce(random_bytes: RandomBytes) -> str:
    return base64.urlsafe_b64encode(random_bytes(NONCE_BYTES)).decode()


class Scram:
    """SCRAM (RFC 5802) with users of the metastore, or with delegation tokens (KIP-48)."""

    def __init__(
        self,
        mechanism: str,
        find: FindKeys,
        find_token: FindToken,
        secret: bytes,
        threads: Executor,
        random_bytes: RandomBytes,
    ) -> None:
        self._random_bytes = random_bytes
        self._mechanism = mechanism
        self._find = find
        self._find_token = find_token
        self._secret = secret
        self._threads = threads
        self._server: ServerExchange | None = None
        self._user = ""
        self._proof = Proof("")

    @property
    def _failed(self) -> str:
        return (
            "Authentication failed during authentication due to invalid credentials with SASL "
            f"mechanism {self._mechanism}"
        )

    async def step(self, message: bytes) -> Answer:
        try:
            if self._server is None:
                return Answer(await self._begin(message))
            answer = self._server.final(message)
        except BadMessage as bad:
            raise Refused(self._failed, self._user, detail=str(bad)) from None
        if answer is None:
            raise Refused(self._failed, self._user, detail="wrong user or password")
        return Answer(answer, self._proof)

    async def _begin(self, message: bytes) -> bytes:
        first = scram.parse_client_first(message)
        self._user = first.user
        if len(first.user) > USER_NAME_MAX:
            raise BadMessage("the user's name is too long")
        if first.authzid and first.authzid != first.user:
            raise Refused(
                "Authentication failed: Client requested an authorization id that is different from "
                "username",
                first.user,
            )
        if first.extensions.get(TOKEN_EXTENSION, "").lower() == "true":
            keys = await self._token(first.user)
        else:
            keys = await self._find(first.user, self._mechanism)
            self._proof = Proof(first.user)
        if keys is None:
            keys = scram.nobodys_keys(self._mechanism, first.user, self._secret)
        nonce = _nonce(self._random_bytes)
        self._server = ServerExchange(self._mechanism, first, keys, nonce)
        return self._server.first

    async def _token(self, token_id: str) -> Keys | None:
        token = await self._find_token(token_id)
        about = token_id.encode()
        salt = hmac.digest(self._secret, b"token:" + about, "sha256")[: scram.SALT_BYTES]
        password = token.password if token is not None else self._random_bytes(NONCE_BYTES).hex()
        loop = asyncio.get_running_loop()
        keys = await loop.run_in_executor(
            self._threads, scram.make_keys, self._mechanism, password, salt, scram.ITERATIONS
        )
        if token is None:
            return keys  # of a password that nobody has
        self._proof = Proof(token.owner, token_id, token.expires_ms, token.owner_type)
        return keys


class Peer:
    """Another broker of the cluster: SCRAM-SHA-256 with a secret that both read in the metastore."""

    MECHANISM: Final = "ANABRANCH-PEER"

    def __init__(self, secret: bytes, random_bytes: RandomBytes) -> None:
        self._secret = secret
        self._random_bytes = random_bytes
        self._server: ServerExchange | None = None
        self._name = ""

    async def step(self, message: bytes) -> Answer:
        try:
            if self._server is None:
                first = scram.parse_client_first(message)
                self._name = first.user
                salt = self._random_bytes(scram.SALT_BYTES)
                keys = scram.make_keys(SCRAM_256, peer_password(self._secret), salt, 1)
                nonce = _nonce(self._random_bytes)
                self._server = ServerExchange(SCRAM_256, first, keys, nonce)
                return Answer(self._server.first)
            answer = self._server.final(message)
        except BadMessage as bad:
            raise Refused("no broker of this cluster", self._name, detail=str(bad)) from None
        if answer is None:
            raise Refused("no broker of this cluster", self._name)
        return Answer(answer, Proof(self._name, principal_type="Broker"))


def peer_password(secret: bytes) -> str:
    """What brokers prove to each other that they know. It is random, so one iteration is enough."""
    return base64.b64encode(hmac.digest(secret, b"peer", "sha256")).decode()
