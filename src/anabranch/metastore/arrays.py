"""Lists whose type is known: what a column of rows is sent as to PostgreSQL."""

from __future__ import annotations


class Ints(list[int | None]):
    """bigint[]"""


class Texts(list[str | None]):
    """text[]"""


class Blobs(list[bytes | None]):
    """bytea[]"""
