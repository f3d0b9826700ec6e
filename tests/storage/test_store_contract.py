"""What every store promises, asked of every store and decorator."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from anabranch.errors import StoreFault
from anabranch.storage.store import AlreadyExists, NotFound, ObjectInfo, Store


def test_what_was_put_can_be_read(store: Store) -> None:
    assert store.put("a/b.log", b"0123456789") == 10
    assert store.get("a/b.log") == b"0123456789"
    assert store.head("a/b.log") == ObjectInfo("a/b.log", 10)


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (0, None, b"0123456789"),
        (3, None, b"3456789"),
        (3, 4, b"3456"),
        (0, 10, b"0123456789"),
        (8, 100, b"89"),
        (10, 1, b""),
        (10, None, b""),
        (99, 5, b""),
        (4, 0, b""),
    ],
)
def test_ranges_end_where_the_object_ends(
    store: Store, start: int, length: int | None, expected: bytes
) -> None:
    store.put("k", b"0123456789")
    assert store.get("k", start, length) == expected
    if length is not None:
        assert store.get_ranges("k", [(start, length)]) == [expected]


def test_several_ranges_at_once(store: Store) -> None:
    store.put("k", bytes(range(200)))
    ranges = [(100, 3), (0, 2), (150, 500), (198, 1), (5, 0)]
    assert store.get_ranges("k", ranges) == [
        bytes(range(200))[start : start + length] for start, length in ranges
    ]
    assert store.get_ranges("k", []) == []


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_every_kind_of_buffer(store: Store, kind: type) -> None:
    store.put("k", kind(b"abc"))
    store.put("k2", [kind(b"abc"), kind(b""), kind(b"def")])
    assert store.get("k") == b"abc" and store.get("k2") == b"abcdef"


def test_the_empty_object(store: Store) -> None:
    assert store.put("k", b"") == 0 and store.put("k2", []) == 0
    assert store.get("k") == b"" == store.get("k2")
    assert store.get("k", 0, 5) == b"" and store.head("k").size == 0


def test_i3_creation_happens_once_and_changes_nothing(store: Store) -> None:
    store.put("k", b"first")
    for content in (b"first", b"other"):
        with pytest.raises(AlreadyExists):
            store.put("k", content + b" again")
    with pytest.raises(AlreadyExists):
        store.put("k", [b"a", b"stream"])
    assert store.get("k") == b"first"


def test_replacing_must_be_asked_for(store: Store) -> None:
    store.put("k", b"first")
    assert store.put("k", b"second, longer", create=False) == 14
    assert store.get("k") == b"second, longer"
    store.put("new", b"x", create=False)
    assert store.get("new") == b"x"


def test_one_of_many_creators_wins(store: Store) -> None:
    outcomes: list[int] = []
    barrier = threading.Barrier(8)

    def create(number: int) -> None:
        barrier.wait()
        try:
            store.put("contested", f"writer {number}".encode())
            outcomes.append(number)
        except AlreadyExists:
            pass

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 1
    assert store.get("contested") == f"writer {outcomes[0]}".encode()


def test_streams_arrive_whole(store: Store) -> None:
    pieces = [os.urandom(size) for size in (1, 3_000_000, 0, 70_000, 1_500_000)]
    assert store.put("k", list(pieces)) == sum(map(len, pieces))
    assert store.get("k") == b"".join(pieces)


def test_a_stream_that_breaks_leaves_nothing(store: Store) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * 1000
        raise ZeroDivisionError

    for _ in range(10):  # a decorator's own fault may come first
        with pytest.raises((ZeroDivisionError, StoreFault)) as caught:
            store.put("k", broken())
        if caught.type is ZeroDivisionError:
            break
    else:
        raise AssertionError("the stream's own error must come through")
    with pytest.raises(NotFound):
        store.get("k")
    assert list(store.list("")) == []


@pytest.mark.parametrize("call", ["get", "head", "get_ranges"])
def test_what_is_absent_is_not_found(store: Store, call: str) -> None:
    store.put("folder/k", b"x")
    for key in ("absent", "folder", "folder/k/below", "folder/kk"):
        with pytest.raises(NotFound) as caught:
            getattr(store, call)(key, *([[(0, 1)]] if call == "get_ranges" else []))
        assert not caught.value.retryable


def test_deleting_is_idempotent(store: Store) -> None:
    store.put("a/k", b"x")
    assert store.delete("a/k") is True
    with pytest.raises(NotFound):
        store.get("a/k")
    store.put("a/k", b"y")  # the name is free again
    assert store.get("a/k") == b"y"


def test_deleting_nothing(store: Store, request: pytest.FixtureRequest) -> None:
    found = [store.delete(key) for key in ("absent", "no/such/folder")]
    if "retried" not in request.node.name:  # after a fault nobody can tell whose deletion it was
        assert found == [False, False]


KEYS = [
    "a",
    "a.b",
    "a-b/x",
    "a0",
    "ab/1",
    "ab/2/0",
    "ab/2.x",
    "ab/10",
    "b/00000000000000000000.x.log",
    "b/00000000000000000010.x.log",
    "b/00000000000000000010.y.log",
    "wal/1-0000000001-0000000000",
]


@pytest.mark.parametrize("after", [None, "a", "ab/10", "ab/2", "ab/2/0", "ab/zzz", "b/", "zz"])
@pytest.mark.parametrize("prefix", ["", "a", "ab/", "ab/2", "b/0000000000000000001", "wal/", "z/"])
def test_listing_is_in_key_order(store: Store, prefix: str, after: str | None) -> None:
    for key in reversed(KEYS):
        store.put(key, b"x" * len(key))
    assert list(store.list(prefix, after)) == [
        ObjectInfo(key, len(key))
        for key in sorted(KEYS)
        if key.startswith(prefix) and (after is None or key > after)
    ]


@pytest.mark.parametrize(
    "key",
    [
        *("", "/", "/a", "a/", "a//b", "..", "../x", "a/../b", "a/./b", ".tmp/x", "a b", "ä"),
        *("a\0b", "a\\b", "a\n", "a" * 256, "/".join(["abc"] * 300)),
    ],
)
def test_keys_that_some_store_could_not_hold_are_refused(store: Store, key: str) -> None:
    calls = [
        lambda: store.put(key, b"x"),
        lambda: store.put(key, [b"x"]),
        lambda: store.get(key),
        lambda: store.get_ranges(key, [(0, 1)]),
        lambda: store.head(key),
        lambda: store.delete(key),
    ]
    for call in calls:
        with pytest.raises(StoreFault, match="not an object key") as caught:
            call()
        assert not caught.value.retryable and not isinstance(caught.value, NotFound)
