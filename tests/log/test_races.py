"""What may happen between two awaits: reloads, deletions, stale pictures, lost answers, shutdown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault
from anabranch.log.branch import BranchPoint
from anabranch.log.log import Log
from anabranch.log.reads import FetchWant
from anabranch.metastore.api import GapCause, Handover, Topic
from anabranch.metastore.changes import EVERYTHING

from .conftest import Bench, decode
from .test_transactions import Client, committed


def other_broker(bench: Bench) -> Bench:
    """A second broker on the same directory, on the same clock."""
    other = Bench(bench.path, bench.settings)
    other.clock = bench.clock
    return other


def mine(log: Log, topic: Topic) -> Topic:
    found = log.catalogue.topic(topic.name)
    assert found is not None
    return found


def after(log: Log, verb: str, hook: Callable[[], Any]) -> None:
    """Run ``hook`` on the loop after a metastore verb took effect and before its caller hears of it."""
    original = getattr(log.metastore, verb)

    async def hooked(*args: Any, **kwargs: Any) -> Any:
        result = await original(*args, **kwargs)
        outcome = hook()
        if asyncio.iscoroutine(outcome):
            await outcome
        return result

    setattr(log.metastore, verb, hooked)


@pytest.mark.parametrize("foreign", [False, True])
def test_I1_a_reload_that_sees_a_commit_before_its_own_pipeline_does(run, foreign: bool) -> None:
    """A reload between a commit and its answer moves the handle on: the append is acknowledged all the
    same, the handle never goes back, and what another broker appended meanwhile stays in its place."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"a"])
        other = other_broker(bench)
        there = mine(await other.start(), topic)

        async def meanwhile() -> None:
            if foreign:
                await other.append(there, 0, [b"foreign"])
            await bench.log.catalogue.reload()

        after(bench.log, "commit_flush", meanwhile)
        sent = {"producer_id": 3, "producer_epoch": 0}
        assert await bench.append(topic, 0, [b"b", b"c"], base_sequence=0, **sent) == 1
        del bench.log.metastore.commit_flush
        assert await bench.append(topic, 0, [b"b", b"c"], base_sequence=0, **sent) == 1
        assert await bench.append(topic, 0, [b"d"], base_sequence=2, **sent) == 3 + foreign
        expected = [b"a", b"b", b"c", *([b"foreign"] if foreign else []), b"d"]
        assert [value for _, value in await bench.values(topic, 0)] == expected
        await other.log.close()

    run(scenario)


def test_I5_no_refusal_from_an_old_picture(run) -> None:
    """A producer that appended through another broker meanwhile is not out of order here."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        other = other_broker(bench)
        there = mine(await other.start(), topic)
        bench.log.catalogue.notice = other.log.catalogue.notice = lambda: None
        sent = {"producer_id": 3, "producer_epoch": 0}
        assert await bench.append(topic, 0, [b"a"], base_sequence=0, **sent) == 0
        bench.deafen()
        assert await other.append(there, 0, [b"b"], base_sequence=1, **sent) == 1
        assert await bench.append(topic, 0, [b"c"], base_sequence=2, **sent) == 2
        with pytest.raises(ClientFault) as refused:
            await bench.append(topic, 0, [b"z"], base_sequence=7, **sent)
        assert refused.value.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        assert [value for _, value in await bench.values(topic, 0)] == [b"a", b"b", b"c"]
        await other.log.close()

    run(scenario)


@pytest.mark.parametrize("deleted", [False, True])
def test_I2_I5_what_was_judged_before_its_write_is_judged_again_if_another_came_first(
    run, deleted: bool
) -> None:
    """Between the judgement of a flush that found nobody before it and its commit, another broker
    appends, from the same producer too, or deletes the topic."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        sent = {"producer_id": 3, "producer_epoch": 0}
        await bench.append(topic, 0, [b"a"], base_sequence=0, **sent)
        other = other_broker(bench)
        there = mine(await other.start(), topic)
        commit = bench.log.metastore.commit_flush
        judged: list[int] = []

        async def meanwhile(flush: Handover, now_ms: int) -> object:
            key, commits, _ = await flush.given()
            judged.append(commits[0].expected_next)
            if len(judged) == 1:
                await (
                    other.log.delete_topic(there)
                    if deleted
                    else other.append(there, 0, [b"b"], base_sequence=1, **sent)
                )
            again = Handover()
            again.give(key, commits)
            return await commit(again, now_ms)

        bench.log.metastore.commit_flush = meanwhile
        futures = [
            bench.log.append(topic, 0, bench.batch([b"b"], base_sequence=1, **sent)),
            bench.log.append(topic, 0, bench.batch([b"plain"])),
        ]
        if deleted:
            for answer in await asyncio.gather(*futures, return_exceptions=True):
                assert isinstance(answer, ClientFault)
                assert answer.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            assert judged == [1]
        else:
            assert [appended.base_offset for appended in await asyncio.gather(*futures)] == [1, 2]
            assert judged == [1, 2]  # the second time without the retry
            assert await bench.values(topic, 0) == [(0, b"a"), (1, b"b"), (2, b"plain")]
        del bench.log.metastore.commit_flush
        assert bench.log.queued_bytes == 0
        await other.log.close()

    run(scenario)


