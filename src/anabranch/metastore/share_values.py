"""What the metastore keeps of share groups (KIP-932)."""

from __future__ import annotations

from typing import NamedTuple


class ShareKey(NamedTuple):
    """One partition as one share group sees it."""

    group_id: str
    topic_no: int
    partition: int


class ShareState(NamedTuple):
    """What a share group has delivered of a partition. ``state`` is the groups' own encoding, whose first
    offset that is not done is ``start_offset``. Only a save with this ``epoch`` changes anything."""

    key: ShareKey
    epoch: int
    start_offset: int
    state: bytes
