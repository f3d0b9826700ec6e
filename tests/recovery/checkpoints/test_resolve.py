"""From a checkpoint's positions to this cluster's log."""

from __future__ import annotations

from typing import Any

import pytest

from anabranch.errors import UserFault
from anabranch.recovery.checkpoints.conventions import Marker
from anabranch.recovery.checkpoints.model import EngineCheckpoint, InFlight, Kept, Source
from anabranch.recovery.checkpoints.murmur3 import murmur3_128
from anabranch.recovery.checkpoints.resolve import Choice, resolve
from anabranch.recovery.model import PartitionView

TAKEN = 1_700_000_000_000


def view(topic: str, partition: int, start: int = 10, end: int = 100) -> PartitionView:
    return PartitionView(
        topic=topic, topic_id=f"id-{topic}", topic_no=1, partition=partition, log_start=start,
        log_end=end, leader_epoch=4, bytes=1, oldest_ms=None,
    )  # fmt: skip


def kept(topic: str, partition: int, at: int | Marker) -> Kept:
    if isinstance(at, Marker):
        return Kept(topic, partition, -1, "flink-source", None, at)
    return Kept(topic, partition, at, "flink-source", at)


def source(number: int, uid: str, *positions: Kept, problem: str = "") -> Source:
    return Source(
        number=number, kind="KafkaSource", uid=uid, id=murmur3_128(uid.encode()).hex(),
        name=f"Source: {uid}", positions=positions, problem=problem,
    )  # fmt: skip


def checkpoint(*sources: Source, **more: Any) -> EngineCheckpoint:
    return EngineCheckpoint(
        engine="flink", location="/ckpt", id="7", form="checkpoint", sources=sources,
        taken_ms=TAKEN, **more,
    )  # fmt: skip


VIEWS = [view("a", 0), view("a", 1), view("b", 0)]


def offsets(
    read: EngineCheckpoint, choice: Choice | None = None, **committed: int
) -> dict[str, int]:
    where = {(name[0], int(name[1:])): offset for name, offset in committed.items()}
    found = resolve(read, choice or Choice(), VIEWS, {"a": TAKEN, "b": TAKEN}, where or None)
    assert all(position.topic_id == f"id-{position.topic}" for position in found.positions)
    return {f"{one.topic}{one.partition}": one.offset for one in found.positions}


def test_markers_are_resolved_against_the_log_and_the_group() -> None:
    one = source(
        0, "s", kept("a", 0, Marker.EARLIEST), kept("a", 1, Marker.LATEST),
        kept("b", 0, Marker.COMMITTED),
    )  # fmt: skip
    assert offsets(checkpoint(one), b0=42) == {"a0": 10, "a1": 100, "b0": 42}
    with pytest.raises(UserFault, match="b:0 stands at what its group has committed: name it"):
        offsets(checkpoint(one))
    with pytest.raises(UserFault, match="that is nothing"):
        offsets(checkpoint(one), a0=42)
    given = Choice(given={("b", 0): 17})
    found = resolve(checkpoint(one), given, VIEWS, {}, None)
    assert [(m.marker, m.offset) for m in found.markers] == [
        ("earliest", 10),
        ("latest", 100),
        ("given", 17),
    ]


def test_what_the_checkpoint_does_not_tell_must_be_said() -> None:
    one = source(0, "s", kept("a", 0, 20), kept("a", 1, Marker.UNDECIDED))
    with pytest.raises(UserFault, match="say it with --offset a:1=N"):
        offsets(checkpoint(one))
    assert offsets(checkpoint(one), Choice(given={("a", 1): 0})) == {"a0": 20, "a1": 0}


