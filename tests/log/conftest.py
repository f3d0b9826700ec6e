"""A log on a real metastore and WAL in a temporary directory, with a clock that tests move."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.log.reads import FetchWant
from anabranch.log.settings import LogSettings
from anabranch.log.threads import LogThreads
from anabranch.metastore.api import Metastore, Topic
from anabranch.metastore.opening import open_metastore
from anabranch.records.batch import scan
from anabranch.records.builder import build_batch
from anabranch.records.record import Record, iter_records
from anabranch.storage.directory import DirectoryStore
from anabranch.storage.store import Store
from anabranch.storage.wal import Wal
from anabranch.storage.wal_file import FileWal
from anabranch.storage.wal_object import ObjectWal
from tests.support.postgres import postgres_url

CLUSTER = b"c" * 16


class Clock:
    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def __call__(self) -> int:
        return self.ms


class Bench:
    """One broker's log; ``restart`` is a crash as far as memory is concerned."""

    engine = os.environ.get(
        "ANABRANCH_TEST_METASTORE", "sqlite"
    )  # of every test, if it says postgres
    broker_id = 1

    def __init__(self, path: Path, settings: LogSettings) -> None:
        self.path = path
        self.settings = settings
        self.clock = Clock()
        self.store: Store = DirectoryStore(path / "store")
        self.wal_store: Store | None = None  # given one: a WAL of objects in it
        self._unique = itertools.count()
        self._topic_ids = itertools.count(1)
        self.log: Log

    @property
    def location(self) -> Location:
        """Where the cluster is, for whoever opens it beside the log."""
        if self.engine != "postgres":
            return Location(data=self.path)
        url_file = self.path / "metastore.url"
        if not url_file.exists():
            url_file.write_text(postgres_url())
        return Location(data=self.path, metastore=url_file.read_text())

    def open_metastore(self) -> Metastore:
        where = self.location.where_metastore
        return open_metastore(where, now_ms=self.clock(), new_cluster_id=lambda: CLUSTER)

    async def start(self) -> Log:
        metastore = self.open_metastore()
        row = await metastore.register_broker(self.broker_id, "localhost", 9092, self.clock())
        wal = self.open_wal(self.broker_id, row.epoch)
        self.log = Log(
            metastore=metastore,
            store=self.store,
            wal_reader=wal.reader,
            wal=wal,
            threads=LogThreads.start(
                cold=self.settings.cold_threads, wal=4 if self.wal_store else 1
            ),
            settings=self.settings,
            now_ms=self.clock,
            unique=lambda: f"{row.epoch}-{next(self._unique)}",
            new_topic_id=lambda: next(self._topic_ids).to_bytes(16, "big"),
        )
        await self.log.start()
        return self.log

    def open_wal(self, broker_id: int, epoch: int) -> Wal:
        start = {"cluster_id": CLUSTER, "broker_id": broker_id, "broker_epoch": epoch}
        if self.wal_store is not None:
            return ObjectWal.open(self.wal_store, **start)
        return FileWal.open(self.path / "wal", file_bytes=self.settings.wal_file_bytes, **start)

    async def restart(self) -> Log:
        await self.log.close()
        return await self.start()

    def deafen(self) -> None:
        """No change notice reaches this broker any more."""
        metastore: Any = self.log.metastore
        noticing = metastore._listener if self.engine == "postgres" else metastore._writer
        noticing._watchers.clear()

    async def append(
        self, topic: Topic, partition: int, values: Sequence[bytes], **batch: Any
    ) -> int:
        """Append one batch; the base offset it got."""
        appended = await self.log.append(topic, partition, self.batch(values, **batch))
        return appended.base_offset

    def batch(
        self,
        values: Sequence[bytes],
        *,
        key: bytes | None = b"k",
        timestamp: int | None = None,
        step_ms: int = 1,
        **options: Any,
    ) -> memoryview:
        at = self.clock() if timestamp is None else timestamp
        records = [Record(n, at + n * step_ms, key, value, ()) for n, value in enumerate(values)]
        return memoryview(bytearray(build_batch(records, **options)))

    async def values(
        self, topic: Topic, partition: int, offset: int = 0, *, max_bytes: int = 1 << 20
    ) -> list[tuple[int, bytes]]:
        """Everything readable from ``offset`` on, as a consumer would see it, fetch by fetch."""
        found: list[tuple[int, bytes]] = []
        while True:
            (part,) = await self.log.fetch(
                [FetchWant(topic, partition, offset, max_bytes)],
                max_wait_ms=0,
                min_bytes=1,
                max_bytes=max_bytes,
            )
            assert part.error == 0, part.error
            records = decode(part.buffers)
            found += [(number, value) for number, value in records if number >= offset]
            if not records:
                return found
            offset = records[-1][0] + 1


def decode(buffers: Sequence[memoryview]) -> list[tuple[int, bytes]]:
    blob = memoryview(b"".join(buffers))
    return [
        (record.offset, record.value or b"")
        for header in scan(blob)
        for record in iter_records(blob, header)
    ]


Scenario = Callable[[Bench], Coroutine[Any, Any, None]]


ON_BOTH = {
    "test_append",
    "test_races",
    "test_producers",
    "test_branch",
    "test_transactions",
}  # in every `make test`

BY_DIRECTORY = {"test_reader", "test_rebuild"}  # open or rebuild a cluster in its data directory


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The modules that judge appends run on both engines; the others where the environment says."""
    chosen = any(
        "engine" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")
    )
    if "engine" in metafunc.fixturenames and not chosen:
        module = metafunc.module.__name__.rpartition(".")[2]
        engines = ["postgres", "sqlite"] if module in ON_BOTH else [Bench.engine]
        if module in BY_DIRECTORY:
            engines = ["sqlite"]
        metafunc.parametrize("engine", engines, indirect=True)


@pytest.fixture
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(Bench, "engine", request.param)
    return str(request.param)


@pytest.fixture
def run(tmp_path: Path, engine: str) -> Iterator[Callable[..., None]]:
    """Runs an async scenario against a fresh log; keyword arguments are settings."""

    def go(
        scenario: Scenario,
        *,
        path: Path = tmp_path,
        wal_store: Store | None = None,
        **settings: Any,
    ) -> None:
        async def main() -> None:
            options = {
                "background": False,
                "wal_file_bytes": 1 << 20,
                "wal_grace_ms": 0,
                "wal_linger_ms": 0,
                "topic_grace_ms": 0,
            } | settings
            bench = Bench(path, LogSettings(**options))
            bench.wal_store = wal_store
            await bench.start()
            try:
                await scenario(bench)
                assert await bench.log.metastore.check() == []
            finally:
                await bench.log.close()

        asyncio.run(main())

    yield go
