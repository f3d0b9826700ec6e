"""I9: a process that dies while it writes a snapshot, or prunes, leaves a journal that a rebuild can stand on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from anabranch.errors import StoreFault
from anabranch.log import journal as shipping
from anabranch.log.rebuild.report import Kind
from anabranch.storage.store import Store
from anabranch.storage.wal_directory import WalDirectory
from tests.log.conftest import Bench
from tests.log.rebuilding import compared, kinds, rebuild, told_columns
from tests.log.test_journal import journal_of, keys
from tests.metastore.shadow import contents

Run = Callable[..., None]


class Dying:
    """A store whose only client dies before its ``last + 1``-th write: nothing reaches it from then on."""

    def __init__(self, store: Store, last: int) -> None:
        self.url = store.url
        self.left = last
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put(self, *args: Any, **kwargs: Any) -> int:
        self._live()
        return self._store.put(*args, **kwargs)

    def delete(self, key: str) -> bool:
        self._live()
        return self._store.delete(key)

    def _live(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise StoreFault("the process is dead", retryable=False)


async def dies(bench: Bench, job: Callable[[], Any], writes: int) -> bool:
    """Run ``job``, which dies before its next write after so many; False if it has no more."""
    journal = journal_of(bench)
    journal._store = Dying(bench.store, writes)  # type: ignore[assignment]
    try:
        await job()
        return False
    except StoreFault:
        return True
    finally:
        journal._store = bench.store


async def assert_rebuilt(bench: Bench, into: Any) -> None:
    wal = WalDirectory.open(bench.path / "wal")
    found, report = rebuild(bench.store, wal, into, bench.clock())
    allowed = {Kind.UNTOLD, Kind.RECOVERED, Kind.JOURNAL_DAMAGED}
    assert kinds(report) <= allowed, report.findings
    columns = told_columns(into)
    expected = compared(await contents(bench.log.metastore), columns, times=False)
    rebuilt = compared(found, columns, times=False)
    if Kind.JOURNAL_DAMAGED in kinds(report):
        for tables in (expected, rebuilt):
            tables.pop("partition"), tables.pop("leader_epoch", None)  # cut, to be safe
    assert rebuilt == expected, report.findings


@pytest.fixture(autouse=True)
def many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "PART_ROWS_MIN", 3)


async def grow(bench: Bench, count: int) -> None:
    for number in range(count):
        await bench.log.metastore.put_document("point", f"p{number}", b"{}", bench.clock())
        bench.clock.ms += 1000
        topic = bench.log.catalogue.topic("flights")
        assert topic is not None
        await bench.append(topic, 0, [b"x"])
        await journal_of(bench).ship_once()


@pytest.mark.parametrize("again", [False, True], ids=["dies", "dies, then another takes over"])
def test_I9_dying_inside_a_snapshot(run: Run, tmp_path: Any, again: bool) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.log.create_topic("flights", 1, {})
        await journal_of(bench).ship_once()
        assert await journal_of(bench).snapshot()
        await grow(bench, 1)
        writes = 0
        while writes < 12 and await dies(bench, journal_of(bench).snapshot, writes):
            writes += 1
            if again:
                await bench.restart()
                bench.clock.ms += 2 * bench.settings.journal_lease_ms
            await grow(bench, 2)
            await assert_rebuilt(bench, tmp_path / "rebuilt.db")
        assert writes > 3, "every part and the manifest"
        assert await journal_of(bench).snapshot()
        await assert_rebuilt(bench, tmp_path / "rebuilt.db")

    run(scenario, journal_chunk_rows=1)


def test_I9_dying_inside_the_pruning(run: Run, tmp_path: Any) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.log.create_topic("flights", 1, {})
        await journal_of(bench).ship_once()
        for _ in range(3):
            assert await journal_of(bench).snapshot()
            await grow(bench, 3)
            bench.clock.ms += 2 * bench.settings.journal_grace_ms
        before, deletions = len(keys(bench)), 0
        while await dies(bench, journal_of(bench).prune, 1):
            deletions += 1
            await assert_rebuilt(bench, tmp_path / "rebuilt.db")
        assert deletions > 3 and len(keys(bench)) < before
        await assert_rebuilt(bench, tmp_path / "rebuilt.db")

    run(scenario)


def test_I9_a_snapshot_that_stands_is_not_written_over(run: Run, tmp_path: Any) -> None:
    """The metastore failed to hear of it: what is put in its place may break off half-way."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await journal_of(bench).ship_once()
        metastore: Any = bench.log.metastore
        hear = metastore.journal_snapshot_done

        async def deaf(*_: Any) -> bool:
            raise StoreFault("the database is away")

        metastore.journal_snapshot_done = deaf
        with pytest.raises(StoreFault):
            await journal_of(bench).snapshot()
        metastore.journal_snapshot_done = hear
        await bench.append(topic, 0, [b"x"])
        await metastore.put_document("point", "p", b"{}", bench.clock())
        await dies(bench, journal_of(bench).snapshot, 2)
        await journal_of(bench).ship_once()
        await assert_rebuilt(bench, tmp_path / "rebuilt.db")
        assert (await metastore.journal_state()).sound

    run(scenario, journal_chunk_rows=1)
