"""Which copy a stream's sink has; and why a sink has none."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

from anabranch.errors import UserFault
from anabranch.recovery.drills.copies.common import Copy
from anabranch.recovery.drills.declared import Stream


class _Kind(NamedTuple):
    module: str
    name: str
    extra: str = ""


_KINDS: Final = {
    "sqlite": _Kind("files", "SqliteCopy"),
    "parquet": _Kind("files", "ParquetCopy"),
    "postgresql": _Kind("postgres", "PostgresCopy", "postgres"),
    "postgres": _Kind("postgres", "PostgresCopy", "postgres"),
    "kafka": _Kind("kafka", "KafkaCopy", "kafka"),
    "http": _Kind("effects", "EffectsCopy"),
}
_NOT: Final = {
    "delta": "a Delta table is replaced by copying it, and a drill has no way yet to put a copy back to what it was",
    "meter": "a meter counts what comes again and holds no output: there is nothing to compare with",
}


def copy_of(stream: Stream, work: Path) -> Copy:
    """Raises UserFault with the reason where a sink cannot be rehearsed; ``work``: the stage's folder."""
    scheme = stream.sink.partition(":")[0]
    kind = _KINDS.get(scheme)
    if kind is None:
        why = _NOT.get(
            scheme,
            "it keeps no offsets with its effects, so that nothing tells what a recovery did to it",
        )
        raise UserFault(
            f"a stream whose sink is “{stream.sink}” cannot be rehearsed: {why}; these can: "
            "sqlite:, postgresql://, parquet:, kafka:, http:"
        )
    try:
        opener = getattr(
            import_module(f"anabranch.recovery.drills.copies.{kind.module}"), kind.name
        )
    except ImportError as error:
        raise UserFault(
            f"rehearsing a {scheme} sink needs {error.name}: pip install 'anabranch[{kind.extra}]'"
        ) from None
    found: Copy = opener(stream, work)
    return found
