"""Crashes: what a WAL still holds after the power went away at the worst moment."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.errors import StoreFault
from anabranch.storage.disk import Disk
from anabranch.storage.store import Buffer, NotFound
from anabranch.storage.wal import FlushPart, PlacedPart
from anabranch.storage.wal_directory import WalDirectory
from anabranch.storage.wal_file import FileWal
from anabranch.storage.wal_format import BLOCK_BYTES, FILE_HEADER_BYTES, Frame, encode_frame_header
from anabranch.storage.wal_scan import Ending, ScanEnd, scan_frames

CLUSTER, TOPIC = b"c" * 16, b"t" * 16
FILE = 8 * BLOCK_BYTES
SECTOR = 512  # what a drive writes wholly or not at all


class CrashDisk(Disk):
    """Syncs nothing really; the write on which it crashes reaches the disk in arbitrary sectors."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.crashing = False

    def sync_data(self, fd: int) -> None:
        pass

    def sync(self, fd: int) -> None:
        pass

    def sync_directory(self, path: Path) -> None:
        pass

    def write(self, fd: int, buffers: Sequence[Buffer], position: int) -> int:
        if not self.crashing:
            return super().write(fd, buffers, position)
        data = b"".join(buffers)
        style = self._rng.choice(["nothing", "all", "prefix", "any", "zeroed", "garbage"])
        for start in range(0, len(data), SECTOR):
            sector = data[start : start + SECTOR]
            arrives = {
                "nothing": False,
                "all": True,
                "prefix": start < self._rng.randrange(len(data)),
            }.get(style, self._rng.random() < 0.5)
            if arrives:
                super().write(fd, [sector], position + start)
            elif style == "zeroed":
                super().write(fd, [bytes(len(sector))], position + start)
            elif style == "garbage":
                super().write(fd, [self._rng.randbytes(len(sector))], position + start)
        raise OSError(5, "the machine is gone")


def scanned(path: Path) -> tuple[list[Frame], ScanEnd]:
    scan = scan_frames(path)
    found = list(scan)
    assert scan.end is not None
    return found, scan.end


