"""SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677) without I/O: the server's side and the client's.

The server keeps StoredKey and ServerKey, from which the password does not follow. Channel binding is not
offered (Kafka does not either).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from anabranch.broker.security.settings import SCRAM_256, SCRAM_512

DIGESTS: Final[Mapping[str, str]] = MappingProxyType({SCRAM_256: "sha256", SCRAM_512: "sha512"})
"""The hash of each mechanism."""

ITERATIONS_MIN: Final = 4096  # Kafka's bounds
ITERATIONS_MAX: Final = 16384
ITERATIONS: Final = 4096  # what Kafka's tools take; those of users that do not exist are the same
SALT_BYTES: Final = 24
MESSAGE_BYTES_MAX: Final = 64 * 1024

_CLIENT_FIRST: Final = re.compile(
    r"n,(?:a=([^,]*))?,(m=[^,]*,)?n=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)(,.*)?"
)
_CLIENT_FINAL: Final = re.compile(r"c=([^,]+),r=([^,]+)(,.*)?,p=([A-Za-z0-9+/=]+)")
_SERVER_FIRST: Final = re.compile(r"r=([^,]+),s=([^,]+),i=(\d+)(,.*)?")
_NO_BINDING: Final = base64.b64encode(b"n,,").decode()


class BadMessage(Exception):
    """The peer does not speak SCRAM."""


class Keys(NamedTuple):
    """What proves a password, with what is needed to make it."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


class ClientFirst(NamedTuple):
    """The first message of a client."""

    user: str
    nonce: str
    bare: str
    authzid: str
    extensions: Mapping[str, str]


def salted_password(mechanism: str, password: str, salt: bytes, iterations: int) -> bytes:
    """PBKDF2: some milliseconds of CPU, without the interpreter lock."""
    return hashlib.pbkdf2_hmac(DIGESTS[mechanism], password.encode(), salt, iterations)


def keys_of(mechanism: str, salted: bytes, salt: bytes, iterations: int) -> Keys:
    """The keys that follow from a salted password."""
    digest = DIGESTS[mechanism]
    client_key = hmac.digest(salted, b"Client Key", digest)
    return Keys(
        salt,
        iterations,
        hashlib.new(digest, client_key).digest(),
        hmac.digest(salted, b"Server Key", digest),
    )


def make_keys(mechanism: str, password: str, salt: bytes, iterations: int) -> Keys:
    """The keys of a password."""
    salted = salted_password(mechanism, password, salt, iterations)
    return keys_of(mechanism, salted, salt, iterations)


def proves(mechanism: str, keys: Keys, password: str) -> bool:
    """Whether ``password`` is the one that ``keys`` were made of; takes as long either way."""
    made = make_keys(mechanism, password, keys.salt, keys.iterations)
    return hmac.compare_digest(made.stored_key, keys.stored_key)


def nobodys_keys(mechanism: str, user: str, secret: bytes) -> Keys:
    """Keys of a user that does not exist: always the same salt, and no password that fits."""
    digest = DIGESTS[mechanism]
    about = f"{mechanism}:{user}".encode()
    salt = hmac.digest(secret, b"salt:" + about, "sha256")[:SALT_BYTES]
    key = hmac.digest(secret, b"keys:" + about, digest)
    return Keys(salt, ITERATIONS, key, key)


def _text(message: bytes) -> str:
    if len(message) > MESSAGE_BYTES_MAX:
        raise BadMessage("a message is too long")
    try:
        return message.decode()
    except UnicodeDecodeError:
        raise BadMessage("a message is not UTF-8") from None


def _name(text: str) -> str:
    """A saslname: commas and equals signs are escaped. Raises BadMessage."""
    if re.search(r"=(?!2C|3D)", text):
        raise BadMessage("a name is not escaped as RFC 5802 says")
    return text.replace("=2C", ",").replace("=3D", "=")


def saslname(text: str) -> str:
    """The reverse."""
    return text.replace("=", "=3D").replace(",", "=2C")


