from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from anabranch.errors import UserFault
from anabranch.recovery.capture import points
from anabranch.recovery.model import PartitionView, Position, topic_id_text
from anabranch.recovery.sinks import lines
from anabranch.recovery.sinks.source import Source
from anabranch.recovery.sinks.sqlite import SqliteSink

from .scene import ADMIN, T0, Scene


async def capture(stage: Scene, **options: Any) -> points.RecoveryPoint:
    options.setdefault("name", "good")
    return await points.capture(stage.metastore, token="aaaa", now_ms=T0 + 1000, **options)


def offsets(point: points.RecoveryPoint) -> list[tuple[int, int]]:
    return [(position.partition, position.offset) for position in point.positions]


def test_a_point_outlives_the_group_it_was_taken_from(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await stage.topic("flights")
        await stage.commit("view", flights, {0: 40, 1: 50}, T0 + 100)
        point = await capture(stage, group="view", version="v1")
        await stage.metastore.delete_group("view", ADMIN, T0 + 200)
        found = await points.find(stage.metastore, "good")
        assert found == point == await points.find(stage.metastore, point.id)
        assert offsets(found) == [(0, 40), (1, 50)]
        assert found.positions[0].topic_id == topic_id_text(flights.id)
        assert found.id == "p-20231114-221321-aaaa"
        assert points.examine(found, await points.views_of(stage.metastore, found)) == []

    play(story)


def test_origins_of_a_point(play: Any, tmp_path: Path) -> None:
    async def story(stage: Scene) -> None:
        flights = await stage.topic("flights")
        await stage.commit("view", flights, {0: 10, 1: 10}, T0 + 100)
        await stage.commit("view", flights, {0: 90}, T0 + 300)
        at = await capture(stage, group="view", at_ms=T0 + 200)
        assert (at.source, at.at_ms, offsets(at)) == ("group-at", T0 + 200, [(0, 10), (1, 10)])

        points_id = {"token": "bbbb", "now_ms": T0 + 2000, "name": "x"}
        given = await points.capture(stage.metastore, explicit=[("flights", 1, 7)], **points_id)
        assert (given.source, offsets(given)) == ("explicit", [(1, 7)])

        sink = SqliteSink.open(
            tmp_path / "v.db",
            {"t": "x"},
            {"flights": Source("c", topic_id_text(flights.id), "flights")},
        )
        with sink.transaction() as tx:
            tx.fresh("flights", 0, 41)
        from anabranch.cli._options import parse_sink

        points_id["token"] = "cccc"
        state = parse_sink(f"sqlite:{tmp_path}/v.db")
        taken = await points.capture(stage.metastore, sinks=[state], **points_id)
        assert (taken.source, offsets(taken)) == ("sink", [(0, 42)])

    play(story)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "needs a --group"),
        ({"group": "nobody"}, "no committed offsets"),
        ({"explicit": [("nowhere", 0, 0)]}, "no topic"),
        ({"explicit": [("flights", 9, 0)]}, "no partition 9"),
        ({"explicit": [("flights", 0, 101)]}, "holds offsets 0 to 100"),
    ],
)
def test_a_point_of_nothing_is_refused(play: Any, options: dict[str, Any], sentence: str) -> None:
    async def story(stage: Scene) -> None:
        await stage.topic("flights")
        with pytest.raises(UserFault, match=sentence):
            await capture(stage, **options)
        assert await points.stored(stage.metastore) == []

    play(story)


def test_a_partition_of_which_nothing_was_committed_is_read_from_its_start(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await stage.topic("flights")
        await stage.commit("view", flights, {0: 40}, T0 + 100)
        point = await capture(stage, group="view")
        (found,) = points.examine(point, await points.views_of(stage.metastore, point))
        assert found.partition == 1 and found.harmless and not found.fatal

        await stage.log.delete_records(flights, 1, 30)
        (found,) = points.examine(point, await points.views_of(stage.metastore, point))
        assert not found.harmless, "whether the state held them is not known"
        assert found.text == "the point has no position in it, and its first 30 offsets are gone"

    play(story)


def test_examination_names_what_is_lost_and_why(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await stage.topic("flights")
        await stage.commit("view", flights, {0: 40, 1: 50}, T0 + 100)
        point = await capture(stage, group="view")
        await stage.log.delete_records(flights, 0, 60)
        await stage.log.create_partitions(flights, 3)
        (lost, added) = points.examine(point, await points.views_of(stage.metastore, point))
        assert lost.fatal and lost.partition == 0
        assert (
            lost.text
            == "the log starts at 60 (delete-records): 20 records after the point are gone"
        )
        assert not added.fatal and added.partition == 2
        assert added.harmless and added.text.endswith("from its start, 0")

        await stage.log.delete_topic(flights)
        gone = points.examine(point, await points.views_of(stage.metastore, point))
        assert {finding.text for finding in gone} == {"the topic is gone"}
        await stage.topic("flights")
        again = points.examine(point, await points.views_of(stage.metastore, point))
        assert all(finding.fatal and "recreated" in finding.text for finding in again[:2])

    play(story)


def test_examination_of_values() -> None:
    view = PartitionView(
        topic="t", topic_id="id", topic_no=1, partition=0, log_start=0, log_end=10,
        leader_epoch=2, bytes=1, oldest_ms=None,
    )  # fmt: skip
    point = points.RecoveryPoint(
        id="p", name="n", processor="", version="", group="g",
        positions=(Position("t", "id", 0, 10, 2),), source="group", at_ms=0, checkpoint=None,
        in_flight=False, sinks=(), creator="", created_ms=0,
    )  # fmt: skip

    def texts(offset: int, epoch: int, in_flight: bool = False) -> list[str]:
        moved = structs.replace(
            point, positions=(Position("t", "id", 0, offset, epoch),), in_flight=in_flight
        )
        return [finding.text for finding in points.examine(moved, [view])]

    assert texts(10, 2) == []
    assert texts(11, 2) == ["the log ends at 10, before the point"]
    assert "leader epoch 3" in texts(10, 3)[0]
    assert texts(10, -1, in_flight=True) == ["records were in flight and no checkpoint holds them"]


def test_a_changed_checkpoint_is_noticed(tmp_path: Path) -> None:
    SqliteSink.open(tmp_path / "v.db", {"t": "x"}, {}).close()
    checkpoint = lines.take_checkpoint(tmp_path / "v.db", tmp_path / "copy.db")
    assert points.examine_checkpoint(checkpoint) is None
    with (tmp_path / "copy.db").open("ab") as file:
        file.write(b"!")
    assert "SHA-256 differs" in str(points.examine_checkpoint(checkpoint))
    (tmp_path / "copy.db").unlink()
    assert "is gone" in str(points.examine_checkpoint(checkpoint))
