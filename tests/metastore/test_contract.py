"""What every engine promises about topics, appends, extents and objects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.metastore.api import (
    AppendCommit,
    AppendOutcome,
    Gap,
    GapCause,
    Handover,
    LeaderEpoch,
    Metastore,
    ObjectKind,
    OffsetAction,
    Partition,
    PartitionSize,
)

from .conftest import CLUSTER_ID
from .support import (
    MEMBER,
    a_topic,
    append,
    at,
    commit,
    merge,
    names,
    new,
    producer,
    spans,
    topic_id,
)


# -- brokers, leases, documents --------------------------------------------------------------------
async def test_the_cluster_id_is_kept(reopen: Callable[[], Metastore]) -> None:
    first = reopen()
    assert first.cluster_id == CLUSTER_ID
    first.close()
    assert reopen().cluster_id == CLUSTER_ID


async def test_each_start_of_a_broker_has_a_higher_epoch(meta: Metastore) -> None:
    first = await meta.register_broker(1, "a", 9092, 10)
    other = await meta.register_broker(2, "b", 9092, 11)
    again = await meta.register_broker(1, "a", 9093, 12)
    assert first.epoch < other.epoch < again.epoch
    assert await meta.brokers() == [again, other]


async def test_a_broker_lives_in_a_lane_and_beats(meta: Metastore) -> None:
    row = await meta.register_broker(3, "a", 9092, 10, lane="recovery", rack="z1")
    assert (row.lane, row.rack, row.heartbeat_ms) == ("recovery", "z1", 0)
    assert await meta.beat_broker(3, row.epoch, 25)
    assert await meta.brokers() == [replace(row, heartbeat_ms=25)]
    assert await meta.beat_broker(3, row.epoch, 26, late_percent=140, cold_bytes_per_second=7)
    (beaten,) = await meta.brokers()
    assert (beaten.late_percent, beaten.cold_bytes_per_second) == (140, 7)
    again = await meta.register_broker(3, "b", 9092, 30)
    assert not await meta.beat_broker(3, row.epoch, 40)  # a former registration says nothing more
    assert await meta.brokers() == [again]


async def test_a_living_brokers_number_is_not_given_twice(meta: Metastore) -> None:
    first = await meta.register_broker(1, "a", 9092, 100, silent_ms=50)
    with pytest.raises(ClientFault) as refused:  # starting counts as living
        await meta.register_broker(1, "b", 9092, 149, silent_ms=50)
    assert refused.value.code is ErrorCode.DUPLICATE_BROKER_REGISTRATION
    await meta.beat_broker(1, first.epoch, 200)
    with pytest.raises(ClientFault):
        await meta.register_broker(1, "b", 9092, 249, silent_ms=50)
    assert (await meta.register_broker(1, "b", 9092, 250, silent_ms=50)).epoch > first.epoch
    # The same address: whoever listens there now has outlived the other.
    assert (await meta.register_broker(1, "b", 9092, 251, silent_ms=50)).broker_id == 1


async def test_numbers_are_given_to_those_who_name_none(meta: Metastore) -> None:
    await meta.register_broker(2, "b", 9092, 100)
    numbers = [
        (await meta.register_broker(None, host, 9092, 100, silent_ms=50)).broker_id
        for host in ("a", "c", "d", "c")
    ]
    assert numbers == [1, 3, 4, 3]
    assert (await meta.register_broker(None, "e", 9092, 150, silent_ms=50)).broker_id == 1


async def test_a_broker_leaves_and_is_removed(meta: Metastore) -> None:
    old = await meta.register_broker(1, "a", 9092, 10)
    new = await meta.register_broker(1, "a", 9092, 11)
    assert not await meta.remove_broker(1, old.epoch)
    assert await meta.brokers() == [new]
    assert await meta.remove_broker(1, new.epoch)
    assert not await meta.beat_broker(1, new.epoch, 12)
    assert not await meta.remove_broker(1)
    third = await meta.register_broker(1, "a", 9092, 13)
    assert third.epoch > new.epoch and await meta.remove_broker(1)
    assert await meta.brokers() == []


async def test_a_lease_has_one_holder_until_it_expires(meta: Metastore) -> None:
    assert await meta.acquire_lease("merge", "a", ttl_ms=100, now_ms=0)
    assert not await meta.acquire_lease("merge", "b", ttl_ms=100, now_ms=99)
    assert await meta.acquire_lease("merge", "a", ttl_ms=100, now_ms=99)
    assert not await meta.acquire_lease("merge", "b", ttl_ms=100, now_ms=198)
    assert await meta.acquire_lease("merge", "b", ttl_ms=100, now_ms=199)
    await meta.release_lease("merge", "a")
    assert not await meta.acquire_lease("merge", "a", ttl_ms=100, now_ms=200)
    await meta.release_lease("merge", "b")
    assert await meta.acquire_lease("merge", "a", ttl_ms=100, now_ms=200)


async def test_documents(meta: Metastore) -> None:
    await meta.put_document("point", "p-2", b"{}", 20, create=True)
    await meta.put_document("point", "p-1", b"{}", 30)
    await meta.put_document("plan", "p-1", b"[]", 40)
    with pytest.raises(ClientFault) as refused:
        await meta.put_document("point", "p-2", b"x", 50, create=True)
    assert refused.value.code is ErrorCode.DUPLICATE_RESOURCE
    await meta.put_document("point", "p-2", b"new", 60)
    changed = await meta.document("point", "p-2")
    assert changed is not None
    assert (changed.created_ms, changed.updated_ms, changed.body) == (20, 60, b"new")
    assert [d.id for d in await meta.documents("point")] == ["p-2", "p-1"]
    assert await meta.delete_document("point", "p-2")
    assert not await meta.delete_document("point", "p-2")
    assert await meta.document("point", "p-2") is None
    assert await meta.documents("nothing") == []
    assert await meta.documents_after("nothing", "", 10) == []
    for n in (3, 1, 2):
        await meta.put_document("acl", f"a-{n}", b"{}", n)
    assert [d.id for d in await meta.documents_after("acl", "", 2)] == ["a-1", "a-2"]
    assert [d.id for d in await meta.documents_after("acl", "a-2", 2)] == ["a-3"]


# -- catalogue -------------------------------------------------------------------------------------
async def test_a_topic_is_what_it_was_created_as(meta: Metastore) -> None:
    topic = await meta.create_topic("b", topic_id(1), 2, {"retention.ms": "5"}, 123)
    assert (topic.name, topic.id, topic.partitions, topic.created_ms) == ("b", topic_id(1), 2, 123)
    assert topic.configs == {"retention.ms": "5"} and topic.origin is None
    other = await a_topic(meta, "a", number=2)
    assert await meta.topics() == [other, topic]
    assert await meta.topic_by_no(topic.no) == topic
    assert await meta.topic_by_no(99) is None
    assert await meta.partitions(topic.no) == [
        Partition(topic.no, 0, 0, 0, 0),
        Partition(topic.no, 1, 0, 0, 0),
    ]
    assert await meta.leader_epochs(topic.no, 1) == [LeaderEpoch(0, 0)]
    assert await meta.partition(topic.no, 2) is None
    assert len(await meta.all_partitions()) == 3


async def test_a_name_is_taken_once(meta: Metastore) -> None:
    await a_topic(meta)
    with pytest.raises(ClientFault) as refused:
        await a_topic(meta, number=2)
    assert refused.value.code is ErrorCode.TOPIC_ALREADY_EXISTS


async def test_partitions_only_grow(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=2)
    assert (await meta.create_partitions(topic.no, 4, 9)).partitions == 4
    assert [p.partition for p in await meta.partitions(topic.no)] == [0, 1, 2, 3]
    for total in (4, 1):
        with pytest.raises(ClientFault) as refused:
            await meta.create_partitions(topic.no, total, 9)
        assert refused.value.code is ErrorCode.INVALID_PARTITIONS
    with pytest.raises(ClientFault) as unknown:
        await meta.create_partitions(99, 4, 9)
    assert unknown.value.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


async def test_configs_are_replaced_as_a_whole(meta: Metastore) -> None:
    topic = await meta.create_topic("a", topic_id(1), 1, {"x": "1", "y": "2"}, 1)
    assert (await meta.set_topic_configs(topic.no, {"y": "3"}, 2)).configs == {"y": "3"}
    with pytest.raises(ClientFault) as unknown:
        await meta.set_topic_configs(99, {}, 2)
    assert unknown.value.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


async def test_the_catalogue_version_grows_with_each_change(meta: Metastore) -> None:
    versions = [await meta.catalogue_version()]

    async def grown() -> bool:
        versions.append(await meta.catalogue_version())
        return versions[-1] > versions[-2]

    topic = await a_topic(meta)
    assert await grown()
    await append(meta, topic, new(0, 9))
    assert not await grown()
    await meta.set_topic_configs(topic.no, {"a": "b"}, 2)
    assert await grown()
    await meta.create_partitions(topic.no, 2, 2)
    assert await grown()
    await meta.advance_log_start(topic.no, 0, 5, GapCause.DELETE_RECORDS, "", 3)
    assert await grown()
    await meta.delete_topic(topic.no, 4)
    assert await grown()


async def test_a_deleted_topic_is_gone_at_once(meta: Metastore) -> None:
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 9))
    await meta.advance_log_start(topic.no, 0, 3, GapCause.DELETE_RECORDS, "", 1)
    assert await meta.delete_topic(topic.no, 9)
    assert not await meta.delete_topic(topic.no, 9)
    assert await meta.topics() == [] and await meta.partitions(topic.no) == []
    assert await meta.extents_from(topic.no, 0, 0, 10) == []
    assert await meta.gaps(topic.no) == [] and await meta.producer_states(topic.no, 0) == []
    assert await meta.extent_by_append_time(topic.no, 0, 0) is None
    outcomes = await meta.commit_appends("wal/1", [commit(topic, 0, new(10, 19))], 10)
    assert outcomes == [AppendOutcome(False, None)]
    again = await a_topic(meta, number=2)
    assert again.no != topic.no


async def test_purging_goes_in_bounded_passes(meta: Metastore) -> None:
    topic = await a_topic(meta)
    pieces = [new(i, i, position=i * 100) for i in range(6_000)]
    for start in range(0, 6_000, 1_000):
        await append(meta, topic, *pieces[start : start + 1_000])
    assert await meta.delete_topic(topic.no, 9)
    assert await meta.extents_from(topic.no, 0, 0, 10) == []
    purged = []
    while True:
        purged.append(await meta.purge_deleted(400, 10))
        assert await meta.check() == []
        if purged[-1] < 400:
            break
    assert purged == [400, 400, 200]
    assert await meta.purge_deleted(400, 10) == 0
    (free,) = await meta.objects_without_extents(20, 10**6, 10)
    assert free.key == "wal/1"


async def test_a_topic_deleted_with_grace_comes_back_as_it_was(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=2)
    states = [producer(7, 0, updated_ms=5)]
    await meta.commit_appends("wal/1", [commit(topic, 0, new(0, 9), producers=states)], 5)
    await meta.advance_log_start(topic.no, 0, 3, GapCause.DELETE_RECORDS, "", 6)
    await meta.set_topic_configs(topic.no, {"retention.ms": "1"}, 6)
    await meta.commit_offsets("g", [at(topic, 0, 4)], OffsetAction.COMMIT, MEMBER, 7)

    async def picture() -> list[object]:
        no = topic.no
        return [
            await meta.topics(),
            await meta.partitions(no),
            await meta.extents_from(no, 0, 0, 9),
            await meta.producer_states(no, 0),
            await meta.gaps(no),
            await meta.leader_epochs(no, 0),
            await meta.partition_sizes(no),
            await meta.committed("g"),
            await meta.offset_history("g"),
        ]

    before = await picture()
    version = await meta.catalogue_version()
    assert await meta.delete_topic(topic.no, 100, grace_ms=50)
    assert not await meta.delete_topic(topic.no, 101, grace_ms=50)
    assert await meta.topics() == [] and await meta.partitions(topic.no) == []
    assert await meta.extents_from(topic.no, 0, 0, 10) == [] and await meta.committed("g") == []
    assert await meta.producer_states(topic.no, 0) == [] and await meta.gaps(topic.no) == []
    assert await meta.commit_appends("wal/1", [commit(topic, 0, new(10, 19))], 110) == [
        AppendOutcome(False, None)
    ]
    assert await meta.purge_deleted(1_000, 149) == 0
    (deleted,) = await meta.deleted_topics()
    assert (deleted.topic.id, deleted.topic.name) == (topic.id, "flights")
    assert (deleted.deleted_ms, deleted.purge_ms) == (100, 150)
    assert (deleted.records, deleted.bytes) == (10, 100)
    assert await meta.undelete_topic(topic.no, None, 149) == before[0][0]  # type: ignore[index]
    assert await picture() == before
    assert await meta.deleted_topics() == []
    assert await meta.catalogue_version() > version + 1
    await append(meta, topic, new(10, 19, position=100))


async def test_undelete_is_refused_if_the_name_is_taken_or_the_grace_is_over(
    meta: Metastore,
) -> None:
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 9))
    with pytest.raises(ClientFault) as caught:
        await meta.undelete_topic(topic.no, None, 2)
    assert caught.value.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    await meta.delete_topic(topic.no, 100, grace_ms=50)
    again = await a_topic(meta, number=2)
    with pytest.raises(ClientFault) as caught:
        await meta.undelete_topic(topic.no, None, 120)
    assert caught.value.code is ErrorCode.TOPIC_ALREADY_EXISTS
    back = await meta.undelete_topic(topic.no, "flights-restored", 120)
    assert (back.no, back.id, back.name) == (topic.no, topic.id, "flights-restored")
    await meta.delete_topic(back.no, 200, grace_ms=50)
    await meta.delete_topic(again.no, 210, grace_ms=50)
    assert [one.topic.no for one in await meta.deleted_topics()] == [again.no, back.no]
    assert await meta.purge_deleted(1_000, 255) == 1
    with pytest.raises(ClientFault) as caught:
        await meta.undelete_topic(topic.no, None, 256)
    assert caught.value.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert [one.topic.no for one in await meta.deleted_topics()] == [again.no]


async def test_a_half_purged_topic_does_not_come_back(meta: Metastore) -> None:
    topic = await a_topic(meta)
    await append(meta, topic, *[new(i, i, position=i * 100) for i in range(10)])
    await meta.delete_topic(topic.no, 100, grace_ms=50)
    assert await meta.purge_deleted(4, 150) == 4
    with pytest.raises(ClientFault):
        await meta.undelete_topic(topic.no, None, 151)
    assert await meta.purge_deleted(100, 150) == 6


async def test_i3_a_deleted_topics_share_of_the_wal_is_merged(meta: Metastore) -> None:
    """It keeps its objects, and it does not keep WAL files from being recycled."""
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 9), new(10, 19, position=100))
    await meta.delete_topic(topic.no, 100, grace_ms=50)
    (backlog,) = await meta.backlogs(10)
    assert (backlog.topic_no, backlog.extents) == (topic.no, 2)
    assert await meta.objects_without_extents(110, 10**6, 10) == []
    assert await merge(meta, topic, await meta.wal_extents(topic.no, 0, 10), key="seg/1")
    assert await meta.backlogs(10) == [] and await meta.wal_extents(topic.no, 0, 10) == []
    assert [o.key for o in await meta.objects_without_extents(110, 10**6, 10)] == ["wal/1"]
    await meta.undelete_topic(topic.no, None, 120)
    assert spans(await meta.extents_from(topic.no, 0, 0, 10)) == [(0, 19)]


# -- appends ---------------------------------------------------------------------------------------
async def test_i1_an_append_is_there_after_reopening(reopen: Callable[[], Metastore]) -> None:
    meta = reopen()
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 9, position=32, timestamp=7, appended=8, epoch=0))
    meta.close()
    meta = reopen()
    assert await meta.partition(topic.no, 0) == Partition(topic.no, 0, 10, 0, 0)
    (extent,) = await meta.extents_from(topic.no, 0, 0, 10)
    assert (extent.base_offset, extent.last_offset, extent.records) == (0, 9, 10)
    assert (extent.object_key, extent.kind) == ("wal/1", ObjectKind.WAL)
    assert (extent.position, extent.length) == (32, 100)
    assert (extent.max_timestamp, extent.appended_ms, extent.leader_epoch) == (7, 8, 0)


async def test_i2_an_append_with_a_stale_end_commits_nothing(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=2)
    await append(meta, topic, new(0, 9))
    outcomes = await meta.commit_appends(
        "wal/2",
        [
            commit(topic, 0, new(5, 14), producers=[producer(1, 5)]),
            commit(topic, 1, new(0, 4, position=100), producers=[producer(2, 0)]),
            AppendCommit(topic.no, 7, 0, 5, (new(0, 4, position=200),)),
        ],
        20,
    )
    assert outcomes == [
        AppendOutcome(False, Partition(topic.no, 0, 10, 0, 0)),
        AppendOutcome(True),
        AppendOutcome(False, None),
    ]
    assert spans(await meta.extents_from(topic.no, 0, 0, 10)) == [(0, 9)]
    assert spans(await meta.extents_from(topic.no, 1, 0, 10)) == [(0, 4)]
    assert await meta.producer_states(topic.no, 0) == []
    assert await meta.producer_states(topic.no, 1) == [producer(2, 0)]


@pytest.mark.parametrize("expected_next", [0, 1, 10])
async def test_i2_of_concurrent_appends_at_one_end_one_wins(
    meta: Metastore, expected_next: int
) -> None:
    topic = await a_topic(meta)
    if expected_next:
        await append(meta, topic, new(0, expected_next - 1))
    last = expected_next + 9
    rivals = [
        meta.commit_appends(f"wal/r{i}", [commit(topic, 0, new(expected_next, last))], 20)
        for i in range(20)
    ]
    outcomes = [outcome for (outcome,) in await asyncio.gather(*rivals)]
    assert sum(outcome.committed for outcome in outcomes) == 1
    assert await meta.partition(topic.no, 0) == Partition(topic.no, 0, last + 1, 0, 0)


@pytest.mark.parametrize(
    "extents",
    [[new(0, 4), new(6, 9)], [new(0, 4), new(4, 9)], [new(0, 8)], [new(1, 9)], [new(0, 10)], []],
    ids=["hole", "overlap", "short", "late", "long", "none"],
)
async def test_i2_extents_must_tile_what_the_commit_gives_out(
    meta: Metastore, extents: list
) -> None:
    topic = await a_topic(meta)
    with pytest.raises(AssertionError):
        await meta.commit_appends("wal/1", [AppendCommit(topic.no, 0, 0, 10, tuple(extents))], 10)
    assert await meta.partition(topic.no, 0) == Partition(topic.no, 0, 0, 0, 0)


@pytest.mark.parametrize("early", [False, True])
async def test_a_flush_is_committed_when_its_writer_hands_it_over(
    meta: Metastore, early: bool
) -> None:
    """From another thread, before or after somebody waits for it; a refusal comes back the same way."""
    topic = await a_topic(meta)
    for expected, first in ((True, 0), (False, 5)):
        flush = Handover()
        shares = [commit(topic, 0, new(first, first + 9))]
        if early:
            await asyncio.to_thread(flush.give, "wal/1", shares)
        waiting = asyncio.ensure_future(meta.commit_flush(flush, 10))
        if not early:
            await asyncio.sleep(0.01)
            assert not waiting.done()
            await asyncio.to_thread(flush.give, "wal/1", shares)
        (outcome,) = await waiting
        assert outcome.committed is expected
    assert await meta.partition(topic.no, 0) == Partition(topic.no, 0, 10, 0, 0)


async def test_many_partitions_in_one_flush(meta: Metastore) -> None:
    """More than one VALUES list, and lists that have to be filled up."""
    topic = await a_topic(meta, partitions=150)
    for count in (150, 65, 33, 3, 1):
        ends = {p.partition: p.next_offset for p in await meta.partitions(topic.no)}
        outcomes = await meta.commit_appends(
            "wal/1",
            [
                commit(
                    topic,
                    p,
                    new(ends[p], ends[p] + 9, position=100 * p),
                    producers=[producer(p, ends[p])],
                )
                for p in range(count)
            ],
            9,
        )
        assert outcomes == [AppendOutcome(True)] * count
    assert [p.next_offset for p in await meta.partitions(topic.no)] == (
        [50] + [40] * 2 + [30] * 30 + [20] * 32 + [10] * 85
    )
    assert await meta.producer_states(topic.no, 2) == [producer(2, 30)]


async def test_producer_states_are_replaced_and_expire(meta: Metastore) -> None:
    topic = await a_topic(meta)
    states = [producer(1, 0, updated_ms=100), producer(2, 0, updated_ms=200)]
    await meta.commit_appends("wal/1", [commit(topic, 0, new(0, 9), producers=states)], 200)
    newer = producer(1, 0, 10, 20, 30, 40, updated_ms=300)
    await meta.commit_appends("wal/1", [commit(topic, 0, new(10, 49), producers=[newer])], 300)
    assert await meta.producer_states(topic.no, 0) == [newer, states[1]]
    assert await meta.expire_producers(200, 10) == 0
    assert await meta.expire_producers(301, 1) == 1
    assert await meta.producer_states(topic.no, 0) == [newer]


async def test_I5_the_state_of_appends_is_of_one_instant(meta: Metastore) -> None:
    topic = await a_topic(meta)
    assert await meta.append_state(topic.no, 0) == (await meta.partition(topic.no, 0), [])
    states = [producer(1, 0, updated_ms=100), producer(2, 0, updated_ms=200)]
    await meta.commit_appends("wal/1", [commit(topic, 0, new(0, 9), producers=states)], 200)
    await meta.advance_log_start(topic.no, 0, 3, GapCause.DELETE_RECORDS, "", 300)
    assert await meta.append_state(topic.no, 0) == (await meta.partition(topic.no, 0), states)
    assert await meta.append_state(topic.no, 99) is None
    await meta.delete_topic(topic.no, 400)
    assert await meta.append_state(topic.no, 0) is None


async def test_producer_ids_are_given_once(reopen: Callable[[], Metastore]) -> None:
    meta = reopen()
    first = await meta.allocate_producer_ids(1000)
    second = await meta.allocate_producer_ids(1)
    meta.close()
    third = await reopen().allocate_producer_ids(5)
    assert first + 1000 <= second and second + 1 <= third


# -- reads -----------------------------------------------------------------------------------------
async def test_extents_are_found_by_offset(meta: Metastore) -> None:
    topic = await a_topic(meta)
    for base in range(0, 50, 10):
        await append(meta, topic, new(base, base + 9, position=base * 10))
    assert spans(await meta.extents_from(topic.no, 0, 25, 2)) == [(20, 29), (30, 39)]
    assert spans(await meta.extents_from(topic.no, 0, 20, 1)) == [(20, 29)]
    assert spans(await meta.extents_from(topic.no, 0, 49, 9)) == [(40, 49)]
    assert await meta.extents_from(topic.no, 0, 50, 9) == []
    await meta.advance_log_start(topic.no, 0, 23, GapCause.DELETE_RECORDS, "", 1)
    assert spans(await meta.extents_from(topic.no, 0, 0, 1)) == [(20, 29)]


async def test_extents_are_found_by_time(meta: Metastore) -> None:
    topic = await a_topic(meta)
    times = [(100, 10), (300, 20), (200, 20), (400, 15), (350, 40)]
    for i, (timestamp, appended) in enumerate(times):
        await append(meta, topic, new(10 * i, 10 * i + 9, timestamp=timestamp, appended=appended))

    async def by_timestamp(timestamp: int, from_offset: int = 0) -> int | None:
        found = await meta.extent_by_timestamp(topic.no, 0, timestamp, from_offset)
        return found.base_offset if found else None

    assert [await by_timestamp(t) for t in (0, 100, 101, 300, 301, 400, 401)] == [
        0, 0, 10, 10, 30, 30, None,
    ]  # fmt: skip
    assert await by_timestamp(150, 19) == 10
    assert await by_timestamp(150, 20) == 20
    assert await by_timestamp(201, 20) == 30
    assert await by_timestamp(351, 40) is None
    assert await by_timestamp(0, 50) is None

    # A clock that went back does not make a later extent older: 15 counts as 20.
    found = [await meta.extent_by_append_time(topic.no, 0, ms) for ms in (0, 10, 11, 20, 21, 41)]
    assert [e and e.base_offset for e in found] == [0, 0, 10, 10, 40, None]
    assert await meta.check() == []
    newest = await meta.extent_of_max_timestamp(topic.no, 0, 0)
    assert newest is not None and newest.base_offset == 30
    for from_offset, base in ((0, 30), (39, 30), (40, 40), (49, 40), (50, None)):
        newest = await meta.extent_of_max_timestamp(topic.no, 0, from_offset)
        assert (newest.base_offset if newest else None) == base
    await meta.advance_log_start(topic.no, 0, 40, GapCause.RETENTION_TIME, "", 1)
    newest = await meta.extent_of_max_timestamp(topic.no, 0, 0)
    assert newest is not None and newest.base_offset == 40
    assert await by_timestamp(351) is None and await by_timestamp(350) == 40
    assert await meta.extent_of_max_timestamp(topic.no, 1, 0) is None


async def test_sizes_and_backlogs(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=3)
    await append(meta, topic, new(0, 9, length=50, timestamp=3, appended=30), partition=2)
    await append(meta, topic, new(0, 4, length=70, timestamp=9, appended=20), partition=0)
    await append(meta, topic, new(5, 9, length=80, timestamp=4, appended=40), partition=0)
    assert await meta.partition_sizes(topic.no) == [
        PartitionSize(0, 2, 10, 150, 20, 9),
        PartitionSize(1, 0, 0, 0, None, -1),
        PartitionSize(2, 1, 10, 50, 30, 3),
    ]
    assert await meta.partition_bytes(topic.no) == {0: 150, 1: 0, 2: 50}
    assert await meta.partition_bytes(topic.no + 1) == {}
    assert [await meta.is_plain(topic.no, number) for number in range(4)] == [True] * 3 + [False]
    backlogs = await meta.backlogs(10)
    assert [(b.partition, b.extents, b.bytes, b.oldest_appended_ms) for b in backlogs] == [
        (0, 2, 150, 20),
        (2, 1, 50, 30),
    ]
    assert await meta.backlogs(1) == backlogs[:1]
    first, second = await meta.wal_extents(topic.no, 0, 10)
    assert await merge(meta, topic, [first], key="seg/1")
    assert await meta.wal_extents(topic.no, 0, 10) == [second]
    assert [(b.partition, b.extents, b.oldest_appended_ms) for b in await meta.backlogs(9)] == [
        (2, 1, 30),
        (0, 1, 40),
    ]
    assert await merge(meta, topic, [second], key="seg/2")
    assert [b.partition for b in await meta.backlogs(9)] == [2]
    assert await meta.wal_extents(topic.no, 0, 10) == []
    await append(meta, topic, new(10, 12, appended=60), partition=0)
    assert spans(await meta.wal_extents(topic.no, 0, 10)) == [(10, 12)]


# -- merge and retention -----------------------------------------------------------------------------
async def test_a_merge_replaces_extents_wholly(meta: Metastore) -> None:
    topic = await a_topic(meta)
    for i in range(4):
        await append(meta, topic, new(10 * i, 10 * i + 9, timestamp=10 - i, appended=50 + i))
    before = await meta.extents_from(topic.no, 0, 0, 10)
    assert await merge(meta, topic, before[1:3], key="seg/1")
    after = await meta.extents_from(topic.no, 0, 0, 10)
    assert spans(after) == [(0, 9), (10, 29), (30, 39)]
    assert (after[1].kind, after[1].object_key) == (ObjectKind.SEGMENT, "seg/1")
    assert (after[1].records, after[1].length, after[1].appended_ms) == (20, 200, 51)
    assert after[0] == before[0] and after[2] == before[3]
    assert spans(await meta.small_segments(topic.no, 0, 201, 9)) == [(10, 29)]
    assert await meta.small_segments(topic.no, 0, 200, 9) == []


async def test_a_merge_in_the_middle_leaves_the_wal_around_it(meta: Metastore) -> None:
    topic = await a_topic(meta)
    for i in range(4):
        await append(meta, topic, new(10 * i, 10 * i + 9, appended=50 + i))
    wal = await meta.wal_extents(topic.no, 0, 9)
    assert await merge(meta, topic, wal[1:3], key="seg/1")
    assert await meta.wal_extents(topic.no, 0, 9) == [wal[0], wal[3]]
    assert [b.oldest_appended_ms for b in await meta.backlogs(9)] == [50]
    assert await merge(meta, topic, wal[:1], key="seg/2")
    assert await meta.wal_extents(topic.no, 0, 9) == [wal[3]]
    assert [b.oldest_appended_ms for b in await meta.backlogs(9)] == [53]


async def test_i2_a_merge_of_what_has_changed_does_nothing(meta: Metastore) -> None:
    topic = await a_topic(meta)
    for i in range(3):
        await append(meta, topic, new(10 * i, 10 * i + 9, position=100 * i))
    stale = await meta.extents_from(topic.no, 0, 0, 10)
    assert await merge(meta, topic, stale[:2], key="seg/1")
    present = await meta.extents_from(topic.no, 0, 0, 10)
    assert not await merge(meta, topic, stale[1:], key="seg/2")
    elsewhere = [name._replace(position=1) for name in names(present)]
    number = await meta.create_object("seg/3", ObjectKind.SEGMENT, 1)
    swap = (number, 300, [new(0, 29, length=300)], 1)
    assert not await meta.replace_extents(topic.no, 0, elsewhere, *swap)
    assert not await meta.replace_extents(topic.no, 5, names(present), *swap)
    assert await meta.forget_object(number, "unused", 2)
    assert not await meta.replace_extents(topic.no, 0, names(present), *swap)
    assert await meta.extents_from(topic.no, 0, 0, 10) == present


async def test_i2_a_merge_may_not_invent_offsets(meta: Metastore) -> None:
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 9, timestamp=5))
    await append(meta, topic, new(10, 19, timestamp=6))
    first, second = await meta.extents_from(topic.no, 0, 0, 10)
    number = await meta.create_object("seg/1", ObjectKind.SEGMENT, 1)
    for add in (
        [new(0, 10)],
        [new(0, 5), new(5, 9)],
        [new(0, 9, timestamp=9)],
        [new(0, 9, length=999)],
    ):
        with pytest.raises(AssertionError):
            await meta.replace_extents(topic.no, 0, names([first]), number, 200, add, 1)
    assert await meta.extents_from(topic.no, 0, 0, 10) == [first, second]


async def test_the_log_start_moves_forward_only_and_leaves_a_gap(meta: Metastore) -> None:
    topic = await a_topic(meta)
    for i in range(5):
        await append(meta, topic, new(10 * i, 10 * i + 9))

    async def advance(to: int, cause: GapCause, at_ms: int) -> int:
        row = await meta.advance_log_start(topic.no, 0, to, cause, f"at {at_ms}", at_ms)
        assert row is not None and row.next_offset == 50
        return row.log_start

    assert await advance(10, GapCause.RETENTION_TIME, 1) == 10
    assert await advance(5, GapCause.RETENTION_TIME, 2) == 10
    assert await advance(20, GapCause.RETENTION_TIME, 3) == 20
    assert await advance(25, GapCause.DELETE_RECORDS, 4) == 25
    assert spans(await meta.extents_from(topic.no, 0, 0, 10)) == [(20, 29), (30, 39), (40, 49)]
    assert await advance(1000, GapCause.DELETE_RECORDS, 5) == 50
    assert await meta.extents_from(topic.no, 0, 0, 10) == []
    assert await meta.gaps(topic.no, 0) == [
        Gap(topic.no, 0, 0, 19, GapCause.RETENTION_TIME, "at 3", 3),
        Gap(topic.no, 0, 20, 24, GapCause.DELETE_RECORDS, "at 4", 4),
        Gap(topic.no, 0, 25, 49, GapCause.DELETE_RECORDS, "at 5", 5),
    ]
    assert await meta.advance_log_start(topic.no, 1, 5, GapCause.RETENTION_TIME, "", 1) is None
    assert await meta.gaps(topic.no, 1) == [] and await meta.gaps(99) == []


async def test_I2_what_was_deleted_by_request_says_by_whom(meta: Metastore) -> None:
    """One who deletes again and again (Kafka Streams does) has one gap; another's is another."""
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 49))
    for to, by, at_ms in ((10, "ana", 1), (20, "ana", 2), (30, "ben", 3), (40, "ana", 4)):
        await meta.advance_log_start(topic.no, 0, to, GapCause.DELETE_RECORDS, by, at_ms)
    assert [
        (g.first_offset, g.last_offset, g.detail, g.at_ms) for g in await meta.gaps(topic.no)
    ] == [(0, 19, "ana", 2), (20, 29, "ben", 3), (30, 39, "ana", 4)]