@pytest.mark.parametrize("meanwhile", ["append", "end", "delete"])
def test_I6_an_end_that_was_planned_before_its_write_is_looked_at_again_if_another_came_first(
    run, meanwhile: str
) -> None:
    """Between the plan of a flush of markers that found nobody before it and its commit, another broker
    appends, aborts the transaction, or deletes one of its topics."""

    async def scenario(bench: Bench) -> None:
        topics = [await bench.log.create_topic(name, 1, {}) for name in ("t", "u")]
        client = Client(bench)
        await client.init()
        for topic in topics:
            await client.write(topic, 0, [b"a"])
        other = other_broker(bench)
        there = mine(await other.start(), topics[0])
        commit = bench.log.metastore.commit_ends
        planned: list[int] = []

        async def commit_ends(flush: Handover, now_ms: int) -> object:
            given = await flush.given()
            planned.append(len(given.commits))
            if len(planned) > 1:
                pass
            elif meanwhile == "append":
                await other.append(there, 0, [b"b"])
            elif meanwhile == "end":
                assert other.log.transactions is not None
                assert await other.log.transactions.abort(client.name)
            else:
                await other.log.delete_topic(there)
            again = Handover()
            again.give(given.object_key, given.commits, given.ends)
            return await commit(again, now_ms)

        bench.log.metastore.commit_ends = commit_ends
        if meanwhile == "end":
            with pytest.raises(ClientFault) as fault:
                await client.end(commit=True)
            assert fault.value.code is ErrorCode.PRODUCER_FENCED
        else:
            await client.end(commit=True)
        del bench.log.metastore.commit_ends
        # Once a topic is gone, the end is judged anew, and needs no marker there.
        assert planned == ([2, 1] if meanwhile == "delete" else [2])
        assert bench.log.queued_bytes == 0
        await bench.log.catalogue.reload()
        seen = {
            topic.name: await committed(bench, topic, 0)
            for topic in topics
            if bench.log.catalogue.topic(topic.name)
        }
        assert (
            seen
            == {
                "append": {"t": [(0, b"a"), (1, b"b")], "u": [(0, b"a")]},
                "end": {"t": [], "u": []},
                "delete": {"u": [(0, b"a")]},
            }[meanwhile]
        )
        await other.log.close()

    run(scenario)


