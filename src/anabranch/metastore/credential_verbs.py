"""The verbs about users, tokens and peers, for every engine."""

from __future__ import annotations

from anabranch.metastore import credentials
from anabranch.metastore.credential_values import DelegationToken, ScramCredential
from anabranch.metastore.damage_verbs import SqlDamageVerbs


class SqlCredentialVerbs(SqlDamageVerbs):
    """See :class:`anabranch.metastore.contract.credentials.CredentialVerbs`."""

    async def put_scram_credential(self, credential: ScramCredential) -> None:
        await self._write(credentials.put_scram_credential, credential)

    async def delete_scram_credential(self, user: str, mechanism: str) -> bool:
        return await self._write(credentials.delete_scram_credential, user, mechanism)

    async def scram_credential(self, user: str, mechanism: str) -> ScramCredential | None:
        return await self._read(credentials.scram_credential, user, mechanism)

    async def scram_credentials(self, user: str | None = None) -> list[ScramCredential]:
        return await self._read(credentials.scram_credentials, user)

    async def put_delegation_token(self, token: DelegationToken) -> None:
        await self._write(credentials.put_delegation_token, token)

    async def delegation_token(self, token_id: str) -> DelegationToken | None:
        return await self._read(credentials.delegation_token, token_id)

    async def delegation_tokens(self) -> list[DelegationToken]:
        return await self._read(credentials.delegation_tokens)

    async def set_token_expiry(self, token_id: str, expires_ms: int) -> bool:
        return await self._write(credentials.set_token_expiry, token_id, expires_ms)

    async def delete_delegation_token(self, token_id: str) -> bool:
        return await self._write(credentials.delete_delegation_token, token_id)

    async def expire_delegation_tokens(self, now_ms: int, limit: int) -> int:
        return await self._write(credentials.expire_delegation_tokens, now_ms, limit)

    async def inner_secret(self, candidate: bytes) -> bytes:
        return await self._write(credentials.inner_secret, candidate)
