"""ListOffsets below the tail: checked as reads are, and within their bounds."""

from __future__ import annotations

import asyncio

import pytest

from anabranch.errors import ClientFault, Corrupt, ErrorCode
from anabranch.log import reads
from anabranch.log.offsets import LOOK_BYTES, Sentinel
from anabranch.metastore.api import Topic
from tests.log.conftest import Bench
from tests.log.test_damage import cold, extents, spoil, starts

T0 = 1_700_000_000_000
BATCHES = 6


async def timed(bench: Bench, *, merged: bool) -> Topic:
    """Six batches of two records, a second apart, their log no longer in memory."""
    topic = await bench.log.create_topic("t", 1, {"message.timestamp.after.max.ms": str(2**62)})
    for number in range(BATCHES):
        at = T0 + 1000 * number
        await bench.append(topic, 0, [bytes(2000), bytes(2000)], timestamp=at)
    if merged:
        await bench.log.merger.merge_backlog(topic, 0)
    return await cold(bench, topic)


@pytest.mark.parametrize("where", ["crc", "header"])
def test_a_lookup_trusts_no_damaged_batch_and_minds_none_behind_its_answer(run, where: str) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await timed(bench, merged=True)
        (row,) = await extents(bench, topic)
        begin = starts(bench, row)[3]
        spoil(bench, row, begin + (1000 if where == "crc" else 24))

        async def find(second: int) -> int:
            return (await bench.log.list_offset(topic, 0, T0 + 1000 * second)).offset

        assert [await find(number) for number in range(3)] == [0, 2, 4]
        for number in range(3, BATCHES):
            # The answer may lie in it, whatever it says of its time.
            with pytest.raises(Corrupt):
                await find(number)

    run(scenario)


@pytest.mark.parametrize("merged", [True, False])
def test_I10_lookups_stay_within_the_budget_of_cold_reads(run, merged: bool) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await timed(bench, merged=merged)
        budget = bench.log.reader.budget
        held: list[int] = []
        lane = bench.log.cold.old if merged else bench.log.cold.recent
        run_job = lane.run

        def counting(job):  # type: ignore[no-untyped-def]
            held.append(budget.held_bytes)
            return run_job(job)

        lane.run = counting  # type: ignore[method-assign]
        asked = [T0 + 1000 * number for number in range(BATCHES)] * 20 + [Sentinel.MAX_TIMESTAMP]
        found = await asyncio.gather(*(bench.log.list_offset(topic, 0, at) for at in asked))
        assert [answer.offset for answer in found[:BATCHES]] == [0, 2, 4, 6, 8, 10]
        assert found[-1].offset == 11
        assert len(held) == len(asked)
        # What is recent may go over it by a part, so that old data never locks it out.
        assert 0 < max(held) <= budget.bytes_max * 5 // 4 and budget.waited
        assert budget.held_bytes == 0

    run(scenario, cold_bytes_max=4 * LOOK_BYTES)


def test_a_lookup_whose_turn_does_not_come_is_to_be_repeated(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "LOOK_WAIT_S", 0.01)

    async def scenario(bench: Bench) -> None:
        topic = await timed(bench, merged=True)
        assert (await bench.log.list_offset(topic, 0, T0)).offset == 0
        with pytest.raises(ClientFault) as late:
            await bench.log.list_offset(topic, 0, T0)  # the first is being paid off
        assert late.value.code is ErrorCode.REQUEST_TIMED_OUT
        assert (await bench.log.list_offset(topic, 0, Sentinel.LATEST)).offset == 12

    run(scenario, cold_bytes_per_second=10_000)
