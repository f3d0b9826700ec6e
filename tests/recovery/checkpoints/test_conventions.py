"""The table of conventions, as one table."""

from __future__ import annotations

import pytest

from anabranch.recovery.checkpoints.conventions import KEEPERS, Convention, Marker, next_offset

MIN = -(1 << 63)
# (keeper, what it stored after records 0..9 were dealt with, its convention, its markers)
TABLE = [
    ("kafka-group", 10, "next", {}),
    (
        "flink-source",
        10,
        "next",
        {-1: "latest", -2: "earliest", -3: "group-committed", MIN: "undecided"},
    ),
    (
        "flink-legacy",
        9,
        "last processed",
        {
            -915623761773: "group-committed",
            -915623761774: "latest",
            -915623761775: "earliest",
            -915623761776: "undecided",
        },
    ),
    ("spark-offsets", 10, "end-exclusive", {-1: "latest", -2: "earliest"}),
    ("streams-group", 10, "next", {}),
    ("quix-group", 10, "next", {}),
    ("quix-changelog", 9, "last processed", {}),
    ("bytewax-snaps", 10, "next", {-1: "latest", -2: "earliest"}),
    ("connect-sink", 10, "next", {}),
    ("connect-mirror", 9, "last processed", {}),
]


@pytest.mark.parametrize(("keeper", "stored", "convention", "markers"), TABLE)
def test_every_keeper_leads_to_the_first_record_not_dealt_with(
    keeper: str, stored: int, convention: str, markers: dict[int, str]
) -> None:
    assert KEEPERS[keeper].convention == convention
    assert next_offset(keeper, stored) == 10
    assert {kept: str(next_offset(keeper, kept)) for kept in markers} == markers
    none_yet = -1 if convention == Convention.LAST else 0
    if none_yet not in markers:
        assert next_offset(keeper, none_yet) == 0
    for number in {-5, -2, MIN, (1 << 63) - 1} - markers.keys():
        with pytest.raises(ValueError, match="neither an offset nor a marker"):
            next_offset(keeper, number)


def test_the_table_is_whole() -> None:
    assert {row[0] for row in TABLE} == KEEPERS.keys()
    assert {Marker(name) for row in TABLE for name in row[3].values()} == set(Marker)
