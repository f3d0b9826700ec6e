"""Compare two relations by key (and window) and list what differs, what was expected of it, and what was not.

Both sides are read as rows; a row is found by its key, numbers may differ by a tolerance, everything
else must be equal. With a window, all rows of a key whose time falls into it are compared together: how many
they are, sums of numbers, and other values as a multiset. Differences are listed by key up to a limit and
always counted in full; only one that nobody expected counts against the comparison.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec import Struct

from anabranch.errors import UserFault

LISTED_MAX = (
    1000  # differences kept in a verification: enough to see a pattern, small as a document
)
SAMPLES = 5  # rows that are shown beside each other whether they differ or not

Scalar = str | int | float | bool | None
Key = tuple[Scalar, ...]


class Relation(NamedTuple):
    """Rows with named columns. ``name`` is how a person called it."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]


class Window(NamedTuple):
    """Rows belong together whose ``column`` (milliseconds, a datetime, or an ISO time) lies in one span."""

    column: str
    length_ms: int
    closed: bool = False  # the newest that one of the two may still be filling is left out, and what is behind it


class Difference(Struct, frozen=True):
    """``column`` None: the whole row is on one side only (``left`` or ``right`` holds "present").

    ``expected``: why it is no surprise; empty if it is one.
    """

    key: Key
    column: str | None
    left: Scalar
    right: Scalar
    expected: str = ""


class Expectation(NamedTuple):
    """Keys that are expected to differ, and why. ``covers(key, left, right)``: rows by column, None where absent."""

    reason: str
    keys: frozenset[Key]


class Explained(Struct, frozen=True):
    """An expectation, how many keys it says, how many of these differ, and how many do not after all."""

    reason: str
    keys: int
    differ: int
    unmet: int


class Sample(Struct, frozen=True):
    """A row of both sides, chosen by a hash of its key: the same whenever it is asked again."""

    key: Key
    left: tuple[Scalar, ...] | None
    right: tuple[Scalar, ...] | None


class Verification(Struct, frozen=True, kw_only=True):
    """The outcome. ``passed`` means: same keys, and equal within the tolerance everywhere, but for what was expected.

    ``checksum_left`` and ``checksum_right``: SHA-256 of the rows as canonical JSON in the order of their keys.
    """

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
    expected: int = 0
    explained: tuple[Explained, ...] = ()
    window: str = ""
    checksum_left: str = ""
    checksum_right: str = ""
    samples: tuple[Sample, ...] = ()

    @property
    def passed(self) -> bool:
        return self.unexplained == 0

    @property
    def differing(self) -> int:
        """Keys that differ in any way."""
        return self.changed + self.only_left + self.only_right

    @property
    def unexplained(self) -> int:
        """Of these, those that nobody expected."""
        return self.differing - self.expected


Rows = Mapping[Key, tuple[Scalar, ...]]