def test_I6_ends_of_a_flush_that_nobody_is_before_are_planned_before_its_write(run) -> None:
    """And one whose write fails ends nothing: the next try does."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        client = Client(bench)
        await client.init()
        await client.write(topic, 0, [b"a"])
        verb = bench.log.metastore.commit_ends
        handed_over: list[Handover] = []

        def counted(flush: Handover, now_ms: int) -> Any:
            handed_over.append(flush)
            return verb(flush, now_ms)

        bench.log.metastore.commit_ends = counted
        write, failed = bench.log._wal.write, []

        def fails_once(*args: Any, **kwargs: Any) -> Any:
            if not failed:
                failed.append(True)
                raise StoreFault("the disk is full")
            return write(*args, **kwargs)

        bench.log._wal.write = fails_once
        with pytest.raises(ClientFault) as fault:
            await client.end(commit=True)
        assert fault.value.code is ErrorCode.KAFKA_STORAGE_ERROR
        assert await committed(bench, topic, 0) == []
        await client.end(commit=True)
        await client.write(topic, 0, [b"b"])
        await client.end(commit=True)
        assert len(handed_over) == 3
        del bench.log.metastore.commit_ends
        assert await committed(bench, topic, 0) == [(0, b"a"), (2, b"b")]

    run(scenario)


@pytest.mark.parametrize("took_effect", [False, True])
def test_I5_after_a_commit_of_unknown_outcome_the_retry_is_stored_once(
    run, took_effect: bool
) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 2, {})
        sent = {"producer_id": 3, "producer_epoch": 0}
        await bench.append(topic, 0, [b"a"], base_sequence=0, **sent)

        def lost() -> None:
            raise StoreFault("the answer was lost")

        if took_effect:
            after(bench.log, "commit_flush", lost)
        else:

            async def refuse(*args: object) -> None:
                lost()

            bench.log.metastore.commit_flush = refuse
        futures = [
            bench.log.append(topic, 0, bench.batch([b"b"], base_sequence=1, **sent)),
            bench.log.append(topic, 1, bench.batch([b"plain"])),
        ]
        for answer in await asyncio.gather(*futures, return_exceptions=True):
            assert isinstance(answer, ClientFault)
            assert answer.code is ErrorCode.KAFKA_STORAGE_ERROR
        del bench.log.metastore.commit_flush
        assert bench.log.queued_bytes == 0
        assert await bench.append(topic, 0, [b"b"], base_sequence=1, **sent) == 1
        assert await bench.append(topic, 0, [b"c"], base_sequence=2, **sent) == 2
        assert [value for _, value in await bench.values(topic, 0)] == [b"a", b"b", b"c"]
        assert await bench.append(topic, 1, [b"next"]) == int(took_effect)

    run(scenario)


def test_I5_an_append_of_several_batches_is_a_retry_as_a_whole_or_refused(run) -> None:
    """Answering a repeated batch for the one beside it would acknowledge what was never stored."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        sent = {"producer_id": 3, "producer_epoch": 0}

        def batches(*sequences: int) -> memoryview:
            return memoryview(
                bytearray(
                    b"".join(bench.batch([b"%d" % s], base_sequence=s, **sent) for s in sequences)
                )
            )

        assert (await bench.log.append(topic, 0, batches(0, 1))).base_offset == 0
        assert (await bench.log.append(topic, 0, batches(0, 1))).base_offset == 0
        with pytest.raises(ClientFault):
            await bench.log.append(topic, 0, batches(1, 2))
        assert (await bench.log.append(topic, 0, batches(2, 3))).base_offset == 2
        assert [value for _, value in await bench.values(topic, 0)] == [b"0", b"1", b"2", b"3"]

    run(scenario)


