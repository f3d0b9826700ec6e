"""The table of who fetches what: bounded whatever clients do, and the newest picture of each of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import Corrupt
from anabranch.groups.readers import FORGET_MS, SAMPLE_MS, Fetched, ReaderTable, decode, encode

FETCHES = st.lists(
    st.tuples(
        st.integers(0, 5),  # port: a connection
        st.sampled_from(["app", "job"]),
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 99)), max_size=6),
        st.integers(0, 3000),  # passes before it
    ),
    max_size=40,
)


@given(FETCHES, st.integers(1, 4), st.integers(1, 8))
def test_I10_the_table_is_bounded_and_tells_the_newest(
    fetches: list[tuple[int, str, list[tuple[int, int, int]], int]], clients: int, positions: int
) -> None:
    table = ReaderTable(connections_max=clients, positions_max=positions)
    now, newest = 1_000_000, {}
    for port, client_id, parts, passes in fetches:
        now += passes
        if not table.due("h", port, client_id, now):
            continue
        fetched = [Fetched(*part) for part in parts]
        table.saw("h", port, client_id, "User:x", fetched, now)
        for one in fetched:
            newest[client_id, one.topic_no, one.partition] = (one.offset, now)
        assert len(table) <= clients and table.positions <= positions
        assert table.positions == sum(len(w.at) for w in table._watched.values())
    for reader in table.recent(now):
        offset, at_ms = newest[reader.client_id, reader.topic_no, reader.partition]
        assert reader.at_ms <= at_ms and (reader.at_ms < at_ms or reader.offset == offset)
    assert decode(encode(table.recent(now))) == table.recent(now)
    assert len(table.recent(now, limit=2)) <= 2


def test_a_connection_is_looked_at_once_a_second_and_forgotten_after_an_hour() -> None:
    table = ReaderTable()
    table.saw("h", 1, "app", "User:x", [Fetched(1, 0, 5)], 10_000)
    assert not table.due("h", 1, "app", 10_000 + SAMPLE_MS - 1)
    assert table.due("h", 1, "app", 10_000 + SAMPLE_MS) and table.due("h", 2, "app", 10_000)
    assert table.due("h", 1, "app", 5_000), "the clock was set back"
    assert [one.offset for one in table.recent(20_000)] == [5]
    assert table.recent(10_000 + SAMPLE_MS + FORGET_MS) == [] and len(table) == 0
    assert table.evicted == 0 == table.positions


def test_two_connections_of_one_client_are_one_reader_where_it_read_last() -> None:
    table = ReaderTable()
    table.saw("h", 1, "app", "User:x", [Fetched(1, 0, 50), Fetched(1, 1, 7)], 10_000)
    table.saw("h", 2, "app", "User:x", [Fetched(1, 0, 9)], 11_000)  # took partition 0 over
    assert [(one.partition, one.offset) for one in table.recent(12_000)] == [(0, 9), (1, 7)]


def test_what_is_no_list_of_readers_is_corrupt() -> None:
    for body in (b"", b"{}", b'[["a"]]', b"\xff"):
        with pytest.raises(Corrupt):
            decode(body)
