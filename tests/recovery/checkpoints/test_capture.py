"""Points taken from engines' checkpoints, in a real cluster."""

from __future__ import annotations

import json
import pickle
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from anabranch.cli.main import cli
from anabranch.errors import UserFault
from anabranch.metastore.api import Actor, Committed, OffsetAction
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.recovery.capture import points
from anabranch.recovery.capture.capturing import Wish, read_checkpoint, take
from anabranch.recovery.model import RecoveryPoint
from anabranch.recovery.plans import planning
from tests.recovery.scene import T0, Scene

from .support import TESTDATA, copied, truth

NOW = 1_900_000_000_000  # after every fixture was written


async def allow(topics: Sequence[str], group: str | None) -> None:
    del topics, group


async def captured(stage: Scene, origin: str, **more: Any) -> RecoveryPoint:
    wish = Wish(name="p", origin=origin, **more)
    token = f"{len(await points.stored(stage.metastore)):04}"
    return await take(stage.log, wish, now_ms=NOW, token=token, allow=allow)


def offsets(point: RecoveryPoint) -> dict[str, int]:
    return {f"{one.topic} {one.partition}": one.offset for one in point.positions}


async def flink_topics(stage: Scene, name: str, records: int) -> None:
    for uid, partitions in (("orders", 3), ("quiet", 1), ("fresh", 1)):
        many = records if uid == "orders" else 10
        await stage.topic(f"{name}-{uid}", partitions=partitions, records=many)


def test_a_point_from_flink(play: Any, tmp_path: Path) -> None:
    home = copied("flink-v6", tmp_path)

    async def story(stage: Scene) -> None:
        await flink_topics(stage, "flink-v6", 300)
        with pytest.raises(UserFault, match="name it with --group"):
            await captured(stage, f"flink:{home}")
        (fresh,) = [t for t in await stage.metastore.topics() if t.name == "flink-v6-fresh"]
        await stage.commit("job", fresh, {0: 7}, T0)
        point = await captured(stage, f"flink:{home}", group="job", version="v7")
        assert offsets(point) == {
            "flink-v6-fresh 0": 7,
            **truth("flink-v6")["next"]["orders"],
            "flink-v6-orders 2": 0,
            "flink-v6-quiet 0": 5,
        }
        assert (point.source, point.version, point.in_flight) == ("checkpoint", "v7", False)
        engine = point.engine
        assert engine is not None and engine.checkpoint is not None
        assert engine.checkpoint.location == str(home / "_metadata")
        assert {(one.topic, one.marker) for one in engine.markers} == {
            ("flink-v6-fresh", "group-committed"),
            ("flink-v6-orders", "earliest"),
        }
        assert engine.transactions and all(
            one.transactional_id.startswith("flink-v6-") for one in engine.transactions
        )
        assert await points.find(stage.metastore, "p") == point
        assert points.examine_checkpoints(point) == []
        chosen = await captured(stage, f"flink:{home}", uids=("orders",))
        assert {one.topic for one in chosen.positions} == {"flink-v6-orders"}

        file = home / "_metadata"
        file.write_bytes(file.read_bytes() + b"!")
        (finding,) = points.examine_checkpoints(point)
        assert finding.fatal and "SHA-256 differs" in finding.text
        file.unlink()
        (finding,) = points.examine_checkpoints(point)
        assert finding.fatal and "cannot be read any more" in finding.text

    play(story)


