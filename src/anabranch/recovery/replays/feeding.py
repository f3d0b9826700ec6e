"""How a session's records reach a function: one after the other, in event-time order, or in several processes.

Each of these yields *units*: what the function has dealt with, so that it may be committed.
"""

from __future__ import annotations

import multiprocessing
import pickle
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from anabranch.errors import UserFault
from anabranch.log.reader import NotFound, Split, opened_extents, read_split, read_splits
from anabranch.recovery.replays import merging
from anabranch.recovery.replays.pacing import EventPace

if TYPE_CHECKING:
    import pyarrow as pa

    from anabranch.log.extents import ExtentReader

    Function = Callable[[pa.RecordBatch], Any]

PROCESSES_MAX: Final = 256  # of one machine
IN_FLIGHT: Final = 2  # splits per process: one that it works on, one that waits
PACE_SLICE_S: Final = 0.1  # events of so much of the clock's time are given together

Key = tuple[str, int]
"""Branch and partition."""


class Unit(NamedTuple):
    """So far has the function come: next offsets, records, how long it worked, what it returned."""

    reached: dict[Key, int]
    records: dict[Key, int]
    busy_s: float
    results: list[Any]


def one_by_one(
    splits: Sequence[Split], function: Function, replan: Callable[[Split], list[Split]]
) -> Iterator[Unit]:
    """Partition by partition, each in offset order."""
    for batch in read_splits(splits, replan=replan):
        began = time.perf_counter()
        result = function(batch)
        busy_s = time.perf_counter() - began
        key = (batch["topic"][0].as_py(), batch["partition"][0].as_py())
        end = batch["offset"][batch.num_rows - 1].as_py() + 1
        yield Unit({key: end}, {key: batch.num_rows}, busy_s, [result])


def in_event_order(
    splits: Sequence[Split],
    function: Function,
    replan: Callable[[Split], list[Split]],
    *,
    pace: EventPace | None,
    wait: Callable[[float], None],
    lateness: merging.Lateness,
) -> Iterator[Unit]:
    """All partitions and topics together, by event time."""
    by_key = _by_partition(splits)
    keys = list(by_key)
    with ExitStack() as stack:
        reader = stack.enter_context(opened_extents(splits[0])) if splits else None

        def read(split: Split) -> Iterator[pa.RecordBatch]:
            assert reader is not None
            try:
                batches = list(
                    read_split(split, reader)
                )  # whole: a replan must not give a part twice
            except NotFound:
                batches = [one for fresh in replan(split) for one in read_split(fresh, reader)]
            return iter(batches)

        slice_ms = None if pace is None else max(1, int(PACE_SLICE_S * 1000 * pace.speed))
        merged = merging.merge(
            [merging.batches_of(by_key[key], read) for key in keys],
            lateness=lateness,
            slice_ms=slice_ms,
        )
        for rows in merged:
            if pace is not None:
                due_s = pace.wait_s(rows.first_ms, time.monotonic())
                if due_s > 0:
                    wait(due_s)
            began = time.perf_counter()
            result = function(rows.batch)
            busy_s = time.perf_counter() - began
            counts = _counts(rows.batch)
            yield Unit(
                {keys[number]: end for number, end in rows.reached.items()},
                counts,
                busy_s,
                [result],
            )


def _counts(batch: pa.RecordBatch) -> dict[Key, int]:
    import pyarrow as pa

    table = pa.table({"t": batch["topic"].cast("string"), "p": batch["partition"]})
    grouped = table.group_by(["t", "p"]).aggregate([([], "count_all")]).to_pylist()
    return {(row["t"], row["p"]): row["count_all"] for row in grouped}


# -- several processes -------------------------------------------------------------------------------
_function: Function | None = None  # of a worker process
_readers: dict[tuple[str, str], ExtentReader] = {}
_open = ExitStack()


def _begin(pickled: bytes) -> None:
    global _function
    _function = pickle.loads(pickled)


def _work(split: Split) -> tuple[int, float, list[Any]]:
    """In a worker: records, seconds in the function, what it returned. Raises what it raises, and NotFound."""
    assert _function is not None
    place = split.store_url, split.wal_url
    if place not in _readers:
        _readers[place] = _open.enter_context(opened_extents(split))
    records, busy_s, results = 0, 0.0, []
    for batch in list(read_split(split, _readers[place])):
        began = time.perf_counter()
        results.append(_function(batch))
        busy_s += time.perf_counter() - began
        records += batch.num_rows
    return records, busy_s, results


def pickled_for(function: Function, processes: int) -> bytes:
    """The function as it is sent to so many processes. Raises UserFault if it cannot be."""
    if not 1 <= processes <= PROCESSES_MAX:
        raise UserFault(f"{processes} processes: 1 to {PROCESSES_MAX} can be used")
    try:
        return pickle.dumps(function)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UserFault(
            f"the function cannot be sent to other processes ({error}): define it in a module"
        ) from None


def in_processes(
    splits: Sequence[Split],
    function: Function,
    replan: Callable[[Split], list[Split]],
    *,
    processes: int,
    ordered: bool,
) -> Iterator[Unit]:
    """Splits in ``processes`` at a time. ``ordered``: of a partition one at a time, in offset order; else any, and
    what is reached is what has no gap before it. Raises UserFault, see :func:`pickled_for`."""
    pickled = pickled_for(function, processes)
    queues = {key: deque(found) for key, found in _by_partition(splits).items()}
    prefix = {key: found[0].start_offset for key, found in queues.items()}
    done: dict[Key, dict[int, Split]] = {
        key: {} for key in queues
    }  # by start offset, not in the prefix
    running: dict[Future[tuple[int, float, list[Any]]], Split] = {}
    pool = ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),  # threads of ours do not survive a fork
        initializer=_begin,
        initargs=(pickled,),
    )

    def refill() -> None:
        busy = {(split.topic, split.partition) for split in running.values()}
        for key in sorted(queues, key=lambda each: -len(queues[each])):
            while queues[key] and len(running) < processes * IN_FLIGHT:
                if ordered and key in busy:
                    break
                split = queues[key].popleft()
                running[pool.submit(_work, split)] = split
                busy.add(key)

    try:
        refill()
        while running:
            ready, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ready:
                split = running.pop(future)
                key = split.topic, split.partition
                try:
                    records, busy_s, results = future.result()
                except NotFound:
                    queues[key].extendleft(reversed(replan(split)))
                    continue
                done[key][split.start_offset] = split
                while prefix[key] in done[key]:
                    prefix[key] = done[key].pop(prefix[key]).end_offset
                refill()
                yield Unit({key: prefix[key]}, {key: records}, busy_s / processes, results)
            refill()
    finally:
        pool.shutdown(cancel_futures=True)


def _by_partition(splits: Sequence[Split]) -> Mapping[Key, list[Split]]:
    found: dict[Key, list[Split]] = {}
    for split in splits:
        found.setdefault((split.topic, split.partition), []).append(split)
    return found
