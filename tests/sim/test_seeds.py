"""Short simulated lives in the default tests; ``make sim MINUTES=…`` runs new and longer ones."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sim.world import run_seed

from anabranch.log.pipeline import AppendPipeline

# Full lives of the kinds that found something: what they found has a test of its own beside the code.
LONG = (5, 8, 13, 23)


@pytest.mark.parametrize("seed", range(1, 25))
def test_a_short_life_keeps_every_invariant(seed: int) -> None:
    result = run_seed(seed, short=True)
    assert result.failure is None, f"{result.failure}\n" + "\n".join(result.recent[-30:])


@pytest.mark.parametrize("seed", LONG)
def test_a_long_life_keeps_every_invariant(seed: int) -> None:
    result = run_seed(seed)
    assert result.failure is None, f"make sim SEED={seed}\n{result.failure}"


def test_clients_that_give_up_do_not_keep_a_slow_log_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What they had asked for is withdrawn with their connections; else this seed's retries would come faster
    than commits of a second can answer them, for ever."""
    commit = AppendPipeline._commit

    async def slowly(pipeline: Any, flush: Any) -> None:
        await flush.written
        await asyncio.sleep(1.0)
        await commit(pipeline, flush)

    monkeypatch.setattr(AppendPipeline, "_commit", slowly)
    calm = {"disk_error": 0.0, "store_trouble": 0.0, "metastore_trouble": 0.0}
    slow = {"remote_metastore": True, "latency_s": 0.02, "object_wal": False}
    result = run_seed(45, short=True, settings={**calm, **slow})
    assert result.failure is None, result.failure
