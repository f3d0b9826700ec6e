from __future__ import annotations

import errno
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from anabranch.errors import Corrupt, StoreFault, UserFault
from anabranch.storage import disk as disk_module
from anabranch.storage.disk import Disk
from anabranch.storage.store import NotFound
from anabranch.storage.wal import FlushPart, PlacedPart
from anabranch.storage.wal_directory import WalDirectory
from anabranch.storage.wal_file import (
    DIRECT_FLUSH_BYTES,
    FLUSHES_REMEMBERED,
    RAW_FLUSH_BYTES,
    SPARES_MAX,
    STAGING_BYTES,
    FileWal,
)
from anabranch.storage.wal_format import BLOCK_BYTES, FILE_HEADER_BYTES, Frame, frame_header_bytes
from anabranch.storage.wal_scan import Ending, scan_frames

CLUSTER, TOPIC, OTHER = b"c" * 16, b"t" * 16, b"u" * 16
FILE = 8 * BLOCK_BYTES


def part(content: bytes, partition: int = 0, topic_id: bytes = TOPIC) -> FlushPart:
    return FlushPart(topic_id, partition, [content[:3], memoryview(content)[3:]], 1)


@pytest.fixture
def open_wal(tmp_path: Path, disk: Any) -> Callable[..., FileWal]:
    def opened(epoch: int = 1, **options: Any) -> FileWal:
        arguments = {"cluster_id": CLUSTER, "broker_id": 1, "file_bytes": FILE, "disk": disk}
        return FileWal.open(tmp_path / "wal", broker_epoch=epoch, **{**arguments, **options})

    return opened


def frames(wal: FileWal, object_key: str) -> tuple[list[Frame], Ending]:
    scan = scan_frames(wal.directory.file_path(object_key))
    found = list(scan)
    assert scan.end is not None
    return found, scan.end.ending


def names(wal: FileWal) -> list[str]:
    return sorted(path.name for path in wal.directory.path.iterdir())


def test_a_flush_lays_parts_next_to_each_other(open_wal: Callable[..., FileWal]) -> None:
    wal = open_wal()
    contents = [b"first", b"second" * 1000, b"x"]
    parts = [
        FlushPart(TOPIC, 0, [contents[0]], 2),
        FlushPart(TOPIC, 7, [contents[1][:10], bytearray(contents[1][10:])], 3),
        FlushPart(OTHER, 0, [memoryview(contents[2])], 1),
    ]
    placed = wal.write(parts)
    assert {p.object_key for p in placed} == {"wal/1-0000000001-0000000000"}
    assert placed[1].position == placed[0].position + 5
    assert placed[2].position == placed[1].position + 6000
    assert [wal.read(*p) for p in placed] == contents
    (frame,), ending = frames(wal, placed[0].object_key)
    assert ending is Ending.UNWRITTEN
    assert frame.sequence == 0 and frame.position == FILE_HEADER_BYTES
    assert [(p.topic_id, p.partition, p.batches) for p in frame.parts] == [
        (TOPIC, 0, 2),
        (TOPIC, 7, 3),
        (OTHER, 0, 1),
    ]


def test_many_buffers_in_one_flush(open_wal: Callable[..., FileWal]) -> None:
    wal = open_wal(file_bytes=1 << 20)
    content = [bytes([number % 256]) * (number % 5) for number in range(5000)]
    (placed,) = wal.write([FlushPart(TOPIC, 0, content, 5000)])
    assert wal.read(*placed) == b"".join(content)


def test_i1_one_write_and_one_sync_per_flush(open_wal: Callable[..., FileWal], disk: Any) -> None:
    wal = open_wal()
    wal.write([part(b"starts the file")])
    name = "1-0000000001-0000000000.wal"
    # The file's name is durable before anything in it is acknowledged.
    assert [call for call, at in disk.calls if at in (name, "wal")][-4:] == [
        "allocate",
        "sync_directory",
        "write",
        "sync_data",
    ]
    disk.calls.clear()
    wal.write([part(b"a"), part(b"b", 1)])
    assert disk.calls == [("write", name), ("sync_data", name)]


