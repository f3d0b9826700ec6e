"""What lies in the bucket, and what its index objects say of it.

A rebuild lists everything that holds data. What the journal does not name is either garbage or newer than
the journal's end; its index says which offsets of which topic it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from typing import NamedTuple

from anabranch.errors import Corrupt
from anabranch.log.rebuild.fetching import in_order
from anabranch.log.rebuild.report import Kind, Progress, Report, ShowProgress
from anabranch.metastore.api import ObjectKind
from anabranch.storage.pack import PackIndex, is_pack_key
from anabranch.storage.segment import SegmentIndex, index_key, parse_segment_key
from anabranch.storage.store import NotFound, Store

DATA_PREFIXES = ("packs/", "quarantine/", "topics/")
LISTED_STEP = 10_000  # objects between two signs of progress


class Share(NamedTuple):
    """One partition's bytes in an object that the journal does not name."""

    key: str
    kind: ObjectKind
    object_bytes: int
    position: int  # of the first byte in the object
    about: SegmentIndex

    @property
    def first(self) -> int:
        return self.about.covered[0]

    @property
    def last(self) -> int:
        return self.about.covered[1]


def kind_of_key(key: str) -> ObjectKind | None:
    """What the key of an object with data says it is; None for indexes and anything else."""
    if key.endswith(".log") and parse_segment_key(key) is not None:
        return ObjectKind.SEGMENT
    if key.endswith(".pack") and is_pack_key(key):
        return ObjectKind.PACK
    if key.endswith(".raw") and key.startswith("quarantine/"):
        return ObjectKind.QUARANTINE
    return None


def list_data(store: Store, report: Report, show: ShowProgress) -> dict[str, int]:
    """Size of every object with data, and of every index, by key."""
    found: dict[str, int] = {}
    for prefix in DATA_PREFIXES:
        for info in store.list(prefix):
            found[info.key] = info.size
            if len(found) % LISTED_STEP == 0:
                show(Progress("listing", len(found), 0, report.figures.bytes_read))
    report.figures.listed_objects = len(found)
    return found


def read_shares(
    store: Store,
    pool: Executor,
    unknown: Iterable[str],
    listed: Mapping[str, int],
    report: Report,
    show: ShowProgress,
) -> Iterator[Share]:
    """What the indexes of these objects say."""
    keys = [key for key in unknown if (kind := kind_of_key(key)) is not None and kind.final]

    def fetch(key: str) -> bytes:
        return store.get(index_key(key))

    for done, (key, found) in enumerate(in_order(pool, fetch, keys), 1):
        show(Progress("indexes", done, len(keys), report.figures.bytes_read))
        if isinstance(found, NotFound):
            # A writer that broke off between the two objects: nothing names it, collection takes it.
            report.add(Kind.LEFT_ASIDE, key, "it has no index, so it was never put in place")
            continue
        if isinstance(found, Exception):
            raise found
        report.figures.index_objects += 1
        report.figures.index_bytes += len(found)
        try:
            yield from _shares(key, listed[key], found)
        except Corrupt as error:
            report.add(Kind.OBJECT_MISSING, index_key(key), str(error))


def _shares(key: str, size: int, data: bytes) -> Iterator[Share]:
    if kind_of_key(key) is ObjectKind.SEGMENT:
        yield Share(key, ObjectKind.SEGMENT, size, 0, SegmentIndex.decode(data))
        return
    pack = PackIndex.decode(data)
    for share in pack.shares:
        yield Share(key, ObjectKind.PACK, size, share.position, pack.segment_index(share))