def test_sources_are_chosen_by_uid_name_id_and_number() -> None:
    read = checkpoint(source(0, "orders", kept("a", 0, 20)), source(1, "refunds", kept("b", 0, 30)))
    assert offsets(read) == {"a0": 20, "b0": 30}
    for named in ("refunds", "Source: refunds", murmur3_128(b"refunds").hex()):
        assert offsets(read, Choice(uids=(named,))) == {"b0": 30}
    assert offsets(read, Choice(numbers=(0,))) == {"a0": 20}
    assert offsets(read, Choice(topics=("b",))) == {"b0": 30}
    for choice, sentence in [
        (Choice(uids=("x",)), r"no source “x”; there are 0 \(orders\), 1 \(refunds\)"),
        (Choice(numbers=(2,)), "no source 2"),
        (Choice(topics=("c",)), "no source reads topic “c”"),
        (Choice(given={("c", 0): 1}), "--offset c:0: no source reads"),
    ]:
        with pytest.raises(UserFault, match=sentence):
            offsets(read, choice)


def test_a_uid_finds_its_source_by_hash_alone() -> None:
    old = Source(
        number=0, kind="KafkaSource", id=murmur3_128(b"orders").hex(), positions=(kept("a", 0, 20),)
    )  # fmt: skip
    assert offsets(checkpoint(old), Choice(uids=("orders",))) == {"a0": 20}


def test_a_source_that_cannot_be_told_is_not_left_out_silently() -> None:
    read = checkpoint(source(0, "x", problem="no offsets"), source(1, "y", kept("b", 0, 30)))
    with pytest.raises(UserFault, match=r"source 0 \(x\): no offsets; name others with --uid"):
        offsets(read)
    assert offsets(read, Choice(uids=("y",))) == {"b0": 30}
    with pytest.raises(UserFault, match="no source of Kafka"):
        offsets(checkpoint())


def test_one_partition_read_twice_from_different_offsets_is_refused() -> None:
    read = checkpoint(source(0, "x", kept("a", 0, 20)), source(1, "y", kept("a", 0, 21)))
    with pytest.raises(UserFault, match=r"a:0 is read by sources 0 \(x\) and 1 \(y\)"):
        offsets(read)
    same = checkpoint(source(0, "x", kept("a", 0, 20)), source(1, "y", kept("a", 0, 20)))
    assert offsets(same) == {"a0": 20}


@pytest.mark.parametrize(
    ("position", "sentence"),
    [
        (kept("c", 0, 1), "topic “c” is not in this cluster"),
        (kept("a", 7, 1), "topic “a” has no partition 7"),
        (kept("a", 0, 101), "stands at 101, and its log ends at 100"),
    ],
)
def test_positions_of_another_log_are_refused(position: Kept, sentence: str) -> None:
    with pytest.raises(UserFault, match=sentence):
        offsets(checkpoint(source(0, "s", position)))


def test_a_topic_younger_than_the_checkpoint_is_refused() -> None:
    read = checkpoint(source(0, "s", kept("a", 0, 20)))
    resolve(read, Choice(), VIEWS, {"a": TAKEN + 60_000}, None)  # clocks may be that far apart
    with pytest.raises(UserFault, match="was created after the checkpoint"):
        resolve(read, Choice(), VIEWS, {"a": TAKEN + 60_001}, None)


def test_records_in_flight_outside_of_the_offsets_are_refused_unless_acknowledged() -> None:
    flight = InFlight("map", "records in its input channels", 900, True)
    read = checkpoint(source(0, "s", kept("a", 0, 20)), in_flight=(flight,))
    with pytest.raises(UserFault, match=r"in flight outside of the offsets: map .*would lose them"):
        offsets(read)
    assert offsets(read, Choice(in_flight=True)) == {"a0": 20}
    again = InFlight("batch 3", "is run again", 0, False)
    assert offsets(checkpoint(source(0, "s", kept("a", 0, 20)), in_flight=(again,))) == {"a0": 20}
    damaged = checkpoint(source(0, "s", kept("a", 0, 20)), damage=("a file is gone",))
    with pytest.raises(UserFault, match="a file is gone"):
        offsets(damaged, Choice(in_flight=True))
