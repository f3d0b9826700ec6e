"""Pure decisions: retention, merge policy, rate limits, leader epochs, the tail."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from anabranch.log.config import effective
from anabranch.log.epochs import UNDEFINED, diverging_end, end_of_epoch
from anabranch.log.merge import consolidation, due
from anabranch.log.retention import by_bytes, by_time, may_expire
from anabranch.log.rewriting import OFFSETS_SPAN_MAX, fits
from anabranch.log.settings import LogSettings
from anabranch.log.tail import Run, Tail, TailBudget
from anabranch.log.throttle import BURST_BYTES_MIN, TokenBucket
from anabranch.metastore.api import Backlog, Extent, GapCause, LeaderEpoch, ObjectKind

SETTINGS = LogSettings(merge_age_ms=60_000, segment_bytes=1 << 20, wal_bytes_max=4 << 20)


def extent(
    base: int, last: int, *, length: int = 100, newest: int = 0, appended: int | None = None
) -> Extent:
    at = newest if appended is None else appended
    return Extent(base, last, 1, "k", ObjectKind.SEGMENT, 0, length, last - base + 1, newest, at, 0)


# -- retention ---------------------------------------------------------------------------------


def test_time_retention_stops_at_the_first_young_extent() -> None:
    config = effective({"retention.ms": "1000"})
    extents = [
        extent(0, 9, newest=100),
        extent(10, 19, newest=9_500),
        extent(20, 29, newest=50, appended=9_600),
    ]
    advance = by_time(extents, config, now_ms=10_000, appended_mark=9_700)
    assert advance is not None
    assert (advance.log_start, advance.cause) == (10, GapCause.RETENTION_TIME)


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(-2_000, 10_000)), min_size=1, max_size=8),
    st.integers(0, 8_000),
)
def test_time_retention_is_kafkas_but_no_record_is_younger_than_its_append(
    steps: list[tuple[int, int]], now_ms: int
) -> None:
    """Steps: how long after the extent before it was begun, and how its newest record is dated."""
    config = effective({"retention.ms": "1000"})
    at, extents = 0, []
    for number, (step, dated) in enumerate(steps):
        at += step
        extents.append(extent(number, number, newest=max(0, at + dated), appended=at))
    mark = at + 300  # the last one was filled for so long
    begun = [each.appended_ms for each in extents[1:]] + [mark]
    young = [
        min(each.max_timestamp, behind) >= now_ms - 1000
        for each, behind in zip(extents, begun, strict=True)
    ]
    kept = young.index(True) if True in young else len(extents)
    advance = by_time(extents, config, now_ms, mark)
    assert (0 if advance is None else advance.log_start) == kept
    if kept:
        assert may_expire(extents[0], config, now_ms)


def test_size_retention_keeps_at_least_the_configured_bytes() -> None:
    config = effective({"retention.bytes": "250"})
    extents = [extent(0, 9), extent(10, 19), extent(20, 29), extent(30, 39)]
    advance = by_bytes(extents, config, retained_bytes=400)
    assert advance is not None
    assert (advance.log_start, advance.cause) == (10, GapCause.RETENTION_BYTES)
    assert by_bytes(extents[1:], config, retained_bytes=300) is None


def test_no_limit_and_compacted_topics_delete_nothing() -> None:
    extents = [extent(0, 9, newest=1)]
    assert by_time(extents, effective({"retention.ms": "-1"}), 10**15, 1) is None
    assert by_time(extents, effective({"cleanup.policy": "compact"}), 10**15, 1) is None
    assert by_bytes(extents, effective({}), 10**15) is None


# -- merge policy ----------------------------------------------------------------------------------


def backlog(partition: int, size: int, oldest: int) -> Backlog:
    return Backlog(1, partition, 1, size, oldest)


def test_old_and_overflowing_backlogs_are_due() -> None:
    old, young, large = backlog(0, 10, 0), backlog(1, 10, 90_000), backlog(2, 2 << 20, 99_000)
    chosen = due([young, large, old], SETTINGS, now_ms=100_000)
    assert {each.partition for each in chosen} == {0}
    crowd = [backlog(number, 1 << 19, 99_000 + number) for number in range(12)]
    chosen = due(crowd, SETTINGS, now_ms=100_000)
    # Six mebibytes against a bound of four: the oldest go until the rest fits.
    assert [each.partition for each in chosen] == [0, 1, 2, 3]


@given(
    st.lists(st.tuples(st.integers(1, 2**32), st.integers(1, 1 << 18)), min_size=2, max_size=40),
    st.integers(0, 2**62),
)
def test_no_segment_spans_more_offsets_than_32_bits_count(
    sparse: list[tuple[int, int]], base: int
) -> None:
    """What compaction left may lie far apart: a segment ends where Kafka's index could not go on."""
    extents = []
    for span, size in sparse:
        extents.append(extent(base, base + span - 1, length=size))
        base += span
    run = consolidation(extents, SETTINGS)
    assert not run or run[-1].last_offset - run[0].base_offset <= OFFSETS_SPAN_MAX
    taken: list[Extent] = []
    for each in extents:
        if not fits(taken, each, sum(e.length for e in taken), SETTINGS.segment_bytes):
            assert (
                each.last_offset - taken[0].base_offset > OFFSETS_SPAN_MAX
                or sum(e.length for e in [*taken, each]) > SETTINGS.segment_bytes
            )
            taken = []
        taken.append(each)
        assert len(taken) == 1 or taken[-1].last_offset - taken[0].base_offset <= OFFSETS_SPAN_MAX


