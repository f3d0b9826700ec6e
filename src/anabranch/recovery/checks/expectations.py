"""Differences that are no surprise: by a condition on the rows, by a list of keys, or by what a plan touches.

``keys where CONDITION`` is SQLite's expression language over the columns of the comparison: a key's columns by
their names, the others as ``left_NAME`` and ``right_NAME`` (NULL where the row is missing). It runs in a database
in memory that holds the differing rows and lets nothing be done but look at them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anabranch.errors import UserFault
from anabranch.recovery.checks.verify import Condition, Expectation, Key, Picture, Relation, Scalar
from anabranch.recovery.sinks.common import quoted

STEPS_MAX = 50_000_000  # of SQLite's machine for one condition: some seconds
_WHERE = "keys where "
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION}


class Where(Condition):
    """``keys where …``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._condition = text[len(_WHERE) :].strip()
        if not self._condition:
            raise UserFault(
                "--expect “keys where” needs a condition, as in: keys where day = '2013-01-04'"
            )

    def resolve(self, picture: Picture) -> Expectation:
        names = [
            *picture.key,
            *(f"left_{column}" for column in picture.columns),
            *(f"right_{column}" for column in picture.columns),
        ]
        nothing = (None,) * len(picture.columns)
        rows = [
            (
                number,
                *at,
                *(picture.left.get(at) or nothing),
                *(picture.right.get(at) or nothing),
            )
            for number, at in enumerate(picture.differing)
        ]
        connection = sqlite3.connect(":memory:")
        try:
            columns = ", ".join(quoted(name) for name in ("_number", *names))
            connection.execute(f"CREATE TABLE differing ({columns})")
            marks = ", ".join("?" * (len(names) + 1))
            connection.executemany(f"INSERT INTO differing VALUES ({marks})", rows)
            connection.set_authorizer(
                lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY
            )
            steps = iter(range(STEPS_MAX // 10_000))
            connection.set_progress_handler(lambda: next(steps, None) is None, 10_000)
            found = connection.execute(
                f"SELECT _number FROM differing WHERE ({self._condition}\n)"
            ).fetchall()
        except sqlite3.Error as error:
            raise UserFault(
                f"--expect “{self.text}”: {error}; its columns are {', '.join(names)}"
            ) from None
        finally:
            connection.close()
        return Expectation(self.text, frozenset(picture.differing[number] for (number,) in found))


class Listed(Condition):
    """Keys by name. With a window, ``keys`` are the keys without it: all of their windows are expected."""

    def __init__(self, reason: str, columns: Sequence[str], keys: Sequence[Key]) -> None:
        self._reason = reason
        self._columns = tuple(columns)
        self._keys = frozenset(tuple(str(part) for part in key) for key in keys)

    def resolve(self, picture: Picture) -> Expectation:
        try:
            places = [picture.key.index(column) for column in self._columns]
        except ValueError:
            raise UserFault(
                f"{self._reason} names {', '.join(self._columns)}; the key is {', '.join(picture.key)}"
            ) from None
        known = picture.left.keys() | picture.right.keys()
        return Expectation(
            self._reason,
            frozenset(at for at in known if tuple(str(at[p]) for p in places) in self._keys),
        )


def parse(text: str, key: Sequence[str]) -> Condition:
    """``keys where …``, or a file of keys: ``.json`` (a list of objects, or of arrays in the order of the key), or
    any file that a relation can be. Raises UserFault."""
    if text.lower().startswith(_WHERE):
        return Where(text)
    path = Path(text)
    if not path.is_file():
        raise UserFault(
            f"--expect “{text}” is neither “keys where …” nor a file (nor plan:ID, nor "
            "records:TOPIC:PARTITION=OFFSET)"
        )
    if path.suffix == ".json":
        return _from_json(path, key)
    from anabranch.recovery.checks.relations import open_relation

    return of_relation(f"listed in {path}", open_relation(text), key)


def of_relation(reason: str, relation: Relation, key: Sequence[str]) -> Listed:
    """The keys that the rows of ``relation`` have: as many columns of ``key`` as it knows."""
    shared = [column for column in key if column in relation.columns]
    if not shared:
        raise UserFault(
            f"{relation.name} has none of the key's columns ({', '.join(key)}); it has "
            f"{', '.join(relation.columns)}"
        )
    places = [list(relation.columns).index(column) for column in shared]
    return Listed(reason, shared, [tuple(row[p] for p in places) for row in relation.rows])


def _from_json(path: Path, key: Sequence[str]) -> Listed:
    try:
        listed: Any = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UserFault(f"{path} cannot be read: {error}") from None
    if not isinstance(listed, list) or not listed:
        raise UserFault(f"{path}: a list of keys is wanted")
    reason = f"listed in {path}"
    if all(isinstance(each, dict) for each in listed):
        columns = [column for column in key if all(column in each for each in listed)]
        if not columns:
            raise UserFault(f"{path}: no column of the key ({', '.join(key)}) is in every object")
        return Listed(reason, columns, [tuple(each[c] for c in columns) for each in listed])
    keys: list[tuple[Scalar, ...]] = [
        tuple(each) if isinstance(each, list) else (each,) for each in listed
    ]
    if any(len(each) != len(key) for each in keys):
        raise UserFault(f"{path}: each key has {len(key)} parts: {', '.join(key)}")
    return Listed(reason, list(key), keys)
