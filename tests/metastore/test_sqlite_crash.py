"""I1: a process that is killed in the middle of its group commits loses nothing it acknowledged."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path

from anabranch.metastore.api import Metastore

from .conftest import open_sqlite

PARTITIONS = 4
KILLS = 6

# Appends to each partition and commits an offset for it, all at once; says on stdout what is durable.
CHILD = """
import asyncio, sys
from pathlib import Path
from anabranch.metastore.api import Actor, AppendCommit, Committed, NewExtent, OffsetAction
from anabranch.metastore.sqlite import SqliteMetastore

async def main():
    meta = SqliteMetastore.open(
        Path(sys.argv[1]),
        now_ms=1,
        new_cluster_id=lambda: b"c" * 16,
        write_out_wal=int(sys.argv[3]) % 2 == 0,
    )
    partitions, life = int(sys.argv[2]), sys.argv[3]
    topics = await meta.topics()
    topic = topics[0] if topics else await meta.create_topic("t", b"t" * 16, partitions, {}, 1)
    actor = Actor("User:a", "c", "h")

    async def append(p):
        end = (await meta.partition(topic.no, p)).next_offset
        while True:
            extents = tuple(
                NewExtent(end + i, end + i, end + i, 1, 1, end, end, 0) for i in range(3)
            )
            commit = AppendCommit(topic.no, p, end, end + 3, extents)
            (outcome,) = await meta.commit_appends(f"wal/{life}", [commit], 1)
            assert outcome.committed
            end += 3
            print("end", p, end, flush=True)

    async def commit(p):
        offset = 0
        for row in await meta.committed("g"):
            if row.partition == p:
                offset = row.offset
        while True:
            offset += 1
            row = Committed(topic.no, p, offset, 0, "", offset)
            await meta.commit_offsets("g", [row], OffsetAction.COMMIT, actor, offset)
            print("offset", p, offset, flush=True)

    await asyncio.gather(*[verb(p) for p in range(partitions) for verb in (append, commit)])

asyncio.run(main())
"""


def live_and_die(path: Path, life: int, lines: int) -> dict[tuple[str, int], int]:
    """Start a writer, kill it after it has said ``lines`` lines; returns the last of each kind."""
    command = [sys.executable, "-c", CHILD, str(path), str(PARTITIONS), str(life)]
    acknowledged: dict[tuple[str, int], int] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for count, line in enumerate(child.stdout, 1):
            if count == lines:
                child.kill()
            if line.endswith("\n"):  # the kill may cut one
                kind, partition, value = line.split()
                acknowledged[kind, int(partition)] = int(value)
    assert child.returncode == -9
    return acknowledged


async def look(meta: Metastore) -> dict[tuple[str, int], int]:
    assert await meta.check() == []
    (topic,) = await meta.topics()
    found = {("offset", row.partition): row.offset for row in await meta.committed("g")}
    for row in await meta.partitions(topic.no):
        extents = await meta.extents_from(topic.no, row.partition, 0, 10**6)
        assert [e.base_offset for e in extents] == list(range(row.next_offset))
        found["end", row.partition] = row.next_offset
    history = await meta.offset_history("g", limit=10**6, newest_first=False)
    for p in range(PARTITIONS):
        told = [line.new for line in history if line.partition == p]
        assert told == list(range(1, found["offset", p] + 1))
    return found


def test_i1_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    chance = random.Random(1)
    acknowledged: dict[tuple[str, int], int] = {}
    for life in range(KILLS):
        acknowledged |= live_and_die(tmp_path / "metastore.db", life, chance.randrange(40, 400))
        meta = open_sqlite(tmp_path)
        found = asyncio.run(look(meta))
        meta.close()
        for key, value in acknowledged.items():
            # At most the operation that was under way at the kill may have made it too.
            step = 3 if key[0] == "end" else 1
            assert found[key] in (value, value + step), (life, key)
