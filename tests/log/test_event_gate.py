"""Topics that are served by the time of their events: together, and at the pace of that time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.errors import ClientFault
from anabranch.log.event_gate import CONFIG, GAP_S, IDLE_S, EventGate, EventOrder, parse
from anabranch.log.reads import FetchWant
from anabranch.records.batch import place_all
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.records.trimming import headers

from .conftest import Bench

A, B = (1, 0), (2, 0)


def batches(*times: int | tuple[int, int]) -> memoryview:
    """One batch for each: of one record at that time, or of two."""
    data = bytearray()
    for one in times:
        both = one if isinstance(one, tuple) else (one,)
        data += build_batch([Record(n, at, None, b"v", ()) for n, at in enumerate(both)])
    place_all(data, 0, 0)
    return memoryview(data)


class Reader:
    """Reads what a gate lets through, as fetches would."""

    def __init__(self, gate: EventGate, **logs: memoryview) -> None:
        self.gate = gate
        self.logs = {
            place: list(headers([log])) for place, log in zip((A, B), logs.values(), strict=False)
        }
        self.data = dict(zip((A, B), logs.values(), strict=False))
        self.next = dict.fromkeys(self.logs, 0)

    def fetch(self, place: tuple[int, int], now_s: float, most: int = 100) -> list[int]:
        """The latest event times of the batches that are given."""
        self.gate.tick(now_s)
        left = self.logs[place][self.next[place] :]
        if not left:
            self.gate.ended(place, now_s)
            return []
        offset = left[0].base_offset
        if self.gate.shut(place, offset, now_s):
            return []
        last = left[:most][-1]
        run = [self.data[place][left[0].position : last.end]]
        given = [one.max_timestamp for one in headers(self.gate.admit(place, offset, run, now_s))]
        self.next[place] += len(given)
        return given


def test_what_is_ahead_waits_for_the_hindmost() -> None:
    gate = EventGate(EventOrder("r", 100, None), [A, B], 0.0)
    read = Reader(gate, a=batches(1000, 1050, 1200, 1900), b=batches(1000, 1150, 1160))
    assert read.fetch(A, 0.0) == []  # where the other one stands is not known yet
    assert read.fetch(B, 0.1) == [1000]
    assert read.fetch(A, 0.2) == [1000, 1050]
    assert read.fetch(A, 0.3) == []
    assert gate.wait_s(A) > 0
    assert read.fetch(B, 0.4) == [
        1150,
        1160,
    ]  # the hindmost's next always, and what is within the slack
    assert read.fetch(B, 0.5) == []  # its end: it holds nobody any more
    assert read.fetch(A, 0.6) == [1200]
    assert read.fetch(A, 0.7) == [1900]


def test_the_hindmost_is_never_held_back_by_a_batch_that_is_longer_than_the_slack() -> None:
    gate = EventGate(EventOrder("r", 10, None), [A, B], 0.0)
    read = Reader(gate, a=batches((0, 5000), (5001, 9000)), b=batches((1, 7000)))
    assert read.fetch(A, 0.0) == [] and read.fetch(B, 0.0) == []
    assert read.fetch(A, 0.1) == [5000]
    assert read.fetch(A, 0.2) == []
    assert read.fetch(B, 0.3) == [7000]


def test_a_partition_that_nobody_reads_holds_the_others_for_a_while_only() -> None:
    gate = EventGate(EventOrder("r", 100, None), [A, B], 0.0)
    read = Reader(gate, a=batches(1000, 5000), b=batches(1))
    assert read.fetch(A, 0.0) == []
    assert read.fetch(A, IDLE_S / 2) == []
    assert read.fetch(A, IDLE_S + 0.1) == [1000]
    assert read.fetch(B, IDLE_S + 0.2) == [1]  # it comes late: what is behind goes first
    assert read.fetch(A, IDLE_S + 0.3) == []
    assert read.fetch(B, IDLE_S + 0.4) == []
    assert read.fetch(A, IDLE_S + 0.5) == [5000]


def test_records_without_a_time_hold_nothing_back() -> None:
    gate = EventGate(EventOrder("r", 100, None), [A, B], 0.0)
    read = Reader(gate, a=batches(-1, -1), b=batches(-1, 700))
    assert read.fetch(B, 0.0) == [-1]
    assert read.fetch(A, 0.1) == [-1, -1]
    assert read.fetch(B, 0.2) == [700]


def test_with_a_speed_events_come_when_they_are_due() -> None:
    gate = EventGate(EventOrder("r", None, 2.0), [A], 0.0)
    read = Reader(gate, a=batches(1000, 2000, 3000, 9000))
    assert read.fetch(A, 10.0) == [1000]
    assert read.fetch(A, 10.2) == []
    assert gate.wait_s(A) == pytest.approx(0.3)
    assert read.fetch(A, 10.5) == [2000]
    assert read.fetch(A, 11.5) == [3000]
    for now_s in (12.0, 13.0, 14.0):  # paused: time stands still
        gate.tick(now_s, running=False)
    assert read.fetch(A, 14.0) == []
    assert gate.wait_s(A) == 1.0  # it is due in 2.5 s
    assert read.fetch(A, 14.0 + 10 * GAP_S) == []  # nobody asked: not more than so long has passed
    assert read.fetch(A, 14.4 + 10 * GAP_S) == []
    assert read.fetch(A, 14.6 + 10 * GAP_S) == [9000]


times = st.lists(st.integers(0, 400), min_size=1, max_size=25)


@settings(max_examples=200)
@given(times, times, st.integers(0, 60), st.integers(1, 4))
def test_everything_is_served_in_order_and_never_further_ahead_than_the_slack(
    a: list[int], b: list[int], slack: int, most: int
) -> None:
    """Events of each partition are in order here: then what is given out is, but for the slack."""
    gate = EventGate(EventOrder("r", slack, None), [A, B], 0.0)
    read = Reader(gate, a=batches(*sorted(a)), b=batches(*sorted(b)))
    given: list[int] = []
    now_s = 0.0
    while any(read.next[place] < len(read.logs[place]) for place in (A, B)):
        for place in (A, B):
            now_s += 0.03
            for at in read.fetch(place, now_s, most):
                assert at >= max(given, default=0) - slack
                given.append(at)
        assert now_s < 60, "it stands still"
    assert sorted(given) == sorted(a + b)


@pytest.mark.parametrize(
    "text",
    ["r", "r slack.ms=-1", "r slack.ms=x", "r speed=0", "r speed=inf", "r pace=2", " slack.ms=1"],
)
def test_a_config_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(ClientFault, match=r"slack\.ms"):
        parse(text)


@pytest.mark.parametrize(
    "order", [EventOrder("r", 5, None), EventOrder("r", None, 0.5), EventOrder("r", 0, 2.0)]
)
def test_a_config_says_what_was_meant(order: EventOrder) -> None:
    assert parse(str(order)) == order and parse("") is None


@pytest.mark.parametrize("where", ["tail", "segment"])
def test_fetches_are_served_in_the_order_of_events(run, where: str) -> None:
    async def scenario(bench: Bench) -> None:
        order = {CONFIG: str(EventOrder("r", 1000, None))}
        topics = [await bench.log.create_topic(name, 1, order) for name in ("a", "b")]
        begun = bench.clock.ms - 100_000
        for number in range(
            40
        ):  # of b only every fourth: by offsets it would be read long before a
            await bench.append(topics[0], 0, [b"a"], timestamp=begun + 1000 * number)
            if number % 4 == 0:
                await bench.append(topics[1], 0, [b"b"], timestamp=begun + 1000 * number)
        if where == "segment":
            for topic in topics:
                await bench.log.merger.merge_backlog(topic, 0)
            await bench.restart()
        at = [0, 0]
        given: list[int] = []
        while at != [40, 10]:
            wants = [FetchWant(topic, 0, at[n], 300) for n, topic in enumerate(topics)]
            parts = await bench.log.fetch(wants, max_wait_ms=20_000, min_bytes=1, max_bytes=1 << 20)
            for number, part in enumerate(parts):
                for header in headers(part.buffers):
                    given.append(header.max_timestamp)
                    at[number] = header.last_offset + 1
        assert len(given) == 50
        assert all(b >= max(given[:n], default=0) - 1000 for n, b in enumerate(given))

    run(scenario)
