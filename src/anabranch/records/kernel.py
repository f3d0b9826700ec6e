"""The decode kernel's nearest callers: what to decode goes into a ``Plan``, ``Counts`` come back."""

from __future__ import annotations

from array import array
from typing import NamedTuple, NoReturn

from anabranch.errors import Corrupt
from anabranch.records import _decode
from anabranch.records.compression import INFLATED_BYTES_MAX, Bytes
from anabranch.records.header import BATCH_OVERHEAD, BatchHeader, check_crc, parse_header
from anabranch.records.record import RECORD_BYTES_MIN, iter_records, payload

OFFSET_END = 2**63 - 1  # above every offset
ROW_FIELDS = 8  # int64 in the plan per batch; see the kernel
WALK_BATCHES = 512  # a call's overhead is small against so many


class Counts(NamedTuple):
    """What the kernel counts, in its order. "Names" and "contents" are those of headers."""

    rows: int = 0
    key_bytes: int = 0
    key_nulls: int = 0
    value_bytes: int = 0
    value_nulls: int = 0
    headers: int = 0
    name_bytes: int = 0
    content_bytes: int = 0
    content_nulls: int = 0


_ZEROS = array("q", Counts())
_NO_OUT = bytearray()
_NO_LAYOUT = array("q")


def _row(header: BatchHeader, source: int, start: int, stop: int) -> tuple[int, ...]:
    """A batch in the kernel's plan, its records lying from ``start`` to ``stop`` of ``source``."""
    at_once = header.log_append_time
    time = header.max_timestamp if at_once else header.base_timestamp
    count, deltas = header.record_count, header.last_offset_delta
    return (source, start, stop, count, header.base_offset, deltas, time, at_once)


class Plan:
    """Batches of one buffer that the kernel decodes in one call."""

    def __init__(self, view: memoryview) -> None:
        self.view = view
        self.size = 0  # bytes that the kernel will read
        self.inflated_bytes = 0
        self._rows = array("q")  # see the kernel for their fields
        self._inflated: list[memoryview] = []
        self._compressed_at: dict[int, int] = {}  # start among the inflated -> position in the view

    def add(self, header: BatchHeader, *, inflated_bytes_max: int) -> None:
        """Take a batch in, decompressed if need be to at most so many bytes, else ``Corrupt``."""
        source, start, stop = 0, header.records_at, header.end
        if header.codec:
            body = payload(self.view, header, limit=inflated_bytes_max)
            self._inflated.append(body)
            self._compressed_at[self.inflated_bytes] = header.position
            source, start, stop = 1, self.inflated_bytes, self.inflated_bytes + len(body)
            self.inflated_bytes = stop
        count = header.record_count
        if count * RECORD_BYTES_MIN > stop - start:
            raise Corrupt(
                f"batch at offset {header.base_offset}: {count} records cannot fit"
                f" {stop - start} bytes"
            )
        self._rows.extend(_row(header, source, start, stop))
        self.size += stop - start

    def add_plain(self, pos: int, *, low: int, high: int, crc: bool, size_max: int) -> int:
        """Take in batches from ``pos`` on while they need no closer look than the kernel's.

        Control batches and those without offsets in ``[low, high)`` are passed over. ``crc`` says
        whether to check the others' CRCs. Returns the position of the first batch that is for
        ``parse_header`` and ``add`` (compressed, damaged, cut short) or for the next plan, this one
        having reached ``size_max`` bytes.
        """
        found = WALK_BATCHES
        while found == WALK_BATCHES and self.size < size_max:
            rows = array("q", bytes(8 * ROW_FIELDS * WALK_BATCHES))
            budget = size_max - self.size
            found, pos, taken = _decode.walk(self.view, pos, budget, low, high, rows)
            rows = rows[: ROW_FIELDS * found]
            if crc:
                for start, stop in zip(rows[1::ROW_FIELDS], rows[2::ROW_FIELDS], strict=True):
                    check_crc(self.view, start - BATCH_OVERHEAD, stop)
            self._rows += rows
            self.size += taken
        return pos

    def count(
        self, *, low: int = 0, high: int = OFFSET_END, before: Counts | None = None
    ) -> Counts:
        """Check every record; ``before`` plus what those with offsets in ``[low, high)`` add.

        Raises ``Corrupt`` naming the first bad record.
        """
        result = self._run(low, high, before or Counts(), bytearray(), array("q"), False)
        *counts, failed_batch, failed_record = result
        if failed_batch >= 0:
            self._raise_corrupt(failed_batch, failed_record)
        return Counts._make(counts)

    def copy(
        self,
        *,
        low: int,
        high: int,
        before: Counts,
        out: memoryview,
        layout: array[int],
        wide: bool,
    ) -> Counts:
        """Copy what ``count`` counted, ``before`` being what other plans have copied already."""
        assert len(out) > 0
        return Counts._make(self._run(low, high, before, out, layout, wide)[:-2])

    def _run(
        self,
        low: int,
        high: int,
        before: Counts,
        out: bytearray | memoryview,
        layout: array[int],
        wide: bool,
    ) -> tuple[int, ...]:
        if len(self._inflated) > 1:
            self._inflated = [memoryview(b"".join(self._inflated))]
        inflated = self._inflated[0] if self._inflated else b""
        start = array("q", before)
        return _decode.decode(self.view, inflated, self._rows, low, high, start, out, layout, wide)

    def _raise_corrupt(self, batch: int, record: int) -> NoReturn:
        compressed, start = self._rows[ROW_FIELDS * batch : ROW_FIELDS * batch + 2]
        position = self._compressed_at[start] if compressed else start - BATCH_OVERHEAD
        header = parse_header(self.view, position)
        for _ in iter_records(self.view, header):  # says what exactly is wrong
            pass
        raise AssertionError(
            f"the kernel refuses record {record} of the batch at offset {header.base_offset},"
            " the plain decoder does not"
        )


def check_records(
    buf: Bytes, header: BatchHeader, *, limit: int = INFLATED_BYTES_MAX
) -> tuple[int, int]:
    """Check every record of one batch; how many have no key, and the bytes that were decompressed.

    Raises ``Corrupt``, also if it would have to decompress more than ``limit`` bytes.
    """
    if not header.codec:  # every append comes here, and a plan costs as much as all else about it
        row = array("q", _row(header, 0, header.records_at, header.end))
        counts = _decode.decode(buf, b"", row, 0, OFFSET_END, _ZEROS, _NO_OUT, _NO_LAYOUT, False)
        if counts[-2] < 0:
            return counts[2], 0
    plan = Plan(memoryview(buf))
    plan.add(header, inflated_bytes_max=limit)
    return plan.count().key_nulls, plan.inflated_bytes
