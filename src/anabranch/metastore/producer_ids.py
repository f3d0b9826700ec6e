"""Producer ids: numbers that are given once."""

from __future__ import annotations

from anabranch.errors import StoreFault
from anabranch.metastore.counters import bump
from anabranch.metastore.journal_notes import note
from anabranch.metastore.tx import Tx


def allocate_producer_ids(tx: Tx, count: int) -> int:
    assert count > 0
    first = bump(tx, "producer_id", count) - count
    note(tx, ("counter", ("producer_id",)))
    if first + count > 2**63 - 1:
        raise StoreFault("all producer ids have been given away", retryable=False)
    return first
