"""Compare two relations by key and list what differs.

Both sides are read as rows; a row is found by its key, numbers may differ by a tolerance, everything
else must be equal. Differences are listed by key up to a limit and always counted in full.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from anabranch.errors import UserFault

LISTED_MAX = (
    1000  # differences kept in a verification: enough to see a pattern, small as a document
)

Scalar = str | int | float | bool | None
Key = tuple[Scalar, ...]


class Relation(NamedTuple):
    """Rows with named columns. ``name`` is how a person called it."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]


class Difference(Struct, frozen=True):
    """``column`` None: the whole row is on one side only (``left`` or ``right`` holds "present")."""

    key: Key
    column: str | None
    left: Scalar
    right: Scalar


class Verification(Struct, frozen=True, kw_only=True):
    """The outcome. ``passed`` means: same keys, and equal within the tolerance everywhere."""

    left: str
    right: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    tolerance: float
    rows_left: int
    rows_right: int
    equal: int
    changed: int
    only_left: int
    only_right: int
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        return not (self.changed or self.only_left or self.only_right)

    @property
    def differing(self) -> int:
        """Keys that differ in any way."""
        return self.changed + self.only_left + self.only_right


def compare(
    left: Relation,
    right: Relation,
    *,
    key: Sequence[str],
    columns: Sequence[str] | None = None,
    tolerance: float = 0.0,
    listed_max: int = LISTED_MAX,
) -> Verification:
    """Compare ``columns`` (default: those that both sides have) row by row.

    ``tolerance`` is relative for numbers beyond 1 and absolute below. Raises UserFault if a key or
    column is missing or a key occurs twice.
    """
    if not key:
        raise UserFault("say which columns are the --key")
    if columns is None:
        columns = [c for c in left.columns if c in set(right.columns) and c not in key]
    left_rows = _by_key(left, key, columns)
    right_rows = _by_key(right, key, columns)
    counts = {"equal": 0, "changed": 0, "only_left": 0, "only_right": 0}
    differences: list[Difference] = []
    for at in sorted(left_rows.keys() | right_rows.keys(), key=_sortable):
        one, other = left_rows.get(at), right_rows.get(at)
        if one is None or other is None:
            counts["only_right" if one is None else "only_left"] += 1
            found = [Difference(at, None, "present" if one else None, "present" if other else None)]
        else:
            found = [
                Difference(at, column, a, b)
                for column, a, b in zip(columns, one, other, strict=True)
                if not same(a, b, tolerance)
            ]
            counts["changed" if found else "equal"] += 1
        differences += found[: max(0, listed_max - len(differences))]
    return Verification(
        left=left.name,
        right=right.name,
        key=tuple(key),
        columns=tuple(columns),
        tolerance=tolerance,
        rows_left=len(left_rows),
        rows_right=len(right_rows),
        differences=tuple(differences),
        **counts,
    )


def same(left: Scalar, right: Scalar, tolerance: float) -> bool:
    """Equality of two cells: None equals None only, NaN equals NaN, numbers within the tolerance."""
    if left is None or right is None:
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        if left == right:
            return True
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        return abs(left - right) <= tolerance * max(1.0, abs(left), abs(right))
    return left == right


def _by_key(
    relation: Relation, key: Sequence[str], columns: Sequence[str]
) -> Mapping[Key, tuple[Scalar, ...]]:
    places = {column: place for place, column in enumerate(relation.columns)}
    missing = [column for column in (*key, *columns) if column not in places]
    if missing:
        raise UserFault(
            f"{relation.name} has no column “{missing[0]}”; it has {', '.join(relation.columns)}"
        )
    key_places = [places[column] for column in key]
    column_places = [places[column] for column in columns]
    rows: dict[Key, tuple[Scalar, ...]] = {}
    for row in relation.rows:
        at = tuple(_scalar(row[place]) for place in key_places)
        if at in rows:
            raise UserFault(
                f"{relation.name} has two rows for {dict(zip(key, at, strict=True))}: "
                "the key must name each row once"
            )
        rows[at] = tuple(_scalar(row[place]) for place in column_places)
    return rows


def _scalar(value: Any) -> Scalar:
    """What JSON can hold: dates and decimals compare and print as text."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _sortable(key: Key) -> tuple[tuple[str, Any], ...]:
    return tuple((type(part).__name__, "" if part is None else part) for part in key)
