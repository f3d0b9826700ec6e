from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from random import Random
from typing import Any

import pytest

from anabranch.errors import StoreFault
from anabranch.storage import s3
from anabranch.storage.metered import Metered
from anabranch.storage.retrying import Backoff, Retrying
from anabranch.storage.store import AlreadyExists, NotFound, open_store


def test_a_request_that_arrives_twice_is_one_success(moto: Any, s3_store: Any) -> None:
    moto.script.append("twice")
    assert s3_store.put("k", b"mine") == 4
    with pytest.raises(AlreadyExists):
        s3_store.put("k", b"mine")


@pytest.mark.parametrize("trouble", ["refuse", "lose"])
def test_a_creation_in_doubt_recognises_its_own_object(
    moto: Any, s3_store: Any, trouble: str
) -> None:
    with pytest.raises(StoreFault, match="503"):
        moto.script.append(trouble)
        s3_store.put("k", b"mine", put_id="series")
    assert s3_store.put("k", b"mine", put_id="series") == 4  # had the first an effect or not
    with pytest.raises(AlreadyExists) as caught:
        s3_store.put("k", b"mine", put_id="another")
    assert caught.value.judged


def test_equal_bytes_of_a_rival_are_still_a_rivals(moto: Any, s3_store: Any) -> None:
    from anabranch.storage.s3 import S3Store

    rival = S3Store.from_url(s3_store.url)
    moto.script.append("refuse")
    retried = Retrying(s3_store, sleep=lambda _: rival.put("k", b"x") and None, rng=Random(1))
    with pytest.raises(AlreadyExists) as caught:
        retried.put("k", b"x")
    assert caught.value.judged and retried.retries == 1


@pytest.mark.parametrize("trouble", ["refuse", "lose"])
def test_a_stream_whose_last_answer_was_lost_is_ours(
    moto: Any, s3_store: Any, trouble: str
) -> None:
    pieces = [os.urandom(1 << 20) for _ in range(17)]
    moto.script.extend([""] * 5 + [trouble])  # claim, start, three parts; then the completion
    assert s3_store.put("big", iter(pieces)) == 17 << 20
    assert s3_store.get("big", 0, 1 << 20) == pieces[0] and s3_store.head("big").size == 17 << 20
    with pytest.raises(AlreadyExists):
        s3_store.put("big", iter([*pieces[:16], b"something else" * 100_000]))


def test_requests_are_counted_as_they_are_billed(moto: Any, s3_store: Any) -> None:
    metered = Metered(s3_store)
    metered.put("small", b"x")
    metered.put("big", iter([bytes(1 << 20) for _ in range(17)]))
    metered.get("small")
    list(metered.list(""))
    metered.delete("small")
    made = Counter(
        "DELETE" if path.endswith(("?delete", "?delete=")) else method
        for method, path in moto.requests
    )
    counted = metered.requests
    assert counted == {"PUT": 1 + 1 + 3, "POST": 2, "GET": 1, "LIST": 1, "HEAD": 3, "DELETE": 2}
    assert {verb: made[verb] for verb in ("PUT", "POST", "DELETE")} == {
        verb: counted[verb] for verb in ("PUT", "POST", "DELETE")
    }, moto.requests


def test_a_conflict_is_retryable(moto: Any, s3_store: Any) -> None:
    moto.script.append("conflict")
    with pytest.raises(StoreFault, match="409") as caught:
        s3_store.put("k", b"x")
    assert caught.value.retryable and not isinstance(caught.value, AlreadyExists)
    assert s3_store.put("k", b"x") == 1


def test_a_conflict_over_a_key_that_exists_is_an_answer(moto: Any, s3_store: Any) -> None:
    s3_store.put("k", b"x")
    moto.script.append("conflict")
    with pytest.raises(AlreadyExists):
        s3_store.put("k", b"y")


@pytest.mark.parametrize("trouble", ["refuse", "lose"])
def test_a_lost_creation_is_retried_to_success(moto: Any, s3_store: Any, trouble: str) -> None:
    moto.script.append(trouble)
    with pytest.raises(StoreFault, match="503") as caught:
        s3_store.put("once", b"x")
    assert caught.value.retryable and len(str(caught.value)) < 600
    assert "Debug source" not in str(caught.value)

    moto.script.append(trouble)
    retried = Retrying(s3_store, sleep=lambda _: None, rng=Random(1))
    assert retried.put("k", b"mine") == 4 and retried.retries == 1
    assert s3_store.get("k") == b"mine"


