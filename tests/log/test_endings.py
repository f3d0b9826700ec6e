"""What a flush of markers commits, once some of its transactions have left it."""

from __future__ import annotations

import asyncio

from anabranch.log.ending import Ending, Placed, plan_endings
from anabranch.log.partition import PartitionLog
from anabranch.metastore.api import Partition, Topic, TransactionEnd

TOPIC = Topic(1, b"t" * 16, "t", 2, {}, 0)


def end(producer_id: int) -> TransactionEnd:
    return TransactionEnd(producer_id, producer_id, 0, True, True, 1, 0, False)


def test_I6_who_has_left_the_flush_is_not_planned_and_not_looked_at() -> None:
    """Its partition may not even be known any more: only those of who is left are read again."""

    async def scenario() -> None:
        known, unknown = [PartitionLog(TOPIC, Partition(1, number, 5, 0, 0)) for number in (0, 1)]
        known.set_producers([])
        unknown.producers = None
        here, gone = Ending.of(end(7), [known], 9), Ending.of(end(8), [known, unknown], 9)
        shares = {
            known: [Placed(gone, 0), Placed(here, len(gone.marker))],
            unknown: [Placed(gone, 200)],
        }
        plan = plan_endings(shares, [here], 9)
        (commit,) = plan.commits
        assert (commit.partition, commit.expected_next, commit.next_offset) == (0, 5, 6)
        assert commit.extents[0].position == len(gone.marker)
        assert [one.producer_id for one in commit.producers] == [7]
        (ended,) = plan.ends
        assert [(one.partition, one.offset) for one in ended.markers] == [(0, 5)]

    asyncio.run(scenario())
