from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv, feather, parquet

from anabranch.errors import UserFault
from anabranch.recovery.checks.relations import arrow_relation, open_relation
from anabranch.recovery.checks.verify import Difference, Relation, compare, same

COLUMNS = ("carrier", "day", "flights", "mean")


def relation(name: str, *rows: tuple[object, ...]) -> Relation:
    return Relation(name, COLUMNS, rows)


def test_differences_are_listed_by_key_and_counted() -> None:
    left = relation(
        "l", ("AA", 1, 5, 1.0), ("AA", 2, 6, None), ("UA", 1, 7, 2.0), ("XX", 1, 1, 1.0)
    )
    right = relation(
        "r", ("AA", 1, 5, 1.0), ("AA", 2, 9, 0.5), ("UA", 1, 7, 2.0), ("YY", 1, 1, 1.0)
    )
    found = compare(left, right, key=["carrier", "day"])
    assert (found.equal, found.changed, found.only_left, found.only_right) == (2, 1, 1, 1)
    assert (found.rows_left, found.rows_right, found.differing) == (4, 4, 3)
    assert not found.passed
    assert found.differences == (
        Difference(("AA", 2), "flights", 6, 9),
        Difference(("AA", 2), "mean", None, 0.5),
        Difference(("XX", 1), None, "present", None),
        Difference(("YY", 1), None, None, "present"),
    )


def test_listing_is_bounded_and_counting_is_not() -> None:
    left = relation("l", *((str(n), 1, 1, 1.0) for n in range(50)))
    found = compare(left, relation("r"), key=["carrier"], listed_max=3)
    assert len(found.differences) == 3 and found.only_left == 50


def test_tolerance_and_nothing() -> None:
    assert same(1_000_000.0, 1_000_001.0, 1e-5) and not same(1_000_000.0, 1_000_001.0, 1e-7)
    assert same(0.0, 1e-9, 1e-8) and not same(0.0, 1e-7, 1e-8)
    assert same(None, None, 0) and not same(None, 0, 1) and not same(0, None, 1)
    assert same(float("nan"), float("nan"), 0) and not same(float("nan"), 1.0, 9)
    assert same(3, 3.0, 0) and not same("3", 3, 9)


def test_what_cannot_be_compared_says_so() -> None:
    with pytest.raises(UserFault, match="two rows"):
        compare(relation("l", ("AA", 1, 1, 1), ("AA", 1, 2, 2)), relation("r"), key=["carrier"])
    with pytest.raises(UserFault, match="no column “nope”; it has carrier"):
        compare(relation("l"), relation("r"), key=["nope"])
    with pytest.raises(UserFault, match="--key"):
        compare(relation("l"), relation("r"), key=[])


def test_every_kind_of_relation_reads_the_same(tmp_path: Path) -> None:
    table = pa.table(
        {"carrier": ["AA", "UA"], "day": [1, 2], "flights": [5, 7], "mean": [1.5, None]}
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    feather.write_feather(table, tmp_path / "t.arrow")
    csv.write_csv(table, tmp_path / "t.csv")
    with sqlite3.connect(tmp_path / "v.db") as connection:
        connection.execute('CREATE TABLE "daily@r1" (carrier, day, flights, mean)')
        connection.executemany(
            'INSERT INTO "daily@r1" VALUES (?, ?, ?, ?)', [("AA", 1, 5, 1.5), ("UA", 2, 7, None)]
        )
    query = 'SELECT carrier, day, flights, mean FROM "daily@r1" WHERE day > 0'
    names = [f"sqlite:{tmp_path}/v.db#{query}"]
    names += [f"{tmp_path}/t.parquet", f"{tmp_path}/t.arrow", f"{tmp_path}/t.csv"]
    for name in [*names, f"sqlite:{tmp_path}/v.db#daily@r1"]:
        found = compare(open_relation(name), arrow_relation(table, "t"), key=["carrier", "day"])
        assert found.passed and found.equal == 2, name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("sqlite:v.db", "write sqlite:PATH#TABLE"),
        ("sqlite:{}/nothing.db#t", "no database"),
        ("{}/nothing.csv", "there is no file"),
        ("{}/text.txt", "not one of"),
        ("{}/broken.parquet", "cannot be read"),
        ("sqlite:{}/empty.db#t", "no such table"),
    ],
)
def test_bad_relations_end_in_a_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "text.txt").write_text("x")
    (tmp_path / "broken.parquet").write_text("x")
    sqlite3.connect(tmp_path / "empty.db").close()
    with pytest.raises(UserFault, match=sentence):
        open_relation(name.format(tmp_path))


ROWS = st.dictionaries(st.integers(0, 12), st.integers(0, 3), max_size=12)


@given(ROWS, ROWS)
def test_comparison_agrees_with_dictionaries(left: dict[int, int], right: dict[int, int]) -> None:
    found = compare(
        Relation("l", ("k", "v"), list(left.items())),
        Relation("r", ("k", "v"), list(right.items())),
        key=["k"],
    )
    both = left.keys() & right.keys()
    assert found.changed == sum(left[k] != right[k] for k in both)
    assert found.equal == sum(left[k] == right[k] for k in both)
    assert found.only_left == len(left.keys() - right.keys())
    assert found.passed == (left == right)
