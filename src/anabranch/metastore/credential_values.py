"""What the metastore keeps of listeners, users and delegation tokens."""

from __future__ import annotations

from msgspec import Struct


class Endpoint(Struct, frozen=True, array_like=True):
    """Where clients of one listener reach a broker."""

    listener: str
    protocol: str
    host: str
    port: int


class ScramCredential(Struct, frozen=True):
    """A salted verifier (RFC 5802). ``verifier`` is StoredKey and ServerKey, or both encrypted if
    ``sealed``. Whoever has it can guess passwords, not read them."""

    user: str
    mechanism: str
    iterations: int
    salt: bytes
    verifier: bytes
    sealed: bool = False
    updated_ms: int = 0

    def __repr__(self) -> str:
        return f"ScramCredential({self.user!r}, {self.mechanism!r}, {self.iterations})"


class DelegationToken(Struct, frozen=True):
    """A token without its HMAC (KIP-48). Principals are spelled ``TYPE:NAME``."""

    token_id: str
    owner: str
    requester: str
    renewers: tuple[str, ...]
    issued_ms: int
    expires_ms: int
    max_ms: int