def test_a_rival_that_comes_between_wins(moto: Any, s3_store: Any) -> None:
    moto.script.append("refuse")
    retried = Retrying(
        s3_store,
        sleep=lambda _: s3_store.put("k", b"rival") and None,
        rng=Random(1),
        backoff=Backoff(attempts_max=2),
    )
    with pytest.raises(AlreadyExists):
        retried.put("k", b"mine!")
    assert s3_store.get("k") == b"rival"


def test_large_streams_go_up_in_parts_and_are_still_exclusive(moto: Any, s3_store: Any) -> None:
    pieces = [os.urandom(1 << 20) for _ in range(18)]
    assert s3_store.put("big", iter(pieces)) == 18 << 20
    assert any("partNumber" in path for _, path in moto.requests)
    assert (
        s3_store.get("big", (16 << 20) + 5, 1 << 20)
        == b"".join(pieces)[(16 << 20) + 5 : (17 << 20) + 5]
    )
    with pytest.raises(AlreadyExists):
        s3_store.put("big", iter([b"other" * 4_000_000]))
    assert s3_store.get("big", 0, 8) == pieces[0][:8]
    assert s3_store.put("big", iter(pieces[:17]), create=False) == 17 << 20
    assert s3_store.head("big").size == 17 << 20
    # Nothing stays behind or shows in a listing.
    assert [info.key for info in s3_store.list("")] == ["big"]
    import obstore

    found = [item["path"] for page in obstore.list(s3_store._client) for item in page]
    assert found == ["big"]


@pytest.mark.s3
def test_one_of_many_large_streams_wins(s3_store: Any) -> None:
    barrier = threading.Barrier(5)
    won: list[int] = []

    def create(number: int) -> None:
        pieces = [bytes([number]) * (1 << 20)] * 17
        barrier.wait()
        try:
            s3_store.put("contested", iter(pieces))
            won.append(number)
        except StoreFault as fault:  # it exists, or another one is under way
            assert isinstance(fault, AlreadyExists) or fault.retryable

    threads = [threading.Thread(target=create, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert s3_store.get("contested") == bytes(won) * (17 << 20)
    with pytest.raises(AlreadyExists):
        s3_store.put("contested", iter([bytes(1 << 20)] * 17))
    assert [info.key for info in s3_store.list("")] == ["contested"]


@pytest.mark.s3
def test_a_large_stream_may_be_read_from_the_store_that_it_goes_to(s3_store: Any) -> None:
    """As a merge does: obstore runs the iterators it is given within its own runtime, where none of
    its calls works."""
    pieces = [os.urandom(6 << 20) for _ in range(4)]
    for number, piece in enumerate(pieces):
        s3_store.put(f"part{number}", piece)
    size = s3_store.put("whole", (s3_store.get(f"part{number}") for number in range(4)))
    assert size == 24 << 20 and s3_store.get("whole") == b"".join(pieces)


def test_a_large_stream_that_breaks_raises_its_own_error(s3_store: Any) -> None:
    def broken() -> Any:
        for _ in range(17):
            yield bytes(1 << 20)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        s3_store.put("k", broken())
    with pytest.raises(NotFound):
        s3_store.get("k")


def test_a_missing_bucket_and_a_dead_endpoint_are_told_apart(moto: Any) -> None:
    options = {"access_key_id": "x", "secret_access_key": "y"}
    missing = s3.S3Store("no-such-bucket", endpoint=moto.endpoint, **options)
    with pytest.raises(StoreFault, match="create it") as caught:
        missing.put("k", b"x")
    assert not caught.value.retryable
    dead = s3.S3Store("b", endpoint="http://127.0.0.1:1", **options)
    with pytest.raises(StoreFault) as caught:
        dead.put("k", b"x")
    assert caught.value.retryable


def test_the_url_opens_the_store(moto: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    store = open_store(f"s3://anabranch-test/some/prefix?endpoint={moto.endpoint}&region=eu-west-1")
    store.put("k", b"x")
    assert ("PUT", "/anabranch-test/some/prefix/k?") in moto.requests
    again = open_store(store.url)
    assert again.url == store.url and "region=eu-west-1" in store.url
    assert again.get("k") == b"x"
    store.delete("k")


def test_obstore_is_loaded_only_for_s3() -> None:
    code = (
        "import sys, anabranch.storage.store as s, anabranch.storage.wal, anabranch.storage.segment\n"
        "import anabranch.storage.blockcache, anabranch.storage.dump, anabranch.storage.retrying\n"
        "s.open_store('memory:'); s.open_store('file:///nonexistent')\n"
        "assert not {'obstore', 'pyarrow'} & set(sys.modules), 'loaded'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
