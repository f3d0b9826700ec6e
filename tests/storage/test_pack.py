from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.errors import Corrupt, StoreFault
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.storage.pack import PackIndex, PackIndexBuilder, is_pack_key, pack_key
from anabranch.storage.segment import SegmentIndex, SegmentIndexBuilder, index_key
from anabranch.storage.store import check_key

CLUSTER = b"c" * 16


def share(topic: int, partition: int, base: int, sizes: list[int]) -> tuple[SegmentIndex, bytes]:
    builder = SegmentIndexBuilder(
        cluster_id=CLUSTER,
        topic_name=f"t{topic}",
        topic_id=bytes([topic]) * 16,
        partition=partition,
        topic_config={"retention.ms": str(topic)},
        leader_epoch=topic,
    )
    data = b""
    for number, size in enumerate(sizes):
        batch = build_batch([Record(0, number, b"k", b"v" * size)], base_offset=base + number)
        builder.add(batch, appended_at_ms=1000 * number)
        data += batch
    return builder.finish(covers=(max(0, base - 1), base + len(sizes))), data


shares = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 2**31 - 1),
        st.integers(0, 2**62),
        st.lists(st.sampled_from([0, 10, 70_000]), min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(shares)
def test_I9_a_pack_says_of_every_share_what_a_segment_says_of_itself(specs) -> None:
    builder = PackIndexBuilder(CLUSTER)
    made = [share(*spec) for spec in specs]
    positions = [builder.add(index) for index, _ in made]
    index = PackIndex.decode(builder.finish().encode())
    assert index.byte_length == sum(len(data) for _, data in made)
    for (described, data), position in zip(made, positions, strict=True):
        for at in {position, position + len(data) - 1}:
            found = index.share_at(at)
            assert found is not None and found.position == position
            assert index.segment_index(found) == described
    assert index.share_at(index.byte_length) is None
    assert index.share_at(-1) is None


def test_names() -> None:
    key = check_key(pack_key("2-17"))
    assert key == "packs/2-17.pack" and is_pack_key(key) and is_pack_key(index_key(key))
    assert not is_pack_key("topics/packs-AAAAAAAAAAAAAAAAAAAAAA/0/00000000000000000000.x.log")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_is_corruption_and_nothing_else(data) -> None:
    builder = PackIndexBuilder(CLUSTER)
    builder.add(share(1, 2, 3, [10, 70_000])[0])
    encoded = bytearray(builder.finish().encode())
    kind = data.draw(st.sampled_from(["cut", "flip", "longer"]))
    at = data.draw(st.integers(0, len(encoded) - 1))
    if kind == "cut":
        del encoded[at:]
    elif kind == "flip":
        encoded[at] ^= 1 << data.draw(st.integers(0, 7))
    else:
        encoded += b"\0"
    with pytest.raises((Corrupt, StoreFault)):
        PackIndex.decode(encoded)


def test_a_newer_format_is_refused_by_name() -> None:
    from anabranch.storage import pack
    from anabranch.storage.segment import seal_body

    encoded = seal_body(pack.MAGIC, 2, b"whatever")
    assert struct.unpack_from(">H", encoded, 8) == (2,)
    with pytest.raises(StoreFault, match="format version 2"):
        PackIndex.decode(encoded)


def test_an_index_that_contradicts_itself() -> None:
    builder = PackIndexBuilder(CLUSTER)
    builder.add(share(1, 2, 3, [10])[0])
    index = builder.finish()
    import msgspec

    from anabranch.storage import pack
    from anabranch.storage.segment import seal_body

    wrong = msgspec.structs.replace(index, byte_length=index.byte_length + 1)
    with pytest.raises(Corrupt, match="contradicts"):
        PackIndex.decode(seal_body(pack.MAGIC, 1, msgspec.msgpack.encode(wrong)))


def test_a_dump_shows_every_share(tmp_path) -> None:
    from anabranch.storage.dump import dump_path, render

    builder = PackIndexBuilder(CLUSTER)
    first, second = share(1, 2, 3, [10]), share(2, 0, 0, [5, 6])
    for index, _ in (first, second):
        builder.add(index)
    (tmp_path / "x.pack").write_bytes(first[1] + second[1])
    (tmp_path / "x.index").write_bytes(builder.finish().encode())
    items = list(dump_path(tmp_path))
    kinds = [item["type"] for item in items]
    assert kinds == ["index", "share", "entry", "share", "entry", "entry", "pack"] + 3 * [
        "batch"
    ] + ["end"]
    assert "topic=t2  " in render(items[3]) and items[3]["position"] == len(first[1])
    assert all(item["valid"] for item in items if item["type"] == "batch")
