"""Two machines that start at the same time with a WAL of files each: one of them is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from anabranch.errors import StoreFault, UserFault
from anabranch.log import places
from anabranch.log.places import Place
from anabranch.metastore.api import AppendCommit, Metastore, NewExtent
from anabranch.metastore.opening import open_metastore

HERE = Place(UUID(int=1), None, "here")
THERE = Place(UUID(int=2), None, "there")
URL = "/data/wal"


def run(path: Path, scenario) -> None:
    metastore = open_metastore(str(path / "m.db"), now_ms=0, new_cluster_id=lambda: bytes(16))

    async def body() -> None:
        try:
            await scenario(metastore)
        finally:
            metastore.close()

    asyncio.run(body())


async def interleaved(
    metastore: Metastore, monkeypatch: pytest.MonkeyPatch, mine: Place, theirs: Sequence[Place]
) -> None:
    """Broker 1 starts on ``mine``; each time that it has looked, the next of ``theirs`` is quicker."""
    write = metastore.replace_document
    quicker = iter(enumerate(theirs, 2))

    async def late(*words: Any, **more: Any) -> bool:
        number, place = next(quicker, (0, None))
        if place is not None:
            with monkeypatch.context() as only:
                only.setattr(metastore, "replace_document", write)
                await start(metastore, place, number)
        return await write(*words, **more)

    monkeypatch.setattr(metastore, "replace_document", late)
    await start(metastore, mine, 1)


async def start(metastore: Metastore, mine: Place, broker_id: int) -> None:
    now_ms = await metastore.now_ms()
    row = await metastore.register_broker(broker_id, "h", 9000 + broker_id, now_ms)
    try:
        await places.take_wal(metastore, mine, URL, broker_id)
    except UserFault:
        await metastore.remove_broker(row.broker_id, row.epoch)
        raise


@pytest.mark.parametrize("known", [None, HERE, THERE])
def test_I1_of_two_machines_that_saw_nobody_one_keeps_the_wal(
    tmp_path: Path, known: Place | None
) -> None:
    """Both looked before the other was registered (found by the simulation): acknowledged records lay in two
    WALs, and brokers of one machine could not read those of the other."""

    async def scenario(metastore: Metastore) -> None:
        if known is not None:
            await start(metastore, known, 9)
            row = next(row for row in await metastore.brokers() if row.broker_id == 9)
            await metastore.remove_broker(9, row.epoch)
        looks = [places.known(metastore, "wal") for _ in range(2)]
        for mine, place in zip((HERE, THERE), await asyncio.gather(*looks), strict=True):
            await places.admit_wal(metastore, place, mine.id.bytes, mine.machine, URL, 1)
        outcomes = await asyncio.gather(
            start(metastore, HERE, 1), start(metastore, THERE, 2), return_exceptions=True
        )
        running = {row.broker_id for row in await metastore.brokers()}
        kept = await places.known(metastore, "wal")
        for number, mine, outcome in ((1, HERE, outcomes[0]), (2, THERE, outcomes[1])):
            assert (number in running) == (outcome is None)
            if outcome is None:
                assert kept == mine
            else:
                assert isinstance(outcome, UserFault), outcome
        assert len(running) < 2

    run(tmp_path, scenario)


def test_a_second_machine_takes_over_once_the_first_is_silent_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(metastore: Metastore) -> None:
        await start(metastore, HERE, 1)
        with pytest.raises(UserFault, match="brokers on several machines need a WAL of objects"):
            await start(metastore, THERE, 2)
        monkeypatch.setattr(places, "BROKER_SILENT_MS", 0)
        await start(metastore, THERE, 2)
        assert await places.known(metastore, "wal") == THERE

    run(tmp_path, scenario)


def test_brokers_that_start_at_once_on_one_wal_do_not_keep_each_other_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each may write down how it was told where the WAL is."""

    async def scenario(metastore: Metastore) -> None:
        await interleaved(metastore, monkeypatch, HERE, [HERE])
        assert await places.known(metastore, "wal") == HERE
        assert len(await metastore.brokers()) == 2

    run(tmp_path, scenario)

    async def named(metastore: Metastore) -> None:
        given = [Place(HERE.id, f"/data/{number}", "here") for number in range(4)]
        await interleaved(metastore, monkeypatch, given[0], given[1:])
        assert await places.known(metastore, "wal") == given[0]
        assert len(await metastore.brokers()) == 4

    (tmp_path / "named").mkdir()
    run(tmp_path / "named", named)


