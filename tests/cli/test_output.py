from __future__ import annotations

from anabranch.cli._output import Table, cell_text, plain


def test_plain_tables_align_numbers_to_the_right() -> None:
    table = Table(("name", ">lag"), [("a", 5), ("longer", 12_345), (None, None)], "Groups")
    assert plain(table).splitlines() == [
        "Groups",
        "NAME       LAG",
        "a            5",
        "longer  12,345",
        "-            -",
    ]


def test_cells() -> None:
    cells = [None, "", True, False, 1_000_000, 0.123456, "x"]
    assert [cell_text(cell) for cell in cells] == [
        "-", "-", "yes", "no", "1,000,000", "0.1235", "x",
    ]  # fmt: skip