async def test_dropping_very_many_extents(meta: Metastore) -> None:
    """More than one step: the partition, its gap and its sums come out as in one."""
    topic = await a_topic(meta)
    for start in range(0, 12_000, 2_000):
        pieces = [new(i, i, position=i) for i in range(start, start + 2_000)]
        await append(meta, topic, *pieces)
    row = await meta.advance_log_start(topic.no, 0, 11_500, GapCause.DELETE_RECORDS, "", 1)
    assert row == Partition(topic.no, 0, 12_000, 11_500, 0)
    assert [(g.first_offset, g.last_offset) for g in await meta.gaps(topic.no)] == [(0, 11_499)]
    assert (await meta.partition_sizes(topic.no))[0].extents == 500


# -- collection --------------------------------------------------------------------------------------
async def test_i3_an_object_is_collected_only_when_nothing_names_it(meta: Metastore) -> None:
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 9), key="wal/1", now_ms=10)
    await append(meta, topic, new(10, 19), key="wal/2", now_ms=20)
    assert await meta.objects_without_extents(100, 1000, 10) == []
    extents = await meta.extents_from(topic.no, 0, 0, 10)
    assert await merge(meta, topic, extents[:1], key="seg/1", now_ms=30)
    (free,) = await meta.objects_without_extents(200, 1000, 10)
    assert (free.key, free.kind, free.created_ms) == ("wal/1", ObjectKind.WAL, 10)
    assert (free.bytes, free.unreferenced_ms) == (100, 200)
    assert await meta.objects_without_extents(300, 1000, 10) == [free]
    assert await meta.objects_without_extents(300, 10, 10) == []
    assert not await meta.forget_object(extents[1].object_no, "still named", 300)
    assert await meta.forget_object(free.no, "merged", 310)
    assert not await meta.forget_object(free.no, "merged", 320)
    assert await meta.objects_without_extents(400, 1000, 10) == []
    assert await meta.deletions(10) == [("wal/1", "merged", 310)]
    assert [row.key for row in await meta.wal_objects()] == ["wal/2"]


