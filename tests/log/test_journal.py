"""Shipping the journal: nothing is missed, doubled or told by two (I9), whatever breaks off where."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.log import places
from anabranch.log.journal import Journal, Superseded
from anabranch.log.places import Place
from anabranch.storage import journal_format as fmt
from anabranch.storage.faulty import Fault, Faulty, scripted_plan
from anabranch.storage.identity import STORE_IDENTITY_KEY, replace_identity
from anabranch.storage.journal_format import Entry, Snapshot
from tests.log.conftest import Bench
from tests.log.replayed import replayed
from tests.metastore.shadow import contents

Run = Callable[..., None]


def journal_of(bench: Bench) -> Journal:
    assert bench.log.journal is not None
    return bench.log.journal


def keys(bench: Bench, kind: str = "entry") -> list[str]:
    found = [(info.key, fmt.parse_key(info.key)) for info in bench.store.list("journal/")]
    return [key for key, name in found if name is not None and name.kind == kind]


async def settle(bench: Bench) -> None:
    """Ship until nothing is left."""
    while await journal_of(bench).ship_once():
        pass
    assert await bench.log.metastore.journal_changes(10**6, bench.clock(), {}) is None


async def assert_told(bench: Bench) -> None:
    """I9: what lies in the bucket says what the metastore holds."""
    restored = replayed(bench.store)
    present = await contents(bench.log.metastore)
    for table in present.keys() | restored.keys():
        assert restored.get(table) == present.get(table), table


def test_I9_entries_and_a_snapshot_tell_the_metastore(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 2, {"retention.ms": "-1"})
        await journal_of(bench).ship_once()
        assert await journal_of(bench).snapshot()
        for number in range(5):
            await bench.append(topic, number % 2, [b"x"] * 3)
            await journal_of(bench).ship_once()
        await bench.log.merger.merge_backlog(topic, 0)
        await bench.log.delete_records(topic, 0, 2)
        await settle(bench)
        await assert_told(bench)
        assert not await journal_of(bench).ship_once()
        count = len(keys(bench))
        await journal_of(bench).ship_once()
        assert len(keys(bench)) == count, "nothing changed, nothing is written"

    run(scenario)


def test_I9_idempotent_producers_are_told_whatever_the_clocks_say(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await journal_of(bench).ship_once()
        await journal_of(bench).snapshot()
        for sequence in range(6):
            bench.clock.ms -= 100_000  # another broker's clock, far behind
            await bench.append(
                topic, 0, [b"x"], producer_id=7, producer_epoch=0, base_sequence=sequence
            )
            await bench.append(
                topic, 0, [b"y"], producer_id=8 + sequence, producer_epoch=0, base_sequence=0
            )
            await settle(bench)
        await assert_told(bench)

    run(scenario)


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.LOST_ANSWER])
@pytest.mark.parametrize("at", range(4))
def test_I9_a_put_that_fails_or_whose_answer_is_lost(run: Run, fault: Fault, at: int) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await journal_of(bench).ship_once()
        await journal_of(bench).snapshot()
        script = [None] * at + [fault]
        journal_of(bench)._store = Faulty(bench.store, scripted_plan(script))
        failed = 0
        for _ in range(6):
            await bench.append(topic, 0, [b"x"])
            try:
                await journal_of(bench).ship_once()
            except StoreFault:
                failed += 1
        assert failed == 1
        await settle(bench)
        await assert_told(bench)

    run(scenario)


def test_I9_a_crash_between_put_and_accounting_tells_it_again(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await settle(bench)
        await journal_of(bench).snapshot()
        await bench.append(topic, 0, [b"x"] * 5)
        shipped = bench.log.metastore.journal_shipped

        async def crash(*_: Any) -> bool:
            raise StoreFault("the process ends here")

        bench.log.metastore.journal_shipped = crash  # type: ignore[method-assign]
        with pytest.raises(StoreFault):
            await journal_of(bench).ship_once()
        bench.log.metastore.journal_shipped = shipped  # type: ignore[method-assign]
        before = len(keys(bench))
        await bench.log.merger.merge_backlog(
            topic, 0
        )  # what was told of the WAL is not so any more
        other = second(bench)
        bench.clock.ms += bench.settings.journal_lease_ms + 1
        await other.ship_once()
        assert len(keys(bench)) == before + 1
        await assert_told(bench)

    run(scenario)


def second(bench: Bench) -> Journal:
    """Another process that wants to ship."""
    return Journal(
        bench.log.metastore,
        bench.store,
        bench.log._threads.background,
        bench.settings,
        bench.clock,
        "another",
        lambda: b"i" * 16,
        store_now_ms=bench.log._own_now_ms,
    )


def test_one_ships_and_the_other_waits_for_the_lease(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        other = second(bench)
        await journal_of(bench).ship_once()
        await bench.append(topic, 0, [b"x"])
        await other.ship_once()
        assert not other.status().shipping and other.status().entries == 0
        bench.clock.ms += bench.settings.journal_lease_ms + 1
        await other.ship_once()
        assert other.status().shipping and other.status().epoch == 2
        await other.snapshot()
        # The first one does not know yet: what it writes is not accounted for.
        await bench.append(topic, 0, [b"x"])
        await journal_of(bench).ship_once()
        await settle_with(bench, other)
        await assert_told(bench)

    run(scenario)


async def settle_with(bench: Bench, journal: Journal) -> None:
    while await bench.log.metastore.journal_changes(10**6, bench.clock(), {}) is not None:
        await journal.ship_once()


def test_I9_a_stalled_shipper_that_wakes_up_is_left_aside(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await settle(bench)
        await journal_of(bench).snapshot()
        await bench.append(topic, 0, [b"x"])
        journal, other = journal_of(bench), second(bench)
        create = journal._create

        async def stalled(key: str, data: bytes) -> None:
            """Between reading and writing another takes over and ships more."""
            bench.clock.ms += bench.settings.journal_lease_ms + 1
            await other.ship_once()
            await bench.append(topic, 0, [b"y"])
            await bench.log.merger.merge_backlog(topic, 0)
            await other.ship_once()
            await create(key, data)

        journal._create = stalled  # type: ignore[method-assign]
        await journal.ship_once()
        assert not journal.status().shipping
        await settle_with(bench, other)
        await assert_told(bench)

    run(scenario)


def test_more_rows_than_an_entry_holds_become_a_snapshot(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.log.create_topic("flights", 50, {})
        await journal_of(bench).ship_once()
        await bench.log.create_topic("many", 400, {})
        await journal_of(bench).ship_once()
        assert not any(b"many" in text(bench, key) for key in keys(bench))
        await journal_of(bench).snapshot()
        await settle(bench)
        await assert_told(bench)

    run(scenario, journal_rows_max=300, journal_chunk_rows=70)


def text(bench: Bench, key: str) -> bytes:
    return repr(fmt.decode(bench.store.get(key))).encode()


def test_I9_a_snapshot_taken_while_everything_changes(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        topics = [await bench.log.create_topic(f"t{n}", 3, {}) for n in range(4)]
        for topic in topics:
            for partition in range(3):
                await bench.append(topic, partition, [b"x"] * 4)
                await bench.append(topic, partition, [b"x"] * 4)
        await journal_of(bench).ship_once()
        read = bench.log.metastore.journal_chunk
        step = 0

        async def disturbed(*args: Any) -> Any:
            nonlocal step
            step += 1
            topic = topics[step % 3]
            await bench.append(topic, step % 3, [b"y"])
            if step % 4 == 0:
                await bench.log.merger.merge_backlog(topic, step % 3)
            if step == 5:
                await bench.log.delete_topic(topics[3])
                await bench.log.create_topic("t3", 2, {})
            if step % 3 == 0:
                await journal_of(bench).ship_once()
            return await read(*args)

        bench.log.metastore.journal_chunk = disturbed  # type: ignore[method-assign]
        assert await journal_of(bench).snapshot()
        bench.log.metastore.journal_chunk = read  # type: ignore[method-assign]
        await settle(bench)
        await assert_told(bench)

    run(scenario, journal_chunk_rows=3)


def test_old_objects_go_once_a_newer_snapshot_has_aged(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        journal = journal_of(bench)
        for _ in range(4):
            await bench.append(topic, 0, [b"x"])
            await settle(bench)
            await journal.snapshot()
            bench.clock.ms += bench.settings.journal_grace_ms // 2 + 1
        manifests = keys(bench, "snapshot")
        assert len(manifests) == 4
        assert await journal.prune() > 0
        assert keys(bench, "snapshot") == manifests[1:] or keys(bench, "snapshot") == manifests[2:]
        oldest = fmt.decode_as(Snapshot, bench.store.get(keys(bench, "snapshot")[0]))
        for key in keys(bench):
            assert fmt.decode_as(Entry, bench.store.get(key)).number >= oldest.number
        assert oldest.at_ms <= bench.clock() - bench.settings.journal_grace_ms
        await assert_told(bench)
        assert await journal.prune() == 0

    run(scenario)


def test_another_metastores_entry_under_the_same_number_stops_the_journal(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await settle(bench)
        await bench.append(topic, 0, [b"x"])
        journal = journal_of(bench)
        last = fmt.decode_as(Entry, bench.store.get(keys(bench)[-1])) if keys(bench) else None
        state = await bench.log.metastore.journal_state()
        number = max(state.number, journal._tried) + 1
        foreign = Entry(
            identity=fmt.Identity("aa" * 16, "bb" * 16),
            epoch=state.epoch,
            number=number,
            previous=fmt.Position(0, 0),
            at_ms=1,
            schema=1,
            gone=[],
            tables=[],
        )
        bench.store.put(fmt.entry_key(state.epoch, number), fmt.encode(foreign))
        with pytest.raises(Superseded, match="rebuilt"):
            await journal.ship_once()
        assert last is None or last.number < number

    run(scenario)


def test_the_lag_is_the_age_of_what_is_not_in_the_bucket(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await settle(bench)
        journal = journal_of(bench)
        assert journal.status().lag_ms == 0
        journal._store = Faulty(bench.store, scripted_plan([Fault.ERROR] * 3))
        await bench.append(topic, 0, [b"x"])
        bench.clock.ms += 1500
        with pytest.raises(StoreFault):
            await journal.ship_once()
        bench.clock.ms += 500
        assert journal.status().lag_ms == 2000
        assert await bench.log.metastore.journal_pending() == (0, 1)

    run(scenario)


def test_I9_a_store_that_belongs_to_a_rebuilt_metastore_is_noticed(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        old, new = UUID(int=1), UUID(int=2)
        replace_identity(bench.store, STORE_IDENTITY_KEY, b"c" * 16, old.bytes)
        await places.settle(bench.log.metastore, "store", Place(old), replaces=None, now_ms=1)
        journal = journal_of(bench)
        await journal.check_fence()
        await bench.append(topic, 0, [b"x"])
        replace_identity(bench.store, STORE_IDENTITY_KEY, b"c" * 16, new.bytes)
        await journal.check_fence()  # it looks only now and then
        bench.clock.ms += bench.settings.journal_fence_ms
        await journal._guard("fence", journal.check_fence())
        assert journal.status().superseded
        with pytest.raises(ClientFault, match="rebuilt") as caught:
            await bench.append(topic, 0, [b"y"])
        assert caught.value.code is ErrorCode.KAFKA_STORAGE_ERROR

    run(scenario)


@pytest.mark.parametrize("moment", ["at once", "while the first snapshot is due"])
def test_I9_an_orderly_end_leaves_a_whole_journal_however_short_the_life(
    run: Run, moment: str
) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await bench.append(topic, 0, [b"x"])
        if moment != "at once":
            await journal_of(bench).ship_once()
            assert not keys(bench, "snapshot")
        journal_of(bench).start()
        await journal_of(bench).close()
        await assert_told(bench)

    run(scenario)


def test_I9_a_cancelled_entry_that_is_accounted_for_late_is_not_in_the_way_of_the_last_one(
    run: Run,
) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await bench.append(topic, 0, [b"x"])
        metastore: Any = bench.log.metastore
        journal_of(bench).start()
        while journal_of(bench)._state is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        read = metastore.journal_changes
        late = [True]

        async def then_accounted_for(*arguments: Any) -> Any:
            changes = await read(*arguments)
            if changes is not None and late and late.pop():
                at = changes.state
                assert await metastore.journal_shipped(
                    at.epoch, at.number, at.number + 100, changes.marks, changes.notes, 1
                )
            return changes

        await metastore.put_document("point", "p", b"{}", bench.clock())
        metastore.journal_changes = then_accounted_for
        await journal_of(bench).close()
        metastore.journal_changes = read
        assert not late
        await assert_told(bench)

    run(scenario)
