"""Checkpoints that real engines write now, read without these engines and held against what the engines tell.

Points are taken of them beside the running broker, which needs to be one of ours.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.clients.contents import read_all
from tests.clients.failover import wait_until
from tests.clients.flink_checkpoints import (
    UNALIGNED,
    CheckpointingFlink,
    legacy_savepoint,
    number,
)
from tests.clients.group_checkpoints import connect_sink, quix_run, streams_run
from tests.clients.python_checkpoints import bytewax_store, spark_checkpoint
from tests.support.peers import AnabranchNode, Node

from anabranch.errors import Corrupt, UserFault
from anabranch.log.location import Location
from anabranch.log.opening import open_log
from anabranch.recovery.capture.capturing import Wish, read_checkpoint, take
from anabranch.recovery.checkpoints import bytewax, flink, spark
from anabranch.recovery.checkpoints.model import EngineCheckpoint
from anabranch.recovery.checkpoints.murmur3 import murmur3_128
from anabranch.recovery.model import RecoveryPoint

pytestmark = pytest.mark.timeout(300)
NOW = 1_900_000_000_000


def nexts(read: EngineCheckpoint, uid: str | None = None) -> dict[str, int | str]:
    """Next offsets and markers of all sources, or of the one with that uid (known or by its hash)."""
    wanted = None if uid is None else murmur3_128(uid.encode()).hex()
    found: dict[str, int | str] = {}
    for source in read.sources:
        if wanted is not None and source.id != wanted:
            continue
        assert not source.problem, source.problem
        for one in source.positions:
            found[f"{one.topic} {one.partition}"] = (
                one.next if one.next is not None else str(one.marker)
            )
    return found


async def allow(topics: Sequence[str], group: str | None) -> None:
    del topics, group


def beside(node: Node, text: str, point: Wish | None = None) -> Any:
    """The checkpoint as the cluster's own log reads it, or the point that is taken of it."""
    if not isinstance(node, AnabranchNode):
        pytest.skip("points are taken in our own cluster")

    async def main() -> EngineCheckpoint | RecoveryPoint:
        log = await open_log(Location(node.store_data), broker_id=None)
        try:
            if point is None:
                return await read_checkpoint(log, text)
            return await take(log, point, now_ms=NOW, token=text[-4:], allow=allow)
        finally:
            await log.close()

    return asyncio.run(main())


def producers(node: Node) -> dict[str, int]:
    """Who holds which transactional id, as the broker knows."""
    assert isinstance(node, AnabranchNode)

    async def main() -> dict[str, int]:
        log = await open_log(Location(node.store_data), broker_id=None)
        try:
            return {
                row.name: row.producer_id for row in await log.metastore.transactional_ids("", 1000)
            }
        finally:
            await log.close()

    return asyncio.run(main())


def point_of(node: Node, origin: str, **more: Any) -> dict[str, int]:
    point = beside(node, origin, Wish(name="p", origin=origin, **more))
    return {f"{one.topic} {one.partition}": one.offset for one in point.positions}


@pytest.mark.parametrize("project", ["flink-1.20", "flink-2.0", "flink"])
def test_flink_aligned_and_by_its_rest_interface(
    project: str, node: Node, name: str, tmp_path: Path
) -> None:
    with CheckpointingFlink(node, name, tmp_path / "job", project=project) as job:
        job.start()
        wait_until(lambda: bool(job.completed()), job)
        url = f"http://127.0.0.1:{job.rest_port}/jobs/{job.job()}"
        asked = beside(node, f"flink:{url}")
        assert nexts(asked, "orders").items() >= job.truth(int(asked.id)).next["orders"].items()
        newest = number(job.completed()[-1])
        wait_until(lambda: number(job.completed()[-1]) > newest, job)
        named = beside(node, f"flink:{url}/checkpoints/{number(job.completed()[-1])}")
        assert int(named.id) >= int(asked.id)
        job.amid()
        unread = {f"{job.topics['orders']} {p}": "earliest" for p in range(3)}
        committing = 0
        for made in job.completed():
            read, truth = flink.read(str(made)), job.truth(number(made)).next
            assert not read.beyond and not read.damage
            assert nexts(read, "orders") == unread | truth["orders"]
            assert nexts(read, "fresh") == {f"{job.topics['fresh']} 0": "group-committed"}
            pending = {
                one.transactional_id: one.producer_id for one in read.transactions if one.commits
            }
            # A sink to which nothing came since the checkpoint before has nothing to commit.
            since = job.truth(number(made) - 1).next.get("orders", {})
            assert pending or truth["orders"] == since
            assert pending.items() <= producers(node).items()
            committing += bool(pending)
        assert committing
        point = point_of(node, f"flink:{made.parent}", uids=("orders",))
        assert point == dict.fromkeys(unread, 0) | truth["orders"]


