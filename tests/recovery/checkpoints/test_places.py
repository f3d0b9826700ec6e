"""Checkpoints in a bucket, and ones that were copied from where they were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import Corrupt, UserFault
from anabranch.recovery.checkpoints import flink, spark
from anabranch.recovery.checkpoints.flink_metadata import parse
from anabranch.recovery.checkpoints.kept import changed
from anabranch.recovery.checkpoints.places import place, place_and_name
from anabranch.recovery.model import Checkpoint

from .support import TESTDATA, all_nexts, copied, nexts, truth

pytestmark = pytest.mark.s3


def uploaded(store: Any, home: Path) -> None:
    for file in sorted(home.rglob("*")):
        if file.is_file():
            store.put(str(file.relative_to(home)), file.read_bytes(), create=False)


def under(url: str, name: str) -> str:
    bare, _, query = url.partition("?")
    return f"{bare}/{name}?{query}"


def test_checkpoints_in_a_bucket(s3: Any, s3_store: Any) -> None:
    uploaded(s3_store, TESTDATA / "flink-v6")
    read = flink.read(s3.url)
    here = flink.read(str(TESTDATA / "flink-v6"))
    assert read.sources == here.sources and read.sha256 == here.sha256 and not read.damage
    assert flink.read(read.location) == read, "what was read is named so that it is found again"
    taken = Checkpoint(read.location, read.sha256, read.bytes)
    assert changed("flink", taken, False) is None
    s3_store.put("_metadata", b"other", create=False)
    assert "SHA-256 differs" in str(changed("flink", taken, False))
    s3_store.delete("_metadata")
    assert "cannot be read any more" in str(changed("flink", taken, False))

    uploaded(s3_store, TESTDATA / "spark-v1")
    assert all_nexts(spark.read(s3.url)) == truth("spark-v1")["next"]
    with pytest.raises(UserFault, match="no Flink checkpoint"):
        flink.read(under(s3.url, "nothing"))


def test_state_at_paths_without_an_endpoint(s3: Any, s3_store: Any, tmp_path: Path) -> None:
    """As Flink's S3 file systems write them: ``s3a://bucket/…``, the endpoint in Flink's own settings."""
    home = copied("flink-v6-merged", tmp_path)
    file = home / "chk-2" / "_metadata"
    data = file.read_bytes()
    for handle in parse(data, "m").files:
        inside = handle.path[handle.path.index("/taskowned/") + 1 :]
        path = f"{s3.url.partition('?')[0]}/elsewhere/{inside}".replace("s3:", "s3a:")
        old, new = handle.path.encode(), path.encode()
        data = data.replace(len(old).to_bytes(2, "big") + old, len(new).to_bytes(2, "big") + new)
        s3_store.put(f"elsewhere/{inside}", (home / inside).read_bytes(), create=False)
    s3_store.put("chk-2/_metadata", data, create=False)
    read = flink.read(under(s3.url, "chk-2"))
    assert not read.damage and not read.notes
    orders = next(one for one in read.sources if one.uid == "orders")
    assert nexts(orders).items() >= truth("flink-v6-merged")["next"]["orders"].items()


def test_state_is_found_beside_a_checkpoint_that_was_copied(tmp_path: Path) -> None:
    read = flink.read(str(copied("flink-v6-merged", tmp_path)))
    assert not read.damage
    assert read.notes == ("state was found beside the checkpoint, not where it was written",)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "", "a//b", "a\0b"])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Corrupt, match="is not the name of a file beside"):
        place(str(tmp_path)).read(name)


def test_paths_are_taken_apart(tmp_path: Path) -> None:
    where, name = place_and_name(f"{tmp_path}/a/b")
    assert (where.location, name) == (f"{tmp_path}/a", "b")
    (tmp_path / "f").write_bytes(b"0123456789")
    here = place(str(tmp_path))
    assert here.read("f", 2, 3) == b"234" and here.read("f", 10) == b""
    for start, length in ((8, 3), (11, 1), (-1, 2), (0, -1)):
        with pytest.raises(Corrupt, match="announced"):
            here.read("f", start, length)
    assert here.size("absent") is None and here.size("f/g") is None
    with pytest.raises(UserFault, match="no file"):
        here.read("absent")
