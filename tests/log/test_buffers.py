"""Memory of large requests that is used again (I10: what is kept is bounded, I3: what is looked at stays)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anabranch.log.buffers import (
    BUFFER_BYTES_MAX,
    BUFFER_BYTES_MIN,
    KEPT_BYTES_MAX,
    Buffers,
    capacity_of,
)
from anabranch.log.tail import Run, Tail, TailBudget

MIB = 1 << 20


@given(st.integers(BUFFER_BYTES_MIN, BUFFER_BYTES_MAX))
def test_a_buffer_has_the_size_asked_for_and_little_memory_beside(size: int) -> None:
    capacity = capacity_of(size)
    assert size < capacity <= size * 9 // 8 + 1
    assert len(Buffers().take(size)) == size


def test_a_buffer_that_nobody_looks_at_is_used_again_without_moving() -> None:
    buffers = Buffers()
    first = buffers.take(MIB - 10)
    first[:] = b"x" * len(first)
    identity = id(first)
    buffers.give(first)
    del first
    second = buffers.take(MIB - 5000)  # another size, the same capacity
    assert id(second) == identity and len(second) == MIB - 5000
    assert buffers.reused == 1 and buffers.kept_bytes == 0


def test_I3_a_buffer_that_is_looked_at_is_never_used_again() -> None:
    buffers = Buffers()
    frame = buffers.take(500_000)
    frame[:3] = b"abc"
    view = memoryview(frame)[:3]
    buffers.give(frame)
    other = buffers.take(500_000)
    other[:3] = b"xyz"
    assert other is not frame and bytes(view) == b"abc"
    assert buffers.kept_bytes == 0, "it is left to who looks at it"


def test_other_sizes_pass_a_kept_buffer_by() -> None:
    buffers = Buffers()
    buffers.give(buffers.take(100_000))
    assert len(buffers.take(MIB)) == MIB and buffers.reused == 0
    assert len(buffers.take(100_001)) == 100_001 and buffers.reused == 1


@given(st.lists(st.integers(1, 3 * MIB), max_size=60))
def test_I10_what_is_kept_is_bounded(sizes: list[int]) -> None:
    buffers = Buffers()
    for size in sizes:
        buffers.give(bytearray(size))
        assert 0 <= buffers.kept_bytes <= KEPT_BYTES_MAX
    assert buffers.kept_bytes == sum(capacity_of(len(one)) for one in buffers._kept)


def test_the_tail_gives_back_what_no_batch_of_it_is_held_of() -> None:
    buffers = Buffers()
    budget = TailBudget(2 * MIB, buffers.give)
    tail = Tail()
    for n in range(20):
        frame = buffers.take(MIB - 100)
        frame[0] = n
        half = len(frame) // 2
        budget.admit(tail, Run(2 * n, 2 * n, memoryview(frame)[:half]))
        budget.admit(tail, Run(2 * n + 1, 2 * n + 1, memoryview(frame)[half:]))
        del frame
    assert buffers.reused >= 15
    start = tail.start_offset
    assert start is not None and start % 2 == 0
    held = tail.read(start, 10 * MIB, at_least_one=True)
    assert held is not None
    assert [batch[0] for batch in held[::2]] == list(range(start // 2, 20))
