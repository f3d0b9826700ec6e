"""Users with passwords: their salted verifiers in the metastore, encrypted there if a key is configured.

A verifier lets nobody log in, but passwords can be guessed by it, and whoever has seen an exchange can
impersonate with it. It is in the metastore, and by the journal in the bucket. ``sasl.credentials_key``
encrypts it in both: AES-256-GCM, bound to user and mechanism.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Final

from anabranch.broker.security import scram
from anabranch.broker.security.scram import Keys
from anabranch.broker.security.secret import Secret
from anabranch.errors import UserFault
from anabranch.metastore.api import Metastore, ScramCredential

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
USER_NAME_MAX: Final = 512  # characters
PASSWORD_BYTES_MAX: Final = 1024


class Sealer:
    """Encrypts verifiers. Raises UserFault if the key is none."""

    def __init__(self, key: Secret, random_bytes: Callable[[int], bytes]) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            raw = base64.b64decode(key.reveal(), validate=True)
        except binascii.Error:
            raw = b""
        if len(raw) != KEY_BYTES:
            raise UserFault(
                f"sasl.credentials_key must be {KEY_BYTES} bytes in base64, as `openssl rand -base64 32` "
                "gives them"
            )
        self._cipher = AESGCM(raw)
        self._random_bytes = random_bytes

    def seal(self, verifier: bytes, about: bytes) -> bytes:
        nonce = self._random_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, verifier, about)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Raises UserFault if it was sealed by another key, or for somebody else."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
        except InvalidTag:
            raise UserFault(
                "a user's verifier does not open with sasl.credentials_key: the key is another one than "
                "when the password was set"
            ) from None


def _about(user: str, mechanism: str) -> bytes:
    return f"{mechanism}:{user}".encode()


class Users:
    """Those in the metastore. ``key``: by which verifiers are encrypted, if they are."""

    def __init__(
        self, metastore: Metastore, key: Secret | None, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._metastore = metastore
        self._random_bytes = random_bytes
        self._sealer = None if key is None else Sealer(key, random_bytes)

    async def keys(self, user: str, mechanism: str) -> Keys | None:
        """What proves the user's password. Raises UserFault, StoreFault."""
        found = await self._metastore.scram_credential(user, mechanism)
        if found is None:
            return None
        verifier = found.verifier
        if found.sealed:
            if self._sealer is None:
                raise UserFault("users' verifiers are encrypted: set sasl.credentials_key")
            verifier = self._sealer.open(verifier, _about(user, mechanism))
        half = len(verifier) // 2
        return Keys(found.salt, found.iterations, verifier[:half], verifier[half:])

    async def put(self, user: str, mechanism: str, keys: Keys, now_ms: int) -> None:
        """Set what proves the user's password from now on.

        Raises UserFault if others are encrypted and this one would not be.
        """
        verifier = keys.stored_key + keys.server_key
        if self._sealer is not None:
            verifier = self._sealer.seal(verifier, _about(user, mechanism))
        elif any(one.sealed for one in await self._metastore.scram_credentials()):
            raise UserFault(
                "users' verifiers are encrypted here: give the key (sasl.credentials_key, or "
                "--credentials-key-file)"
            )
        await self._metastore.put_scram_credential(
            ScramCredential(
                user,
                mechanism,
                keys.iterations,
                keys.salt,
                verifier,
                self._sealer is not None,
                now_ms,
            )
        )

    def new_keys(self, mechanism: str, password: str, iterations: int = scram.ITERATIONS) -> Keys:
        """With a fresh salt. Raises UserFault for a number of iterations that Kafka does not take."""
        if not scram.ITERATIONS_MIN <= iterations <= scram.ITERATIONS_MAX:
            raise UserFault(
                f"iterations are {scram.ITERATIONS_MIN} to {scram.ITERATIONS_MAX}, not {iterations}"
            )
        salt = self._random_bytes(scram.SALT_BYTES)
        return scram.make_keys(mechanism, password, salt, iterations)


def check_new(user: str, password: str) -> None:
    """Raises UserFault with why there cannot be such a user."""
    if not user or len(user) > USER_NAME_MAX or not user.isprintable():
        raise UserFault(f"a user's name has 1 to {USER_NAME_MAX} characters that can be printed")
    if not password:
        raise UserFault("the password is empty")
    if len(password.encode()) > PASSWORD_BYTES_MAX:
        raise UserFault(f"the password is longer than {PASSWORD_BYTES_MAX} bytes")
