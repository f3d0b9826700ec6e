"""Which batches lie for certain in flushes whose offsets are told: all their other copies were refused.

An idempotent producer that hears nothing sends the same again, to any broker, and all copies are in the WAL. A
later frame tells how many offsets a flush got (:mod:`anabranch.log.rebuild.wal_read`). Where only one choice
of its batches takes as many, these lie there. That leaves less to choose from in other flushes, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from anabranch.log.rebuild.wal_read import Read
from anabranch.records.batch import BatchHeader

CHOICES_MAX = 1_000  # ways to leave out some of a flush's batches that are tried: retries are few

_Batch = tuple[int, int, int, int, int]  # producer id and epoch, sequence, CRC, size
_Place = tuple[int, int]  # which stream, which of its reads


def without_copies(streams: Sequence[Sequence[Read]]) -> list[list[Read]]:
    """The same reads in the same order, without batches that lie for certain in another one. A read of which
    none is left still says what its broker had seen."""
    claims: dict[_Batch, _Place] = {}
    chosen: dict[_Place, set[_Batch]] = {}
    open_ = [
        ((number, place), read)
        for number, stream in enumerate(streams)
        for place, read in enumerate(stream)
        if read.part.told is not None
    ]
    while True:
        left = []
        for where, read in open_:
            only = _only_choice(_unclaimed(read.headers, claims, where), read)
            if only is None:
                left.append((where, read))
            else:
                chosen[where] = only
                claims.update(dict.fromkeys(only, where))
        if len(left) == len(open_):
            break
        open_ = left
    return [
        [
            _thinned(read, claims, (number, place), chosen.get((number, place)))
            for place, read in enumerate(stream)
        ]
        for number, stream in enumerate(streams)
    ]


def _unclaimed(
    headers: Iterable[BatchHeader], claims: Mapping[_Batch, _Place], where: _Place
) -> list[BatchHeader]:
    return [
        header
        for header in headers
        if not _may_be_copied(header) or claims.get(_batch(header), where) == where
    ]


def _only_choice(headers: Sequence[BatchHeader], read: Read) -> set[_Batch] | None:
    """What of ``headers`` takes as many offsets as are told, each once; None if that is not one choice only."""
    assert read.part.told is not None
    room = read.part.told.end_offset - read.part.told.base_offset
    copied = {_batch(h): h for h in headers if _may_be_copied(h)}
    plain = [h for h in headers if h.producer_id < 0]
    markers = [h for h in headers if h.is_control]
    spare = offsets_of([*plain, *markers, *copied.values()]) - room
    if spare < 0 or (spare and markers):
        return None
    found: set[_Batch] | None = None
    tried = 0
    for omitted in range(len(copied) + 1):
        for out in combinations(copied, omitted):
            tried += 1
            if tried > CHOICES_MAX:
                return None
            if offsets_of(copied[batch] for batch in out) != spare:
                continue
            if found is not None:
                return None
            found = copied.keys() - set(out)
        if not spare:
            break  # there is nothing to leave out
    return found


def _thinned(
    read: Read, claims: Mapping[_Batch, _Place], where: _Place, chosen: set[_Batch] | None
) -> Read:
    """Where that contradicts what is told of it, all stays."""
    headers = _unclaimed(read.headers, claims, where)
    if chosen is not None:
        headers = [h for h in headers if not _may_be_copied(h) or _batch(h) in chosen]
    told = read.part.told
    if told is not None and offsets_of(headers) < told.end_offset - told.base_offset:
        return read
    return read._replace(headers=headers)


def _may_be_copied(header: BatchHeader) -> bool:
    return header.producer_id >= 0 and not header.is_control


def _batch(header: BatchHeader) -> _Batch:
    return (
        *(header.producer_id, header.producer_epoch, header.base_sequence),
        *(header.crc, header.size),
    )


def offsets_of(headers: Iterable[BatchHeader]) -> int:
    """How many offsets these take."""
    return sum(header.last_offset_delta + 1 for header in headers)


__all__ = ["offsets_of", "without_copies"]