def test_an_unaligned_checkpoint_is_refused_and_acknowledging_hides_nothing(
    play: Any, tmp_path: Path
) -> None:
    home = copied("flink-v6-unaligned", tmp_path)

    async def story(stage: Scene) -> None:
        await flink_topics(stage, "flink-v6-unaligned", 900)
        origin = f"flink:{home}"
        with pytest.raises(UserFault, match="in flight outside of the offsets"):
            await captured(stage, origin, uids=("orders",))
        assert await points.stored(stage.metastore) == []
        point = await captured(stage, origin, uids=("orders",), in_flight=True)
        assert point.in_flight
        told = points.examine(point, await points.views_of(stage.metastore, point))
        assert len(told) == 2
        assert all("reading from the offsets loses them" in finding.text for finding in told)
        plan = await planning.plan_recovery(
            stage.metastore, group="job", now_ms=NOW, creator="x", point=point, rate=1000
        )
        assert [text for text in plan.problems if "loses them" in text] == [
            finding.text for finding in told
        ]

    play(story)


def test_points_from_spark_and_bytewax(play: Any, tmp_path: Path) -> None:
    store, query = copied("bytewax", tmp_path), copied("spark-v1", tmp_path)

    async def story(stage: Scene) -> None:
        for name, partitions in (("spark-v1-a", 2), ("spark-v1-b", 1), ("spark-v1-c", 1)):
            await stage.topic(name, partitions=partitions)
        await stage.topic("bytewax-a", partitions=2)
        await stage.topic("bytewax-b", partitions=1)
        spark = await captured(stage, f"spark:{query}")
        assert offsets(spark) == truth("spark-v1")["next"]
        assert spark.in_flight, "a batch had begun"
        wax = await captured(stage, f"bytewax:{store}", copy_to=tmp_path / "copies")
        assert offsets(wax) == truth("bytewax")["next"]
        assert wax.engine is not None and wax.engine.checkpoint is not None
        copy = Path(wax.engine.checkpoint.location)
        assert copy.parent == tmp_path / "copies" and points.examine_checkpoints(wax) == []
        with closing(sqlite3.connect(store / "part-0.sqlite3")) as connection, connection:
            connection.execute("UPDATE snaps SET ser_change = ?", (pickle.dumps(31),))
        assert points.examine_checkpoints(wax) == [], "the copy is what it was"

    play(story)


async def commit(
    stage: Scene, group: str, topic: Any, *rows: tuple[int, int, str], api: str
) -> None:
    committed = [Committed(topic.no, p, offset, 3, meta, T0) for p, offset, meta in rows]
    actor = Actor("User:x", "app", "/h", api=api)
    await stage.metastore.commit_offsets(group, committed, OffsetAction.COMMIT, actor, T0)


def test_kafka_streams_is_its_group_with_stream_time(play: Any) -> None:
    # Version 2 and a time.
    time = "AgAAAYvPXFR7"

    async def story(stage: Scene) -> None:
        orders = await stage.topic("orders")
        await stage.topic("app-store-changelog", partitions=1, records=30)
        await commit(stage, "app", orders, (0, 40, time), (1, 50, ""), api="TxnOffsetCommit")
        read = await read_checkpoint(stage.log, "streams:app")
        (source,) = read.sources
        assert [(one.next, one.partition_time_ms) for one in source.positions] == [
            (40, 1_699_991_016_571),
            (50, None),
        ]
        assert "exactly once" in read.form
        assert [(one.topic, one.end) for one in read.changelogs] == [("app-store-changelog", 30)]
        (note,) = read.notes
        assert note.startswith("orders:1: committed without Kafka Streams' metadata")
        point = await captured(stage, "streams:app")
        assert point.group == "app" and offsets(point) == {"orders 0": 40, "orders 1": 50}
        assert point.engine is not None
        assert point.engine.partition_times == {"orders:0": 1_699_991_016_571}
        assert point.positions[0].leader_epoch == 3
        with pytest.raises(UserFault, match="group “nobody” has committed nothing"):
            await captured(stage, "streams:nobody")

    play(story)