def parse_client_first(message: bytes) -> ClientFirst:
    """Raises BadMessage."""
    text = _text(message)
    found = _CLIENT_FIRST.fullmatch(text)
    if found is None:
        raise BadMessage("the first message of a client is not what RFC 5802 says")
    authzid, mandatory, user, nonce, rest = found.groups()
    if mandatory:
        raise BadMessage("an extension is mandatory that is not known")
    extensions = {}
    for part in (rest or "")[1:].split(",") if rest else ():
        name, equals, value = part.partition("=")
        if not equals:
            raise BadMessage("an extension has no value")
        extensions[name] = value
    bare = text[text.index("n=", 2) :] if not text.startswith("n,,") else text[3:]
    return ClientFirst(_name(user), nonce, bare, _name(authzid or ""), extensions)


class ServerExchange:
    """The server's half, from the client's first message on. ``nonce`` must be fresh: 16 random bytes or more,
    printable."""

    def __init__(self, mechanism: str, first: ClientFirst, keys: Keys, nonce: str) -> None:
        self._mechanism = mechanism
        self._digest = DIGESTS[mechanism]
        self._keys = keys
        self._nonce = first.nonce + nonce
        self._authzid = first.authzid
        salt = base64.b64encode(keys.salt).decode()
        self._server_first = f"r={self._nonce},s={salt},i={keys.iterations}"
        self._messages = f"{first.bare},{self._server_first}"

    @property
    def first(self) -> bytes:
        """The answer to the client's first message."""
        return self._server_first.encode()

    def final(self, message: bytes) -> bytes | None:
        """The answer to the client's final message if that proves the password. Raises BadMessage."""
        text = _text(message)
        found = _CLIENT_FINAL.fullmatch(text)
        if found is None:
            raise BadMessage("the final message of a client is not what RFC 5802 says")
        binding, nonce, _, proof_text = found.groups()
        try:
            header = base64.b64decode(binding, validate=True)
            proof = base64.b64decode(proof_text, validate=True)
        except ValueError:
            raise BadMessage("the final message of a client is not in base64") from None
        named = f"a={saslname(self._authzid)}" if self._authzid else ""
        if header != f"n,{named},".encode():
            raise BadMessage("the channel binding is not the one of the first message")
        if nonce != self._nonce:
            raise BadMessage("the nonce is another one")
        stored = self._keys.stored_key
        if len(proof) != len(stored):
            raise BadMessage("the proof has the wrong length")
        auth_message = f"{self._messages},{text[: text.rindex(',p=')]}".encode()
        signature = hmac.digest(stored, auth_message, self._digest)
        client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
        if not hmac.compare_digest(hashlib.new(self._digest, client_key).digest(), stored):
            return None
        verifier = hmac.digest(self._keys.server_key, auth_message, self._digest)
        return b"v=" + base64.b64encode(verifier)


class ClientExchange:
    """The client's half: how a broker proves itself to another."""

    def __init__(self, mechanism: str, user: str, password: str, nonce: str) -> None:
        self._mechanism = mechanism
        self._digest = DIGESTS[mechanism]
        self._password = password
        self._nonce = nonce
        self._bare = f"n={saslname(user)},r={nonce}"
        self._expected = b""

    @property
    def first(self) -> bytes:
        return f"n,,{self._bare}".encode()

    def final(self, server_first: bytes) -> bytes:
        """Raises BadMessage."""
        text = _text(server_first)
        found = _SERVER_FIRST.fullmatch(text)
        if found is None or not found[1].startswith(self._nonce):
            raise BadMessage("the server's first message is not what RFC 5802 says")
        try:
            salt = base64.b64decode(found[2], validate=True)
        except ValueError:
            raise BadMessage("the server's first message is not in base64") from None
        iterations = int(found[3])
        if not 1 <= iterations <= ITERATIONS_MAX:
            raise BadMessage(f"the server asks for {iterations} iterations")
        salted = salted_password(self._mechanism, self._password, salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", self._digest)
        stored = hashlib.new(self._digest, client_key).digest()
        without_proof = f"c={_NO_BINDING},r={found[1]}"
        auth_message = f"{self._bare},{text},{without_proof}".encode()
        signature = hmac.digest(stored, auth_message, self._digest)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        server_key = hmac.digest(salted, b"Server Key", self._digest)
        self._expected = b"v=" + base64.b64encode(
            hmac.digest(server_key, auth_message, self._digest)
        )
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def trusts(self, server_final: bytes) -> bool:
        """Whether the server knows the password as well."""
        return hmac.compare_digest(server_final, self._expected)
