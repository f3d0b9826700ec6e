"""What every write-ahead log promises, on files and on objects, and over a store that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.errors import Corrupt, StoreFault, UserFault
from anabranch.storage.directory import DirectoryStore
from anabranch.storage.faulty import Fault, Faulty, scripted_plan, seeded_plan
from anabranch.storage.memory import MemoryStore
from anabranch.storage.retrying import Backoff, Retrying
from anabranch.storage.store import NotFound, Store
from anabranch.storage.wal import FlushPart, Wal, WalReader
from anabranch.storage.wal_directory import WalDirectory
from anabranch.storage.wal_file import FileWal
from anabranch.storage.wal_object import (
    ObjectWal,
    WalBucket,
    object_wal_key,
    parse_object_wal_key,
)
from anabranch.storage.wal_scan import Ending

CLUSTER, TOPIC, OTHER = b"c" * 16, b"t" * 16, b"u" * 16
Opener = Callable[..., Wal]


def part(content: bytes, partition: int = 0, topic_id: bytes = TOPIC) -> FlushPart:
    return FlushPart(topic_id, partition, [content[:3], memoryview(content)[3:]], 1)


def retried(store: Store) -> Store:
    backoff = Backoff(attempts_max=40, base_s=0, cap_s=0)
    return Retrying(store, sleep=lambda _: None, rng=Random(1), backoff=backoff)


KINDS = [
    *("file", "memory", "directory", "faulty memory"),
    *(pytest.param(kind, marks=pytest.mark.s3) for kind in ("s3", "faulty s3")),
]


@pytest.fixture(params=KINDS)
def open_wal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens one WAL for as many starts as a test likes."""
    kind: str = request.param
    memory = MemoryStore()
    faults = seeded_plan(Random(5), error=0.2, lost_answer=0.2)

    def opened(epoch: int = 1, broker_id: int = 1, cluster_id: bytes = CLUSTER) -> Wal:
        start: dict[str, Any] = {
            "cluster_id": cluster_id,
            "broker_id": broker_id,
            "broker_epoch": epoch,
        }
        if kind == "file":
            return FileWal.open(tmp_path / "wal", **start)
        store: Store
        if "s3" in kind:
            store = request.getfixturevalue("s3_store")
        elif kind == "directory":
            store = DirectoryStore(tmp_path / "wal")
        else:
            store = memory
        return ObjectWal.open(
            retried(Faulty(store, faults)) if kind.startswith("faulty") else store, **start
        )

    yield opened


def test_i1_what_was_written_is_read_back(open_wal: Opener) -> None:
    wal = open_wal()
    contents = [b"first", b"second" * 1000, b"x"]
    placed = wal.write([part(contents[0]), part(contents[1], 7), part(contents[2], 0, OTHER)])
    assert len({p.object_key for p in placed}) == 1
    assert placed[1].position == placed[0].position + 5
    assert placed[2].position == placed[1].position + 6000
    assert [wal.reader.read(*p) for p in placed] == contents
    wal.close()


def test_flushes_are_numbered_in_the_order_of_their_places(open_wal: Opener) -> None:
    """Writes may end in any order; recovery finds them in the order in which they were reserved."""
    wal = open_wal()
    numbers = [wal.reserve() for _ in range(4)]
    assert numbers == [0, 1, 2, 3]
    order = numbers if isinstance(wal, FileWal) else [2, 0, 3, 1]
    for number in order:
        wal.write([part(b"flush %d" % number)], number)
    found = []
    for info in wal.reader.objects():
        scan = wal.reader.scan(info.key)
        for frame in scan:
            (one,) = frame.parts
            found.append((frame.sequence, wal.reader.read(info.key, one.position, one.length)))
        assert scan.end is not None
        assert scan.end.ending in (Ending.FULL, Ending.UNWRITTEN)
    assert found == [(number, b"flush %d" % number) for number in numbers]


def test_a_start_needs_an_epoch_of_its_own(open_wal: Opener) -> None:
    wal = open_wal(5)
    wal.write([part(b"x")])
    with pytest.raises(UserFault, match="epoch 5"):
        open_wal(5)
    open_wal(6).close()
    open_wal(5, broker_id=2).close()


