"""What the numbers mean that engines keep, as one table: from each of them to the next offset to read.

Three conventions are in use. Taking one for another loses a record of each partition or repeats it, and
no error ever says so; which is why the table is one, in one place, with one test.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from msgspec import Struct

INT64_MIN: Final = -(1 << 63)


class Convention(StrEnum):
    """What a stored number says of the record that it numbers."""

    NEXT = "next"  # the first record that was not dealt with
    LAST = "last processed"  # the last record that was dealt with
    END_EXCLUSIVE = "end-exclusive"  # the end of a range that was dealt with, itself outside of it


class Marker(StrEnum):
    """A position that is not a number: what it means is decided when reading starts."""

    EARLIEST = "earliest"  # the log start
    LATEST = "latest"  # the log end
    COMMITTED = "group-committed"  # what the group has committed
    UNDECIDED = "undecided"  # discovered, never assigned: the job's start-up settings decide


class Keeper(Struct, frozen=True):
    """Somewhere positions are kept: by whom, where, in which convention, with which markers."""

    name: str
    engine: str
    where: str
    convention: Convention
    markers: MappingProxyType[int, Marker] = MappingProxyType({})


FLINK_MARKERS: Final = MappingProxyType(
    {
        -1: Marker.LATEST,
        -2: Marker.EARLIEST,
        -3: Marker.COMMITTED,
        INT64_MIN: Marker.UNDECIDED,  # KafkaPartitionSplit.MIGRATED
    }
)
SPARK_MARKERS: Final = MappingProxyType({-1: Marker.LATEST, -2: Marker.EARLIEST})
# librdkafka's OFFSET_END and OFFSET_BEGINNING: a partition of which nothing was read yet.
BYTEWAX_MARKERS: Final = MappingProxyType({-1: Marker.LATEST, -2: Marker.EARLIEST})
# FlinkKafkaConsumer keeps the last processed offset, and KafkaTopicPartitionStateSentinel's markers.
LEGACY_MARKERS: Final = MappingProxyType(
    {
        -915623761773: Marker.COMMITTED,
        -915623761774: Marker.LATEST,
        -915623761775: Marker.EARLIEST,
        -915623761776: Marker.UNDECIDED,
    }
)

_KEEPERS = (
    Keeper("kafka-group", "kafka", "OffsetCommit", Convention.NEXT),
    Keeper("flink-source", "flink", "SourceReaderState", Convention.NEXT, FLINK_MARKERS),
    Keeper(
        "flink-legacy",
        "flink",
        "topic-partition-offset-states (FlinkKafkaConsumer)",
        Convention.LAST,
        LEGACY_MARKERS,
    ),
    Keeper("spark-offsets", "spark", "offsets/N", Convention.END_EXCLUSIVE, SPARK_MARKERS),
    Keeper("streams-group", "streams", "group commits", Convention.NEXT),
    Keeper("quix-group", "quix", "group commits", Convention.NEXT),
    Keeper("quix-changelog", "quix", "header __processed_tp_offsets__", Convention.LAST),
    Keeper("bytewax-snaps", "bytewax", "snaps of the input step", Convention.NEXT, BYTEWAX_MARKERS),
    Keeper("connect-sink", "connect", "GET /connectors/NAME/offsets, sinks", Convention.NEXT),
    Keeper("connect-mirror", "connect", "GET …/offsets of MirrorSourceConnector", Convention.LAST),
)
KEEPERS: Final = MappingProxyType({keeper.name: keeper for keeper in _KEEPERS})


def next_offset(keeper: str, stored: int) -> int | Marker:
    """The first record to read for the number that ``keeper`` stored, or the marker that it is.

    Raises ValueError for a number that is neither.
    """
    known = KEEPERS[keeper]
    marker = known.markers.get(stored)
    if marker is not None:
        return marker
    # The last processed record of a partition of which none was processed is before the first.
    lowest = -1 if known.convention is Convention.LAST else 0
    if not lowest <= stored < (1 << 63) - 1:
        raise ValueError(f"{stored} is neither an offset nor a marker in {known.where}")
    return stored + 1 if known.convention is Convention.LAST else stored