def test_a_long_poll_is_answered_when_its_topic_is_deleted(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        poll = asyncio.create_task(
            bench.log.fetch(
                [FetchWant(topic, 0, 0, 100)], max_wait_ms=600_000, min_bytes=1, max_bytes=100
            )
        )
        await asyncio.sleep(0)
        assert bench.log.partition(topic, 0).waiters
        await bench.log.delete_topic(topic)
        (part,) = await asyncio.wait_for(poll, 60)
        assert part.error is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    run(scenario)


def test_another_brokers_append_wakes_a_long_poll_whatever_its_min_bytes(run) -> None:
    """How many bytes came is not known here: look, rather than sleep until the poll's end."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        other = other_broker(bench)
        there = mine(await other.start(), topic)
        poll = asyncio.create_task(
            bench.log.fetch(
                [FetchWant(topic, 0, 0, 1 << 20)],
                max_wait_ms=600_000,
                min_bytes=500,
                max_bytes=1 << 20,
            )
        )
        await asyncio.sleep(0)
        await other.append(there, 0, [bytes(1000)])
        (part,) = await asyncio.wait_for(poll, 60)
        assert part.bytes > 1000
        await other.log.close()

    run(scenario)


def test_a_cancelled_long_poll_leaves_nothing_behind(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        poll = asyncio.create_task(
            bench.log.fetch(
                [FetchWant(topic, 0, 0, 100)], max_wait_ms=600_000, min_bytes=1, max_bytes=100
            )
        )
        await asyncio.sleep(0)
        poll.cancel()
        await asyncio.gather(poll, return_exceptions=True)
        assert not bench.log.partition(topic, 0).waiters

    run(scenario)


def test_an_append_during_the_cold_read_beside_it_is_not_missed(run) -> None:
    """The wake-up that comes between looking at a partition and beginning to wait for it."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 2, {})
        await bench.append(topic, 1, [bytes(1000)])
        await bench.log.merger.merge_backlog(topic, 1)
        log = await bench.restart()
        topic = mine(log, topic)
        await bench.append(topic, 0, [b"first"])
        read_cold = log.reader.read_cold

        async def slow(*args: Any, **kwargs: Any) -> list[memoryview]:
            found = await read_cold(*args, **kwargs)
            log.reader.read_cold = read_cold
            await bench.append(topic, 0, [bytes(400)])
            return found

        log.reader.read_cold = slow
        fetch = log.fetch(
            [FetchWant(topic, 0, 0, 600), FetchWant(topic, 1, 0, 600)],
            max_wait_ms=600_000,
            min_bytes=450,
            max_bytes=600,
        )
        parts = await asyncio.wait_for(fetch, 60)
        assert [offset for offset, _ in decode(parts[0].buffers)] == [0, 1]

    run(scenario)


def test_I2_what_retention_took_meanwhile_is_out_of_range_not_skipped(run) -> None:
    """Another process moved the log start and the notice has not come yet."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for _ in range(4):
            await bench.append(topic, 0, [b"v"])
        log = await bench.restart()
        topic = mine(log, topic)
        await log.metastore.advance_log_start(
            topic.no, 0, 2, GapCause.RETENTION_TIME, "", bench.clock()
        )
        (part,) = await log.fetch(
            [FetchWant(topic, 0, 0, 100)], max_wait_ms=0, min_bytes=1, max_bytes=100
        )
        assert (part.error, part.log_start) == (ErrorCode.OFFSET_OUT_OF_RANGE, 2)

    run(scenario)


def test_delete_records_with_an_old_picture_of_the_end(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"a"])
        other = other_broker(bench)
        there = mine(await other.start(), topic)
        bench.deafen()
        for value in (b"b", b"c"):
            await other.append(there, 0, [value])
        assert await other.log.delete_records(there, 0, 2) == 2
        assert await bench.log.delete_records(topic, 0, 1) == 2
        assert await bench.log.delete_records(topic, 0, 3) == 3
        assert await bench.append(topic, 0, [b"d"]) == 3
        await other.log.close()

    run(scenario)


def test_a_catalogue_that_could_not_be_reloaded_is_reloaded_later(run, monkeypatch) -> None:
    async def scenario(bench: Bench) -> None:
        monkeypatch.setattr("anabranch.log.catalogue.RETRY_S", 0.01)
        topics = bench.log.metastore.topics
        fails = [True, True]

        async def failing() -> list[Topic]:
            if fails:
                fails.pop()
                raise StoreFault("busy")
            return await topics()

        await bench.log.metastore.create_topic("t", b"t" * 16, 1, {}, bench.clock())
        bench.log.metastore.topics = failing
        bench.log.catalogue.notice()
        for _ in range(6000):
            if bench.log.catalogue.topic("t") is not None:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the topic never appeared")

    run(scenario)


def test_closing_answers_whoever_still_waits(run) -> None:
    """Every append and fetch that was under way gets an answer or a fault of ours; nothing hangs."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 2, {})
        for _ in range(8):
            await bench.append(topic, 0, [bytes(10_000)])
            await bench.append(topic, 1, [bytes(10_000)])
        log = await bench.restart()
        topic = mine(log, topic)
        fetches = [
            asyncio.create_task(
                log.fetch(
                    [FetchWant(topic, 0, n % 9, 20_000), FetchWant(topic, 1, 0, 20_000)],
                    max_wait_ms=600_000,
                    min_bytes=1,
                    max_bytes=20_000,
                )
            )
            for n in range(27)
        ]
        appends = [log.append(topic, 0, bench.batch([b"v"])) for _ in range(10)]
        await asyncio.sleep(0)
        await log.close()
        assert [(await append).base_offset for append in appends] == list(range(8, 18))
        answers = await asyncio.wait_for(asyncio.gather(*fetches, return_exceptions=True), 60)
        for answer in answers:
            assert not isinstance(answer, BaseException), repr(answer)
        with pytest.raises(ClientFault) as refused:
            log.append(topic, 0, bench.batch([b"late"]))
        assert refused.value.code is ErrorCode.NOT_LEADER_OR_FOLLOWER
        (part, *_) = await log.fetch(
            [FetchWant(topic, 0, 0, 100)], max_wait_ms=600_000, min_bytes=1, max_bytes=100
        )
        assert part.error is not ErrorCode.NONE
        await bench.start()

    run(scenario)


def test_closing_goes_on_when_the_lease_cannot_be_released(run) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.log.create_topic("t", 1, {})

        async def refuse(*args: object) -> None:
            raise StoreFault("disk full")

        log = bench.log
        assert log.background is not None
        log.background.start()
        log.metastore.release_lease = refuse
        await log.close()
        await bench.start()
        assert bench.log.catalogue.topic("t") is not None

    run(scenario)


def test_I1_what_a_commit_of_unknown_outcome_left_is_seen_without_another_append(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})

        def lost() -> None:
            raise StoreFault("the answer was lost")

        after(bench.log, "commit_flush", lost)
        with pytest.raises(ClientFault):
            await bench.append(topic, 0, [b"a"])
        del bench.log.metastore.commit_flush
        assert await bench.values(topic, 0) == [(0, b"a")]

    run(scenario)


