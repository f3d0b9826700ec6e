"""A production for drills: a topic ``orders``, a declared stream, a recovery point with its checkpoint."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from anabranch.cli.main import cli
from anabranch.log.opening import open_log
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Actor, Committed, OffsetAction
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.recovery.capture import points
from anabranch.recovery.model import topic_id_text
from anabranch.recovery.sinks.locations import opened_lines, read_sink
from anabranch.recovery.sinks.source import Source
from anabranch.recovery.sinks.sqlite import SqliteSink

PROCESSOR = Path(__file__).with_name("processor.py")
NOW_MS = 1_790_000_000_000


class Ground:
    """``anabranch …`` on a production in a directory."""

    def __init__(
        self,
        root: Path,
        *words: str,
        partitions: int = 2,
        records: int = 100,
        sink: str = "",
        declared: str = 'verify.tables = { totals = "k" }',
    ) -> None:
        """``words``: more of the processor's command line. ``names`` is a topic that is looked things up in. ``sink``: the
        production's, if it is another than a SQLite file; then its recovery point has no checkpoint. ``declared``: more of
        the stream's table."""
        self.root = root
        self.data = root / "data"
        self.sink = root / "live.db"
        self.checkpoint = root / "checkpoint.db"
        self.file = root / "recovery.toml"
        command = [sys.executable, str(PROCESSOR), *words]
        listed = ", ".join(f'"{word}"' for word in command)
        self.file.write_text(
            f"""
[stream.orders]
inputs = ["orders"]
enrichment = ["names"]
group = "totals"
command = [{listed}]
sink = "{sink or f"sqlite:{self.sink}"}"
{declared}
drill.timeout = "60s"
"""
        )
        asyncio.run(self._fill(partitions, records, tables=not sink))

    async def _fill(self, partitions: int, records: int, *, tables: bool) -> None:
        log = await open_log(
            self.data, broker_id=1, host="127.0.0.1", port=9092, create=True,
            settings=LogSettings(background=False, wal_file_bytes=1 << 20),
        )  # fmt: skip
        topic = await log.create_topic("orders", partitions, {"retention.ms": "-1"})
        for partition in range(partitions):
            made = [Record(n, NOW_MS + n, b"k%d" % (n % 10), b"%d" % n, ()) for n in range(records)]
            await log.append(topic, partition, memoryview(bytearray(build_batch(made))))
        names = await log.create_topic("names", 1, {"retention.ms": "-1"})
        await log.append(
            names, 0, memoryview(bytearray(build_batch([Record(0, NOW_MS, b"k", b"v", ())])))
        )
        actor = Actor("User:x", "x", "h", api="OffsetCommit")
        rows = [Committed(topic.no, p, records // 2, 0, "", NOW_MS) for p in range(partitions)]
        await log.metastore.commit_offsets("totals", rows, OffsetAction.COMMIT, actor, NOW_MS)
        if not tables:
            await points.capture(
                log.metastore,
                token="aaaa",
                name="nightly",
                now_ms=NOW_MS,
                group="totals",
                creator="ana",
            )
            await log.close()
            return
        cluster = topic_id_text(log.metastore.cluster_id)
        source = Source(cluster, topic_id_text(topic.id), "orders")
        columns = {"totals": "k TEXT PRIMARY KEY, n INTEGER NOT NULL, s INTEGER NOT NULL"}
        sink = SqliteSink.open(self.sink, columns, {"orders": source})
        with sink.transaction() as tx:
            for partition in range(partitions):
                for offset in range(records // 2):
                    tx.fresh("orders", partition, offset)
        sink.close()
        with opened_lines(f"sqlite:{self.sink}") as lines:
            taken = lines.take_checkpoint(self.checkpoint)
        await points.capture(
            log.metastore,
            token="aaaa",
            name="nightly",
            now_ms=NOW_MS,
            group="totals",
            sinks=[read_sink(f"sqlite:{self.sink}")],
            checkpoint=taken,
            creator="ana",
        )
        await log.close()

    def __call__(self, *words: str) -> Result:
        arguments = [*words, "--data", str(self.data)]
        if words[0] == "status" or words[:2] == ("drill", "run"):
            arguments += ["--file", str(self.file)]
        return CliRunner().invoke(cli, arguments)

    def json(self, *words: str, status: int = 0) -> Any:
        import json

        result = self(*words, "--output", "json")
        assert result.exit_code == status, result.output
        return json.loads(result.stdout)
