"""Control batches: the markers that end transactions (KIP-98).

One record in a batch of its own. Key: version i16, type i16 (0 abort, 1 commit). Value: version i16,
coordinator epoch i32. The batch carries the producer id and epoch, and no sequence.
"""

from __future__ import annotations

import struct

from anabranch.errors import Corrupt
from anabranch.records.builder import build_batch
from anabranch.records.header import BatchHeader
from anabranch.records.record import Record, iter_records

_KEY = struct.Struct(">hh")
_VALUE = struct.Struct(">hi")
ABORT, COMMIT = 0, 1
COORDINATOR_EPOCH = 0  # there is no coordinator whose epoch could be an older one's


def end_marker(*, commit: bool, producer_id: int, epoch: int, timestamp_ms: int) -> bytearray:
    """The bytes of a marker, to be placed at its offset."""
    record = Record(
        timestamp=timestamp_ms,
        key=_KEY.pack(0, COMMIT if commit else ABORT),
        value=_VALUE.pack(0, COORDINATOR_EPOCH),
    )
    return bytearray(
        build_batch(
            [record],
            producer_id=producer_id,
            producer_epoch=epoch,
            transactional=True,
            control=True,
        )
    )


def is_commit(buf: memoryview, header: BatchHeader) -> bool | None:
    """Whether a control batch commits (True) or aborts (False); None if it is of another type.

    Raises ``Corrupt`` if it holds no control record.
    """
    assert header.is_control
    record = next(iter_records(buf, header), None)
    if record is None or record.key is None or len(record.key) < _KEY.size:
        raise Corrupt(f"the control batch at offset {header.base_offset} says nothing")
    kind = _KEY.unpack_from(record.key)[1]
    return {ABORT: False, COMMIT: True}.get(kind)
