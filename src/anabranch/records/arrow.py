"""Whole blobs of record batches into one Arrow record batch. The only importer of pyarrow here.

The unit is a blob of many batches: what pyarrow costs per call (tens of microseconds) is paid once
for megabytes. Data is copied once, from the blob (or from what was inflated) into one Arrow buffer
that all columns are slices of.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from anabranch.errors import Corrupt
from anabranch.records.compression import INFLATED_BYTES_MAX, KIB, MIB, Bytes
from anabranch.records.header import BATCH_OVERHEAD, BatchHeader, check_crc, parse_header
from anabranch.records.kernel import OFFSET_END, Counts, Plan

BLOB_INFLATED_BYTES_MAX = 4096 * MIB  # a segment full of bombs fails, not the machine
PLAN_BYTES = 512 * KIB  # counted at a time, while the check of the CRC still has them in the cache
NARROW_BYTES_MAX = 2**31 - 1  # what int32 offsets can span
ALIGNMENT = 64  # of every region in the output buffer; the Arrow format's recommendation

_TIMESTAMP = pa.timestamp("ms", tz="UTC")
_TOPIC = pa.dictionary(pa.int32(), pa.string())


def _schema(
    key: pa.DataType, string: pa.DataType, listed: Callable[[Any], pa.DataType]
) -> pa.Schema:
    header = pa.struct([pa.field("key", string, nullable=False), pa.field("value", key)])
    return pa.schema(
        [
            pa.field("topic", _TOPIC, nullable=False),
            pa.field("partition", pa.int32(), nullable=False),
            pa.field("offset", pa.int64(), nullable=False),
            pa.field("timestamp", _TIMESTAMP, nullable=False),
            pa.field("key", key),
            pa.field("value", key),
            pa.field("headers", listed(pa.field("item", header, nullable=False)), nullable=False),
        ]
    )


SCHEMA = _schema(pa.binary(), pa.string(), pa.list_)
LARGE_SCHEMA = _schema(pa.large_binary(), pa.large_string(), pa.large_list)


def decode_arrow(
    blob: Bytes,
    *,
    topic: str,
    partition: int,
    from_offset: int | None = None,
    to_offset: int | None = None,
    skip: Callable[[BatchHeader], bool] | None = None,
    crc: bool = True,
    inflated_bytes_max: int = BLOB_INFLATED_BYTES_MAX,
) -> pa.RecordBatch:
    """The records of ``blob``, which must consist of whole batches of one partition.

    Args:
        blob: the batches; its bytes must not change while this runs (the GIL is released).
        topic: for the ``topic`` column.
        partition: for the ``partition`` column.
        from_offset: first offset wanted, if not all from the start.
        to_offset: offset to stop before.
        skip: leaves out the batches it is true for, such as those of aborted transactions. Control
            batches are always left out.
        crc: compare each batch with its CRC-32C.
        inflated_bytes_max: how many bytes the compressed batches may hold together.

    Returns ``SCHEMA``, or ``LARGE_SCHEMA`` where a column's data exceed int32 offsets. Header names
    that are not UTF-8 have replacement characters.

    Raises ``Corrupt`` naming the batch's offset and the record's index.
    """
    low = 0 if from_offset is None else from_offset
    high = OFFSET_END if to_offset is None else to_offset
    view = memoryview(blob)
    plans = [Plan(view)]
    counts = Counts()
    pos = 0
    while pos < len(view):
        plan = plans[-1]
        if skip is None:
            pos = plan.add_plain(pos, low=low, high=high, crc=crc, size_max=PLAN_BYTES)
        if pos < len(view) and plan.size < PLAN_BYTES:
            header = _next_header(view, pos)
            pos = header.end
            if (
                header.last_offset >= low
                and header.base_offset < high
                and not header.is_control
                and not (skip is not None and skip(header))
            ):
                if crc:
                    check_crc(view, header.position, pos)
                limit = inflated_bytes_max - plan.inflated_bytes
                plan.add(header, inflated_bytes_max=min(limit, INFLATED_BYTES_MAX))
        if plan.size >= PLAN_BYTES:
            counts = plan.count(low=low, high=high, before=counts)
            inflated_bytes_max -= plan.inflated_bytes
            plans.append(Plan(view))
    counts = plans[-1].count(low=low, high=high, before=counts)

    layout = _Layout(counts)
    out = pa.allocate_buffer(layout.size)
    target = memoryview(out).cast("B")
    layout.clear(target)
    copied = Counts()
    for plan in plans:
        copied = plan.copy(
            low=low, high=high, before=copied, out=target, layout=layout.starts, wide=layout.wide
        )
    assert copied == counts, "the blob changed while it was decoded"
    return _assemble(out, layout, counts, topic, partition)


def _next_header(view: memoryview, pos: int) -> BatchHeader:
    if len(view) - pos >= BATCH_OVERHEAD:
        header = parse_header(view, pos)
        if header.end <= len(view):
            return header
    raise Corrupt(f"{len(view) - pos} bytes after the last whole batch")


class _Layout:
    """Where each region lies in the one output buffer; see the kernel for their order."""

    def __init__(self, counts: Counts) -> None:
        longest = max(counts.key_bytes, counts.value_bytes, counts.name_bytes, counts.content_bytes)
        self.wide = longest > NARROW_BYTES_MAX
        self.size = 0
        width = 8 if self.wide else 4
        self.regions = [  # start, bytes
            self._region(8 * counts.rows),
            self._region(8 * counts.rows),
            self._bitmap(counts.rows, counts.key_nulls),
            self._region(width * (counts.rows + 1)),
            self._region(counts.key_bytes),
            self._bitmap(counts.rows, counts.value_nulls),
            self._region(width * (counts.rows + 1)),
            self._region(counts.value_bytes),
            self._region(width * (counts.rows + 1)),
            self._region(width * (counts.headers + 1)),
            self._region(counts.name_bytes),
            self._bitmap(counts.headers, counts.content_nulls),
            self._region(width * (counts.headers + 1)),
            self._region(counts.content_bytes),
        ]
        self.starts = array("q", [start for start, _ in self.regions])

    def _region(self, size: int) -> tuple[int, int]:
        start = self.size
        self.size = -(-(start + size) // ALIGNMENT) * ALIGNMENT
        return start, size

    def _bitmap(self, length: int, nulls: int) -> tuple[int, int]:
        return self._region(-(-length // 8)) if nulls else (-1, 0)

    def clear(self, out: memoryview) -> None:
        """Zero what the kernel does not write itself: bitmaps and the first of each offsets."""
        for index in (2, 5, 11):
            start, size = self.regions[index]
            if start >= 0:
                out[start : start + size] = bytes(size)
        for index in (3, 6, 8, 9, 12):
            start, _ = self.regions[index]
            out[start : start + 8 if self.wide else start + 4] = bytes(8 if self.wide else 4)

    def slices(self, out: pa.Buffer) -> list[pa.Buffer | None]:
        return [out.slice(start, size) if start >= 0 else None for start, size in self.regions]


def _assemble(
    out: pa.Buffer, layout: _Layout, counts: Counts, topic: str, partition: int
) -> pa.RecordBatch:
    schema = LARGE_SCHEMA if layout.wide else SCHEMA
    rows = counts.rows
    part = layout.slices(out)
    listed = schema.field("headers").type
    header = listed.value_type
    names = pa.Array.from_buffers(
        header.field("key").type, counts.headers, [None, part[9], part[10]], 0
    )
    contents = pa.Array.from_buffers(
        header.field("value").type,
        counts.headers,
        [part[11], part[12], part[13]],
        counts.content_nulls,
    )
    pairs = pa.Array.from_buffers(
        header, counts.headers, [None], 0, children=[_utf8(names), contents]
    )
    columns = [
        pa.DictionaryArray.from_arrays(_repeated(0, rows), _only(topic)),
        _repeated(partition, rows),
        pa.Array.from_buffers(pa.int64(), rows, [None, part[0]], 0),
        pa.Array.from_buffers(_TIMESTAMP, rows, [None, part[1]], 0),
        pa.Array.from_buffers(
            schema.field("key").type, rows, [part[2], part[3], part[4]], counts.key_nulls
        ),
        pa.Array.from_buffers(
            schema.field("value").type, rows, [part[5], part[6], part[7]], counts.value_nulls
        ),
        pa.Array.from_buffers(listed, rows, [None, part[8]], 0, children=[pairs]),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


# Not pa.array() and pa.scalar(): they import pandas where it is installed, a third of a second.


def _repeated(number: int, rows: int) -> pa.Array:
    data = pa.py_buffer(array("i", (number,)) * rows)
    return pa.Array.from_buffers(pa.int32(), rows, [None, data], 0)


def _only(text: str) -> pa.Array:
    data = text.encode()
    offsets = array("i", (0, len(data)))
    return pa.StringArray.from_buffers(1, pa.py_buffer(offsets), pa.py_buffer(data))


def _utf8(names: pa.Array) -> pa.Array:
    """Header names with whatever is not UTF-8 replaced, as the Java consumer reads them."""
    try:
        names.validate(full=True)
    except pa.ArrowInvalid:
        raw = names.view(pa.large_binary() if pa.types.is_large_string(names.type) else pa.binary())
        return pa.array([name.decode("utf-8", "replace") for name in raw.to_pylist()], names.type)
    return names
