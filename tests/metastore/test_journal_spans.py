"""What the journal reads for what was noted: the same rows, in a bounded number of steps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anabranch.metastore.journal import _distinct
from anabranch.metastore.journal_notes import Noted

SMALL = st.integers(0, 3)
PAIRS = st.tuples(SMALL, SMALL)
SPANS = st.builds(
    Noted,
    st.sampled_from(["offset_history", "other"]),
    st.tuples(SMALL),
    st.none() | PAIRS | st.tuples(SMALL),
    st.none() | PAIRS,
    st.booleans(),
)
NOTES = st.lists(st.tuples(SMALL, st.lists(SPANS, max_size=5)), max_size=12)
ROWS = [(key, a, b) for key in range(4) for a in range(4) for b in range(4)]


def covered(spans: list[Noted], *, kept: bool | None = None) -> set[tuple[object, ...]]:
    """Rows of the spans, as SQL compares them; of all, or only of those that say so."""
    return {
        (span.table, *row)
        for span in spans
        if kept is None or span.kept == kept
        for row in ROWS
        if row[:1] == span.key
        and (span.low is None or row[1 : 1 + len(span.low)] >= span.low)
        and (span.high is None or row[1 : 1 + len(span.high)] <= span.high)
    }


@given(NOTES)
def test_no_row_is_left_out_or_added(notes: list[tuple[int, list[Noted]]]) -> None:
    spans = [span for _, each in notes for span in each]
    for kept in (True, False):
        assert covered(_distinct(notes), kept=kept) == covered(spans, kept=kept)


def test_I10_any_number_of_a_groups_commits_is_read_in_one_step() -> None:
    """After a minute in which nothing could be shipped, shipping took minutes: each commit's span
    reaches to the end, so that they were read once for every commit."""
    commits = [
        (
            n,
            [
                Noted("committed", (1, 1, 0)),
                Noted("offset_history", (1,), (5_000 + n, n), None, True),
            ],
        )
        for n in range(1, 10_000)
    ]
    assert _distinct(commits) == [
        Noted("committed", (1, 1, 0)),
        Noted("offset_history", (1,), (5_001, 1), None, True),
    ]
    assert len(_distinct([(0, [Noted("x", ("text",), (name,))]) for name in "ab"])) == 2
