"""The verbs about share groups, for every engine."""

from __future__ import annotations

from collections.abc import Sequence

from anabranch.metastore import shares
from anabranch.metastore.credential_verbs import SqlCredentialVerbs
from anabranch.metastore.share_values import ShareKey, ShareState


class SqlShareVerbs(SqlCredentialVerbs):
    """See :class:`anabranch.metastore.contract.shares.ShareVerbs`."""

    async def claim_share(self, key: ShareKey, start_offset: int, state: bytes) -> ShareState:
        return await self._write(shares.claim_share, key, start_offset, state)

    async def save_shares(self, states: Sequence[ShareState]) -> list[bool]:
        return await self._write(shares.save_shares, states)

    async def set_share(self, key: ShareKey, start_offset: int, state: bytes) -> None:
        await self._write(shares.set_share, key, start_offset, state)

    async def shares(self, group_id: str) -> list[ShareState]:
        return await self._read(shares.shares, group_id)

    async def delete_shares(self, group_id: str, topic_no: int | None = None) -> int:
        return await self._write(shares.delete_shares, group_id, topic_no)
