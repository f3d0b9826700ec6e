"""What every engine promises about transactions (I6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.metastore.api import (
    Aborted,
    AppendCommit,
    Conflict,
    EndOutcome,
    Enlisted,
    GapCause,
    GroupRow,
    Handover,
    Identity,
    Marker,
    Metastore,
    OffsetAction,
    OpenTransaction,
    Topic,
    TransactionalId,
    TransactionEnd,
    TransactionState,
)
from anabranch.metastore.transaction_rules import EPOCH_MAX, end_of, fence_of

from .support import MEMBER, a_topic, at, commit, new

WAL = "wal/1"


class Scene:
    """A topic of three partitions, and where each ends."""

    def __init__(self, meta: Metastore, topic: Topic) -> None:
        self.meta = meta
        self.topic = topic
        self.ends = [0] * topic.partitions
        self.written = 0

    @classmethod
    async def of(cls, meta: Metastore) -> Scene:
        return cls(meta, await a_topic(meta, partitions=3))

    async def begin(self, name: str = "tx", timeout_ms: int = 1_000) -> TransactionalId:
        return await self.meta.init_transactional_id(name, timeout_ms, None, 10)

    def append(
        self, row: TransactionalId | None, partition: int, count: int = 2, *, implicit: bool = True
    ) -> AppendCommit:
        base = self.ends[partition]
        extent = new(base, base + count - 1, position=self.written, appended=10)
        self.written += extent.length
        made = commit(self.topic, partition, extent)
        if row is None:
            return made
        enlisted = Enlisted(row.name, row.producer_id, row.epoch, base, implicit, 20)
        return replace(made, transactions=(enlisted,))

    async def write(self, *commits: AppendCommit) -> None:
        outcomes = await self.meta.commit_appends(WAL, commits, 10)
        assert all(outcome.committed for outcome in outcomes), outcomes
        for one in commits:
            self.ends[one.partition] = one.next_offset

    async def refused(self, one: AppendCommit) -> ErrorCode:
        (outcome,) = await self.meta.commit_appends(WAL, [one], 10)
        assert not outcome.committed and outcome.partition is not None
        assert outcome.partition.next_offset == self.ends[one.partition]
        (refused,) = outcome.refused
        return refused.code

    async def end(
        self,
        row: TransactionalId,
        partitions: Sequence[int],
        *,
        commits: bool = True,
        bumps: bool = True,
        fences: bool = False,
    ) -> EndOutcome:
        row = await self.now(row.name)
        markers = tuple(Marker(self.topic.no, each, self.ends[each]) for each in partitions)
        end = fence_of(row) if fences else end_of(row, commit=commits, bumps=bumps)
        appends = [self.append(None, each, 1) for each in partitions]
        outcome = await self.meta.end_transactions(
            WAL if appends else "", appends, [replace(end, markers=markers)], 30
        )
        if outcome.ids:
            for one in appends:
                self.ends[one.partition] = one.next_offset
        return outcome

    async def now(self, name: str = "tx") -> TransactionalId:
        found = await self.meta.transaction(name)
        assert found is not None
        return found.id

    async def unstable(self) -> list[int]:
        return [row.unstable for row in await self.meta.partitions(self.topic.no)]

    async def aborted(self, partition: int, first: int = 0, end: int = 1_000) -> list[Aborted]:
        return await self.meta.aborted_transactions(self.topic.no, partition, first, end, 100)


async def fault_of(awaited) -> ErrorCode:  # type: ignore[no-untyped-def]
    with pytest.raises(ClientFault) as fault:
        await awaited
    return fault.value.code


async def test_I6_all_that_an_end_does_is_there_at_once(meta: Metastore) -> None:
    scene = await Scene.of(meta)
    row = await scene.begin()
    await scene.write(scene.append(None, 0))
    await scene.write(scene.append(row, 0), scene.append(row, 1))
    assert await scene.unstable() == [2, 0, -1]
    assert (await scene.now()).state is TransactionState.ONGOING
    assert (await scene.now()).started_ms == 20
    outcome = await scene.end(row, [0, 1])
    assert [one.unstable for one in outcome.partitions] == [-1, -1]
    assert await scene.unstable() == [-1, -1, -1]
    (after,) = outcome.ids
    assert after == await scene.now()
    assert (after.state, after.epoch, after.previous_epoch) == (
        TransactionState.COMPLETE_COMMIT,
        row.epoch + 1,
        row.epoch,
    )
    assert await scene.aborted(0) == await scene.aborted(1) == []


async def test_I6_an_end_that_loses_one_partition_changes_nothing(meta: Metastore) -> None:
    scene = await Scene.of(meta)
    row = await scene.begin()
    await scene.write(scene.append(row, 0), scene.append(row, 1))
    scene.ends[1] += 1  # an old picture of partition 1
    outcome = await scene.end(row, [0, 1])
    assert outcome.ids == () and outcome.stale == ()
    ((key, present),) = outcome.lost
    assert key == (scene.topic.no, 1) and present is not None and present.next_offset == 2
    assert await scene.unstable() == [0, 0, -1]
    assert (await scene.now()).state is TransactionState.ONGOING
    assert [row.next_offset for row in await meta.partitions(scene.topic.no)] == [2, 2, 0]


async def test_I6_an_end_knows_every_partition_that_was_written_to(meta: Metastore) -> None:
    scene = await Scene.of(meta)
    row = await scene.begin()
    await scene.write(scene.append(row, 0), scene.append(row, 1))
    assert (await scene.end(row, [0])).stale == (0,)
    assert (await scene.end(row, [0, 1, 2])).stale == (0,)
    assert await scene.unstable() == [0, 0, -1]
    assert (await scene.end(row, [0, 1], commits=False)).ids


async def test_aborted_transactions_are_found_by_the_range_they_overlap(meta: Metastore) -> None:
    scene = await Scene.of(meta)
    one, two = await scene.begin("one"), await scene.begin("two")
    await scene.write(scene.append(one, 0))  # 0 1
    await scene.write(scene.append(two, 0))  # 2 3
    await scene.end(one, [0], commits=False)  # 4
    await scene.write(scene.append(None, 0))  # 5 6
    assert await scene.unstable() == [2, -1, -1]
    await scene.end(two, [0], commits=False)  # 7
    first = Aborted(4, one.producer_id, 0, True)
    second = Aborted(7, two.producer_id, 2, True)
    assert await scene.aborted(0) == [first, second]
    assert await scene.aborted(0, 0, 2) == [first]
    assert await scene.aborted(0, 2, 4) == [first, second]
    assert await scene.aborted(0, 5, 6) == [second]
    assert await scene.aborted(0, 8, 9) == []
    (row, *_) = await meta.partitions(scene.topic.no)
    assert row.aborted_end == 8
    await meta.advance_log_start(scene.topic.no, 0, 6, GapCause.DELETE_RECORDS, "", 40)
    assert await scene.aborted(0) == [second]


async def test_who_may_write(meta: Metastore) -> None:
    scene = await Scene.of(meta)
    row = await scene.begin()
    codes = [
        await scene.refused(scene.append(replace(row, name="other"), 0)),
        await scene.refused(scene.append(replace(row, producer_id=999), 0)),
        await scene.refused(scene.append(replace(row, epoch=row.epoch + 1), 0)),
        await scene.refused(scene.append(row, 0, implicit=False)),
    ]
    assert codes == [
        ErrorCode.INVALID_PRODUCER_ID_MAPPING,
        ErrorCode.INVALID_PRODUCER_ID_MAPPING,
        ErrorCode.INVALID_PRODUCER_EPOCH,
        ErrorCode.TRANSACTION_ABORTABLE,
    ]
    producer = Identity(row.producer_id, row.epoch)
    await meta.add_partitions_to_transaction("tx", producer, [(scene.topic.no, 0)], 15)
    await scene.write(scene.append(row, 0, implicit=False))
    assert await scene.refused(scene.append(row, 1, implicit=False)) is (
        ErrorCode.TRANSACTION_ABORTABLE
    )
    await scene.end(row, [0], bumps=False)
    assert (await scene.now()).epoch == row.epoch
    assert await scene.refused(scene.append(row, 0, implicit=False)) is (
        ErrorCode.TRANSACTION_ABORTABLE
    )


async def test_one_refused_producer_does_not_take_other_partitions_with_it(meta: Metastore) -> None:
    scene = await Scene.of(meta)
    row = await scene.begin()
    zombie = replace(row, epoch=row.epoch + 5)
    outcomes = await meta.commit_appends(
        WAL, [scene.append(zombie, 0), scene.append(row, 1), scene.append(None, 2)], 10
    )
    assert [outcome.committed for outcome in outcomes] == [False, True, True]
    assert await scene.unstable() == [-1, 0, -1]


async def test_partitions_without_records_need_no_marker(meta: Metastore) -> None:
    scene = await Scene.of(meta)
    row = await scene.begin()
    producer = Identity(row.producer_id, row.epoch)
    keys = [(scene.topic.no, each) for each in range(3)]
    await meta.add_partitions_to_transaction("tx", producer, keys, 15)
    await scene.write(scene.append(row, 1, implicit=False))
    found = await meta.transaction("tx")
    assert found is not None and [one.first_offset for one in found.partitions] == [None, 0, None]
    assert (await scene.end(row, [1], bumps=False)).ids
    found = await meta.transaction("tx")
    assert found is not None and found.partitions == ()


async def test_requests_of_others_are_refused(meta: Metastore) -> None:
    scene = await Scene.of(meta)
    row = await scene.begin()
    key = [(scene.topic.no, 0)]
    for producer, code in (
        (Identity(row.producer_id + 1, row.epoch), ErrorCode.INVALID_PRODUCER_ID_MAPPING),
        (Identity(row.producer_id, row.epoch + 1), ErrorCode.PRODUCER_FENCED),
    ):
        for call in (
            meta.add_partitions_to_transaction("tx", producer, key, 15),
            meta.add_group_to_transaction("tx", producer, "g", 15),
            meta.commit_in_transaction("tx", producer, "g", [], MEMBER, 15, implicit=True),
        ):
            assert await fault_of(call) is code
    nobody = Identity(row.producer_id, row.epoch)
    assert await fault_of(meta.add_partitions_to_transaction("no", nobody, key, 15)) is (
        ErrorCode.INVALID_PRODUCER_ID_MAPPING
    )
    assert (await scene.now()).state is TransactionState.EMPTY


async def test_I8_offsets_of_a_transaction_count_from_its_commit_on(meta: Metastore) -> None:
    scene = await Scene.of(meta)
    row = await scene.begin()
    producer = Identity(row.producer_id, row.epoch)
    actor = replace(MEMBER, api="TxnOffsetCommit", reason="transaction of tx")

    async def put(offset: int, producer: Identity, *, implicit: bool) -> None:
        await meta.commit_in_transaction(
            "tx", producer, "g", [at(scene.topic, 0, offset)], actor, 25, implicit=implicit
        )

    assert await fault_of(put(5, producer, implicit=False)) is ErrorCode.INVALID_TXN_STATE
    await meta.add_group_to_transaction("tx", producer, "g", 22)
    await put(5, producer, implicit=False)
    await put(6, producer, implicit=False)
    assert await meta.committed("g") == [] and await meta.pending_offsets("g") == [
        (scene.topic.no, 0)
    ]
    await scene.end(row, [])
    assert [one.offset for one in await meta.committed("g")] == [6]
    assert await meta.pending_offsets("g") == []
    (line,) = await meta.offset_history("g")
    assert (line.action, line.old, line.new, line.at_ms) == (OffsetAction.COMMIT, None, 6, 30)
    assert line.actor == actor
    again = await scene.now()
    await put(9, Identity(again.producer_id, again.epoch), implicit=True)
    await scene.end(again, [], commits=False)
    assert [one.offset for one in await meta.committed("g")] == [6]
    assert await meta.pending_offsets("g") == [] and len(await meta.offset_history("g")) == 1


async def test_offsets_of_a_transaction_expect_the_groups_fence(meta: Metastore) -> None:
    scene = await Scene.of(meta)
    row = await scene.begin()
    await meta.save_group(GroupRow("g", "consumer", "Stable", 1, b"s", 10, fence=7))
    producer = Identity(row.producer_id, row.epoch)
    with pytest.raises(Conflict):
        await meta.commit_in_transaction(
            "tx", producer, "g", [at(scene.topic, 0, 1)], MEMBER, 25, implicit=True, expected=6
        )
    assert (await scene.now()).state is TransactionState.EMPTY
    await meta.commit_in_transaction(
        "tx", producer, "g", [at(scene.topic, 0, 1)], MEMBER, 25, implicit=True, expected=7
    )
    await scene.end(row, [])


async def test_a_producer_is_initialised_again(meta: Metastore) -> None:
    first = await meta.init_transactional_id("tx", 1_000, None, 10)
    assert (first.epoch, first.state) == (0, TransactionState.EMPTY)
    second = await meta.init_transactional_id("tx", 2_000, None, 11)
    assert (second.producer_id, second.epoch, second.timeout_ms) == (first.producer_id, 1, 2_000)
    mine = Identity(second.producer_id, second.epoch)
    third = await meta.init_transactional_id("tx", 2_000, mine, 12)
    assert (third.epoch, third.previous_epoch) == (2, 1)
    # The answer was lost: the same again.
    assert (await meta.init_transactional_id("tx", 2_000, mine, 13)).epoch == 2
    old = Identity(first.producer_id, 0)
    assert await fault_of(meta.init_transactional_id("tx", 1_000, old, 14)) is (
        ErrorCode.PRODUCER_FENCED
    )
    stranger = Identity(first.producer_id + 7, 2)
    assert await fault_of(meta.init_transactional_id("tx", 1_000, stranger, 14)) is (
        ErrorCode.PRODUCER_FENCED
    )


async def test_an_ongoing_transaction_is_ended_before_its_producer_is_another(
    meta: Metastore,
) -> None:
    scene = await Scene.of(meta)
    row = await scene.begin()
    await scene.write(scene.append(row, 0))
    assert (await scene.begin()).state is TransactionState.ONGOING
    await scene.end(row, [0], fences=True)
    assert (await scene.now()).state is TransactionState.COMPLETE_ABORT
    assert await scene.refused(scene.append(row, 0)) is ErrorCode.INVALID_PRODUCER_EPOCH
    again = await scene.begin()
    assert again.epoch > row.epoch + 1 and again.state is TransactionState.EMPTY
    await scene.write(scene.append(again, 0))
    await scene.end(again, [0])


async def test_when_epochs_are_used_up_there_is_a_new_producer_id(meta: Metastore) -> None:
    scene = await Scene.of(meta)
    row = await scene.begin()
    while row.epoch < EPOCH_MAX - 1:
        # KIP-890 gives one epoch to each transaction: without records here, to be quick.
        mine = Identity(row.producer_id, row.epoch)
        end = replace(end_of(row, commit=False, bumps=True), epoch_after=EPOCH_MAX - 1)
        (row,) = (await meta.end_transactions("", (), [end], 30)).ids
        assert mine.epoch < row.epoch
    await scene.write(scene.append(row, 0))
    (after,) = (await scene.end(row, [0])).ids
    assert after.producer_id != row.producer_id and after.epoch == 0
    assert after.previous_producer_id == row.producer_id and after.previous_epoch == row.epoch
    await scene.write(scene.append(after, 0))
    await scene.end(after, [0], commits=False)


async def test_overdue_transactions_and_idle_ids(meta: Metastore) -> None:
    scene = await Scene.of(meta)
    quick, slow = await scene.begin("quick", 100), await scene.begin("slow", 10_000)
    await scene.write(scene.append(quick, 0), scene.append(slow, 1))  # since 20
    assert await meta.overdue_transactions(119, 10) == []
    assert [one.name for one in await meta.overdue_transactions(120, 10)] == ["quick"]
    assert [one.name for one in await meta.overdue_transactions(20_000, 10)] == ["quick", "slow"]
    await scene.end(quick, [0], fences=True)
    await scene.begin("idle")
    assert await meta.expire_transactional_ids(10, 10) == 0
    assert await meta.expire_transactional_ids(11, 10) == 1
    assert [one.name for one in await meta.transactional_ids("", 10)] == ["quick", "slow"]
    assert [one.name for one in await meta.transactional_ids("quick", 10)] == ["slow"]
    assert await meta.expire_transactional_ids(10_000, 10) == 1  # never one that is ongoing
    await scene.end(slow, [1])


async def test_a_transaction_in_a_deleted_topic_ends_all_the_same(
    reopen: Callable[[], Metastore], meta: Metastore
) -> None:
    scene = await Scene.of(meta)
    one, two = await scene.begin("one"), await scene.begin("two")
    await scene.write(scene.append(one, 0), scene.append(two, 1))
    await scene.write(scene.append(two, 0))
    await meta.delete_topic(scene.topic.no, 25, 1_000_000)
    assert (await scene.end(one, [])).ids
    assert (await scene.end(two, [], commits=False)).ids
    await meta.undelete_topic(scene.topic.no, None, 50)
    assert await scene.unstable() == [-1, -1, -1]
    # Nothing marks the abort: a reader has to stop where it ends.
    assert await scene.aborted(0) == [Aborted(3, two.producer_id, 2, False)]
    assert await scene.aborted(1) == [Aborted(1, two.producer_id, 0, False)]
    await meta.delete_topic(scene.topic.no, 60, 0)


async def test_a_purged_topic_takes_its_part_of_a_transaction_along(meta: Metastore) -> None:
    scene = await Scene.of(meta)
    row = await scene.begin()
    await scene.write(scene.append(row, 0))
    await meta.delete_topic(scene.topic.no, 25, 0)
    assert (await scene.end(row, [])).ids


async def test_what_is_open_in_a_partition(meta: Metastore) -> None:
    scene = await Scene.of(meta)
    row = await scene.begin()
    await scene.write(scene.append(None, 0))
    await scene.write(scene.append(row, 0))
    assert await meta.open_transactions(scene.topic.no, 0) == [
        OpenTransaction("tx", row.producer_id, row.epoch, 2)
    ]
    await scene.end(row, [0])
    assert await meta.open_transactions(scene.topic.no, 0) == []


async def test_several_transactions_end_in_one_flush(meta: Metastore) -> None:
    scene = await Scene.of(meta)
    one, two = await scene.begin("one"), await scene.begin("two")
    await scene.write(scene.append(one, 0))
    await scene.write(scene.append(two, 0), scene.append(two, 1))
    one, two = await scene.now("one"), await scene.now("two")
    ends = [
        replace(end_of(one, commit=False, bumps=True), markers=(Marker(scene.topic.no, 0, 4),)),
        replace(
            end_of(two, commit=False, bumps=True),
            markers=(Marker(scene.topic.no, 0, 5), Marker(scene.topic.no, 1, 2)),
        ),
    ]
    appends = [scene.append(None, 0, 2), scene.append(None, 1, 1)]
    stale = replace(ends[1], epoch=two.epoch + 1)
    outcome = await meta.end_transactions(WAL, appends, [ends[0], stale], 30)
    assert outcome.stale == (1,) and outcome.ids == ()
    outcome = await meta.end_transactions(WAL, appends, ends, 30)
    assert [row.name for row in outcome.ids] == ["one", "two"]
    assert [one.last_offset for one in await scene.aborted(0)] == [4, 5]
    assert await scene.unstable() == [-1, -1, -1]


@pytest.mark.parametrize("early", [False, True])
async def test_I6_ends_are_committed_when_their_writer_hands_them_over(
    meta: Metastore, early: bool
) -> None:
    """From another thread, before or after somebody waits for it; what did not happen comes back the same
    way, and a flush whose write fails ends nothing."""
    scene = await Scene.of(meta)
    row = await scene.begin()
    await scene.write(scene.append(row, 0), scene.append(row, 1))
    row = await scene.now()
    markers = (Marker(scene.topic.no, 0, 2), Marker(scene.topic.no, 1, 2))
    end = replace(end_of(row, commit=True, bumps=True), markers=markers)
    appends = [scene.append(None, 0, 1), scene.append(None, 1, 1)]

    async def handed_over(*ends: TransactionEnd) -> EndOutcome:
        flush = Handover()
        if early:
            await asyncio.to_thread(flush.give, WAL, appends, ends)
        waiting = asyncio.ensure_future(meta.commit_ends(flush, 30))
        if not early:
            await asyncio.sleep(0.01)
            assert not waiting.done()
            await asyncio.to_thread(flush.give, WAL, appends, ends)
        return await waiting

    assert (await handed_over(replace(end, epoch=row.epoch + 1))).stale == (0,)
    flush = Handover()
    waiting = asyncio.ensure_future(meta.commit_ends(flush, 30))
    flush.place(WAL, appends, [end])
    await asyncio.sleep(0.01)
    flush.fail(StoreFault("the disk is full"))
    with pytest.raises(StoreFault, match="the disk is full"):
        await waiting
    assert await scene.now() == row and await scene.unstable() == [0, 0, -1]
    (after,) = (await handed_over(end)).ids
    assert after == await scene.now() and after.state is TransactionState.COMPLETE_COMMIT
    assert await scene.unstable() == [-1, -1, -1]
