"""Reading an object and comparing it with its index and with the extents that name it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crc32c import crc32c

from anabranch.errors import Corrupt
from anabranch.log.checking.report import CheckFinding, Trouble
from anabranch.log.extents import ExtentReader
from anabranch.metastore.api import ObjectKind
from anabranch.metastore.audit import KnownObject, Naming
from anabranch.records.batch import crc_matches, parse_header, scan
from anabranch.storage.pack import PackIndex
from anabranch.storage.segment import SegmentIndex, index_key
from anabranch.storage.store import NotFound, Store

CHUNK_BYTES = 8 << 20  # read at a time: a rate limit is kept in steps of this
SPANS_SHOWN = 8  # of what an object holds, in a message

Charge = Callable[
    [int], None
]  # called with the bytes of each read; waits where a rate is to be kept


def check_contents(
    store: Store,
    extents: ExtentReader,
    one: KnownObject,
    naming: Sequence[Naming],
    charge: Charge,
) -> list[CheckFinding]:
    """Read one object wholly and say what is wrong with it. Raises NotFound if it is gone, StoreFault."""
    if one.kind is ObjectKind.WAL:
        return _check_wal(extents, naming, charge)
    if not one.kind.final:
        return []  # quarantined bytes are known to be damaged
    try:
        data = store.get(index_key(one.key))
        charge(len(data))
        shares = _shares(one, data)
    except NotFound:
        store.head(one.key)  # raises NotFound if both were collected meanwhile
        return [
            _finding(
                Trouble.INDEX, one, naming, "its index is missing: reads scan, a rebuild skips it"
            )
        ]
    except Corrupt as error:
        return [_finding(Trouble.INDEX, one, naming, str(error))]
    found = _check_named(one, shares, naming)
    for position, index in shares:
        found += _check_share(store, one, position, index, naming, charge)
    return found


def _shares(one: KnownObject, data: bytes) -> list[tuple[int, SegmentIndex]]:
    if one.kind is ObjectKind.SEGMENT:
        return [(0, SegmentIndex.decode(data))]
    pack = PackIndex.decode(data)
    return [(share.position, pack.segment_index(share)) for share in pack.shares]


def _check_named(
    one: KnownObject, shares: Sequence[tuple[int, SegmentIndex]], naming: Sequence[Naming]
) -> list[CheckFinding]:
    """Every extent must lie in one share and within the offsets that its index gives."""
    found = []
    for each in naming:
        extent = each.extent
        end = extent.position + extent.length
        holding = [
            index
            for position, index in shares
            if position <= extent.position and end <= position + index.byte_length
        ]
        if not holding:
            found.append(
                _finding(Trouble.INDEX, one, [each], "no share of the index holds these bytes")
            )
            continue
        first, last = holding[0].covered
        if not first <= extent.base_offset <= extent.last_offset <= last:
            found.append(
                _finding(
                    Trouble.INDEX, one, [each], f"the index has offsets {first} to {last} there"
                )
            )
    return found


def _check_share(
    store: Store,
    one: KnownObject,
    position: int,
    index: SegmentIndex,
    naming: Sequence[Naming],
    charge: Charge,
) -> list[CheckFinding]:
    checksum, at, end = 0, position, position + index.byte_length
    while at < end:
        data = store.get(one.key, at, min(CHUNK_BYTES, end - at))
        charge(len(data))
        if not data:
            return [_finding(Trouble.SHORT, one, naming, f"it ends at byte {at} of {end}")]
        if at == position and parse_header(data).base_offset != index.base_offset:
            return [
                _finding(Trouble.CORRUPT, one, naming, "its first batch is not the index's first")
            ]
        checksum = crc32c(data, checksum)
        at += len(data)
    if checksum == index.checksum:
        return []
    mine = [each for each in naming if position <= each.extent.position < end]
    where = _damaged(store, one.key, position, index.byte_length, charge)
    return [_finding(Trouble.CORRUPT, one, mine, where)]


def _damaged(store: Store, key: str, position: int, length: int, charge: Charge) -> str:
    """Which batches of a share are damaged."""
    data = memoryview(store.get(key, position, length))
    charge(len(data))
    bad = []
    try:
        for header in scan(data):
            if not crc_matches(data, header):
                bad.append(f"{header.base_offset} to {header.last_offset}")  # noqa: PERF401
    except Corrupt as error:
        bad.append(f"behind them {error}")
    if not bad:
        return (
            "its checksum is not the index's, though every batch is whole: other bytes than written"
        )
    more = f" and {len(bad) - SPANS_SHOWN} more" if len(bad) > SPANS_SHOWN else ""
    return f"damaged batches: offsets {', '.join(bad[:SPANS_SHOWN])}{more}"


def _check_wal(
    extents: ExtentReader, naming: Sequence[Naming], charge: Charge
) -> list[CheckFinding]:
    found = []
    for each in naming:
        try:
            for run in extents.chunks(each.extent, verify=True):
                charge(len(run))
        except Corrupt as error:
            found.append(
                CheckFinding(
                    Trouble.CORRUPT, each.extent.object_key, f"{describe([each])}: {error}"
                )
            )
    return found


def _finding(
    trouble: Trouble, one: KnownObject, naming: Sequence[Naming], what: str
) -> CheckFinding:
    return CheckFinding(trouble, one.key, f"{what}; {describe(naming)}")


def describe(naming: Sequence[Naming]) -> str:
    """Which offsets are concerned, for a person."""
    spans = [
        f"{each.topic}/{each.partition} {each.extent.base_offset} to {each.extent.last_offset}"
        for each in naming
    ]
    if not spans:
        return "nothing names it"
    more = f" and {len(spans) - SPANS_SHOWN} more" if len(spans) > SPANS_SHOWN else ""
    return f"offsets of {', '.join(spans[:SPANS_SHOWN])}{more}"
