"""Batches that lie across the borders of several views."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import Corrupt
from anabranch.records.batch import scan
from anabranch.records.trimming import headers, piece, trim

from .test_runs import batches


def views(data: bytes, borders: list[int]) -> list[memoryview]:
    places = [0, *sorted(min(one, len(data)) for one in borders), len(data)]
    return [memoryview(data)[a:b] for a, b in pairwise(places)]


sizes = st.lists(st.integers(0, 90), max_size=6)
borders = st.lists(st.integers(0, 1500), max_size=8)


@given(sizes, borders)
def test_headers_and_pieces_do_not_depend_on_the_borders(sizes: list[int], at: list[int]) -> None:
    data = batches(sizes)
    cut = views(data, at)
    whole = list(scan(data))
    assert list(headers(cut)) == whole
    for one in whole:
        assert b"".join(piece(cut, one.position, one.end)) == data[one.position : one.end]
        kept, behind = trim(cut, one.last_offset + 1)
        assert b"".join(kept) == data[: one.end] and behind == one.last_offset + 1


@given(st.lists(st.integers(0, 90), min_size=1, max_size=4), borders, st.integers(1, 60))
def test_a_batch_that_is_cut_short_is_told(sizes: list[int], at: list[int], less: int) -> None:
    with pytest.raises(Corrupt):
        list(headers(views(batches(sizes)[:-less], at)))