@given(st.lists(st.integers(1, 1 << 19), max_size=60))
def test_consolidation_picks_neighbours_and_keeps_segments_bounded(lengths: list[int]) -> None:
    extents = [extent(10 * n, 10 * n + 9, length=size) for n, size in enumerate(lengths)]
    run = consolidation(extents, SETTINGS)
    assert sum(each.length for each in run) <= SETTINGS.segment_bytes
    assert len(run) != 1
    for left, right in pairwise(run):
        assert left.last_offset + 1 == right.base_offset


def test_consolidation_leaves_a_logarithmic_number_of_segments() -> None:
    settings = LogSettings(segment_bytes=1 << 40)
    extents: list[Extent] = []
    for number in range(3000):
        extents.append(extent(number, number, length=70_000))
        while run := consolidation(extents, settings):
            at = extents.index(run[0])
            merged = extent(
                run[0].base_offset, run[-1].last_offset, length=sum(each.length for each in run)
            )
            extents[at : at + len(run)] = [merged]
    assert len(extents) < 5 * settings.consolidate_fan_in


# -- rate limit --------------------------------------------------------------------------------------


def test_throttle_slows_but_never_stops() -> None:
    bucket = TokenBucket(1000, now_s=0.0)
    assert bucket.available(0.0) == BURST_BYTES_MIN
    bucket.take(BURST_BYTES_MIN + 5000)  # one batch larger than the burst
    assert bucket.available(0.0) <= 0
    assert 5.0 <= bucket.wait_s() <= 5.01
    assert bucket.available(5.1) > 0


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 10**6)), max_size=50))
def test_throttle_never_gives_more_than_rate_plus_burst(steps: list[tuple[float, int]]) -> None:
    bucket, now, taken = TokenBucket(100_000, 0.0), 0.0, 0
    for wait, want in steps:
        now += wait
        given_bytes = min(want, max(0, bucket.available(now)))
        bucket.take(given_bytes)
        taken += given_bytes
    assert taken <= 100_000 * now + bucket.burst + 1


# -- leader epochs -------------------------------------------------------------------------------------


def test_end_of_epoch_answers_the_largest_epoch_not_above() -> None:
    epochs = [LeaderEpoch(0, 0), LeaderEpoch(3, 50)]
    assert end_of_epoch(epochs, 80, 0) == (0, 50)
    assert end_of_epoch(epochs, 80, 2) == (0, 50)
    assert end_of_epoch(epochs, 80, 3) == (3, 80)
    assert end_of_epoch(epochs, 80, 4) == UNDEFINED
    assert end_of_epoch(epochs, 80, -1) == UNDEFINED


def test_diverging_epoch_is_told_only_to_who_read_past_the_cut() -> None:
    epochs = [LeaderEpoch(0, 0), LeaderEpoch(1, 50)]
    assert diverging_end(epochs, 80, last_fetched_epoch=0, fetch_offset=60) == (0, 50)
    assert diverging_end(epochs, 80, last_fetched_epoch=0, fetch_offset=50) is None
    assert diverging_end(epochs, 80, last_fetched_epoch=1, fetch_offset=60) is None


# -- the tail ----------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 5), min_size=1, max_size=80), st.integers(600, 20_000))
def test_I10_tail_holds_a_dense_suffix_within_its_budget(counts: list[int], budget: int) -> None:
    tail, other, limit = Tail(), Tail(), TailBudget(budget)
    offset = 0
    for count in counts:
        limit.admit(tail, Run(offset, offset + count - 1, memoryview(bytes(100 * count))))
        offset += count
        assert limit.bytes_held <= budget or limit.bytes_held <= 512 + 500
    start = tail.start_offset
    assert start is not None
    buffers = tail.read(start, 10**9, at_least_one=True)
    assert buffers is not None
    assert sum(len(buffer) for buffer in buffers) == 100 * (offset - start)
    assert start == 0 or tail.read(start - 1, 10**9, at_least_one=True) is None
    assert other.read(0, 10, at_least_one=True) is None


def test_tail_gives_the_batch_that_holds_the_offset_and_respects_sizes() -> None:
    tail, limit = Tail(), TailBudget(10**6)
    for base in (0, 10, 20):
        limit.admit(tail, Run(base, base + 9, memoryview(bytes(100))))
    first = tail.read(15, 250, at_least_one=True)
    assert first is not None and len(first) == 2
    assert tail.read(15, 50, at_least_one=False) == []
    single = tail.read(15, 50, at_least_one=True)
    assert single is not None and len(single) == 1
