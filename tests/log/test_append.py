"""The append path: I1 durability, I2 order, I4 statelessness, I5 idempotence, bounds and refusals."""

from __future__ import annotations

import asyncio
import errno

import pytest

from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.storage.disk import Disk
from anabranch.storage.wal_file import FileWal

from .conftest import Bench


def test_I2_offsets_are_dense_and_in_queue_order(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 2, {})
        futures = [
            bench.log.append(topic, n % 2, bench.batch([b"%d" % n] * (n % 3 + 1)))
            for n in range(60)
        ]
        for partition in (0, 1):
            expected = 0
            for n in range(partition, 60, 2):
                appended = await futures[n]
                assert appended.base_offset == expected
                expected += n % 3 + 1
            values = await bench.values(topic, partition)
            assert [offset for offset, _ in values] == list(range(expected))

    run(scenario)


def test_I1_I4_acknowledged_appends_survive_a_restart(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for n in range(10):
            await bench.append(topic, 0, [b"%d" % n])
        log = await bench.restart()
        topic = log.catalogue.topic("t")
        assert topic is not None
        assert [value for _, value in await bench.values(topic, 0)] == [
            b"%d" % n for n in range(10)
        ]
        assert await bench.append(topic, 0, [b"more"]) == 10

    run(scenario)


@pytest.mark.parametrize(
    "flush_bytes_max", [1, 100, 1 << 20], ids=["in flight", "queued", "together"]
)
def test_I5_what_a_new_producer_sent_behind_a_failed_append_is_refused(
    run, monkeypatch, flush_bytes_max: int
) -> None:
    """A producer that the partition does not know may begin with any sequence: were its second batch taken
    where its first one failed, the first one could never be repeated (found by the simulation)."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        sent = {"producer_id": 5, "producer_epoch": 0}

        def window() -> list[asyncio.Future]:
            return [
                bench.log.append(topic, 0, bench.batch([b"%d" % n], base_sequence=n, **sent))
                for n in range(5)
            ]

        original = FileWal.write
        failures = [StoreFault("injected")]

        def failing(wal, parts, *rest):
            if failures:
                raise failures.pop()
            return original(wal, parts, *rest)

        monkeypatch.setattr(FileWal, "write", failing)
        codes = [
            getattr(answer, "code", None)
            for answer in await asyncio.gather(*window(), return_exceptions=True)
        ]
        failed = codes.count(ErrorCode.KAFKA_STORAGE_ERROR)
        assert failed and codes[:failed] == [ErrorCode.KAFKA_STORAGE_ERROR] * failed
        assert codes[failed:] == [ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER] * (5 - failed)
        assert bench.log.queued_bytes == 0
        with pytest.raises(
            ClientFault
        ) as late:  # it was still on its way when the first one failed
            await bench.append(topic, 0, [b"5"], base_sequence=5, **sent)
        assert late.value.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        offsets = [appended.base_offset for appended in await asyncio.gather(*window())]
        assert offsets == [0, 1, 2, 3, 4]
        assert await bench.append(topic, 0, [b"5"], base_sequence=5, **sent) == 5

    run(scenario, flush_bytes_max=flush_bytes_max)


def test_what_was_withdrawn_before_its_flush_began_is_not_appended(run) -> None:
    """A client that gave up repeats itself on another connection: were its first try written all the same, a
    slow log would be given ever more to do (a seed with slow commits never came to its end)."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        sent = {"producer_id": 5, "producer_epoch": 0}

        def window() -> list[asyncio.Future]:
            return [
                bench.log.append(topic, 0, bench.batch([b"%d" % n], base_sequence=n, **sent))
                for n in range(5)
            ]

        given_up = window()
        plain = bench.log.append(topic, 0, bench.batch([b"plain"]))
        while given_up[0] in {pending.future for pending in bench.log.pipeline._queue}:  # noqa: ASYNC110
            await asyncio.sleep(0)  # one batch of a flush of its own: the others wait
        for future in given_up[1:]:
            future.cancel()
        with pytest.raises(ClientFault) as late:
            await bench.append(topic, 0, [b"6"], base_sequence=6, **sent)
        assert late.value.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        again = await asyncio.gather(*window())
        assert [each.base_offset for each in again] == [0, 2, 3, 4, 5]
        assert (await plain).base_offset == 1
        assert [value for _, value in await bench.values(topic, 0)] == [
            *(b"0", b"plain"),
            *(b"%d" % n for n in range(1, 5)),
        ]
        assert bench.log.queued_bytes == 0

    run(scenario, flush_bytes_max=1)


def test_I5_what_a_new_producer_sent_behind_a_withdrawn_append_is_refused(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        sent = {"producer_id": 5, "producer_epoch": 0}
        bench.log.append(topic, 0, bench.batch([b"0"], base_sequence=0, **sent)).cancel()
        with pytest.raises(ClientFault) as late:
            await bench.append(topic, 0, [b"1"], base_sequence=1, **sent)
        assert late.value.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        assert await bench.append(topic, 0, [b"0"], base_sequence=0, **sent) == 0
        assert bench.log.queued_bytes == 0

    run(scenario)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("by_id", [True, False])
def test_I5_what_a_new_producer_sent_behind_a_refused_append_is_refused(
    run, known: bool, by_id: bool
) -> None:
    """A topic that another broker made is known here a moment later: of a window of batches that come in that
    moment the first ones are refused (found by the simulation)."""

    async def scenario(bench: Bench) -> None:
        batches = [
            bench.batch([b"%d" % n], producer_id=5, producer_epoch=0, base_sequence=n)
            for n in range(3)
        ]
        topic_id = (1).to_bytes(16, "big")  # the first one that the bench gives
        topic = await bench.log.create_topic("t", 1, {}) if known else None
        for batch in batches[:2]:
            bench.log.refused("" if by_id else "t", topic_id if by_id else bytes(16), 0, batch)
        topic = topic or await bench.log.create_topic("t", 1, {})
        assert topic.id == topic_id
        with pytest.raises(ClientFault) as late:
            await bench.log.append(topic, 0, batches[2])
        assert late.value.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        answers = await asyncio.gather(*(bench.log.append(topic, 0, batch) for batch in batches))
        assert [each.base_offset for each in answers] == [0, 1, 2]
        bench.log.refused("t", bytes(16), 0, memoryview(b"no batch at all"))

    run(scenario)


def test_I10_a_queue_of_withdrawn_appends_makes_room(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        futures = [bench.log.append(topic, 0, bench.batch([bytes(500)])) for _ in range(9)]
        assert not bench.log.has_room()
        for future in futures:
            future.cancel()
        await bench.log.wait_for_room()
        assert bench.log.queued_bytes == 0
        assert await bench.append(topic, 0, [b"next"]) == 0

    run(scenario, queued_bytes_max=1000)


def test_I5_a_retry_is_stored_once_also_after_a_restart(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        sent = {"producer_id": 5, "producer_epoch": 0}
        assert await bench.append(topic, 0, [b"a", b"b"], base_sequence=0, **sent) == 0
        assert await bench.append(topic, 0, [b"c"], base_sequence=2, **sent) == 2
        assert await bench.append(topic, 0, [b"a", b"b"], base_sequence=0, **sent) == 0
        log = await bench.restart()
        topic = log.catalogue.topic("t")
        assert topic is not None
        assert await bench.append(topic, 0, [b"c"], base_sequence=2, **sent) == 2
        assert await bench.append(topic, 0, [b"d"], base_sequence=3, **sent) == 3
        assert [v for _, v in await bench.values(topic, 0)] == [b"a", b"b", b"c", b"d"]

    run(scenario)


def test_I5_a_retry_within_one_flush_splits_the_extent_around_it(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        sent = {"producer_id": 5, "producer_epoch": 0}
        futures = [
            bench.log.append(topic, 0, bench.batch([value], base_sequence=sequence, **sent))
            for value, sequence in ((b"a", 0), (b"a", 0), (b"b", 1), (b"x", 7), (b"c", 2))
        ]
        answers = await asyncio.gather(*futures, return_exceptions=True)
        offsets = [getattr(answer, "base_offset", answer) for answer in answers]
        assert offsets[:3] == [0, 0, 1] and offsets[4] == 2
        assert isinstance(offsets[3], ClientFault)
        assert offsets[3].code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        expected = [(0, b"a"), (1, b"b"), (2, b"c")]
        assert await bench.values(topic, 0) == expected
        log = await bench.restart()
        topic = log.catalogue.topic("t")
        assert topic is not None
        assert await bench.values(topic, 0) == expected
        await log.merger.merge_backlog(topic, 0)
        assert await bench.values(topic, 0) == expected

    run(scenario)


def test_stale_broker_loses_the_race_and_retries(run) -> None:
    """The metastore is the judge: another broker's append moves ours behind it, and nothing is lost."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"a"])
        handle = bench.log.partition(topic, 0)
        handle.next_offset = 0  # as if this broker had slept through the first append
        handle.tail.clear()
        assert await bench.append(topic, 0, [b"b"]) == 1
        assert await bench.values(topic, 0) == [(0, b"a"), (1, b"b")]

    run(scenario)


def test_deleted_topic_is_answered_not_hung(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"a"])
        await bench.log.metastore.delete_topic(topic.no, bench.clock())  # by another process
        with pytest.raises(ClientFault) as refused:
            await bench.append(topic, 0, [b"b"])
        assert refused.value.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    run(scenario)


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("synced", [False, True])
def test_I1_a_failing_wal_acknowledges_nothing_and_recovers(
    run, monkeypatch, synced: bool, alone: bool
) -> None:
    """``synced``: the write went well, and its sync fails while the commit is being prepared."""

    async def scenario(bench: Bench) -> None:
        bench.log.metastore.expect_others(not alone)
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"a"])
        with monkeypatch.context() as patch:

            def refuse(self: FileWal, parts: object, *rest: object) -> None:
                raise StoreFault("no space left on device")

            def full(self: Disk, fd: int) -> None:
                raise OSError(errno.ENOSPC, "no space left on device")

            if synced:
                patch.setattr(Disk, "sync_data", full)
            else:
                patch.setattr(FileWal, "write", refuse)
            with pytest.raises(ClientFault) as refused:
                await bench.append(topic, 0, [b"lost"])
            assert refused.value.code is ErrorCode.KAFKA_STORAGE_ERROR
        assert bench.log.queued_bytes == 0
        assert await bench.append(topic, 0, [b"b"]) == 1
        assert await bench.values(topic, 0) == [(0, b"a"), (1, b"b")]

    run(scenario)


def test_I10_the_queue_says_when_it_is_full(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        futures = []
        while bench.log.has_room():
            futures.append(bench.log.append(topic, 0, bench.batch([bytes(1000)])))
        assert bench.log.queued_bytes < 3000
        await bench.log.wait_for_room()
        await asyncio.gather(*futures)
        assert bench.log.has_room() and bench.log.queued_bytes == 0

    run(scenario, queued_bytes_max=2000)


def test_log_append_time_is_stamped_and_answered(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {"message.timestamp.type": "LogAppendTime"})
        appended = await bench.log.append(topic, 0, bench.batch([b"a"], timestamp=5))
        assert appended.append_time_ms == bench.clock()
        found = await bench.log.list_offset(topic, 0, bench.clock())
        assert (found.offset, found.timestamp) == (0, bench.clock())

    run(scenario)


@pytest.mark.parametrize(
    ("configs", "batch", "code"),
    [
        ({"max.message.bytes": "100"}, {"values": [bytes(200)]}, ErrorCode.MESSAGE_TOO_LARGE),
        ({"cleanup.policy": "compact"}, {"values": [b"v"], "key": None}, ErrorCode.INVALID_RECORD),
        (
            {"message.timestamp.before.max.ms": "1000"},
            {"values": [b"v"], "timestamp": 5},
            ErrorCode.INVALID_TIMESTAMP,
        ),
    ],
)
def test_topic_rules_are_enforced_before_queueing(run, configs, batch, code) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, configs)
        with pytest.raises(ClientFault) as refused:
            bench.log.append(topic, 0, bench.batch(**batch))
        assert refused.value.code is code
        assert bench.log.queued_bytes == 0

    run(scenario)
