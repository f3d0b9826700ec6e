"""Opening a cluster by directory and by URLs, and what is refused."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import anabranch
from anabranch.cli.main import cli
from anabranch.errors import StoreFault, UserFault
from anabranch.log import opening
from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.log.opening import open_log
from anabranch.log.reader import plan, read_split
from anabranch.log.settings import LogSettings
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.storage.memory import MemoryStore
from anabranch.storage.store import open_store
from anabranch.storage.wal_file import FileWal
from anabranch.storage.wal_object import ObjectWal
from tests.support.s3 import S3Place

SETTINGS = LogSettings(background=False, wal_file_bytes=1 << 20, wal_linger_ms=0)


def serving(
    where: Location | Path | str,
    body: Callable[[Log], Coroutine[Any, Any, Any]],
    *,
    broker_id: int | None = 1,
    create: bool = True,
) -> Any:
    async def main() -> Any:
        log = await open_log(where, broker_id=broker_id, settings=SETTINGS, create=create)
        try:
            return await body(log)
        finally:
            await log.close()

    return asyncio.run(main())


async def produce(log: Log) -> None:
    topic = log.catalogue.topic("t") or await log.create_topic("t", 2, {})
    for partition in (0, 1):
        records = [Record(n, 1000 + n, b"k", b"v%d" % n, ()) for n in range(3)]
        await log.append(topic, partition, memoryview(bytearray(build_batch(records))))


async def merge(log: Log) -> None:
    topic = log.catalogue.topic("t")
    assert topic is not None
    for partition in (0, 1):
        await log.merger.merge_backlog(topic, partition)


async def nothing(log: Log) -> None:
    pass


def values(where: Any) -> list[bytes]:
    return [
        value for batch in anabranch.read(where, "t") for value in batch.column("value").to_pylist()
    ]


EXPECTED = [b"v0", b"v1", b"v2"] * 2


@pytest.fixture
def on_s3(s3: S3Place, tmp_path: Path) -> Location:
    """Metastore in a directory; store and WAL in one place of a bucket."""
    return Location(tmp_path / "data", store=s3.url, wal=s3.url)


@pytest.mark.s3
def test_a_cluster_on_s3_is_found_by_its_metastore_alone(on_s3: Location, s3: S3Place) -> None:
    serving(on_s3, produce)
    assert on_s3.data is not None
    assert not (on_s3.data / "wal").exists() and not (on_s3.data / "store").exists()
    assert values(on_s3.data) == EXPECTED  # from the WAL
    assert values(f"sqlite://{on_s3.data / 'metastore.db'}") == EXPECTED

    async def wal_of(log: Log) -> tuple[Any, str]:
        await merge(log)
        return log._wal, log.wal_reader.url

    wal, url = serving(on_s3.data, wal_of)  # a start that was not told the URLs again
    assert isinstance(wal, ObjectWal) and url == s3.url
    assert values(on_s3.data) == EXPECTED  # from segments
    keys = [info.key for info in open_store(s3.url).list("")]
    assert {key.split("/")[0] for key in keys} == {"identity.json", "topics", "wal"}


@pytest.mark.s3
def test_splits_are_read_with_nothing_but_urls(on_s3: Location) -> None:
    serving(on_s3, produce)
    assert on_s3.data is not None
    splits = plan(on_s3.data, "t")
    shutil.rmtree(on_s3.data)  # another machine has none of it
    assert sum(batch.num_rows for split in splits for batch in read_split(split)) == 6


@pytest.mark.s3
def test_a_bucket_belongs_to_one_cluster(on_s3: Location, s3: S3Place, tmp_path: Path) -> None:
    serving(on_s3, produce)
    for other in (
        Location(tmp_path / "other", store=s3.url),
        Location(tmp_path / "another", wal=s3.url),
    ):
        with pytest.raises(UserFault, match="belongs to cluster"):
            serving(other, nothing)


@pytest.mark.s3
def test_moving_the_wal_waits_until_it_is_merged(tmp_path: Path, s3: S3Place) -> None:
    data = tmp_path / "data"
    serving(data, produce)
    to_s3 = Location(data, wal=s3.url)
    with pytest.raises(UserFault, match="is not the WAL that this cluster uses"):
        serving(to_s3, nothing)
    with pytest.raises(UserFault, match=r"is not the WAL of a cluster|not the WAL that"):
        serving(to_s3, nothing, broker_id=None)

    async def empty(log: Log) -> None:
        await merge(log)
        for row in await log.metastore.objects_without_extents(1 << 50, 1 << 50, 100):
            await log.metastore.forget_object(row.no, "test", 1 << 50)

    serving(data, empty)

    async def on(log: Log) -> type:
        await produce(log)
        return type(log._wal)

    assert serving(to_s3, on) is ObjectWal
    assert serving(data, on) is ObjectWal  # remembered
    assert len(values(data)) == 18

    serving(data, empty)
    assert serving(Location(data, wal=str(data / "wal")), on) is FileWal  # and back


def test_an_emptied_wal_is_refused(tmp_path: Path) -> None:
    serving(tmp_path, produce)
    shutil.rmtree(tmp_path / "wal")
    for broker_id in (1, None):
        with pytest.raises(UserFault, match=r"not the WAL that this cluster uses|not a WAL direct"):
            serving(tmp_path, nothing, broker_id=broker_id)


def test_an_emptied_or_exchanged_store_is_refused(tmp_path: Path) -> None:
    serving(tmp_path, produce)
    (tmp_path / "store").rename(tmp_path / "away")
    with pytest.raises(UserFault, match="not the store of a cluster"):
        serving(tmp_path, nothing, broker_id=None)
    with pytest.raises(UserFault, match="is not the store that this cluster uses"):
        serving(tmp_path, nothing)
    with pytest.raises(UserFault, match="is not the store that this cluster uses"):
        serving(Location(tmp_path, store=str(tmp_path / "elsewhere")), nothing)
    # A copy of it is it.
    serving(Location(tmp_path, store=str(tmp_path / "away")), merge)
    assert values(tmp_path) == EXPECTED


def test_a_cluster_from_before_identities_is_claimed(tmp_path: Path) -> None:
    serving(tmp_path, produce)
    (tmp_path / "store" / "identity.json").unlink()

    async def forget(log: Log) -> None:
        await log.metastore.delete_document("place", "store")

    async def stored(log: Log) -> Any:
        return await log.metastore.document("place", "store")

    asyncio.run(_on_metastore(tmp_path, forget))
    assert serving(tmp_path, stored) is not None
    assert (tmp_path / "store" / "identity.json").exists()


async def _on_metastore(data: Path, body: Callable[[Any], Coroutine[Any, Any, Any]]) -> None:
    metastore = opening._open_metastore(Location(data), False, False)

    class Holder:
        pass

    holder: Any = Holder()
    holder.metastore = metastore
    try:
        await body(holder)
    finally:
        metastore.close()


def test_files_are_for_the_brokers_of_one_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def second_machine(log: Log) -> None:
        monkeypatch.setattr("platform.node", lambda: "another-machine")
        with pytest.raises(UserFault, match=r"brokers on several machines .* --wal s3://"):
            await open_log(tmp_path, broker_id=2, settings=SETTINGS)
        monkeypatch.undo()

    serving(tmp_path, second_machine)
    monkeypatch.setattr("platform.node", lambda: "another-machine")
    serving(tmp_path, nothing)  # the same broker, moved


def test_a_store_that_replaces_what_exists_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Liar(MemoryStore):
        def put(self, key: str, data: Any, *, create: bool = True, **options: Any) -> int:
            return super().put(key, data, create=False, **options)

    monkeypatch.setattr("anabranch.storage.layers.open_store", lambda *_, **__: Liar())
    with pytest.raises(UserFault, match="does not support conditional creation"):
        serving(tmp_path, nothing)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (Location(), "--data DIR, or --metastore URL"),
        (Location(metastore="mysql://u:secret@x/y"), "'mysql://…@x/y' names no metastore"),
        (Location(Path("D"), store="gs://x"), "store URL 'gs://x' is of no known kind"),
        (Location(Path("D"), wal="gs://x"), "WAL URL 'gs://x'"),
        (Location(Path("D"), store="s3://b?color=red"), "options are endpoint and region"),
        (Location(metastore="D/m.db"), "--store URL"),
        (Location(metastore="D/m.db", store="D/s"), "--wal URL"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Location, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserFault, match=message):
        serving(where, nothing)


def test_a_bucket_out_of_reach_says_so_in_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        opening, "real_waits", lambda: opening.Waits(lambda _: None, lambda: 0.0, opening.Random(1))
    )
    where = Location(tmp_path, store="s3://bucket/x?endpoint=http://127.0.0.1:1")
    with pytest.raises(StoreFault, match=r"s3://bucket/x"):
        serving(where, nothing)


def test_paths_and_urls_are_the_same(tmp_path: Path) -> None:
    where = Location(
        metastore=str(tmp_path / "m" / "meta.db"),
        store=(tmp_path / "s p").as_uri(),
        wal=str(tmp_path / "w"),
    )
    serving(where, produce)
    assert values(f"sqlite://{tmp_path}/m/meta.db") == EXPECTED
    assert {path.name for path in tmp_path.iterdir()} == {"m", "s p", "w"}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    yield


@pytest.mark.s3
def test_the_wal_in_a_bucket_can_be_dumped(on_s3: Location, s3: S3Place) -> None:
    serving(on_s3, produce)
    result = CliRunner().invoke(cli, ["log", "dump", s3.url, "--batches", "--output", "json"])
    assert result.exit_code == 0, result.output
    items = [json.loads(line) for line in result.output.splitlines()]
    assert {item["type"] for item in items} == {"wal", "frame", "end"}
    frames = [item for item in items if item["type"] == "frame"]
    assert [frame["sequence"] for frame in frames] == list(range(len(frames)))
    assert sum(part["batches"] for frame in frames for part in frame["parts"]) == 2
