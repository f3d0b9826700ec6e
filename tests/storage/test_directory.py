from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import StoreFault, UserFault
from anabranch.storage.directory import LONG_BYTES, SYNC_BYTES, TEMPORARY, DirectoryStore
from anabranch.storage.memory import MemoryStore
from anabranch.storage.store import AlreadyExists, NotFound, open_store


def temporaries(root: Path) -> list[str]:
    return sorted(path.name for path in (root / TEMPORARY).iterdir())


def test_i1_every_name_is_durable_before_put_returns(tmp_path: Path, disk: Any) -> None:
    store = DirectoryStore(tmp_path / "root", writer_id="w", disk=disk)
    store.put("topics/t/0.log", b"x")
    done = [f"{call} {name}" for call, name in disk.calls]
    synced = done.index("sync w.1")
    linked = done.index("link 0.log")
    assert synced < linked < done.index("sync_directory t")
    # Each new directory's own name, up to the root's.
    for made, parent in [("root", tmp_path.name), ("topics", "root"), ("t", "topics")]:
        at = done.index(f"make_directory {made}")
        assert f"sync_directory {parent}" in done[at + 1 : linked]


def test_a_large_object_is_synced_piece_by_piece(tmp_path: Path, disk: Any) -> None:
    store = DirectoryStore(tmp_path, writer_id="w", disk=disk)
    pieces = [bytes(SYNC_BYTES // 2)] * 5
    assert store.put("k", iter(pieces)) == len(store.get("k")) == 5 * SYNC_BYTES // 2
    done = [call for call, name in disk.calls if name == "w.1"]
    assert [call for call in done if call in ("write", "sync_data", "sync")] == [
        *("write", "write", "sync_data") * 2,
        *("write", "sync"),
    ]


def test_a_directory_made_by_another_is_synced_once(tmp_path: Path, disk: Any) -> None:
    (tmp_path / "root" / "topics").mkdir(parents=True)
    store = DirectoryStore(tmp_path / "root", disk=disk)
    store.put("topics/a", b"x")
    assert "root" in disk.named("sync_directory")
    disk.calls.clear()
    store.put("topics/b", b"x")
    assert disk.named("sync_directory") == ["topics"]


def test_i3_objects_are_read_only_files(tmp_path: Path) -> None:
    DirectoryStore(tmp_path).put("k", b"x")
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) & 0o222 == 0


@pytest.mark.parametrize(
    ("code", "advice", "retryable"),
    [
        (errno.ENOSPC, "free space", True),
        (errno.EDQUOT, "quota", True),
        (errno.EROFS, "read-only", False),
        (errno.EACCES, "write access", False),
        (errno.EIO, "check the disk", False),
    ],
)
@pytest.mark.parametrize("call", ["open", "write", "sync", "link", "sync_directory"])
def test_a_failing_disk_is_explained_and_leaves_no_object(
    tmp_path: Path, disk: Any, call: str, code: int, advice: str, retryable: bool
) -> None:
    store = DirectoryStore(tmp_path, disk=disk)
    store.put("folder/before", b"x")
    disk.fail(call, code, after=1 if call == "open" else 0)  # the first open looks for the key
    with pytest.raises(StoreFault, match=advice) as caught:
        store.put("folder/k", b"y")
    assert caught.value.retryable is retryable
    assert f"writing folder/k to {tmp_path.as_uri()}" in str(caught.value)
    assert store.get("folder/before") == b"x"
    if call != "sync_directory":  # there the name exists, but nobody was told that it lasts
        with pytest.raises(NotFound):
            store.get("folder/k")
        assert store.put("folder/k", b"y") == 1
    assert temporaries(tmp_path) == [f"{store._writer_id}.lock"]


def test_a_real_size_limit_is_explained(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(StoreFault, match="ulimit -f"):
            store.put("k", b"x" * (2 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with pytest.raises(NotFound):
        store.get("k")


def test_a_file_in_the_way_is_explained(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.put("a", b"x")
    with pytest.raises(StoreFault, match="a file, not a directory"):
        store.put("a/b", b"y")
    store.put("c/d", b"x")
    with pytest.raises(AlreadyExists):
        store.put("c", b"y")


def test_leftovers_of_the_dead_go_and_those_of_the_living_stay(tmp_path: Path) -> None:
    living = DirectoryStore(tmp_path, writer_id="living")
    living.put("k", b"x")
    code = (
        "import os, sys; from pathlib import Path\n"
        "from anabranch.storage.directory import DirectoryStore\n"
        "def dies():\n"
        "    yield b'half'\n"
        "    os._exit(9)\n"
        f"DirectoryStore(Path({str(tmp_path)!r}), writer_id='dead').put('k2', dies())\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    (tmp_path / TEMPORARY / "living.99").write_bytes(b"being written")
    (tmp_path / TEMPORARY / "forgotten.1").write_bytes(b"its lock file is gone already")
    assert "dead.1" in temporaries(tmp_path)

    DirectoryStore(tmp_path)
    assert temporaries(tmp_path) == ["living.99", "living.lock"]
    living.close()
    DirectoryStore(tmp_path)
    assert temporaries(tmp_path) == []


def test_two_processes_cannot_share_a_writer_id(tmp_path: Path) -> None:
    first = DirectoryStore(tmp_path, writer_id="v")
    first.put("b", b"x")
    with pytest.raises(StoreFault, match="its own writer id"):
        DirectoryStore(tmp_path, writer_id="v").put("c", b"x")


def test_a_store_can_be_read_where_it_cannot_be_written(tmp_path: Path, disk: Any) -> None:
    DirectoryStore(tmp_path).put("k", b"x")
    for call in ("write", "link", "unlink", "make_directory", "rename"):
        disk.fail_always(call, errno.EROFS)
    store = DirectoryStore(tmp_path, disk=disk)
    assert store.get("k") == b"x" and [info.key for info in store.list("")] == ["k"]
    with pytest.raises(StoreFault, match="read-only"):
        store.put("k2", b"y")


def test_looking_makes_nothing(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "absent")
    assert list(store.list("")) == [] and not store.delete("k")
    assert not (tmp_path / "absent").exists()


def test_foreign_files_do_not_disturb(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.put("a/k", b"x")
    (tmp_path / "a" / "link").symlink_to("k")
    os.mkfifo(tmp_path / "pipe")
    assert [info.key for info in store.list("")] == ["a/k"]


def test_urls_open_stores(tmp_path: Path) -> None:
    spaced = tmp_path / "with space"
    store = open_store(spaced.as_uri())
    store.put("k", b"x")
    assert (spaced / "k").read_bytes() == b"x" and store.url == spaced.as_uri()
    assert isinstance(open_store("memory:"), MemoryStore)
    for url in ("data", "ftp://host/x", "file://host/x", "s3://", "s3://b?colour=red", ""):
        with pytest.raises(UserFault, match="store URL"):
            open_store(url)


def test_the_system_reads_nothing_ahead_of_short_reads(tmp_path: Path, disk: Any) -> None:
    store = DirectoryStore(tmp_path, writer_id="w", disk=disk)
    store.put("k", bytes(LONG_BYTES + 4))
    for ranges, expected in (
        ([(0, 100)], 1),
        ([(0, LONG_BYTES // 2), (LONG_BYTES // 2, LONG_BYTES // 2 - 1)], 1),
        ([(0, LONG_BYTES // 2), (LONG_BYTES // 2, LONG_BYTES // 2)], 0),
        ([(0, None)], 0),  # a long read takes what the system has ready
    ):
        disk.calls.clear()
        found = store.get_ranges("k", ranges)
        assert [len(each) for each in found] == [
            LONG_BYTES + 4 if length is None else length for _, length in ranges
        ]
        assert len(disk.named("read_only_what_is_asked")) == expected