def test_i3_later_flushes_never_touch_earlier_blocks(open_wal: Callable[..., FileWal]) -> None:
    wal = open_wal()
    key = wal.write([part(b"one")])[0].object_key
    path = wal.directory.file_path(key)
    ends = [wal.write([part(b"flush" * size)])[0] for size in (1, 900, 2)]
    for placed in ends:
        assert placed.object_key == key
    starts = [frame.position for frame in frames(wal, key)[0]]
    assert all(start % BLOCK_BYTES == 0 for start in starts)
    before = path.read_bytes()[: starts[-1] + BLOCK_BYTES]
    wal.write([part(b"last")])
    assert path.read_bytes()[: len(before)] == before


def test_files_roll_when_full_and_grow_for_large_flushes(open_wal: Callable[..., FileWal]) -> None:
    wal = open_wal()
    small = [wal.write([part(b"x" * 100)])[0] for _ in range(9)]
    assert [p.object_key[-1] for p in small] == ["0"] * 7 + ["1"] * 2
    large = wal.write([part(b"y" * (3 * FILE))])[0]
    after = wal.write([part(b"z")])[0]
    assert (large.object_key[-1], after.object_key[-1]) == ("2", "3")
    sizes = {info.key[-1]: info.size for info in wal.objects()}
    header = frame_header_bytes(1)
    assert sizes == {"0": FILE, "1": FILE, "2": sizes["2"], "3": FILE}
    assert FILE_HEADER_BYTES + 3 * FILE + header <= sizes["2"] < 3 * FILE + 3 * BLOCK_BYTES
    assert [len(wal.read(*p)) for p in (*small, large, after)] == [100] * 9 + [3 * FILE, 1]
    # Frames are numbered over all files of the start.
    sequences = [f.sequence for info in wal.objects() for f in frames(wal, info.key)[0]]
    assert sequences == list(range(11))
    assert frames(wal, small[0].object_key)[1] is Ending.FULL


def test_a_flush_that_exactly_fills_the_file_does_not_roll(
    open_wal: Callable[..., FileWal],
) -> None:
    wal = open_wal()
    wal.write([part(b"x")])
    exact = wal.write([part(b"x" * (FILE - 2 * BLOCK_BYTES - frame_header_bytes(1)))])[0]
    assert exact.object_key.endswith("0")
    assert exact.position + exact.length == FILE
    assert wal.write([part(b"x")])[0].object_key.endswith("1")


# Identity and epochs.


def test_the_directory_knows_its_cluster(open_wal: Callable[..., FileWal], tmp_path: Path) -> None:
    wal = open_wal(wal_id=b"w" * 16)
    assert wal.directory.identity.wal_id == UUID(bytes=b"w" * 16)
    wal.close()
    again = open_wal(2, wal_id=b"v" * 16)
    assert again.directory.identity.wal_id == UUID(bytes=b"w" * 16)
    with pytest.raises(
        UserFault, match=r"belongs to cluster 63636363-.* this is cluster 6f6f6f6f-"
    ):
        open_wal(3, cluster_id=b"o" * 16)
    with pytest.raises(UserFault, match="belongs to cluster"):
        WalDirectory.open(tmp_path / "wal", cluster_id=b"o" * 16)
    with pytest.raises(UserFault, match="not a WAL directory"):
        WalDirectory.open(tmp_path)