def test_a_damaged_metastore_is_a_storage_error_and_no_bug_of_ours(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})

        async def damaged(*args: object) -> None:
            raise Corrupt("database disk image is malformed")

        bench.log.metastore.commit_flush = damaged
        with pytest.raises(ClientFault) as refused:
            await bench.append(topic, 0, [b"a"])
        assert refused.value.code is ErrorCode.KAFKA_STORAGE_ERROR
        del bench.log.metastore.commit_flush

    run(scenario)


@pytest.mark.parametrize("turns", [1, 2, 3, 5, 20])
def test_a_change_whose_client_went_away_is_seen_all_the_same(run, turns: int) -> None:
    """The write stands when its caller is cancelled; so must what this broker knows of it."""

    async def scenario(bench: Bench) -> None:
        log = bench.log
        topic = await log.create_topic("t", 1, {})
        for _ in range(4):
            await bench.append(topic, 0, [b"v"])
        changes = [
            asyncio.create_task(log.create_topic("new", 1, {})),
            asyncio.create_task(log.set_configs(topic, {"retention.ms": "5"})),
            asyncio.create_task(log.create_partitions(topic, 3)),
            asyncio.create_task(log.delete_records(topic, 0, 2)),
            asyncio.create_task(log.branch(topic, "branch", BranchPoint())),
        ]
        for _ in range(turns):
            await asyncio.sleep(0)
        for change in changes:
            change.cancel()
        await asyncio.gather(*changes, return_exceptions=True)
        await log.settle()
        stored = await log.metastore.topics()
        assert {each.name for each in stored} >= {"t"}
        for each in stored:
            assert mine(log, each) == each
            for row in await log.metastore.partitions(each.no):
                handle = log.partition(each, row.partition)
                assert (handle.log_start, handle.next_offset) == (row.log_start, row.next_offset)

    run(scenario)