@pytest.mark.parametrize("machine", ["here", None])
@pytest.mark.parametrize("at_once", [True, False])
def test_I1_brokers_do_not_append_to_two_wals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str | None, at_once: bool
) -> None:
    """Nothing was appended yet, so that nothing lies only in the first one's."""
    mine, theirs = (Place(UUID(int=number), None, machine) for number in (1, 2))

    async def scenario(metastore: Metastore) -> None:
        with pytest.raises(UserFault, match="uses another WAL than /data/wal"):
            if at_once:
                await interleaved(metastore, monkeypatch, mine, [theirs])
            else:
                await start(metastore, theirs, 2)
                await start(metastore, mine, 1)
        assert await places.known(metastore, "wal") == theirs
        assert [row.broker_id for row in await metastore.brokers()] == [2]
        monkeypatch.setattr(places, "BROKER_SILENT_MS", 0)  # it is long dead
        await start(metastore, mine, 1)
        assert await places.known(metastore, "wal") == mine

    run(tmp_path, scenario)


def test_I1_a_broker_that_was_paused_does_not_commit_to_a_wal_that_was_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine saw nobody for long and nothing in the WAL, and took the place; then the first one went on
    (found by the simulation). What it acknowledged lay where nobody else reads, and no rebuild would find it."""

    async def scenario(metastore: Metastore) -> None:
        topic = await metastore.create_topic("t", bytes(15) + b"t", 1, {}, 0)
        await start(metastore, HERE, 1)
        paused = (await metastore.brokers())[0]
        monkeypatch.setattr(places, "BROKER_SILENT_MS", 0)
        await start(metastore, THERE, 2)
        extent = NewExtent(0, 0, 64, 10, 1, 1, 0, 0)
        commit = AppendCommit(topic.no, 0, 0, 1, (extent,))
        for key in (f"wal/1-{paused.epoch:010}-0000000000", f"wal/1/{paused.epoch:010}-0000000000"):
            with pytest.raises(StoreFault, match="not the cluster's any more"):
                await metastore.commit_appends(key, [commit], 0)
        mine = next(row for row in await metastore.brokers() if row.broker_id == 2)
        key = f"wal/2-{mine.epoch:010}-0000000000"
        (outcome,) = await metastore.commit_appends(key, [commit], 0)
        assert outcome.committed
        # Something lies in it now, so that it does not move however silent its brokers are.
        with pytest.raises(UserFault, match="is not the WAL that this cluster uses"):
            await start(metastore, HERE, 1)

    run(tmp_path, scenario)


def test_I1_the_wal_does_not_move_off_what_was_committed_to_it_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes over looked at an empty WAL; before it writes, the silent broker's append is committed."""

    async def scenario(metastore: Metastore) -> None:
        topic = await metastore.create_topic("t", bytes(15) + b"t", 1, {}, 0)
        await start(metastore, HERE, 1)
        epoch = (await metastore.brokers())[0].epoch
        monkeypatch.setattr(places, "BROKER_SILENT_MS", 0)
        write = metastore.replace_document

        async def late(*words: Any, **more: Any) -> bool:
            if not await metastore.wal_objects():
                commit = AppendCommit(topic.no, 0, 0, 1, (NewExtent(0, 0, 64, 10, 1, 1, 0, 0),))
                await metastore.commit_appends(f"wal/1-{epoch:010}-0000000000", [commit], 0)
            return await write(*words, **more)

        monkeypatch.setattr(metastore, "replace_document", late)
        with pytest.raises(UserFault, match="is not the WAL that this cluster uses"):
            await start(metastore, THERE, 2)
        assert await places.known(metastore, "wal") == HERE

    run(tmp_path, scenario)