def test_a_wal_belongs_to_one_cluster(open_wal: Opener) -> None:
    wal = open_wal()
    with pytest.raises(
        UserFault, match=r"belongs to cluster 63636363-.* this is cluster 6f6f6f6f-"
    ):
        open_wal(2, cluster_id=b"o" * 16)
    assert open_wal(2).reader.wal_id == wal.reader.wal_id


def test_objects_of_all_starts_oldest_epoch_first(open_wal: Opener) -> None:
    placed = {}
    for epoch, broker_id in ((3, 2), (10, 1), (7, 10)):
        wal = open_wal(epoch, broker_id)
        placed[epoch] = wal.write([part(b"epoch %d" % epoch)])[0]
        wal.close()
    reader = open_wal(11).reader
    assert [info.key for info in reader.objects()] == [placed[e].object_key for e in (3, 7, 10)]
    for epoch, extent in placed.items():
        assert reader.read(*extent) == b"epoch %d" % epoch


def test_what_is_not_there(open_wal: Opener) -> None:
    wal = open_wal()
    placed = wal.write([part(b"x" * 10)])[0]
    absent = placed.object_key[:-1] + "9"
    for key in (absent, "topics/x/0/1.log", "wal/identity.json"):
        with pytest.raises(NotFound):
            wal.reader.read(key, 4096, 1)
    with pytest.raises(Corrupt, match="ends at"):
        wal.reader.read(placed.object_key, placed.position, 1 << 30)
    assert wal.reader.read(*placed) == b"x" * 10  # a short answer is not kept


def test_what_is_active_is_not_recycled(open_wal: Opener) -> None:
    wal = open_wal()
    key = wal.write([part(b"x")])[0].object_key
    ahead = object_wal_key(1, 1, 99) if isinstance(wal, ObjectWal) else key
    assert wal.is_active(ahead)
    with pytest.raises(StoreFault, match="still being written"):
        wal.recycle(ahead)


def test_recycled_objects_are_gone_and_stay_gone(open_wal: Opener) -> None:
    wal = open_wal()
    placed = wal.write([part(b"x" * 10)])[0]
    wal.close()
    after = open_wal(2)
    assert not after.is_active(placed.object_key)
    assert after.reader.read(*placed) == b"x" * 10
    after.recycle(placed.object_key)
    after.recycle(placed.object_key)
    with pytest.raises(NotFound):
        after.reader.read(*placed)
    assert after.reader.objects() == []


# Objects alone.


def object_wal(store: Store, epoch: int = 1, **options: Any) -> ObjectWal:
    return ObjectWal.open(store, cluster_id=CLUSTER, broker_id=1, broker_epoch=epoch, **options)


def test_one_flush_is_one_put_and_no_read() -> None:
    calls: list[str] = []

    def plan(operation: str, key: str) -> Fault | None:
        calls.append(operation)
        return None

    wal = object_wal(Faulty(MemoryStore(), plan))
    calls.clear()
    placed = wal.write([part(b"a"), part(b"b", 1)])
    assert calls == ["put"]
    assert [wal.reader.read(*p) for p in placed] == [b"a", b"b"] and calls == ["put"]
    assert placed[0].object_key == "wal/1/0000000001/00000000000000000000"


def test_written_flushes_are_kept_up_to_a_bound() -> None:
    store = MemoryStore()
    wal = object_wal(store, cache_bytes=8 << 20)
    placed = [wal.write([part(bytes([n]) * (1 << 20))])[0] for n in range(6)]
    assert wal.bucket._written_bytes <= 4 << 20 and len(wal.bucket._written) == 3
    for number, extent in enumerate(placed):
        assert wal.reader.read(*extent) == bytes([number]) * (1 << 20)
    wal.write([part(b"y" * (5 << 20))])  # more than the whole cache: not kept
    assert wal.bucket._written_bytes <= 4 << 20


