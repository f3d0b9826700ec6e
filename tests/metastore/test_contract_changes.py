"""What one process changes, the others are told: which topics, partitions, groups; and nothing of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from anabranch.errors import ClientFault, ErrorCode, Outdated, StoreFault
from anabranch.metastore import writer
from anabranch.metastore.api import GapCause, Metastore, OffsetAction, guard_of
from anabranch.metastore.changes import NAMED_MAX, Changed, ChangeSet, decode, encode, told
from anabranch.metastore.postgres import notices
from anabranch.metastore.wal_floor import Alone

from .support import MEMBER, a_topic, append, at, commit, new

Opener = Callable[[], Metastore]


class Heard:
    """Everything that a watcher was told, in one."""

    def __init__(self, meta: Metastore) -> None:
        self.all = ChangeSet()
        self.calls = 0
        meta.on_change(self._take)

    def _take(self, changed: Changed) -> None:
        self.calls += 1
        self.all.add(changed)

    async def until(self, condition: Callable[[ChangeSet], bool]) -> ChangeSet:
        for _ in range(6_000):
            if condition(self.all):
                return self.all
            await asyncio.sleep(0.01)
        raise AssertionError(f"never told: {vars(self.all)}")


async def watched(reopen: Opener) -> tuple[Metastore, Metastore, Heard]:
    """One that changes things, and one that listens by now."""
    one, other = reopen(), reopen()
    heard = Heard(other)
    probe = await a_topic(one, "probe", number=99)
    while probe.no not in heard.all.topics:  # a listener begins in a thread of its own
        await one.set_topic_configs(probe.no, {}, 1)
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    heard.all = ChangeSet()
    return one, other, heard


async def test_an_append_names_its_partitions(reopen: Opener) -> None:
    one, other, heard = await watched(reopen)
    topic = await a_topic(one, partitions=3)
    await heard.until(lambda all_: topic.no in all_.topics)
    await append(one, topic, new(0, 9), partition=2)
    told_of = await heard.until(lambda all_: (topic.no, 2) in all_.partitions)
    assert told_of.partitions == {(topic.no, 2)}
    assert [p.next_offset for p in await other.some_partitions([(topic.no, 2)])] == [10]
    assert not told_of.brokers


async def test_a_topic_and_its_end(reopen: Opener) -> None:
    one, other, heard = await watched(reopen)
    topic = await a_topic(one)
    await heard.until(lambda all_: topic.no in all_.topics)
    assert await other.some_topics([topic.no]) == [topic]
    heard.all = ChangeSet()
    await one.delete_topic(topic.no, 5)
    await heard.until(lambda all_: topic.no in all_.topics)
    assert await other.some_topics([topic.no]) == []


async def test_topics_are_found_by_name_and_by_id(reopen: Opener) -> None:
    metastore = reopen()
    topic = await a_topic(metastore)
    assert await metastore.find_topics([topic.name, "none"], [bytes(16)]) == [topic.no]
    assert await metastore.find_topics([], [topic.id]) == [topic.no]
    await metastore.delete_topic(topic.no, 5)
    assert await metastore.find_topics([topic.name], [topic.id]) == []


async def test_groups_and_brokers(reopen: Opener) -> None:
    one, _, heard = await watched(reopen)
    topic = await a_topic(one)
    await one.commit_offsets("g", [at(topic, 0, 1)], OffsetAction.COMMIT, MEMBER, 5)
    await heard.until(lambda all_: "g" in all_.groups)
    row = await one.register_broker(7, "h", 1, 5)
    await heard.until(lambda all_: all_.brokers)
    heard.all = ChangeSet()
    assert await one.beat_broker(7, row.epoch, 6)  # it serves
    await heard.until(lambda all_: all_.brokers)
    heard.all = ChangeSet()
    assert await one.beat_broker(7, row.epoch, 7)  # nothing new
    await one.set_topic_configs(topic.no, {}, 8)
    await heard.until(lambda all_: topic.no in all_.topics)
    assert not heard.all.brokers
    await one.remove_broker(7, row.epoch)
    await heard.until(lambda all_: all_.brokers)


async def test_documents_by_their_kind(reopen: Opener) -> None:
    one, other, heard = await watched(reopen)
    await one.put_document("plan", "p-1", b"{}", 5)
    await heard.until(lambda all_: "plan" in all_.documents)
    assert await other.document("plan", "p-1") is not None
    await one.delete_document("point", "x")
    await heard.until(lambda all_: "point" in all_.documents)


async def test_ones_own_changes_are_not_told(reopen: Opener) -> None:
    one, other, heard = await watched(reopen)
    mine = await a_topic(other, "mine", number=2)
    await append(other, mine, new(0, 9))
    theirs = await a_topic(one, "theirs", number=3)
    await heard.until(lambda all_: theirs.no in all_.topics)
    assert mine.no not in heard.all.topics and not heard.all.partitions


async def test_a_change_that_failed_is_not_told(reopen: Opener) -> None:
    one, _, heard = await watched(reopen)
    topic = await a_topic(one)
    await append(one, topic, new(0, 9))
    await heard.until(lambda all_: (topic.no, 0) in all_.partitions)
    heard.all = ChangeSet()

    (outcome,) = await one.commit_appends("wal/1", [commit(topic, 0, new(0, 9))], 1)
    assert not outcome.committed
    other = await a_topic(one, "later", number=4)
    await heard.until(lambda all_: other.no in all_.topics)
    assert not heard.all.partitions


def test_too_many_names_are_everything() -> None:
    collected = ChangeSet()
    collected.partitions = {(1, p) for p in range(NAMED_MAX)}
    few = collected.take()
    assert few is not None and not few.everything
    collected.partitions = {(1, p) for p in range(NAMED_MAX + 1)}
    many = collected.take()
    assert many is not None and many.everything and not many.partitions
    assert collected.take() is None


def test_a_line_is_read_as_it_was_written() -> None:
    changed = Changed(False, frozenset([1]), frozenset([(2, 3)]), frozenset(["g\0"]), brokers=True)
    assert decode(encode(changed)) == told(encode(changed)) == changed
    assert told("{nonsense").everything


async def test_what_nobody_told_of_is_found_by_the_poll(
    reopen: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "POLL_S", 0.2)
    monkeypatch.setattr(writer, "FULL_POLL_S", 0.2)
    one, _, heard = await watched(reopen)
    topic = await a_topic(one)
    await heard.until(lambda all_: topic.no in all_.topics)
    await asyncio.sleep(0.5)  # a poll that still sees the topic's transaction
    one.expect_others(False)
    heard.all = ChangeSet()
    await append(one, topic, new(0, 9))
    await heard.until(
        lambda all_: (topic.no, 0) in all_.partitions or (all_.take() or Changed()).everything
    )


async def test_a_document_is_replaced_only_by_who_knows_it(meta: Metastore) -> None:
    assert await meta.replace_document("k", "d", b"one", 1, expected=None)
    assert not await meta.replace_document("k", "d", b"two", 2, expected=None)
    assert not await meta.replace_document("k", "d", b"two", 2, expected=b"other")
    assert await meta.replace_document("k", "d", b"two", 2, expected=b"one")
    await meta.register_broker(1, "h", 1, 1000)
    await meta.register_broker(2, "h", 2, 1000)
    alone = {"expected": b"two", "alone": Alone(2, 100)}
    assert not await meta.replace_document("k", "d", b"three", 1099, **alone)
    assert await meta.replace_document("k", "d", b"three", 1100, **alone)
    found = await meta.document("k", "d")
    assert found is not None and found.body == b"three"


async def test_I1_no_start_of_before_commits_once_the_cluster_moved_to_another_wal(
    meta: Metastore,
) -> None:
    """A broker that was paused for long went on acknowledging what it wrote to a WAL that nobody else reads
    (found by the simulation)."""
    topic = await a_topic(meta)
    paused = await meta.register_broker(1, "h", 1, 1000)
    mover = await meta.register_broker(2, "h", 2, 1000)
    old, first = (f"wal/{one.broker_id}-{one.epoch:010}-0000000000" for one in (paused, mover))
    (outcome,) = await meta.commit_appends(old, [commit(topic, 0, new(0, 4))], 1000)
    assert outcome.committed
    empty, full = Alone(2, 100, empty=True), Alone(2, 100)
    assert not await meta.replace_document("k", "d", b"", 2000, expected=None, alone=empty)
    assert not await meta.replace_document("k", "d", b"", 1050, expected=None, alone=full)
    (outcome,) = await meta.commit_appends(old, [commit(topic, 0, new(5, 9, position=100))], 1050)
    assert outcome.committed, "nothing moved"
    assert await meta.replace_document("k", "d", b"", 2000, expected=None, alone=full)

    for key in (old, old[:-1] + "1", f"wal/1/{paused.epoch:010}-0000000007"):
        with pytest.raises(StoreFault, match="a WAL that is not the cluster's any more") as refused:
            await meta.commit_appends(key, [commit(topic, 0, new(10, 19, position=200))], 2000)
        assert not refused.value.retryable
    assert not await meta.beat_broker(1, paused.epoch, 2000)
    with pytest.raises(ClientFault) as stale:
        await meta.register_broker(1, "h", 1, 2000, wal_epoch=paused.epoch)
    assert stale.value.code is ErrorCode.STALE_BROKER_EPOCH
    assert [row.broker_id for row in await meta.brokers()] == [2]

    (outcome,) = await meta.commit_appends(first, [commit(topic, 0, new(10, 19))], 2000)
    assert outcome.committed
    again = await meta.register_broker(2, "h", 2, 2000, wal_epoch=mover.epoch)
    assert again.writes_under == mover.epoch


async def test_I1_a_broker_that_is_given_up_itself_does_not_move_the_wal(meta: Metastore) -> None:
    assert not await meta.replace_document("k", "d", b"", 9, expected=None, alone=Alone(2, 100))
    assert await meta.document("k", "d") is None


async def test_what_is_decided_by_documents_is_refused_when_they_have_changed(
    reopen: Opener,
) -> None:
    one, other = reopen(), reopen()
    topic = await a_topic(one)
    await append(one, topic, new(0, 9))
    guard = guard_of("hold", await one.documents("hold"))
    await other.put_document("hold", "h", b"{}", 1)
    with pytest.raises(Outdated):
        await one.advance_log_start(topic.no, 0, 5, GapCause.RETENTION_TIME, "", 1, None, guard)
    with pytest.raises(Outdated):
        await one.delete_topic(topic.no, 1, guard=guard)
    with pytest.raises(Outdated):
        await one.replace_many(1, 100, [], 1, guard)
    await other.put_document("plan", "p", b"{}", 1)  # of another kind
    await other.delete_document("hold", "h")
    row = await one.advance_log_start(topic.no, 0, 5, GapCause.RETENTION_TIME, "", 1, None, guard)
    assert row is not None and row.log_start == 5
    assert await one.delete_topic(topic.no, 1, guard=guard)
