"""Write the checkpoints beside this file, by the engines themselves: ``python -m tests.testdata.checkpoints.make``.

Needs what ``make test-clients`` needs. Arguments name what to make; none: everything. Each directory holds
what the engine wrote and ``truth.json``: what the engine's job told of itself while it wrote it.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient
from tests.clients.conftest import make_node
from tests.clients.contents import committed, read_all
from tests.clients.flink_checkpoints import (
    UNALIGNED,
    CheckpointingFlink,
    legacy_savepoint,
    number,
)
from tests.clients.group_checkpoints import connect_sink, quix_run, streams_run
from tests.clients.python_checkpoints import bytewax_store, spark_checkpoint
from tests.support.peers import Node

HERE = Path(__file__).resolve().parent


def keep(name: str, made: Path, truth: Any) -> None:
    """Copy what was made to its place, with the truth about it."""
    home = HERE / name
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(made, home, ignore=shutil.ignore_patterns("*.crc", "*-shm"))
    (home / "truth.json").write_text(json.dumps(truth, indent=1, sort_keys=True) + "\n")
    print(name, sorted(p.name for p in home.iterdir()), truth)


def checkpoint(
    name: str,
    project: str,
    node: Node,
    directory: Path,
    settings: Mapping[str, str],
    pauses_ms: str = "3:0",
) -> None:
    with CheckpointingFlink(
        node, name, directory, project=project, settings=settings, pauses_ms=pauses_ms
    ) as flink:
        flink.start()
        made = flink.amid()
        # What checkpoints share lies beside the checkpoints of the job.
        keep(
            name, made.parent if settings in SHARING else made, flink.truth(number(made))._asdict()
        )


def savepoint(name: str, project: str, node: Node, directory: Path, form: str) -> None:
    with CheckpointingFlink(node, name, directory, project=project, savepoint_format=form) as flink:
        flink.start()
        made = flink.with_savepoint()
        keep(name, made, flink.truth()._asdict())


def legacy(name: str, node: Node, directory: Path) -> None:
    made, truth = legacy_savepoint(node, name, directory)
    keep(name, made, {"checkpoint": 1, "next": truth})


def spark(name: str, node: Node, directory: Path, form: int) -> None:
    keep(name, *spark_checkpoint(node, name, directory, form=form))


def bytewax(name: str, node: Node, directory: Path) -> None:
    keep(name, *bytewax_store(node, name, directory))


def streams(name: str, node: Node, directory: Path) -> None:
    directory.mkdir()
    totals = streams_run(node, name, directory)
    admin = KafkaAdminClient(bootstrap_servers=node.bootstrap)
    found = admin.list_group_offsets({name: None})[name]
    admin.close()
    commits = {f"{tp.topic} {tp.partition}": [at.offset, at.metadata] for tp, at in found.items()}
    times: dict[str, int] = {}
    for rec in read_all(node.bootstrap, totals.source):
        place = f"{totals.source} {rec.partition}"
        times[place] = max(rec.timestamp_ms or 0, times.get(place, 0))
    keep_text(name, "commits.json", commits, times)


def quix(name: str, node: Node, directory: Path) -> None:
    directory.mkdir()
    totals = quix_run(node, name, directory)
    changelog = f"changelog__{name}--{totals.source}--default"
    newest = {
        str(rec.partition): [[key, (value or b"").decode()] for key, value in rec.headers]
        for rec in read_all(node.bootstrap, changelog)
    }
    ends = {str(p): n for p, n in committed(node.bootstrap, name, totals.source).items()}
    keep_text(name, "headers.json", newest, {"topic": totals.source, "next": ends})


def connect(name: str, node: Node, directory: Path) -> None:
    directory.mkdir()
    with connect_sink(node, name, directory) as worker:
        answer = worker.ask("/connectors/files/offsets")
    keep_text(name, "offsets.json", answer, {f"{name} 0": 45, f"{name} 1": 45})


def keep_text(name: str, file: str, made: Any, truth: Any) -> None:
    home = HERE / name
    home.mkdir(exist_ok=True)
    for each, value in ((file, made), ("truth.json", truth)):
        (home / each).write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")


MERGING = {
    "execution.checkpointing.file-merging.enabled": "true",
    "state.storage.fs.memory-threshold": "0",
    "execution.checkpointing.data-inline-threshold": "0",
}
ROCKSDB = {"state.backend.type": "rocksdb", "execution.checkpointing.incremental": "true"}
CHANGELOG = {
    "state.changelog.enabled": "true",
    "state.changelog.storage": "filesystem",
    "state.changelog.periodic-materialize.interval": "300 ms",
}
SHARING = (MERGING, ROCKSDB)
FILES = {
    "state.storage.fs.memory-threshold": "0",
    "execution.checkpointing.data-inline-threshold": "0",
}
COMPRESSED = {"execution.checkpointing.snapshot-compression": "true"}

Maker = Callable[[str, Node, Path], None]
MAKERS: dict[str, Maker] = {
    "flink-v3": lambda *at: checkpoint(at[0], "flink-1.15", *at[1:], settings={}),
    "flink-v4": lambda *at: checkpoint(at[0], "flink-1.20", *at[1:], settings={}),
    "flink-v4-legacy": legacy,
    "flink-v5": lambda *at: checkpoint(at[0], "flink-2.0", *at[1:], settings={}),
    "flink-v6": lambda *at: checkpoint(at[0], "flink", *at[1:], settings=FILES),
    "flink-v6-unaligned": lambda *at: checkpoint(
        at[0], "flink", *at[1:], settings=UNALIGNED, pauses_ms="0:20"
    ),
    "flink-v4-unaligned": lambda *at: checkpoint(
        at[0], "flink-1.20", *at[1:], settings=UNALIGNED, pauses_ms="0:20"
    ),
    "flink-v6-compressed": lambda *at: checkpoint(at[0], "flink", *at[1:], settings=COMPRESSED),
    "flink-v6-merged": lambda *at: checkpoint(at[0], "flink", *at[1:], settings=MERGING),
    "flink-v6-rocksdb": lambda *at: checkpoint(at[0], "flink", *at[1:], settings=ROCKSDB),
    "flink-v6-changelog": lambda *at: checkpoint(
        at[0],
        "flink",
        *at[1:],
        settings={**CHANGELOG, "dstl.dfs.base-path": (at[2] / "changelog").as_uri()},
    ),
    "flink-v6-native": lambda *at: savepoint(at[0], "flink", *at[1:], form="NATIVE"),
    "flink-v6-savepoint": lambda *at: savepoint(at[0], "flink", *at[1:], form="CANONICAL"),
    "spark-v1": lambda *at: spark(*at, form=1),
    "spark-v2": lambda *at: spark(*at, form=2),
    "bytewax": bytewax,
    "streams": streams,
    "quix": quix,
    "connect": connect,
}


def main(names: list[str]) -> None:
    with make_node() as node, tempfile.TemporaryDirectory() as directory:
        for name in names or MAKERS:
            MAKERS[name](name, node, Path(directory) / name)


if __name__ == "__main__":
    main(sys.argv[1:])
