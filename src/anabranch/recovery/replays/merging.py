"""Many partitions and topics as one stream in the order of event time, in bounded memory.

Within a partition the order of offsets is kept whatever the timestamps say, so a record's place is given by its
partition's *time*: the largest timestamp up to it. A record that is older than that is late: it comes where its
partition's time stands, and how late the latest of them was is counted. Across partitions the order is by
that time, then by source and offset; so it is the same at every run.

Of each partition one decoded split is held and the next one is read ahead, so memory is bounded by::

    sources * 2 * split_bytes * INFLATION        (compressed log bytes times what they become)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from anabranch.errors import UserFault

if TYPE_CHECKING:
    import pyarrow as pa

MIB: Final = 1024 * 1024
MEMORY_BYTES: Final = 256 * MIB  # decoded records held at a time, unless told otherwise
SPLIT_BYTES_MIN: Final = 256 * 1024  # smaller reads cost more requests than they save memory
SPLIT_BYTES_MAX: Final = 4 * MIB
INFLATION: Final = 4  # decoded bytes for one of the log, taken for granted when memory is divided
AHEAD: Final = 2  # splits of a source: one decoded, one being read


class Merged(NamedTuple):
    """Rows in the order of event time; ``reached`` has the next offset of each source that is in them, by its number."""

    batch: pa.RecordBatch
    reached: dict[int, int]
    first_ms: int
    last_ms: int


class Lateness:
    """What the merge saw of records that were older than their partition's time."""

    def __init__(self) -> None:
        self.records = 0
        self.late_ms_max = 0


def split_bytes(memory_bytes: int, sources: int) -> int:
    """Log bytes of a split such that all sources fit. Raises UserFault if even the smallest do not."""
    wanted = memory_bytes // (max(1, sources) * AHEAD * INFLATION)
    if wanted < SPLIT_BYTES_MIN:
        least = sources * AHEAD * INFLATION * SPLIT_BYTES_MIN
        raise UserFault(
            f"merging {sources} partitions in event-time order takes {least // MIB} MiB of memory; "
            f"{memory_bytes // MIB} MiB are allowed"
        )
    return min(wanted, SPLIT_BYTES_MAX)


class _Cursor:
    """One source: what is decoded of it, its times, and the split that is read ahead."""

    def __init__(
        self,
        number: int,
        batches: Iterator[pa.RecordBatch],
        pool: ThreadPoolExecutor,
        lateness: Lateness,
    ) -> None:
        self.number = number
        self._batches = batches
        self._pool = pool
        self._lateness = lateness
        self._time_ms: int | None = None
        self.batch: pa.RecordBatch | None = None
        self.times: Any = None  # a numpy array, as long as the batch
        self.at = 0
        self._next: Future[pa.RecordBatch | None] = self._ask()

    def _ask(self) -> Future[pa.RecordBatch | None]:
        return self._pool.submit(next, self._batches, None)

    def load(self) -> bool:
        """The next batch, if the present one is used up; False when there is none."""
        import numpy as np

        while self.batch is None or self.at >= self.batch.num_rows:
            self.batch = self._next.result()
            if self.batch is None:
                return False
            self._next = self._ask()
            stamps = self.batch.column("timestamp").cast("int64").to_numpy()
            times = np.maximum.accumulate(stamps)
            if self._time_ms is not None:
                times = np.maximum(times, self._time_ms)
            late = times - stamps
            self._lateness.records += int((late > 0).sum())
            self._lateness.late_ms_max = max(self._lateness.late_ms_max, int(late.max(initial=0)))
            if len(times):
                self._time_ms = int(times[-1])
            self.times, self.at = times, 0
        return True

    def until(self, time_ms: int, *, inclusive: bool) -> int:
        """The row behind the last one whose time is before ``time_ms``, or not after it."""
        import numpy as np

        side: Any = "right" if inclusive else "left"
        return self.at + int(np.searchsorted(self.times[self.at :], time_ms, side=side))

    def close(self) -> None:
        self._next.cancel()


def merge(
    sources: Sequence[Iterator[pa.RecordBatch]],
    *,
    lateness: Lateness,
    slice_ms: int | None = None,
    threads: int = 4,
) -> Iterator[Merged]:
    """Give the rows of all ``sources`` in the order of event time.

    ``slice_ms``: no batch spans more event time than this (for whoever gives them out at a pace).
    """
    pool = ThreadPoolExecutor(threads, "merge")
    cursors: list[_Cursor] = []
    try:
        cursors = [
            _Cursor(number, batches, pool, lateness) for number, batches in enumerate(sources)
        ]
        living = [cursor for cursor in cursors if cursor.load()]
        while living:
            # Up to here all of them are known: what they have next is not before it.
            boundary = min(int(cursor.times[-1]) for cursor in living)
            if slice_ms is not None:
                first = min(int(cursor.times[cursor.at]) for cursor in living)
                boundary = min(boundary, first + slice_ms - 1)
            yield _take(living, boundary)
            living = [cursor for cursor in living if cursor.load()]
    finally:
        for cursor in cursors:
            cursor.close()
        pool.shutdown(cancel_futures=True)


def _take(cursors: Sequence[_Cursor], boundary: int) -> Merged:
    import numpy as np
    import pyarrow as pa

    parts, times, reached = [], [], {}
    # A source whose batch ends at the boundary may go on at the very same time: those behind it wait.
    open_ended = (cursor.number for cursor in cursors if int(cursor.times[-1]) == boundary)
    last_number = next(open_ended, len(cursors) and cursors[-1].number)
    for cursor in cursors:
        end = cursor.until(boundary, inclusive=cursor.number <= last_number)
        if end == cursor.at:
            continue
        assert cursor.batch is not None
        part = cursor.batch.slice(cursor.at, end - cursor.at)
        parts.append(part)
        times.append(cursor.times[cursor.at : end])
        reached[cursor.number] = int(part.column("offset")[part.num_rows - 1].as_py()) + 1
        cursor.at = end
    keys = np.concatenate(times)
    first, last = int(keys.min()), int(keys.max())
    if len(parts) == 1:
        return Merged(parts[0], reached, first, last)
    schema = max((part.schema for part in parts), key=lambda one: "large" in str(one))
    table = pa.Table.from_batches([part.cast(schema) for part in parts]).unify_dictionaries()
    ordered = table.take(pa.array(np.argsort(keys, kind="stable")))
    (batch,) = ordered.combine_chunks().to_batches()
    return Merged(batch, reached, first, last)


def batches_of(
    splits: Sequence[Any], read: Callable[[Any], Iterator[pa.RecordBatch]]
) -> Iterator[pa.RecordBatch]:
    """The batches of consecutive splits, each read when it is its turn."""
    for split in splits:
        yield from read(split)