def test_I5_producer_states_stand_beside_the_end_that_vouches_for_them(run) -> None:
    """Found by the simulation, with a metastore behind a network: while the producers' states were on their
    way, another broker's append was noticed; then old states stood beside the new end of the log."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        sent = {"producer_id": 9, "producer_epoch": 0}
        await bench.append(topic, 0, [b"a"], base_sequence=0, **sent)
        other = other_broker(bench)
        await other.start()
        appended: list[int] = []

        async def another_appends() -> None:
            if not appended:
                theirs = mine(other.log, topic)
                appended.append(await other.append(theirs, 0, [b"b"], base_sequence=1, **sent))
                await bench.log.catalogue.reload()

        after(bench.log, "append_state", another_appends)
        after(bench.log, "producer_states", another_appends)
        bench.log.partition(topic, 0).producers = None
        # The client heard nothing of "b" and retries it here.
        assert await bench.append(topic, 0, [b"b"], base_sequence=1, **sent) == 1
        assert appended == [1]
        assert await bench.append(topic, 0, [b"c"], base_sequence=2, **sent) == 2
        assert await bench.values(topic, 0) == [(0, b"a"), (1, b"b"), (2, b"c")]
        await other.log.close()

    run(scenario)


def test_I5_a_refusal_is_judged_again_if_the_picture_moved_on_while_it_was_checked(run) -> None:
    """Found by the simulation: the check compared the metastore with what the handle had become by then,
    not with what the refusal was judged by."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        sent = {"producer_id": 9, "producer_epoch": 0}
        await bench.append(topic, 0, [b"a"], base_sequence=0, **sent)
        other = other_broker(bench)
        await other.start()
        theirs = mine(other.log, topic)
        await other.append(theirs, 0, [b"b"], base_sequence=1, **sent)

        after(bench.log, "partition", bench.log.catalogue.reload)
        assert bench.log.partition(topic, 0).next_offset == 1, "not noticed yet"
        # Out of order after "a", in order after "b".
        assert await bench.append(topic, 0, [b"c"], base_sequence=2, **sent) == 2
        await other.log.close()

    run(scenario)


@pytest.mark.parametrize("committed", [False, True])
def test_a_consumer_that_comes_after_a_lost_notice_learns_of_the_end(run, committed: bool) -> None:
    """The poll behind notices says only that something changed; nobody waited when it did. A consumer that waits
    from then on would have waited until something changed again (found by the simulation)."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        other = other_broker(bench)
        there = mine(await other.start(), topic)
        bench.deafen()
        await other.append(there, 0, [b"a"])
        await bench.log.catalogue._take_in(EVERYTHING)
        (part,) = await bench.log.fetch(
            [FetchWant(topic, 0, 0, 1 << 20)],
            max_wait_ms=5000,
            min_bytes=1,
            max_bytes=1 << 20,
            read_committed=committed,
        )
        assert decode(part.buffers) == [(0, b"a")]
        await other.log.close()

    run(scenario)
