"""A deleted topic keeps everything until its grace ends, and comes back as it was (I3, I8)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from anabranch.errors import ClientFault, ErrorCode, UnknownOutcome
from anabranch.log.reads import FetchWant

from .conftest import Bench

HOUR_MS = 3_600_000


def test_undelete_brings_back_what_was_there(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 2, {"retention.ms": "-1"})
        for number in range(5):
            await bench.append(topic, 0, [b"%d" % number])
        await bench.log.merger.merge_backlog(topic, 0)
        await bench.append(topic, 0, [b"newest"])
        before = await bench.values(topic, 0)
        await bench.log.delete_topic(topic)
        assert bench.log.catalogue.topic("t") is None
        with pytest.raises(ClientFault) as caught:
            bench.log.append(topic, 0, bench.batch([b"late"]))
        assert caught.value.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        other = await bench.log.create_topic("t", 1, {})
        (deleted,) = await bench.log.metastore.deleted_topics()
        with pytest.raises(ClientFault) as caught:
            await bench.log.undelete_topic(deleted)
        assert caught.value.code is ErrorCode.TOPIC_ALREADY_EXISTS
        with pytest.raises(ClientFault) as caught:
            await bench.log.undelete_topic(deleted, "no/name")
        assert caught.value.code is ErrorCode.INVALID_TOPIC_EXCEPTION
        back = await bench.log.undelete_topic(deleted, "t-restored")
        assert back.id == topic.id != other.id and back.configs == topic.configs
        assert await bench.values(back, 0) == before
        assert await bench.append(back, 0, [b"goes on"]) == len(before)

    run(scenario, topic_grace_ms=HOUR_MS)


def test_a_topic_that_others_deleted_and_brought_back_is_served_again(run) -> None:
    """A broker that saw only the partition vanish, and heard of the rest when it was all over."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"before"])
        metastore, catalogue = bench.log.metastore, bench.log.catalogue
        await metastore.delete_topic(topic.no, bench.clock(), HOUR_MS)
        await catalogue.refresh(bench.log.partition(topic, 0))
        await metastore.undelete_topic(topic.no, None, bench.clock())
        await catalogue.reload()
        assert await bench.values(topic, 0) == [(0, b"before")]
        assert await bench.append(topic, 0, [b"after"]) == 1

    run(scenario, topic_grace_ms=HOUR_MS)


@pytest.mark.parametrize("seen", ["partition", "topic"])
def test_I5_of_a_window_that_meets_a_topic_brought_back_nothing_overtakes(run, seen: str) -> None:
    """The first batch of a new producer was turned away while the topic was gone; the second one, sent with
    it, was taken when the topic was back (found by the simulation), and the first refused from then on."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        first, again, second = (
            bench.batch([b"%d" % number], producer_id=7, producer_epoch=0, base_sequence=number)
            for number in (0, 0, 1)
        )
        metastore, catalogue = bench.log.metastore, bench.log.catalogue
        await metastore.delete_topic(topic.no, bench.clock(), HOUR_MS)
        under_way = bench.log.append(topic, 0, first)
        if seen == "partition":
            await catalogue.refresh(bench.log.partition(topic, 0))
        else:
            await catalogue.reload()
        with pytest.raises(ClientFault) as caught:
            await under_way
        assert caught.value.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        await metastore.undelete_topic(topic.no, None, bench.clock())
        await catalogue.reload()
        with pytest.raises(ClientFault) as caught:
            await bench.log.append(topic, 0, bytearray_of(second))
        assert caught.value.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        await bench.log.append(topic, 0, again)
        await bench.log.append(topic, 0, second)
        assert await bench.values(topic, 0) == [(0, b"0"), (1, b"1")]

    run(scenario, topic_grace_ms=HOUR_MS)


def bytearray_of(batch: memoryview) -> memoryview:
    """Another copy: a log keeps what it is given."""
    return memoryview(bytearray(batch))


def test_a_topic_whose_creation_was_not_heard_of_is_served(run, monkeypatch) -> None:
    """By the very broker that made it, whose answer from the metastore was lost (found by the simulation): it
    hears of what others change, not of its own commits."""

    async def scenario(bench: Bench) -> None:
        create = bench.log.metastore.create_topic

        async def unheard(*words: Any) -> None:
            await create(*words)
            raise UnknownOutcome("simulated: the answer was lost")

        monkeypatch.setattr(bench.log.metastore, "create_topic", unheard)
        with pytest.raises(UnknownOutcome):
            await bench.log.create_topic("t", 1, {})
        assert bench.log.catalogue._reloading is not None
        await bench.log.catalogue._reloading
        topic = bench.log.catalogue.topic("t")
        assert topic is not None
        assert await bench.append(topic, 0, [b"first"]) == 0

    run(scenario)


def test_I3_nothing_of_a_deleted_topic_is_collected_before_its_grace_ends(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"in a segment"])
        await bench.log.merger.merge_backlog(topic, 0)
        await bench.append(topic, 0, [b"in the log"])
        background = bench.log.background
        assert background is not None
        await bench.log.delete_topic(topic)
        bench.clock.ms += HOUR_MS - 1
        for _ in range(3):
            await background.merge()  # what lies in the WAL moves to a segment
            await background.expire()
            await background.collect()
        (wal,) = await bench.log.metastore.wal_objects()
        assert wal.unreferenced_ms is not None
        (deleted,) = await bench.log.metastore.deleted_topics()
        back = await bench.log.undelete_topic(deleted)
        assert [value for _, value in await bench.values(back, 0)] == [
            b"in a segment",
            b"in the log",
        ]
        await bench.log.delete_topic(back)
        bench.clock.ms += HOUR_MS
        for _ in range(3):
            await background.expire()
            await background.collect()
        assert await bench.log.metastore.deleted_topics() == []
        assert list(bench.store.list("")) == []

    run(scenario, topic_grace_ms=HOUR_MS, object_grace_ms=0, wal_file_bytes=1 << 14)


def test_a_fetch_that_waits_hears_of_the_deletion(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        waiting = asyncio.create_task(
            bench.log.fetch(
                [FetchWant(topic, 0, 0, 100)], max_wait_ms=600_000, min_bytes=1, max_bytes=100
            )
        )
        await asyncio.sleep(0)
        await bench.log.delete_topic(topic)
        (part,) = await asyncio.wait_for(waiting, 60)
        assert part.error is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    run(scenario, topic_grace_ms=HOUR_MS)
