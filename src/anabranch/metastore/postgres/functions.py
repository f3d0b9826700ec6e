"""Functions in the database: what takes several statements and should take one round trip.

Each is named after its own text, so that two versions of the program may share a database: each finds
its own.
"""

from __future__ import annotations

import hashlib
from importlib import resources

_TEXT = (resources.files(__package__) / "commit_offsets.sql").read_text(encoding="utf-8")

COMMIT_OFFSETS = f"commit_offsets_{hashlib.sha256(_TEXT.encode()).hexdigest()[:12]}"

# Two-valued max and min, as SQLite has them: NULL if either value is.
ARITHMETIC = """
CREATE OR REPLACE FUNCTION max(a bigint, b bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN a >= b THEN a WHEN b > a THEN b END';
CREATE OR REPLACE FUNCTION min(a bigint, b bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT CASE WHEN a <= b THEN a WHEN b < a THEN b END';
"""


def commit_offsets() -> str:
    """The script that makes it."""
    return _TEXT.replace("{name}", COMMIT_OFFSETS)