def test_a_damaged_or_newer_identity_is_refused(
    open_wal: Callable[..., FileWal], tmp_path: Path
) -> None:
    open_wal().close()
    identity = tmp_path / "wal" / "identity.json"
    text = identity.read_text()
    identity.write_text(text.replace('"format": 2', '"format": 3'))
    with pytest.raises(UserFault, match="has format 3"):
        open_wal(2)
    identity.write_text(text[: len(text) // 2])
    with pytest.raises(Corrupt, match=r"identity\.json is damaged"):
        open_wal(2)


def test_two_first_starts_agree_on_one_identity(tmp_path: Path) -> None:
    wals: list[FileWal] = []
    barrier = threading.Barrier(4)

    def start(broker_id: int) -> None:
        barrier.wait()
        wals.append(
            FileWal.open(tmp_path / "wal", cluster_id=CLUSTER, broker_id=broker_id, broker_epoch=1)
        )

    threads = [threading.Thread(target=start, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({wal.directory.identity for wal in wals}) == 1 and len(wals) == 4


def test_an_epoch_is_used_once(open_wal: Callable[..., FileWal]) -> None:
    wal = open_wal(5)
    with pytest.raises(UserFault, match="epoch 5"):
        open_wal(5)  # while it runs
    wal.write([part(b"x")])
    wal.close()
    with pytest.raises(UserFault, match="epoch 5"):
        open_wal(5)  # and after it
    open_wal(6).close()
    open_wal(5, broker_id=2).close()


def test_objects_of_all_starts_can_be_read(open_wal: Callable[..., FileWal]) -> None:
    placed = []
    for epoch in (3, 10, 7):
        wal = open_wal(epoch)
        placed.append((wal.write([part(f"epoch {epoch}".encode())])[0], epoch))
        wal.close()
    wal = open_wal(11)
    assert [info.key[6:16] for info in wal.objects()] == [f"{epoch:010}" for epoch in (3, 7, 10)]
    for extent, epoch in placed:
        assert wal.read(*extent) == f"epoch {epoch}".encode()
    reader = WalDirectory.open(wal.directory.path, cluster_id=CLUSTER)
    assert reader.read(*placed[0][0]) == b"epoch 3"


def test_who_is_writing(open_wal: Callable[..., FileWal]) -> None:
    first, second = open_wal(1), open_wal(2, broker_id=2)
    keys = [wal.write([part(b"x")])[0].object_key for wal in (first, second)]
    assert all(first.is_active(key) and second.is_active(key) for key in keys)
    first.write([part(b"x" * FILE)])
    assert not first.is_active(keys[0])
    assert second.is_active(keys[0])  # only its own process knows better
    with pytest.raises(StoreFault, match="still being written"):
        second.recycle(keys[0])
    first.close()
    assert not second.is_active(keys[0])
    second.recycle(keys[0])
    with pytest.raises(StoreFault, match="still being written"):
        second.recycle(keys[1])


def test_a_killed_start_is_no_longer_active(tmp_path: Path) -> None:
    code = (
        "import os; from pathlib import Path\n"
        "from anabranch.storage.wal import FlushPart\n"
        "from anabranch.storage.wal_file import FileWal\n"
        f"wal = FileWal.open(Path({str(tmp_path)!r}), cluster_id=b'c' * 16, broker_id=1, broker_epoch=1,"
        " file_bytes=32768)\n"
        "wal.write([FlushPart(b't' * 16, 0, [b'acknowledged'], 1)])\n"
        "os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    wal = FileWal.open(tmp_path, cluster_id=CLUSTER, broker_id=1, broker_epoch=2)
    (info,) = wal.objects()
    assert not wal.is_active(info.key)
    (frame,), _ = frames(wal, info.key)
    assert wal.read(info.key, frame.parts[0].position, 12) == b"acknowledged"
    assert names(wal) == ["1-0000000001-0000000000.wal", "1-0000000002.lock", "identity.json"]


# Reading.


def test_what_is_not_there(open_wal: Callable[..., FileWal]) -> None:
    wal = open_wal()
    placed = wal.write([part(b"x")])[0]
    for key in ("wal/1-0000000001-0000000009", "topics/x/0/1.log", "wal/../identity"):
        with pytest.raises(NotFound):
            wal.read(key, 4096, 1)
    with pytest.raises(Corrupt, match="ends at"):
        wal.read(placed.object_key, FILE - 10, 11)


def test_a_damaged_header_is_corrupt_not_absent(open_wal: Callable[..., FileWal]) -> None:
    wal = open_wal()
    placed = wal.write([part(b"x")])[0]
    with wal.directory.file_path(placed.object_key).open("r+b") as file:
        file.seek(20)
        file.write(b"damage")
    with pytest.raises(Corrupt, match="wrong checksum"):
        wal.read(*placed)


# Recycling.


def rolled(wal: FileWal) -> list[PlacedPart]:
    """Fill one file, start the next."""
    placed = [wal.write([part(b"old life %d" % number)])[0] for number in range(7)]
    wal.write([part(b"next")])
    return placed


def test_a_recycled_file_lives_again(open_wal: Callable[..., FileWal], disk: Any) -> None:
    wal = open_wal()
    old = rolled(wal)
    disk.calls.clear()
    wal.recycle(old[0].object_key)
    calls = [call for call, _ in disk.calls if call not in ("open", "read")]
    assert calls == ["write", "sync_data", "rename", "sync_directory"]  # erased before renamed
    for placed in old:
        with pytest.raises(NotFound):
            wal.read(*placed)
    wal.recycle(old[0].object_key)  # idempotent
    assert "spare-1-0000000001-0000000000.wal" in names(wal)
    wal.write([part(b"x" * (5 * BLOCK_BYTES))])  # fits behind "next"
    disk.calls.clear()
    reborn = wal.write([part(b"new life")])[0]
    assert "allocate" not in [call for call, _ in disk.calls]
    assert reborn.object_key.endswith("0000000002") and wal.read(*reborn) == b"new life"
    assert not [name for name in names(wal) if name.startswith("spare")]
    # The former life's frames still lie behind the new one, whole and with valid checksums.
    found, ending = frames(wal, reborn.object_key)
    assert len(found) == 1 and ending is Ending.FORMER_LIFE
    with pytest.raises(NotFound):
        wal.read(*old[3])


def test_spares_are_bounded(open_wal: Callable[..., FileWal]) -> None:
    wal = open_wal()
    for _ in range(4):
        rolled(wal)
        wal.write([part(b"x" * (FILE - 3 * BLOCK_BYTES))])
    idle = [info.key for info in wal.objects() if not wal.is_active(info.key)]
    assert len(idle) > SPARES_MAX
    for key in idle:
        wal.recycle(key)
    assert len([name for name in names(wal) if name.startswith("spare")]) == SPARES_MAX
    assert len(wal.objects()) == 1


def test_files_of_another_size_are_deleted(open_wal: Callable[..., FileWal]) -> None:
    wal = open_wal()
    large = wal.write([part(b"x" * (2 * FILE))])[0]
    small = wal.write([part(b"x")])[0]
    wal.recycle(large.object_key)
    assert not [name for name in names(wal) if name.startswith("spare")]
    wal.write([part(b"x" * (FILE - 3 * BLOCK_BYTES))])
    wal.write([part(b"x")])
    wal.recycle(small.object_key)
    wal.close()
    again = open_wal(2, file_bytes=2 * FILE)
    assert not [name for name in names(again) if name.startswith("spare")]


@pytest.mark.parametrize("reads_before", [1, 2])
def test_i3_a_reader_never_sees_the_next_life(
    open_wal: Callable[..., FileWal], disk: Any, reads_before: int
) -> None:
    """The file is recycled and written again between two steps of one read."""
    wal = open_wal()
    old = rolled(wal)
    wal.write([part(b"x" * (5 * BLOCK_BYTES))])

    def recycle_and_reuse() -> None:
        wal.recycle(old[0].object_key)
        assert wal.write([part(b"NEW LIFE 0")])[0].position == old[0].position

    disk.on("read", recycle_and_reuse, after=reads_before)
    with pytest.raises(NotFound):
        wal.read(*old[0])


@pytest.mark.parametrize("call", ["open", "write", "sync_data", "rename", "sync_directory"])
def test_recycling_can_be_retried(open_wal: Callable[..., FileWal], disk: Any, call: str) -> None:
    wal = open_wal()
    key = rolled(wal)[0].object_key
    disk.fail(call, errno.EIO)
    with pytest.raises(StoreFault, match="recycling wal/1-"):
        wal.recycle(key)
    wal.recycle(key)
    assert [info.key[-1] for info in wal.objects()] == ["1"]
    assert wal.read(*wal.write([part(b"x" * (6 * BLOCK_BYTES))])[0])[:1] == b"x"


def test_preparing_a_spare(open_wal: Callable[..., FileWal], disk: Any) -> None:
    wal = open_wal()
    assert [wal.prepare_spare() for _ in range(SPARES_MAX + 1)] == [True] * SPARES_MAX + [False]
    done = [call for call, name in disk.calls if "prepared" in name]
    assert done == ["open", "allocate", "zero", "sync_data", "rename"] * SPARES_MAX
    disk.calls.clear()
    placed = wal.write([part(b"x")])[0]
    assert "allocate" not in [call for call, _ in disk.calls] and wal.read(*placed) == b"x"
    assert wal.prepare_spare() is True


def test_raw_blocks_are_left_for_a_spare_of_written_ones(
    open_wal: Callable[..., FileWal], disk: Any
) -> None:
    """A new WAL writes at once, into blocks that each sync has to mark as written; then no longer."""
    wal = open_wal()
    raw = wal.write([part(b"raw")])[0]
    wal.prepare_spare()
    disk.calls.clear()
    written = [wal.write([part(bytes([n]))])[0] for n in range(3)]
    assert len({raw.object_key, *(place.object_key for place in written)}) == 2
    assert "allocate" not in [call for call, _ in disk.calls]
    assert wal.read(*raw) == b"raw" and not wal.is_active(raw.object_key)
    wal.recycle(raw.object_key)  # most of it is raw still: not a spare
    assert [name for name in names(wal) if name.startswith("spare-")] == []


def test_large_flushes_get_no_spares_of_zeros(tmp_path: Path) -> None:
    """A burst that fills a file in a moment must not have every byte written twice."""
    wal = FileWal.open(
        tmp_path, cluster_id=CLUSTER, broker_id=1, broker_epoch=1, file_bytes=8 * RAW_FLUSH_BYTES
    )
    large, small = part(bytes(4 * RAW_FLUSH_BYTES)), part(b"x")
    wal.write([large])
    assert wal.prepare_spare() is True  # one such flush may be a chance
    placed = [wal.write([large])[0] for _ in range(FLUSHES_REMEMBERED)]
    assert wal.prepare_spare() is False
    placed += [wal.write([small])[0] for _ in range(2 * FLUSHES_REMEMBERED)]
    assert wal.prepare_spare() is True
    assert [len(wal.read(*one)) for one in placed] == [one.length for one in placed]


@pytest.mark.parametrize("refused", ["never", "by the file system", "by the device"])
def test_large_flushes_past_the_page_cache_are_read_through_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    """Between small ones, whoever has read around them before; and where it cannot be done, as ever."""
    if refused == "by the file system":
        monkeypatch.setattr(disk_module, "_go_around", lambda fd, around: False)
    elif refused == "by the device":

        def refuse(fd: int, data: memoryview, position: int) -> int:
            raise OSError(errno.EINVAL, "blocks of 64 KiB, please")

        monkeypatch.setattr(disk_module, "_write_whole", refuse)
    wal = FileWal.open(
        tmp_path, cluster_id=CLUSTER, broker_id=1, broker_epoch=1, file_bytes=16 << 20
    )
    sizes = [100, DIRECT_FLUSH_BYTES, 5000, STAGING_BYTES + 12345, 1, 999_999, 700, 2 << 20]
    written: list[tuple[PlacedPart, bytes]] = []
    for number, size in enumerate(sizes):
        content = bytes([number]) + Random(number).randbytes(size - 1)
        half = size // 2
        parts = [FlushPart(TOPIC, 0, [content[:half], memoryview(content)[half:]], 1)]
        written += [(placed, content) for placed in wal.write(parts)]
        for placed, expected in written:
            assert wal.read(*placed) == expected
    keys = {placed.object_key for placed, _ in written}
    assert sum(len(frames(wal, key)[0]) for key in keys) == len(sizes)


def test_i1_a_large_flush_that_fails_counts_for_nothing(
    open_wal: Callable[..., FileWal], disk: Any
) -> None:
    wal = open_wal(file_bytes=8 << 20)
    large = part(bytes(2 * DIRECT_FLUSH_BYTES))
    first = wal.write([large])[0]
    disk.fail("write", errno.EIO)
    with pytest.raises(StoreFault):
        wal.write([large])
    second = wal.write([large])[0]
    assert second.object_key != first.object_key
    assert wal.read(*first) == wal.read(*second) == bytes(2 * DIRECT_FLUSH_BYTES)


def test_a_raw_file_that_was_filled_is_reused(open_wal: Callable[..., FileWal]) -> None:
    wal = open_wal()
    placed = rolled(wal)[0]
    wal.recycle(placed.object_key)
    assert len([name for name in names(wal) if name.startswith("spare-")]) == 1


def test_a_place_is_told_before_its_bytes_are_durable(
    open_wal: Callable[..., FileWal], disk: Any
) -> None:
    wal = open_wal()
    told: list[tuple[list[PlacedPart], bool]] = []

    def placed(places: list[PlacedPart]) -> None:
        told.append((places, "sync_data" in [call for call, _ in disk.calls]))

    assert wal.write([part(b"x"), part(b"y", 1)], placed=placed) == told[0][0]
    assert [durable for _, durable in told] == [False]


def test_a_start_tidies_up_after_dead_ones(
    open_wal: Callable[..., FileWal], tmp_path: Path
) -> None:
    living = open_wal(1)
    directory = tmp_path / "wal"
    for name in (
        "1-0000000009.lock",
        "spare-1-0000000009-prepared1.tmp",
        "spare-1-0000000001-prepared1.tmp",
        "spare-odd-size.wal",
        "notes.txt",
    ):
        (directory / name).write_bytes(b"x")
    open_wal(2)
    assert names(living) == [
        "1-0000000001.lock",
        "1-0000000002.lock",
        "identity.json",
        "notes.txt",
        "spare-1-0000000001-prepared1.tmp",
    ]


# Trouble.


@pytest.mark.parametrize("call", ["write", "sync_data"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_i1_after_an_error_the_file_is_left_for_good(
    open_wal: Callable[..., FileWal], disk: Any, call: str, code: int
) -> None:
    wal = open_wal()
    before = wal.write([part(b"acknowledged")])[0]
    disk.fail(call, code)
    with pytest.raises(StoreFault, match="writing to the WAL"):
        wal.write([part(b"not acknowledged")])
    disk.calls.clear()
    after = wal.write([part(b"next")])[0]
    assert after.object_key != before.object_key
    old_name = f"{before.object_key.removeprefix('wal/')}.wal"
    assert old_name not in disk.named("write") + disk.named("sync_data")
    assert wal.read(*before) == b"acknowledged" and wal.read(*after) == b"next"
    assert not wal.is_active(before.object_key)
    # Whatever the file holds now, what was acknowledged is found, and numbering goes on.
    assert frames(wal, before.object_key)[0][0].sequence == 0
    assert frames(wal, after.object_key)[0][0].sequence == 2
    # Nor is it used again: a sick block may be in it.
    wal.recycle(before.object_key)
    assert not [name for name in names(wal) if name.startswith("spare")]


def test_a_full_disk_at_a_roll_harms_nothing(open_wal: Callable[..., FileWal], disk: Any) -> None:
    wal = open_wal()
    old = rolled(wal)[0]
    wal.write([part(b"x" * (5 * BLOCK_BYTES))])
    disk.fail("allocate", errno.ENOSPC)
    with pytest.raises(StoreFault, match=r"starting a WAL file .* free space") as caught:
        wal.write([part(b"y")])
    assert caught.value.retryable
    assert len(wal.objects()) == 2  # the half-made file is gone
    assert wal.read(*old) == b"old life 0"
    assert wal.read(*wal.write([part(b"y")])[0]) == b"y"


@pytest.mark.parametrize("call", ["open", "rename", "sync_directory"])
def test_any_fault_at_a_roll_can_be_retried(
    open_wal: Callable[..., FileWal], disk: Any, call: str
) -> None:
    wal = open_wal()
    if call == "rename":
        wal.prepare_spare()
    disk.fail(call, errno.EIO)
    with pytest.raises(StoreFault, match="check the disk"):
        wal.write([part(b"y")])
    placed = wal.write([part(b"z")])[0]
    assert wal.read(*placed) == b"z"
    for info in wal.objects():
        if not wal.is_active(info.key):
            wal.recycle(info.key)
    assert [info.key for info in wal.objects()] == [placed.object_key]


def test_a_real_size_limit_is_explained(tmp_path: Path) -> None:
    wal = FileWal.open(
        tmp_path, cluster_id=CLUSTER, broker_id=1, broker_epoch=1, file_bytes=FILE, disk=Disk()
    )
    placed = wal.write([part(b"acknowledged")])[0]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, hard))
    try:
        with pytest.raises(StoreFault, match="ulimit -f"):
            wal.write([part(b"x" * (2 * FILE))])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert wal.read(*placed) == b"acknowledged"
    assert wal.read(*wal.write([part(b"y")])[0]) == b"y"


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_read_only_directory_is_explained(
    open_wal: Callable[..., FileWal], disk: Any, tmp_path: Path, code: int
) -> None:
    placed = open_wal(1).write([part(b"x")])[0]
    disk.fail("open", code, after=2)  # the identity can be read
    with pytest.raises(StoreFault, match=r"opening the WAL .*(read-only|write access)"):
        open_wal(2)
    assert WalDirectory.open(tmp_path / "wal").read(*placed) == b"x"


def test_a_failed_preparation_leaves_nothing(open_wal: Callable[..., FileWal], disk: Any) -> None:
    wal = open_wal()
    disk.fail("zero", errno.ENOSPC)
    with pytest.raises(StoreFault, match="preparing"):
        wal.prepare_spare()
    assert names(wal) == ["1-0000000001.lock", "identity.json"]


def test_readers_and_the_writer_do_not_wait_for_each_other(tmp_path: Path) -> None:
    wal = FileWal.open(
        tmp_path, cluster_id=CLUSTER, broker_id=1, broker_epoch=1, file_bytes=1 << 20
    )
    placed: list[tuple[PlacedPart, bytes]] = []
    failures: list[BaseException] = []
    finished = threading.Event()

    def read() -> None:
        try:
            while not finished.is_set():
                for extent, content in placed[-20:]:
                    assert wal.read(*extent) == content
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(150):
        content = bytes([number]) * (number * 97 + 1)
        placed.append((wal.write([part(content)])[0], content))
    finished.set()
    for thread in threads:
        thread.join()
    assert not failures


def test_an_identity_that_somebody_died_over_is_written_once_more(tmp_path: Path) -> None:
    """A process that was killed between making the temporary file and giving it its name."""
    wal_id, cluster_id = b"w" * 16, b"c" * 16
    directory = tmp_path / "wal"
    directory.mkdir()
    (directory / f".identity.json.{wal_id.hex()}").write_bytes(b"{")
    opened = WalDirectory.create(directory, cluster_id=cluster_id, wal_id=wal_id, disk=Disk())
    assert (opened.wal_id, opened.cluster_id) == (wal_id, cluster_id)
    assert [path.name for path in directory.iterdir()] == ["identity.json"]
