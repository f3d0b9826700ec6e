"""Fetch sessions (KIP-227): what an incremental client knows is what a full fetch would have told it."""

from __future__ import annotations

import asyncio
import itertools
import time
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from anabranch.broker.fetch_sessions import EPOCH_MAX, EVICT_IDLE_S, FetchSessions, SessionFetch
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m01_fetch import (
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    ForgottenTopic,
    PartitionData,
)
from tests.broker.conversation import batch, fetch_request, produce_request, run, talking
from tests.support.broker import WireClient


class Clock:
    now_s = 0.0


def sessions(clock: Clock, count: int = 3, partitions: int = 10) -> FetchSessions:
    ids = itertools.count(1)
    return FetchSessions(
        sessions_max=lambda: count,
        partitions_max=lambda: partitions,
        monotonic_s=lambda: clock.now_s,
        new_id=lambda: next(ids),
    )


def ask(
    session_id: int, epoch: int, *partitions: int, offset: int = 0, forget: tuple[int, ...] = ()
) -> FetchRequest:
    topics = [
        FetchTopic(
            topic="t",
            partitions=[FetchPartition(partition=one, fetch_offset=offset) for one in partitions],
        )
    ]
    return FetchRequest(
        session_id=session_id,
        session_epoch=epoch,
        topics=topics if partitions else [],
        forgotten_topics_data=[ForgottenTopic(topic="t", partitions=list(forget))]
        if forget
        else [],
    )


class State(NamedTuple):
    """A partition as the broker has it: its high watermark and log start, the error that it answers."""

    high_watermark: int = 0
    log_start: int = 0
    error: int = 0


def answer(topics: list[FetchTopic], states: dict[int, State]) -> FetchResponse:
    """A full fetch: bytes wherever there is something at or above the offset."""
    response = FetchResponse()
    for topic in topics:
        parts = []
        for one in topic.partitions:
            state = states.get(one.partition, State())
            records: Any = [b"x"] if one.fetch_offset < state.high_watermark else []
            parts.append(
                PartitionData(
                    partition_index=one.partition,
                    error_code=state.error,
                    high_watermark=state.high_watermark,
                    last_stable_offset=state.high_watermark,
                    log_start_offset=state.log_start,
                    records=b"" if state.error else records,
                )
            )
        response.responses.append(FetchableTopicResponse(topic=topic.topic, partitions=parts))
    return response


def flat(response: FetchResponse) -> dict[int, PartitionData]:
    return {one.partition_index: one for topic in response.responses for one in topic.partitions}


def begin(kept: FetchSessions, *partitions: int) -> SessionFetch:
    entered = kept.enter(ask(0, 0, *partitions), by_ids=False)
    assert isinstance(entered, SessionFetch)
    return entered


def begun_id(entered: SessionFetch) -> int:
    return entered.trim(FetchResponse()).session_id


_STATES = st.builds(State, st.integers(0, 3), st.integers(0, 2), st.sampled_from((0, 0, 0, 6)))


@given(
    steps=st.lists(
        st.tuples(
            st.sets(st.integers(0, 5)),  # asked anew
            st.sets(st.integers(0, 5)),  # forgotten
            st.dictionaries(st.integers(0, 5), _STATES, max_size=3),  # what happened meanwhile
        ),
        max_size=12,
    )
)
def test_an_incremental_client_knows_what_a_full_fetch_tells(
    steps: list[tuple[set[int], set[int], dict[int, State]]],
) -> None:
    kept, states = sessions(Clock()), dict[int, State]()
    entered = begin(kept, 0)
    first = entered.trim(answer(entered.topics(), states))
    wanted, known = {0: 0}, flat(first)
    for number, (added, forgotten, changes) in enumerate(steps, 1):
        states |= changes
        forgotten -= added
        request = ask(first.session_id, number, *added, offset=number % 4, forget=(*forgotten,))
        entered = kept.enter(request, by_ids=False)  # type: ignore[assignment]
        assert isinstance(entered, SessionFetch)
        wanted = {k: v for k, v in wanted.items() if k not in forgotten}
        wanted |= dict.fromkeys(added, number % 4)
        asked = [
            FetchTopic(
                topic="t",
                partitions=[FetchPartition(partition=p, fetch_offset=o) for p, o in wanted.items()],
            )
        ]
        full = flat(answer(asked, states))
        told = flat(entered.trim(answer(entered.topics(), states)))
        known = {k: v for k, v in known.items() if k in wanted} | told
        assert kept.partitions == len(wanted)
        for index, one in full.items():
            mine = known[index]
            assert (mine.high_watermark, mine.log_start_offset) == (
                one.high_watermark,
                one.log_start_offset,
            )
            # Bytes and errors are news each time.
            if one.records or one.error_code:
                assert told[index].error_code == one.error_code
                assert told[index].records == one.records
            assert mine.error_code in (0, one.error_code) or index not in told


