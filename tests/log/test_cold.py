"""Reads from storage: nothing skipped at the borders of extents, gone objects asked for again."""

from __future__ import annotations

import pytest

from anabranch.log.reads import FetchWant

from .conftest import Bench, decode
from .test_races import mine


@pytest.mark.parametrize("merged", [False, True])
def test_I2_a_batch_that_does_not_fit_is_not_skipped_for_a_smaller_one_behind_it(
    run, merged: bool
) -> None:
    """The next extent's first batch fits what is left of the answer; the one before it does not."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for _ in range(2):
            futures = [bench.log.append(topic, 0, bench.batch([bytes(n)])) for n in (10, 900, 10)]
            for future in futures:
                await future
            if merged:
                await bench.log.merger.merge_backlog(topic, 0)
        log = await bench.restart()
        (part,) = await log.fetch(
            [FetchWant(mine(log, topic), 0, 0, 700)], max_wait_ms=0, min_bytes=1, max_bytes=700
        )
        assert [offset for offset, _ in decode(part.buffers)] == [0]

    run(scenario)
