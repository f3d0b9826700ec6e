from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.broker.inbox import (
    LARGE_FRAME_BYTES,
    LARGE_START_BYTES,
    PRODUCE,
    RING_BYTES,
    RING_START_BYTES,
    Inbox,
    LargeBudget,
)
from anabranch.errors import MalformedRequest

FETCH = 1
PATTERN = bytes(range(251))
MAX = 100 << 20


def budget(bytes_max: int = 8 << 20) -> tuple[LargeBudget, list[Callable[[], None]]]:
    """A budget, and the calls that it wants made soon."""
    soon: list[Callable[[], None]] = []
    return LargeBudget(lambda: bytes_max, soon.append), soon


def frame(size: int, key: int = FETCH) -> bytes:
    body = struct.pack(">hhi", key, 3, size) + (PATTERN * (size // len(PATTERN) + 1))[: size - 8]
    return struct.pack(">i", len(body)) + body


def feed(inbox: Inbox, data: bytes) -> int:
    """Put in what fits, as a socket would; returns how much."""
    if not inbox.make_room():
        return 0
    space = inbox.space()
    count = min(len(space), len(data))
    assert count
    space[:count] = data[:count]
    inbox.received(count)
    return count


def frames_of(inbox: Inbox) -> list[bytes]:
    found = []
    while (head := inbox.head(MAX)) is not None:
        taken = inbox.take(head[0])
        assert head == struct.unpack_from(">hh", taken)
        assert isinstance(taken, bytearray) or head[0] != PRODUCE
        found.append(bytes(taken))
    return found


SIZES = st.one_of(
    st.integers(8, 300),
    st.integers(RING_START_BYTES - 20, RING_START_BYTES + 20),
    st.integers(LARGE_FRAME_BYTES - 20, LARGE_FRAME_BYTES + 20),
    st.integers(RING_BYTES - 20, RING_BYTES + 20),
    st.sampled_from([LARGE_START_BYTES - 1, LARGE_START_BYTES, 3 * LARGE_START_BYTES]),
)


@settings(max_examples=60, deadline=None)
@given(
    wanted=st.lists(st.tuples(SIZES, st.sampled_from([PRODUCE, FETCH])), max_size=6),
    chunks=st.lists(st.integers(1, 200_000), min_size=1, max_size=8),
    eager=st.booleans(),
)
def test_frames_come_out_as_they_went_in(
    wanted: list[tuple[int, int]], chunks: list[int], eager: bool
) -> None:
    """However the bytes are cut, and whether frames are taken at once or only when there is no room."""
    whole = [frame(size, key) for size, key in wanted]
    stream = b"".join(whole)
    shared, _ = budget()
    inbox = Inbox(shared, lambda: None)
    found: list[bytes] = []
    position, turn = 0, 0
    least = len(stream) // 500 + 1  # byte by byte only where that ends soon
    while position < len(stream):
        chunk = stream[position : position + max(least, chunks[turn % len(chunks)])]
        turn += 1
        fed = feed(inbox, chunk)
        position += fed
        if eager or not fed or inbox.head(MAX) is None:
            found += frames_of(inbox)
        assert inbox.buffer_bytes <= RING_BYTES + 3 * LARGE_START_BYTES
    found += frames_of(inbox)
    assert found == [one[4:] for one in whole]
    assert shared.reserved_bytes == 0
    assert not inbox.receiving_large


@pytest.mark.parametrize("size", [-1, 0, 7, MAX + 1, 2**31 - 1])
def test_sizes_out_of_bounds(size: int) -> None:
    inbox = Inbox(budget()[0], lambda: None)
    feed(inbox, struct.pack(">ihh", size, PRODUCE, 3))
    with pytest.raises(MalformedRequest):
        inbox.head(MAX)


def test_only_a_produce_may_be_very_large() -> None:
    for key, size, allowed in ((PRODUCE, 50 << 20, True), (FETCH, 50 << 20, False)):
        inbox = Inbox(budget(MAX)[0], lambda: None)
        feed(inbox, struct.pack(">ihh", size, key, 3))
        if allowed:
            assert inbox.head(MAX) is None
            assert inbox.buffer_bytes <= RING_BYTES + LARGE_START_BYTES
        else:
            with pytest.raises(MalformedRequest):
                inbox.head(MAX)


def test_a_blocked_inbox_takes_no_more_than_its_ring() -> None:
    """I10: while nobody takes frames, at most the ring fills."""
    inbox = Inbox(budget()[0], lambda: None)
    stream = frame(1000) * 2000
    fed = 0
    while count := feed(inbox, stream[fed:]):
        fed += count
        assert inbox.head(MAX) is not None
    assert fed == RING_BYTES
    assert len(frames_of(inbox)) == RING_BYTES // 1004
    assert inbox.make_room()


def test_the_budget_is_served_in_order_and_given_back() -> None:
    shared, soon = budget(3 << 20)
    turns: list[str] = []
    inboxes = {name: Inbox(shared, lambda n=name: turns.append(n)) for name in "abcd"}  # type: ignore[misc]
    for inbox in inboxes.values():
        feed(inbox, frame(2 << 20)[:100])
        assert inbox.head(MAX) is None
        inbox.head(MAX)  # asking twice does not queue twice
    assert shared.reserved_bytes == 2 << 20
    assert [one for one, _ in shared.waiting] == [inboxes[name] for name in "bcd"]
    inboxes["c"].close()
    inboxes["a"].close()
    assert shared.reserved_bytes == 0
    for call in soon:
        call()
    assert turns and set(turns) == {"b"}
    assert inboxes["d"].head(MAX) is None and not inboxes["d"].receiving_large
    assert inboxes["b"].head(MAX) is None and inboxes["b"].receiving_large
    inboxes["b"].close()
    assert inboxes["d"].head(MAX) is None and inboxes["d"].receiving_large
    assert shared.reserved_bytes == 2 << 20
    assert not shared.waiting


def test_a_frame_larger_than_the_whole_budget_goes_alone() -> None:
    shared, _ = budget(1 << 20)
    inbox = Inbox(shared, lambda: None)
    feed(inbox, frame(2 << 20)[:100])
    assert inbox.head(MAX) is None
    assert inbox.receiving_large


def test_trim() -> None:
    inbox = Inbox(budget()[0], lambda: None)
    whole = frame(RING_START_BYTES * 2)
    position = 0
    while position < len(whole):
        position += feed(inbox, whole[position:])
        if position < len(whole):
            inbox.trim()  # not while bytes are in it
            assert inbox.head(MAX) is None
    assert inbox.buffer_bytes == RING_BYTES
    assert frames_of(inbox) == [whole[4:]]
    inbox.trim()
    assert inbox.buffer_bytes == RING_START_BYTES
    assert feed(inbox, whole) > 0
