"""Records to try things on, and two decoders that are not ours."""

from __future__ import annotations

from typing import Any

from aiokafka.record.default_records import DefaultRecordBatch as AiokafkaBatch
from aiokafka.record.default_records import DefaultRecordBatchBuilder as AiokafkaBuilder
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatch as KafkaPythonBatch
from kafka.record.default_records import DefaultRecordBatchBuilder as KafkaPythonBuilder

from anabranch.records.record import Record

FOREIGN = [
    (AiokafkaBuilder, AiokafkaBatch),
    (KafkaPythonBuilder, KafkaPythonBatch),
]
FOREIGN_IDS = ["aiokafka", "kafka-python"]

payloads = st.one_of(st.none(), st.binary(max_size=40), st.binary(max_size=3).map(lambda b: b * 60))
names = st.text(max_size=8)
record = st.builds(
    Record,
    offset=st.just(0),
    timestamp=st.one_of(st.integers(0, 2**42), st.just(1_700_000_000_000)),
    key=payloads,
    value=payloads,
    headers=st.lists(st.tuples(names, payloads), max_size=3).map(tuple),
)
record_lists = st.lists(record, min_size=1, max_size=12)


def numbered(records: list[Record], base_offset: int = 0) -> list[Record]:
    """The records with the offsets that a batch at ``base_offset`` gives them."""
    return [r._replace(offset=base_offset + i) for i, r in enumerate(records)]


def simple(count: int, *, at: int = 1_000) -> list[Record]:
    """``count`` records whose contents tell them apart, one ms from each other."""
    return [
        Record(timestamp=at + i, key=b"k%d" % i, value=b"v%d" % i * (i % 5)) for i in range(count)
    ]


def foreign_records(batch: Any) -> list[Record]:
    """What a foreign decoder makes of a batch, as our records."""
    return [
        Record(r.offset, r.timestamp, r.key, r.value, tuple((k, v) for k, v in r.headers))
        for r in batch
    ]


def foreign_batch(builder_class: Any, records: list[Record], codec: int = 0) -> bytes:
    """A batch built by a foreign builder."""
    builder = builder_class(
        magic=2,
        compression_type=codec,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 30,
    )
    for index, r in enumerate(records):
        appended = builder.append(index, r.timestamp, r.key, r.value, list(r.headers))
        assert appended is not None
    return bytes(builder.build())
