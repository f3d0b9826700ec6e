"""What share groups have delivered (KIP-932)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from anabranch.metastore.share_values import ShareKey, ShareState


class ShareVerbs(Protocol):
    """Verbs about share groups' partitions."""

    async def claim_share(self, key: ShareKey, start_offset: int, state: bytes) -> ShareState:
        """Own the state from now on, with an epoch above all earlier ones; ``state`` if there was none.

        Raises ClientFault(UNKNOWN_TOPIC_OR_PARTITION) if the partition is gone.
        """

    async def save_shares(self, states: Sequence[ShareState]) -> list[bool]:
        """Save each one whose epoch is still its owner's; what was deleted or claimed since is False."""

    async def set_share(self, key: ShareKey, start_offset: int, state: bytes) -> None:
        """Set the state, whoever owns it: the owner's next save fails, and it claims anew."""

    async def shares(self, group_id: str) -> list[ShareState]:
        """By topic and partition; those of topics that are deleted for good are gone."""

    async def delete_shares(self, group_id: str, topic_no: int | None = None) -> int:
        """Forget what a group has delivered, of one topic or of all; how many partitions that were."""