def compare(
    left: Relation,
    right: Relation,
    *,
    key: Sequence[str],
    columns: Sequence[str] | None = None,
    tolerance: float = 0.0,
    listed_max: int = LISTED_MAX,
    window: Window | None = None,
    expected: Sequence[Expectation | Condition] = (),
) -> Verification:
    """Compare ``columns`` (default: those that both sides have) row by row.

    ``tolerance`` is relative for numbers beyond 1 and absolute below. Raises UserFault if a key or
    column is missing or a key occurs twice (which with a ``window`` it may).
    """
    if not key:
        raise UserFault("say which columns are the --key")
    apart = {*key, window.column} if window is not None else {*key}
    if columns is None:
        columns = [c for c in left.columns if c in set(right.columns) and c not in apart]
    shown = tuple(columns)
    if window is None:
        left_rows, right_rows = _by_key(left, key, columns), _by_key(right, key, columns)
    else:
        grouped = (
            _in_windows(left, key, columns, window),
            _in_windows(right, key, columns, window),
        )
        if window.closed:
            grouped = _closed(*grouped)
        left_rows, right_rows, shown = _as_one(*grouped, columns)
        key = (*key, f"{window.column} from")
    counts = {"equal": 0, "changed": 0, "only_left": 0, "only_right": 0}
    differing: list[tuple[Key, list[Difference]]] = []
    for at in sorted(left_rows.keys() | right_rows.keys(), key=_sortable):
        one, other = left_rows.get(at), right_rows.get(at)
        if one is None or other is None:
            counts["only_right" if one is None else "only_left"] += 1
            found = [Difference(at, None, "present" if one else None, "present" if other else None)]
        else:
            found = [
                Difference(at, column, a, b)
                for column, a, b in zip(shown, one, other, strict=True)
                if not same(a, b, tolerance)
            ]
            counts["changed" if found else "equal"] += 1
        if found:
            differing.append((at, found))
    picture = Picture(tuple(key), shown, left_rows, right_rows, [at for at, _ in differing])
    settled = [
        each if isinstance(each, Expectation) else each.resolve(picture) for each in expected
    ]
    why = {at: each.reason for each in reversed(settled) for at in each.keys}
    surprises_first = sorted(differing, key=lambda item: item[0] in why)
    listed = [
        Difference(at, one.column, one.left, one.right, why.get(at, ""))
        for at, found in surprises_first
        for one in found
    ]
    return Verification(
        left=left.name,
        right=right.name,
        key=tuple(key),
        columns=shown,
        tolerance=tolerance,
        rows_left=len(left_rows),
        rows_right=len(right_rows),
        differences=tuple(listed[:listed_max]),
        expected=sum(at in why for at, _ in differing),
        explained=tuple(_explained(each, {at for at, _ in differing}, picture) for each in settled),
        window="" if window is None else f"{window.column}={window.length_ms}ms",
        checksum_left=checksum(left_rows),
        checksum_right=checksum(right_rows),
        samples=tuple(_samples(left_rows, right_rows)),
        **counts,
    )


class Picture(NamedTuple):
    """What is compared, for expectations that look at the rows."""

    key: tuple[str, ...]
    columns: tuple[str, ...]
    left: Rows
    right: Rows
    differing: Sequence[Key]


class Condition:
    """An expectation that depends on the rows: see :mod:`anabranch.recovery.checks.expectations`."""

    def resolve(self, picture: Picture) -> Expectation:
        """Which of the keys that differ it expects. Raises UserFault."""
        raise NotImplementedError


def _explained(one: Expectation, differing: set[Key], picture: Picture) -> Explained:
    present = {at for at in one.keys if at in picture.left or at in picture.right}
    differ = len(present & differing)
    return Explained(one.reason, len(one.keys), differ, len(present) - differ)


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


def checksum(rows: Rows) -> str:
    """SHA-256, hexadecimal, of the rows in the order of their keys, as canonical JSON lines."""
    digest = hashlib.sha256()
    for at in sorted(rows, key=_sortable):
        digest.update(json.dumps([at, rows[at]], separators=(",", ":")).encode())
        digest.update(b"\n")
    return digest.hexdigest()


def _samples(left: Rows, right: Rows) -> Iterator[Sample]:
    def place(at: Key) -> bytes:
        return hashlib.sha256(json.dumps(at).encode()).digest()

    for at in sorted(left.keys() | right.keys(), key=place)[:SAMPLES]:
        yield Sample(at, left.get(at), right.get(at))


def _places(relation: Relation, wanted: Sequence[str]) -> list[int]:
    places = {column: place for place, column in enumerate(relation.columns)}
    missing = [column for column in wanted if column not in places]
    if missing:
        raise UserFault(
            f"{relation.name} has no column “{missing[0]}”; it has {', '.join(relation.columns)}"
        )
    return [places[column] for column in wanted]