def test_who_got_bytes_goes_to_the_end() -> None:
    """Otherwise a busy partition keeps the room of the answer from those after it."""
    kept, states = sessions(Clock()), {0: State(9), 1: State(9)}
    entered = begin(kept, 0, 1, 2)
    session_id = entered.trim(answer(entered.topics(), states)).session_id
    entered = kept.enter(ask(session_id, 1), by_ids=False)  # type: ignore[assignment]
    assert isinstance(entered, SessionFetch)
    assert [one.partition for topic in entered.topics() for one in topic.partitions] == [2, 0, 1]


def test_epochs_ids_and_names_are_checked() -> None:
    kept = sessions(Clock())
    session_id = begun_id(begin(kept, 0))
    assert kept.enter(ask(99, 1), by_ids=False) == ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    assert kept.enter(ask(session_id, 2), by_ids=False) == ErrorCode.INVALID_FETCH_SESSION_EPOCH
    assert kept.enter(ask(session_id, 1), by_ids=True) == ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR
    assert isinstance(kept.enter(ask(session_id, 1), by_ids=False), SessionFetch)
    assert kept.enter(ask(session_id, 1), by_ids=False) == ErrorCode.INVALID_FETCH_SESSION_EPOCH
    assert kept.enter(ask(session_id, -1, 0), by_ids=False) is None  # closes it
    assert (len(kept), kept.partitions) == (0, 0)
    assert kept.enter(ask(session_id, 2), by_ids=False) == ErrorCode.FETCH_SESSION_ID_NOT_FOUND


def test_epochs_go_on_from_1_after_the_last() -> None:
    kept = sessions(Clock())
    session_id = begun_id(begin(kept, 0))
    kept._sessions[session_id].epoch = EPOCH_MAX
    assert isinstance(kept.enter(ask(session_id, EPOCH_MAX), by_ids=False), SessionFetch)
    assert isinstance(kept.enter(ask(session_id, 1), by_ids=False), SessionFetch)


def test_I10_sessions_are_bounded_and_only_idle_ones_make_room() -> None:
    clock = Clock()
    kept = sessions(clock, count=2, partitions=5)
    first, second = begun_id(begin(kept, 0, 1)), begun_id(begin(kept, 0, 1))
    assert kept.enter(ask(0, 0, 0), by_ids=False) is None  # both are in use: no session, no error
    clock.now_s = EVICT_IDLE_S + 1
    assert isinstance(kept.enter(ask(second, 1), by_ids=False), SessionFetch)
    third = begun_id(begin(kept, 7, 8))
    assert (len(kept), kept.evicted) == (2, 1)
    assert kept.enter(ask(first, 1), by_ids=False) == ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    # What a session learns counts as well: past the bound it ends, and its client starts again.
    grown = kept.enter(ask(third, 1, 1, 2, 3, 4), by_ids=False)
    assert grown == ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    assert (len(kept), kept.partitions) == (1, 2)


def test_a_session_over_the_wire(tmp_path: Path) -> None:
    """Pitfalls: an empty incremental fetch still waits, and wakes when bytes come; an incremental fetch is
    never taken for a full one; another connection may go on with a session."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench, WireClient.connected(bench.broker) as other:
            await bench.create("t", partitions=2)
            await bench.produce("t", batch(b"x"))
            request = fetch_request("t", session_epoch=0)
            request.topics[0].partitions.append(FetchPartition(partition=1, partition_max_bytes=99))
            first = await bench.call(request, 12)
            assert first.session_id > 0
            assert [one.partition_index for one in first.responses[0].partitions] == [0, 1]
            request = fetch_request(
                "t", 1, session_id=first.session_id, session_epoch=1, max_wait_ms=300, min_bytes=1
            )
            started = time.monotonic()
            empty = await bench.call(request, 12)
            assert (empty.error_code, empty.session_id, empty.responses) == (
                0,
                first.session_id,
                [],
            )
            assert time.monotonic() - started > 0.25
            request = fetch_request("t", 1, session_id=first.session_id, session_epoch=2)
            request.topics, request.max_wait_ms, request.min_bytes = [], 30_000, 1
            poll = bench.client.send(request, 12)
            await asyncio.sleep(0.05)
            await other.call(produce_request("t", batch(b"y"), 1), 9)
            news = await bench.client.receive(poll)
            (one,) = news.responses[0].partitions
            assert (one.partition_index, one.high_watermark) == (1, 1)
            assert one.records
            request.session_epoch, request.max_wait_ms = 2, 0
            stale = await other.call(request, 12)
            assert stale.error_code == ErrorCode.INVALID_FETCH_SESSION_EPOCH
            request.session_epoch = 3
            request.forgotten_topics_data = [ForgottenTopic(topic="t", partitions=[1])]
            assert (await other.call(request, 12)).responses == []
            assert (len(bench.broker.fetch_sessions), bench.broker.fetch_sessions.partitions) == (
                1,
                1,
            )

    run(scenario)
