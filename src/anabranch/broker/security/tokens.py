"""Delegation tokens (KIP-48, KIP-373): a client that has proven who it is hands on a part of that.

The metastore knows a token's id, owner, renewers and times; what proves its possession follows from the id and a secret
that all brokers share (``tokens.secret``), so neither database nor bucket holds it. The bytes that clients call the
token's HMAC are HMAC-SHA-512 of the id, and the id behind it, so that one look-up finds it.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Sequence
from typing import Final

from anabranch.broker.security.exchanges import TokenKeys
from anabranch.broker.security.principal import ANONYMOUS, USER_TYPE, Principal, Session
from anabranch.broker.security.settings import PLAINTEXT, TokenSettings
from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore.api import DelegationToken, Metastore

TOKENS_MAX: Final = 10_000  # of a cluster: each is a row that every describe reads
RENEWERS_MAX: Final = 100  # of a token
ID_BYTES: Final = 16
MAC_BYTES: Final = 64
HMAC_BYTES_MAX: Final = MAC_BYTES + 64
SWEPT_AT_ONCE: Final = 1000


class Tokens:
    """See the module."""

    def __init__(
        self,
        metastore: Metastore,
        settings: TokenSettings,
        now_ms: Callable[[], int],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        """Raises UserFault if there is a secret and it cannot be read."""
        self._metastore = metastore
        self._settings = settings
        self._now_ms = now_ms
        self._random_bytes = random_bytes
        self._key: bytes | None = None
        if settings.secret is not None:
            self._key = settings.secret.reveal().encode()

    # -- proving ---------------------------------------------------------------------------------
    def hmac_of(self, token_id: str) -> bytes:
        """What proves possession of a token."""
        assert self._key is not None
        return hmac.digest(self._key, token_id.encode(), "sha512") + token_id.encode()

    async def keys(self, token_id: str) -> TokenKeys | None:
        """For SCRAM: the password is the HMAC in base64."""
        if self._key is None:
            return None
        token = await self._metastore.delegation_token(token_id)
        if token is None or token.expires_ms <= self._now_ms():
            return None
        owner = Principal.parse(token.owner)
        password = base64.b64encode(self.hmac_of(token_id)).decode()
        return TokenKeys(owner.type, owner.name, password, token.expires_ms)

    # -- what clients ask for --------------------------------------------------------------------
    def check_asks(self, session: Session) -> None:
        """Raises ClientFault if this client may ask for nothing about tokens: it has not proven who it is, or
        has proven it by a token, which must not beget others."""
        if (
            session.token_id is not None
            or session.protocol == PLAINTEXT
            or session.principal == ANONYMOUS
        ):
            raise ClientFault(
                ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
                "tokens are for clients that have proven who they are, and not by a token",
            )
        if self._key is None:
            raise ClientFault(
                ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED, "tokens.secret is not configured"
            )

    async def create(
        self,
        owner: Principal,
        requester: Principal,
        renewers: Sequence[Principal],
        lifetime_ms: int,
    ) -> DelegationToken:
        """Raises ClientFault."""
        if any(one.type != USER_TYPE for one in (owner, *renewers)):
            raise ClientFault(ErrorCode.INVALID_PRINCIPAL_TYPE)
        if not all(one.name for one in (owner, *renewers)) or len(renewers) > RENEWERS_MAX:
            raise ClientFault(ErrorCode.INVALID_REQUEST, "a renewer has no name, or are too many")
        if len(await self._metastore.delegation_tokens()) >= TOKENS_MAX:
            raise ClientFault(ErrorCode.POLICY_VIOLATION, f"there are {TOKENS_MAX} tokens")
        now_ms, longest_ms = self._now_ms(), self._settings.lifetime_ms_max
        max_ms = now_ms + (longest_ms if lifetime_ms <= 0 else min(lifetime_ms, longest_ms))
        token = DelegationToken(
            base64.urlsafe_b64encode(self._random_bytes(ID_BYTES)).rstrip(b"=").decode(),
            str(owner),
            str(requester),
            tuple(str(one) for one in renewers),
            now_ms,
            min(max_ms, now_ms + self._settings.expiry_ms),
            max_ms,
        )
        await self._metastore.put_delegation_token(token)
        return token

    async def renew(self, proof: bytes, principal: Principal, period_ms: int) -> int:
        """When it expires from now on. Raises ClientFault."""
        token = await self._of(proof, principal)
        now_ms = self._now_ms()
        if token.expires_ms <= now_ms:
            raise ClientFault(ErrorCode.DELEGATION_TOKEN_EXPIRED)
        period_ms = self._settings.expiry_ms if period_ms < 0 else period_ms
        return await self._set(token, min(token.max_ms, now_ms + period_ms))

    async def expire(self, proof: bytes, principal: Principal, period_ms: int) -> int:
        """The same for an end that is near; a negative period ends it at once. Raises ClientFault."""
        token = await self._of(proof, principal)
        now_ms = self._now_ms()
        if period_ms < 0:
            await self._metastore.delete_delegation_token(token.token_id)
            return now_ms
        if token.expires_ms <= now_ms:
            raise ClientFault(ErrorCode.DELEGATION_TOKEN_EXPIRED)
        return await self._set(token, min(token.max_ms, now_ms + period_ms))

    async def _set(self, token: DelegationToken, expires_ms: int) -> int:
        if not await self._metastore.set_token_expiry(token.token_id, expires_ms):
            raise ClientFault(ErrorCode.DELEGATION_TOKEN_NOT_FOUND)  # deleted in this moment
        return expires_ms

    async def _of(self, proof: bytes, principal: Principal) -> DelegationToken:
        """The token that ``proof`` is of. Raises ClientFault."""
        token_id = proof[MAC_BYTES:HMAC_BYTES_MAX].decode("ascii", "replace")
        genuine = hmac.compare_digest(self.hmac_of(token_id), proof)
        token = await self._metastore.delegation_token(token_id) if genuine else None
        if token is None:
            raise ClientFault(ErrorCode.DELEGATION_TOKEN_NOT_FOUND)
        if str(principal) not in (token.owner, *token.renewers):
            raise ClientFault(ErrorCode.DELEGATION_TOKEN_OWNER_MISMATCH)
        return token

    async def described(self, owners: Sequence[Principal] | None) -> list[DelegationToken]:
        """Tokens that live; of these owners if given."""
        now_ms = self._now_ms()
        wanted = None if owners is None else {str(one) for one in owners}
        return [
            one
            for one in await self._metastore.delegation_tokens()
            if one.expires_ms > now_ms and (wanted is None or one.owner in wanted)
        ]

    # -- sweeping --------------------------------------------------------------------------------
    async def sweep(self) -> int:
        """Delete what has expired, in bounded passes; returns how many. Raises StoreFault."""
        swept = 0
        while True:
            gone = await self._metastore.expire_delegation_tokens(self._now_ms(), SWEPT_AT_ONCE)
            swept += gone
            if gone < SWEPT_AT_ONCE:
                return swept