async def test_i3_an_object_that_is_named_again_is_not_collected(meta: Metastore) -> None:
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 9), now_ms=10)
    number = await meta.create_object("seg/1", ObjectKind.SEGMENT, 20)
    (free,) = await meta.objects_without_extents(100, 1000, 10)
    assert free.no == number and free.bytes == 0
    wal = await meta.extents_from(topic.no, 0, 0, 10)
    assert await meta.replace_extents(
        topic.no, 0, names(wal), number, 640, [new(0, 9, length=640)], 110
    )
    assert not await meta.forget_object(number, "too late", 120)
    (free,) = await meta.objects_without_extents(200, 1000, 10)
    assert free.key == "wal/1"
    await meta.advance_log_start(topic.no, 0, 10, GapCause.RETENTION_BYTES, "", 300)
    last, first = sorted(await meta.objects_without_extents(400, 1000, 10), key=lambda o: o.key)
    assert (first.key, first.unreferenced_ms) == ("wal/1", 200)
    assert (last.key, last.unreferenced_ms, last.bytes) == ("seg/1", 400, 640)
    assert [o.key for o in await meta.objects_without_extents(500, 1000, 1)] == ["wal/1"]


async def test_i3_a_wal_object_is_named_again_by_the_next_flush(meta: Metastore) -> None:
    topic = await a_topic(meta)
    await meta.commit_appends("wal/1", [commit(topic, 0, new(5, 9))], 10)  # loses
    (free,) = await meta.objects_without_extents(20, 1000, 10)
    assert (free.key, free.unreferenced_ms) == ("wal/1", 20)
    await append(meta, topic, new(0, 9), now_ms=30)
    assert await meta.objects_without_extents(40, 1000, 10) == []
    await meta.advance_log_start(topic.no, 0, 10, GapCause.RETENTION_TIME, "", 50)
    (free,) = await meta.objects_without_extents(60, 1000, 10)
    assert (free.key, free.unreferenced_ms) == ("wal/1", 60)


async def test_i3_a_collected_key_never_comes_back(meta: Metastore) -> None:
    topic = await a_topic(meta)
    number = await meta.create_object("seg/1", ObjectKind.SEGMENT, 1)
    with pytest.raises(StoreFault, match="seg/1"):
        await meta.create_object("seg/1", ObjectKind.SEGMENT, 2)
    await meta.commit_appends("wal/1", [], 1)
    (wal,) = await meta.wal_objects()
    assert await meta.forget_object(number, "orphan", 3)
    assert await meta.forget_object(wal.no, "merged", 3)
    with pytest.raises(StoreFault, match="seg/1") as fault:
        await meta.create_object("seg/1", ObjectKind.SEGMENT, 4)
    assert not fault.value.retryable
    with pytest.raises(StoreFault, match="wal/1"):
        await meta.commit_appends("wal/1", [commit(topic, 0, new(0, 9))], 4)
    assert await meta.partition(topic.no, 0) == Partition(topic.no, 0, 0, 0, 0)