sizes = st.one_of(st.integers(1, 300), st.integers(1, 3 * BLOCK_BYTES), st.just(FILE))
flushes = st.lists(st.tuples(st.integers(0, 3), sizes), min_size=1, max_size=4)
steps = st.lists(
    st.one_of(
        flushes.map(lambda parts: ("flush", parts)),
        st.integers(0, 9).map(lambda number: ("recycle", number)),
        st.just(("restart", None)),
        st.just(("prepare", None)),
        flushes.map(lambda parts: ("crash", parts)),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(steps=steps, last=flushes, seed=st.integers(0, 2**32))
def test_i1_i3_recovery_finds_exactly_what_was_acknowledged(
    steps: list[tuple[str, Any]], last: list[tuple[int, int]], seed: int
) -> None:
    """Any flushes, rolls, recyclings, restarts and torn flushes; the machine dies again and again.

    After each crash every file is scanned. The frames found are the acknowledged flushes of that
    file, in order and whole, at most followed by the one that was under way; never a frame of a
    former life. And every extent of an object that was not recycled reads as it was written.
    """
    rng = Random(seed)
    acknowledged: dict[str, list[list[tuple[PlacedPart, bytes]]]] = {}
    recycled: list[PlacedPart] = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        epoch = 0

        def start() -> tuple[FileWal, CrashDisk]:
            nonlocal epoch
            epoch += 1
            disk = CrashDisk(rng)
            wal = FileWal.open(
                directory,
                cluster_id=CLUSTER,
                broker_id=1,
                broker_epoch=epoch,
                file_bytes=FILE,
                disk=disk,
            )
            return wal, disk

        def contents(parts: list[tuple[int, int]]) -> list[FlushPart]:
            return [FlushPart(TOPIC, number, [rng.randbytes(size)], 1) for number, size in parts]

        def check() -> None:
            reader = WalDirectory.open(directory, cluster_id=CLUSTER)
            for info in reader.objects():
                expected = acknowledged.get(info.key, [])
                frames, end = scanned_or_unborn(reader.file_path(info.key), expected)
                assert len(frames) - len(expected) in (0, 1), end
                for frame, flush in zip(frames, expected, strict=False):
                    assert [(p.position, p.length) for p in frame.parts] == [
                        (placed.position, placed.length) for placed, _ in flush
                    ]
                assert end.ending is not Ending.DAMAGED
            for key, kept in acknowledged.items():
                for placed, content in (pair for flush in kept for pair in flush):
                    assert placed.object_key == key and reader.read(*placed) == content
            for placed in recycled:
                with pytest.raises(NotFound):
                    reader.read(*placed)

        wal, disk = start()
        for step, argument in [*steps, ("crash", last)]:
            if step == "flush":
                parts = contents(argument)
                placed = wal.write(parts)
                pairs = [(p, bytes(q.buffers[0])) for p, q in zip(placed, parts, strict=True)]
                acknowledged.setdefault(placed[0].object_key, []).append(pairs)
            elif step == "recycle":
                idle = [info.key for info in wal.objects() if not wal.is_active(info.key)]
                if idle:
                    key = idle[argument % len(idle)]
                    wal.recycle(key)
                    recycled += [p for flush in acknowledged.pop(key, []) for p, _ in flush]
            elif step == "prepare":
                wal.prepare_spare()
            else:
                if step == "crash":
                    disk.crashing = True
                    with pytest.raises(StoreFault):
                        wal.write(contents(argument))
                wal.close()
                check()
                wal, disk = start()
        check()
        wal.close()


def scanned_or_unborn(path: Path, expected: list[Any]) -> tuple[list[Frame], ScanEnd]:
    """A file whose very first flush was torn may have any header; nothing in it was acknowledged."""
    if not expected:
        try:
            return scanned(path)
        except Exception as error:
            assert "header" in str(error)
            return [], ScanEnd(0, Ending.NO_HEADER)
    return scanned(path)


@pytest.fixture(scope="module")
def three_flushes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[PlacedPart]]:
    directory = tmp_path_factory.mktemp("wal")
    wal = FileWal.open(directory, cluster_id=CLUSTER, broker_id=1, broker_epoch=1, file_bytes=FILE)
    placed = []
    for content in (b"one" * 10, b"two" * 500, b"three" * 400):
        placed += wal.write([FlushPart(TOPIC, 0, [content], 1), FlushPart(TOPIC, 1, [b"x"], 1)])
    wal.close()
    return directory / "1-0000000001-0000000000.wal", placed


def test_i1_a_file_cut_at_every_byte_of_its_tail(
    three_flushes: tuple[Path, list[PlacedPart]], tmp_path: Path
) -> None:
    path, placed = three_flushes
    frames, end = scanned(path)
    assert len(frames) == 3 and end == ScanEnd(frames[2].position + BLOCK_BYTES, Ending.UNWRITTEN)
    last_byte = placed[-1].position + placed[-1].length
    cut = tmp_path / "cut.wal"
    shutil.copy(path, cut)
    with cut.open("r+b") as file:
        for length in range(frames[2].position + BLOCK_BYTES, frames[1].position, -1):
            file.truncate(length)
            found, end = scanned(cut)
            if length >= last_byte:
                assert (found, end.ending) == (frames, Ending.FULL)
            elif length >= placed[3].position + 1:
                assert found == frames[:2]
                assert end.position == frames[2].position
                cut_at_frame = length <= frames[2].position
                assert end.ending is (Ending.FULL if cut_at_frame else Ending.TORN)
            else:
                assert found == frames[:1]


@pytest.mark.parametrize("filler", ["zeros", "garbage"])
def test_i1_a_torn_last_flush(
    three_flushes: tuple[Path, list[PlacedPart]], tmp_path: Path, filler: str
) -> None:
    path, placed = three_flushes
    frames, _ = scanned(path)
    whole = path.read_bytes()
    rng = Random(1)
    last_byte = placed[-1].position + placed[-1].length
    torn = tmp_path / "torn.wal"
    for start in range(frames[2].position, last_byte, SECTOR):
        for length in (SECTOR, 3 * SECTOR, BLOCK_BYTES):
            stop = min(start + length, frames[2].position + BLOCK_BYTES)
            fill = bytes(stop - start) if filler == "zeros" else rng.randbytes(stop - start)
            torn.write_bytes(whole[:start] + fill + whole[stop:])
            found, end = scanned(torn)
            assert found == frames[:2] and end.position == frames[2].position
            assert end.ending in (Ending.TORN, Ending.UNWRITTEN) and end.resume_at is None


@pytest.mark.parametrize("what", ["header", "part"])
def test_damage_in_the_middle_is_not_taken_for_a_tail(
    three_flushes: tuple[Path, list[PlacedPart]], tmp_path: Path, what: str
) -> None:
    path, placed = three_flushes
    frames, _ = scanned(path)
    content = bytearray(path.read_bytes())
    content[frames[1].position + 30 if what == "header" else placed[2].position] ^= 1
    damaged = tmp_path / "damaged.wal"
    damaged.write_bytes(content)
    found, end = scanned(damaged)
    assert found == frames[:1]
    assert end == ScanEnd(frames[1].position, Ending.DAMAGED, frames[2].position)
    assert end.resume_at is not None
    assert list(scan_frames(damaged, start=end.resume_at)) == frames[2:]


def test_a_damaged_file_header_can_be_scanned_around(
    three_flushes: tuple[Path, list[PlacedPart]], tmp_path: Path
) -> None:
    path, _ = three_flushes
    frames, _ = scanned(path)
    damaged = tmp_path / "damaged.wal"
    damaged.write_bytes(bytes(FILE_HEADER_BYTES) + path.read_bytes()[FILE_HEADER_BYTES:])
    assert scanned(damaged) == ([], ScanEnd(0, Ending.NO_HEADER))
    assert list(scan_frames(damaged, life=frames[0].life)) == frames


def test_a_frame_in_another_place_is_not_valid(
    three_flushes: tuple[Path, list[PlacedPart]], tmp_path: Path
) -> None:
    """A misdirected write: the bytes are right, the place is wrong."""
    path, _ = three_flushes
    frames, _ = scanned(path)
    content = path.read_bytes()
    moved = tmp_path / "moved.wal"
    second = content[frames[1].position : frames[2].position]
    moved.write_bytes(content[: frames[2].position] + second + content[frames[2].position :])
    found, end = scanned(moved)
    assert found == frames[:2] and end.ending is not Ending.DAMAGED
    assert list(scan_frames(moved, start=frames[2].position)) == []


def test_a_gap_in_the_numbers_ends_the_scan(
    three_flushes: tuple[Path, list[PlacedPart]], tmp_path: Path
) -> None:
    path, _ = three_flushes
    frames, _ = scanned(path)
    last = frames[2]
    described = [
        (p.topic_id, p.partition, p.batches, p.length, p.checksum, p.seen) for p in last.parts
    ]
    header = encode_frame_header(last.life, 3, last.position, last.length, described)
    renumbered = tmp_path / "renumbered.wal"
    content = path.read_bytes()
    renumbered.write_bytes(
        content[: last.position] + header + content[last.position + len(header) :]
    )
    assert scanned(renumbered)[0] == frames[:2]
