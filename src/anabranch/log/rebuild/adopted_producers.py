"""What idempotent producers sent last, where segments tell what the journal does not (I5).

A segment's index does not say who sent what, so the headers of its batches do. Only what is newer than the
journal is read. Without any journal that would be everything: then producers are met as unknown ones, which
may go on with any number, and the report says that retries are not recognised.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

from anabranch.errors import Corrupt
from anabranch.log import producers
from anabranch.log.extents import ExtentReader
from anabranch.log.rebuild.adopt import Placed
from anabranch.log.rebuild.fetching import in_order
from anabranch.log.rebuild.report import Kind, Progress, Report, ShowProgress
from anabranch.log.rebuild.tables import LIVE, Tables
from anabranch.records.batch import BatchHeader, scan
from anabranch.storage.store import NotFound

READS_AT_ONCE = 8  # segments, each in pieces of 4 MiB

_Last = dict[int, deque[BatchHeader]]  # the last batches of each producer id


def recover_producers(
    tables: Tables,
    extents: ExtentReader,
    pool: Executor,
    placed: Mapping[tuple[bytes, int], Sequence[Placed]],
    report: Report,
    show: ShowProgress,
) -> None:
    """Bring producers' states up to the end of what was adopted. Raises StoreFault."""
    states_of = tables.topic_states()
    wanted = [
        (key, one) for key in sorted(placed) if states_of[key[0]][1] == LIVE for one in placed[key]
    ]

    def job(one: tuple[tuple[bytes, int], Placed]) -> tuple[_Last, int]:
        return _last_batches(extents, one[1])

    reading = in_order(pool, job, wanted, window=READS_AT_ONCE)
    for done, (((topic_id, partition), one), result) in enumerate(reading, 1):
        topic_no = states_of[topic_id][0]
        if isinstance(result, Corrupt | NotFound):
            report.add(
                Kind.PRODUCER,
                f"{tables.topic(topic_no).name}/{partition}",
                f"who sent what {one.share.key} holds cannot be read ({result}): producers of it may be "
                "refused until they start again",
            )
            continue
        if isinstance(result, Exception):
            raise result
        last, size = result
        report.figures.segment_bytes += size
        states = tables.producers(topic_no, partition)
        for producer_id, headers in last.items():
            for header in headers:
                states[producer_id] = producers.advance(
                    states.get(producer_id), header, header.base_offset, one.share.written_ms
                )
        tables.set_producers(topic_no, partition, [states[number] for number in last])
        show(Progress("producers", done, len(wanted), report.figures.bytes_read))


def _last_batches(extents: ExtentReader, placed: Placed) -> tuple[_Last, int]:
    last: _Last = {}
    size = 0
    for run in extents.chunks(placed.share.extent, start=placed.start):
        size += len(run)
        for header in scan(run):
            if header.producer_id >= 0 and not header.is_control:
                mine = last.setdefault(
                    header.producer_id, deque(maxlen=producers.BATCHES_REMEMBERED)
                )
                mine.append(header)
    return last, size