def test_several_flushes_are_under_way_at_a_time() -> None:
    together = threading.Barrier(4, timeout=60)

    class Slow(MemoryStore):
        def put(self, key: str, *args: Any, **options: Any) -> int:
            if key.startswith("wal/1/"):
                together.wait()  # nobody gets on before all are here
            return super().put(key, *args, **options)

    wal = object_wal(Slow())
    threads = [
        threading.Thread(target=wal.write, args=([part(b"x")], wal.reserve())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wal.reader.objects()) == 4


def test_a_flush_that_failed_is_no_longer_active() -> None:
    wal = object_wal(Faulty(MemoryStore(), scripted_plan([None] * 4 + [Fault.LOST_ANSWER])))
    with pytest.raises(StoreFault, match="lost"):
        wal.write([part(b"x")])
    (info,) = wal.reader.objects()  # it is there all the same: an orphan
    assert not wal.is_active(info.key)
    wal.recycle(info.key)


def test_i3_a_key_taken_by_another_process_stops_the_writer() -> None:
    store = MemoryStore()
    wal, twin = object_wal(store), object_wal(store)  # both saw an empty epoch
    mine = wal.write([part(b"mine")])[0]
    with pytest.raises(StoreFault, match="two brokers run as one") as caught:
        twin.write([part(b"another's")])
    assert not caught.value.retryable
    assert wal.reader.read(*mine) == b"mine"


def test_an_unknown_place_is_no_wal() -> None:
    with pytest.raises(UserFault, match="not the WAL of a cluster"):
        WalBucket.open(MemoryStore())


def test_a_damaged_or_newer_identity_is_refused() -> None:
    store = MemoryStore()
    object_wal(store)
    text = store.get("wal/identity.json")
    store.put("wal/identity.json", text.replace(b'"format": 1', b'"format": 2'), create=False)
    with pytest.raises(UserFault, match="has format 2"):
        object_wal(store, 2)
    store.put("wal/identity.json", text[:20], create=False)
    with pytest.raises(Corrupt, match=r"identity\.json .* damaged"):
        object_wal(store, 2)


def test_two_first_starts_agree_on_one_identity() -> None:
    store = MemoryStore()
    barrier = threading.Barrier(6)
    ids = []

    def start(broker_id: int) -> None:
        barrier.wait()
        wal = ObjectWal.open(store, cluster_id=CLUSTER, broker_id=broker_id, broker_epoch=1)
        ids.append(wal.reader.wal_id)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 6 and len(set(ids)) == 1


def scanned(reader: WalReader, key: str) -> tuple[int, Ending]:
    scan = reader.scan(key)
    count = len(list(scan))
    assert scan.end is not None
    return count, scan.end.ending


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=5),
    cut=st.floats(0, 1, exclude_max=True),
    flip=st.integers(0, 1 << 20),
)
def test_a_partial_or_damaged_object_never_passes(sizes: list[int], cut: float, flip: int) -> None:
    """Stores other than S3 may leave a part of an object; any bit may rot."""
    store = MemoryStore()
    wal = object_wal(store, cache_bytes=0)
    key = wal.write([part(b"p" * size, number) for number, size in enumerate(sizes)])[0].object_key
    whole = store.get(key)
    assert scanned(wal.reader, key) == (1, Ending.FULL)

    store.put(key, whole[: int(len(whole) * cut)], create=False)
    assert scanned(wal.reader, key) == (0, Ending.TORN)

    at, bit = flip % len(whole), 1 << flip % 8
    rotten = bytearray(whole)
    rotten[at] ^= bit
    store.put(key, rotten, create=False)
    count, ending = scanned(wal.reader, key)
    assert count == 0 and ending in (Ending.TORN, Ending.DAMAGED)

    other = object_wal_key(1, 1, 7)
    store.put(other, whole)
    assert scanned(wal.reader, other) == (0, Ending.DAMAGED)


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_keys_are_read_back_and_sort_by_sequence(broker: int, epoch: int, sequence: int) -> None:
    key = object_wal_key(broker, epoch, sequence)
    assert parse_object_wal_key(key) == (broker, epoch, sequence)
    assert object_wal_key(broker, epoch, sequence // 2) <= key


def test_readers_open_by_url_alone(tmp_path: Path) -> None:
    from anabranch.storage.layers import Waits
    from anabranch.storage.wal import open_wal_reader

    wal = FileWal.open(tmp_path / "a b", cluster_id=CLUSTER, broker_id=1, broker_epoch=1)
    placed = wal.write([part(b"there")])[0]
    waits = Waits(lambda _: None, lambda: 0.0, Random(1))
    reader = open_wal_reader(wal.reader.url, waits=waits, cluster_id=CLUSTER)
    assert isinstance(reader, WalDirectory) and reader.read(*placed) == b"there"
    for url in ("ftp://x/y", "file://host/x", "relative"):
        with pytest.raises(UserFault, match="WAL URL"):
            open_wal_reader(url, waits=waits)