def test_quix_changelogs_say_how_far_state_reaches(play: Any) -> None:
    async def story(stage: Scene) -> None:
        orders = await stage.topic("orders")
        changelog = await stage.log.create_topic("changelog__app--orders--default", 2, {})
        for partition, last in ((0, 44), (1, 49)):
            headers = [
                ("__column_family__", b"default"),
                ("__processed_tp_offsets__", json.dumps({"orders": last}).encode()),
            ]
            batch = build_batch([Record(0, T0, b"k", b"v", tuple(headers))])
            await stage.log.append(changelog, partition, memoryview(bytearray(batch)))
        await commit(stage, "app", orders, (0, 40, ""), (1, 50, ""), api="OffsetCommit")
        read = await read_checkpoint(stage.log, "quix:app")
        assert [(one.partition, one.processed) for one in read.changelogs] == [
            (0, {"orders": 45}),
            (1, {"orders": 50}),
        ]
        (note,) = read.notes
        assert "changelog__app--orders--default:0 holds changes up to 45" in note
        assert "5 past the commit" in note
        assert offsets(await captured(stage, "quix:app")) == {"orders 0": 40, "orders 1": 50}

    play(story)


def test_connect_sinks_by_name_and_by_answer(play: Any, tmp_path: Path) -> None:
    file = tmp_path / "offsets.json"
    entry = {
        "partition": {"kafka_topic": "orders", "kafka_partition": 1},
        "offset": {"kafka_offset": 12},
    }
    file.write_text(json.dumps({"offsets": [entry]}))

    async def story(stage: Scene) -> None:
        orders = await stage.topic("orders")
        await stage.commit("connect-files", orders, {0: 9}, T0)
        assert offsets(await captured(stage, "connect:files")) == {"orders 0": 9}
        assert offsets(await captured(stage, f"connect:{file}")) == {"orders 1": 12}

    play(story)


def run(*words: str) -> Any:
    return CliRunner().invoke(cli, words)


def test_the_commands(play: Any, tmp_path: Path) -> None:
    shown = run("checkpoint", "show", f"flink:{TESTDATA / 'flink-v6-unaligned'}")
    assert shown.exit_code == 0, shown.output
    for words in ("OUTSIDE the offsets", "group-committed", "committed", "metadata version 6"):
        assert words in shown.output
    printed = run("checkpoint", "show", f"spark:{TESTDATA / 'spark-v2'}", "--output", "json")
    assert json.loads(printed.output)["sources"][0]["positions"][0]["next"] == 15
    for place, sentence in [
        ("oracle:x", "does not name a checkpoint: write flink:"),
        ("flink:", "does not name a checkpoint"),
        (f"flink:{tmp_path}", "there is no Flink checkpoint"),
        ("flink:http://127.0.0.1:9/x", "does not name a job of Flink"),
        ("connect:http://127.0.0.1:9/x", "does not name a connector"),
        (f"flink:http://127.0.0.1:9/jobs/{'0' * 32}", "/checkpoints: "),
    ]:
        refused = run("checkpoint", "show", place)
        assert refused.exit_code == 1 and refused.output.startswith("Error: ")
        assert sentence in refused.output, refused.output

    async def story(stage: Scene) -> None:
        for name, partitions in (("spark-v1-a", 2), ("spark-v1-b", 1), ("spark-v1-c", 1)):
            await stage.topic(name, partitions=partitions)

    play(story)
    data = ("--data", str(tmp_path / "data"))
    origin = f"spark:{copied('spark-v1', tmp_path)}"
    made = run("point", "create", "good", "--from", origin, "--version", "v1", *data)
    assert made.exit_code == 0, made.output
    assert "spark batch 1" in made.output and "positions: spark's checkpoint" in made.output
    assert run("point", "show", "good", *data).exit_code == 0
    one = run("point", "create", "c", "--from", origin, "--source", "1", "--output", "json", *data)
    assert [p["offset"] for p in json.loads(one.output)["positions"]] == [40]
    assert "yes" in run("point", "list", *data).output
    refused = run("point", "create", "x", "--uid", "y", *data)
    assert refused.exit_code == 1 and "name it with --from" in refused.output
