"""Who may come in: users' verifiers, delegation tokens, and what brokers know each other by."""

from __future__ import annotations

from typing import Protocol

from anabranch.metastore.credential_values import DelegationToken, ScramCredential


class CredentialVerbs(Protocol):
    """Verbs about credentials. No verb takes or gives a password."""

    async def put_scram_credential(self, credential: ScramCredential) -> None:
        """Create it, or replace the user's of the same mechanism."""

    async def delete_scram_credential(self, user: str, mechanism: str) -> bool: ...

    async def scram_credential(self, user: str, mechanism: str) -> ScramCredential | None: ...

    async def scram_credentials(self, user: str | None = None) -> list[ScramCredential]:
        """By user and mechanism; of one user if given."""

    async def put_delegation_token(self, token: DelegationToken) -> None:
        """A new one: its id is unlike any other."""

    async def delegation_token(self, token_id: str) -> DelegationToken | None: ...

    async def delegation_tokens(self) -> list[DelegationToken]:
        """Oldest first, expired ones that were not swept yet included."""

    async def set_token_expiry(self, token_id: str, expires_ms: int) -> bool:
        """False if there is no such token, or ``expires_ms`` is beyond what it may live at most."""

    async def delete_delegation_token(self, token_id: str) -> bool: ...

    async def expire_delegation_tokens(self, now_ms: int, limit: int) -> int:
        """Delete up to ``limit`` tokens that expired by ``now_ms``; returns how many."""

    async def inner_secret(self, candidate: bytes) -> bytes:
        """What brokers of this cluster prove by that they are; ``candidate`` if there was none."""