def _by_key(relation: Relation, key: Sequence[str], columns: Sequence[str]) -> Rows:
    key_places, column_places = _places(relation, key), _places(relation, columns)
    rows: dict[Key, tuple[Scalar, ...]] = {}
    for row in relation.rows:
        at = tuple(_scalar(row[place]) for place in key_places)
        if at in rows:
            raise UserFault(
                f"{relation.name} has two rows for {dict(zip(key, at, strict=True))}: "
                "the key must name each row once, or give a --window"
            )
        rows[at] = tuple(_scalar(row[place]) for place in column_places)
    return rows


# -- windows -----------------------------------------------------------------------------------------
Group = list[tuple[Scalar, ...]]


def _in_windows(
    relation: Relation, key: Sequence[str], columns: Sequence[str], window: Window
) -> dict[Key, Group]:
    """The rows of each key and window; the window's beginning is the last part of the key, as an ISO time."""
    key_places, column_places = _places(relation, key), _places(relation, columns)
    (time_place,) = _places(relation, [window.column])
    groups: dict[Key, Group] = {}  # window last in the key: those of one key lie together
    for row in relation.rows:
        at_ms = _time_ms(row[time_place], relation.name, window.column)
        start_ms = at_ms // window.length_ms * window.length_ms
        start = datetime.fromtimestamp(start_ms / 1000, UTC).isoformat().replace("+00:00", "Z")
        at = (*(_scalar(row[place]) for place in key_places), start)
        groups.setdefault(at, []).append(tuple(_scalar(row[place]) for place in column_places))
    return groups


def _closed(
    left: dict[Key, Group], right: dict[Key, Group]
) -> tuple[dict[Key, Group], dict[Key, Group]]:
    """Only the windows before the newest that both sides have reached."""
    newest = [max((str(at[-1]) for at in side), default="") for side in (left, right)]
    until = min(newest)
    kept = [
        {at: group for at, group in side.items() if str(at[-1]) < until} for side in (left, right)
    ]
    return kept[0], kept[1]


def _time_ms(value: Any, name: str, column: str) -> int:
    if isinstance(value, datetime):
        return round((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1000)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return int(value)
    try:
        parsed = datetime.fromisoformat(str(value))
    except ValueError:
        raise UserFault(
            f"{name}: “{value}” in column “{column}” is no time: milliseconds or ISO 8601"
        ) from None
    return round((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000)


def _as_one(
    left: Mapping[Key, Group], right: Mapping[Key, Group], columns: Sequence[str]
) -> tuple[Rows, Rows, tuple[str, ...]]:
    """Each group as one row: how many, and by column a sum where it holds numbers on both sides."""
    numeric = [
        all(
            row[place] is None
            or (isinstance(row[place], int | float) and not isinstance(row[place], bool))
            for side in (left, right)
            for group in side.values()
            for row in group
        )
        for place in range(len(columns))
    ]
    shown = tuple(f"sum({c})" if n else c for c, n in zip(columns, numeric, strict=True))
    made = [
        {at: (len(group), *_summed(group, numeric)) for at, group in side.items()}
        for side in (left, right)
    ]
    return made[0], made[1], ("rows", *shown)


def _summed(group: Group, numeric: Sequence[bool]) -> Iterator[Scalar]:
    for place, is_numeric in enumerate(numeric):
        cells = [row[place] for row in group]
        if is_numeric:
            numbers = [cell for cell in cells if isinstance(cell, int | float)]
            exact = all(isinstance(number, int) for number in numbers)
            yield sum(numbers) if exact else math.fsum(numbers)
            continue
        counted = Counter(json.dumps(cell) for cell in cells)
        if len(counted) == 1:
            yield cells[0]
        else:
            yield "; ".join(f"{text} x {count}" for text, count in sorted(counted.items()))


def _scalar(value: Any) -> Scalar:
    """What JSON can hold: dates and decimals compare and print as text."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True, default=str)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return str(value)


def _sortable(key: Key) -> tuple[tuple[str, Any], ...]:
    return tuple((type(part).__name__, "" if part is None else part) for part in key)
