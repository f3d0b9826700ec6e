"""What a replay runs in these tests: a processor that reads its branch straight from the bucket.

    python command.py DATA [--stop-after N --how exit|error|kill|idle] [--no-effects]

It applies each record to the staging line, ten at a time, and then commits for its group, as a
consumer would through a broker.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import anabranch
from anabranch.log.opening import open_log
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Actor, Committed, OffsetAction
from anabranch.recovery.sinks.source import sources_from_environment
from anabranch.recovery.sinks.sqlite import SqliteSink

ACTOR = Actor("User:test", "command", "/127.0.0.1", api="OffsetCommit")
TABLES = {"seen": "partition INTEGER, at INTEGER, PRIMARY KEY (partition, at)"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--stop-after", type=int, default=sys.maxsize)
    parser.add_argument("--how", default="exit")
    parser.add_argument("--no-effects", action="store_true")
    arguments = parser.parse_args()
    group = os.environ["ANABRANCH_GROUP"]
    branch = json.loads(os.environ["ANABRANCH_TOPICS"])["flights"]
    ends = json.loads(os.environ["ANABRANCH_END_OFFSETS"])[branch]
    sources = sources_from_environment(os.environ)
    assert sources is not None and sources[branch].topic == "flights"
    sink = SqliteSink.open(
        os.environ["ANABRANCH_SINK"], TABLES, sources, line=os.environ["ANABRANCH_STAGING"]
    )
    done = 0
    with asyncio.Runner() as runner:
        log = runner.run(
            open_log(arguments.data, broker_id=None, settings=LogSettings(background=False))
        )
        topic = log.catalogue.topic(branch)
        assert topic is not None
        starts = {c.partition: c.offset for c in runner.run(log.metastore.committed(group))}
        runner.run(log.close())
    for partition, end in sorted((int(p), end) for p, end in ends.items()):
        batches = anabranch.read(
            arguments.data,
            branch,
            start={partition: starts[partition]},
            end={partition: end},
            partitions=[partition],
        )
        offsets = [offset for batch in batches for offset in batch["offset"].to_pylist()]
        for first in range(0, len(offsets), 10):
            chunk = offsets[first : first + 10]
            if not arguments.no_effects:
                with sink.transaction() as tx:
                    for offset in chunk:
                        if tx.fresh(branch, partition, offset):
                            tx.execute(
                                f"INSERT INTO {tx.table('seen')} VALUES (?, ?)", (partition, offset)
                            )
            done += len(chunk)
            if done > arguments.stop_after:  # effects are there, the group's commit is not
                stop(arguments.how)
            commit(arguments.data, group, topic.no, partition, chunk[-1] + 1)


def commit(data: Path, group: str, topic_no: int, partition: int, offset: int) -> None:
    async def once() -> None:
        log = await open_log(data, broker_id=None, settings=LogSettings(background=False))
        now_ms = time.time_ns() // 1_000_000
        rows = [Committed(topic_no, partition, offset, -1, "", now_ms)]
        await log.metastore.commit_offsets(group, rows, OffsetAction.COMMIT, ACTOR, now_ms)
        await log.close()

    asyncio.run(once())


def stop(how: str) -> None:
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "idle":
        time.sleep(600)
    sys.exit("the enrichment table is missing" if how == "error" else 0)


if __name__ == "__main__":
    main()