@pytest.mark.parametrize("project", ["flink-1.20", "flink"])
def test_flink_unaligned(project: str, node: Node, name: str, tmp_path: Path) -> None:
    job = CheckpointingFlink(
        node, name, tmp_path / "job", project=project, pauses_ms="0:20", settings=UNALIGNED
    )
    with job:
        job.start()
        made = job.amid()
        read, truth = flink.read(str(made)), job.truth(number(made)).next
        assert nexts(read, "orders").items() >= truth["orders"].items()
        # What the sources have passed and the slow operator has not met yet is in the channels.
        assert read.beyond and sum(one.bytes for one in read.beyond) > 1000
        with pytest.raises(UserFault, match="in flight outside of the offsets"):
            point_of(node, f"flink:{made}", uids=("orders",))
        assert point_of(node, f"flink:{made}", uids=("orders",), in_flight=True)


@pytest.mark.parametrize("form", ["CANONICAL", "NATIVE"])
def test_flink_savepoints(form: str, node: Node, name: str, tmp_path: Path) -> None:
    with CheckpointingFlink(node, name, tmp_path / "job", savepoint_format=form) as job:
        job.start()
        made = job.with_savepoint()
        read = flink.read(str(made))
        assert read.form.startswith(f"{form.lower()} savepoint")
        assert nexts(read, "orders").items() >= job.truth().next["orders"].items()


def test_flink_before_kafka_source(node: Node, name: str, tmp_path: Path) -> None:
    made, truth = legacy_savepoint(node, name, tmp_path / "job")
    assert nexts(flink.read(str(made))) == truth["legacy"]


@pytest.mark.parametrize("form", [1, 2])
def test_spark(form: int, node: Node, name: str, tmp_path: Path) -> None:
    made, truth = spark_checkpoint(node, name, tmp_path / "query", form=form)
    read = spark.read(str(made))
    assert nexts(read) == truth["next"] and read.id == f"batch {truth['batch']}"
    assert len(read.in_flight) == 1
    assert point_of(node, f"spark:{made}") == truth["next"]


def test_bytewax(node: Node, name: str, tmp_path: Path) -> None:
    seen: list[dict[str, int | str]] = []

    def look(store: Path) -> None:
        try:
            found = nexts(bytewax.read(str(store)))
        except (UserFault, Corrupt) as error:
            assert not seen, f"once there are positions, there always are: {error}"
            return
        if found:
            seen.append(found)

    made, truth = bytewax_store(node, name, tmp_path / "flow", look)
    for before, after in itertools.pairwise(seen):
        for place, offset in before.items():
            assert offset == "earliest" or int(after[place]) >= int(offset)
    assert len({str(each) for each in seen}) > 2, "it was read while it was written"
    read = bytewax.read(str(made))
    assert nexts(read) == truth["next"], "where Bytewax itself went on"
    copies = tmp_path / "copies"
    assert point_of(node, f"bytewax:{made}", copy_to=copies) == truth["next"]
    assert len(list(copies.iterdir())) == 1


def test_kafka_streams(node: Node, name: str, tmp_path: Path) -> None:
    totals = streams_run(node, name, tmp_path)
    read = beside(node, f"streams:{name}")
    assert "exactly once" in read.form and not read.notes
    source = read_all(node.bootstrap, totals.source)
    ends = {rec.partition: (rec.offset or 0) + 1 for rec in source}
    positions = {
        one.partition: one for one in read.sources[0].positions if one.topic == totals.source
    }
    assert {partition: one.next for partition, one in positions.items()} == ends
    for partition, one in positions.items():
        times = [rec.timestamp_ms or 0 for rec in source if rec.partition == partition]
        assert one.partition_time_ms == max(times), "stream time is the newest record's"
    assert {one.topic for one in read.changelogs} == {
        f"{name}-KSTREAM-AGGREGATE-STATE-STORE-0000000002-changelog"
    }
    assert sum(one.end for one in read.changelogs) > 600
    # The repartition topic is an input as well.
    assert len(point_of(node, f"streams:{name}")) == 4


def test_quix_streams(node: Node, name: str, tmp_path: Path) -> None:
    totals = quix_run(node, name, tmp_path)
    read = beside(node, f"quix:{name}")
    ends = {rec.partition: (rec.offset or 0) + 1 for rec in read_all(node.bootstrap, totals.source)}
    assert nexts(read) == {f"{totals.source} {p}": end for p, end in ends.items()}
    # It flushes state and commits when it stops: every change is of what was committed.
    assert {one.partition: one.processed for one in read.changelogs} == {
        partition: {totals.source: end} for partition, end in ends.items()
    }
    assert not read.notes


def test_kafka_connect(node: Node, name: str, tmp_path: Path) -> None:
    with connect_sink(node, name, tmp_path) as worker:
        read = beside(node, f"connect:http://{worker.address}/connectors/files")
        assert nexts(read) == {f"{name} 0": 45, f"{name} 1": 45}
        assert read.group == "connect-files"
        assert point_of(node, "connect:files") == nexts(read)
        kept = tmp_path / "offsets.json"
        kept.write_text(json.dumps(worker.ask("/connectors/files/offsets")))
        assert nexts(beside(node, f"connect:{kept}")) == nexts(read)
