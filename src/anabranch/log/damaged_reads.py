"""Reading on around damage: what of a split cannot be had, and everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from anabranch.errors import Corrupt, UserFault
from anabranch.log.aborted import skipping
from anabranch.log.extents import ExtentReader
from anabranch.log.survey import decodable, survey
from anabranch.metastore.api import GapCause

if TYPE_CHECKING:
    import pyarrow as pa

    from anabranch.log.reader import Split

GOOD_BYTES = 4 * 1024 * 1024  # log bytes between two damaged ranges decoded into one record batch


class DamagedRange(Struct, frozen=True):
    """Offsets ``first_offset .. last_offset`` of a partition that a reader did not get, and why."""

    topic: str
    partition: int
    first_offset: int
    last_offset: int
    cause: GapCause
    object_key: str
    detail: str


class DamagedRead(Corrupt):
    """A reader met ``damage``. To go on behind it: read anew from ``damage.last_offset + 1``, or say
    ``on_damage="skip"``."""

    def __init__(self, damage: DamagedRange) -> None:
        super().__init__(
            f"offsets {damage.first_offset} to {damage.last_offset} of {damage.topic}/"
            f"{damage.partition} cannot be read ({damage.cause}, {damage.object_key}): {damage.detail}"
        )
        self.damage = damage


OnDamage: TypeAlias = Literal["raise", "skip"] | Callable[[DamagedRange], None]
"""What to do about a damaged range once all before it was given: raise DamagedRead, go on behind it, or
go on after calling this with it (which may raise)."""


def handler(on_damage: OnDamage) -> Callable[[DamagedRange], None]:
    """``on_damage`` as a function. Raises UserFault for another word."""
    if callable(on_damage):
        return on_damage
    if on_damage not in ("raise", "skip"):
        raise UserFault(f"on_damage is “raise”, “skip” or a function, not “{on_damage}”")
    return _raise if on_damage == "raise" else _pass_over


def _raise(damage: DamagedRange) -> None:
    raise DamagedRead(damage)


def _pass_over(damage: DamagedRange) -> None:
    pass


def around(
    split: Split, extents: ExtentReader, start_offset: int
) -> Iterator[pa.RecordBatch | DamagedRange]:
    """What of ``split`` lies at or above ``start_offset``, batch by batch, damage between it.

    Slower than reading on trust: each batch is decoded twice. Raises StoreFault.
    """
    from anabranch.records.arrow import decode_arrow

    skip = skipping(split.aborted)
    held: list[memoryview] = []

    def decoded() -> Iterator[pa.RecordBatch]:
        if held:
            batch = decode_arrow(
                memoryview(b"".join(held)),
                topic=split.topic,
                partition=split.partition,
                from_offset=start_offset,
                to_offset=split.end_offset,
                skip=skip,
            )
            held.clear()
            if batch.num_rows:
                yield batch

    size = 0
    for extent in split.extents:
        if extent.last_offset < start_offset:
            continue
        for piece in survey(extents, extent, from_offset=start_offset, judge=decodable):
            if piece.last_offset < start_offset:
                continue
            if piece.base_offset >= split.end_offset:
                break
            if piece.good:
                assert piece.data is not None
                held.append(piece.data)
                size += piece.length
            if not piece.good or size >= GOOD_BYTES:
                yield from decoded()
                size = 0
            if not piece.good:
                yield DamagedRange(
                    split.topic,
                    split.partition,
                    max(piece.base_offset, start_offset),
                    min(piece.last_offset, split.end_offset - 1),
                    piece.cause,
                    extent.object_key,
                    piece.detail,
                )
    yield from decoded()
