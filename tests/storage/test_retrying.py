from __future__ import annotations

import threading
from random import Random

import pytest

from anabranch.errors import StoreFault
from anabranch.storage.faulty import Fault, Faulty, scripted_plan, seeded_plan
from anabranch.storage.limited import Limited
from anabranch.storage.memory import MemoryStore
from anabranch.storage.metered import Meter, Metered
from anabranch.storage.retrying import PATIENT, Backoff, Retrying
from anabranch.storage.store import AlreadyExists, NotFound

ERROR, LOST, SHORT = Fault.ERROR, Fault.LOST_ANSWER, Fault.SHORT_READ


def retried(script: list[Fault | None], **options: object) -> tuple[Retrying, Faulty, list[float]]:
    waits: list[float] = []
    faulty = Faulty(MemoryStore(), scripted_plan(script))
    backoff = options.pop("backoff", Backoff())
    assert isinstance(backoff, Backoff)
    return (
        Retrying(faulty, sleep=waits.append, rng=Random(3), backoff=backoff),
        faulty,
        waits,
    )


def test_waits_grow_with_jitter_up_to_the_cap() -> None:
    backoff = Backoff(attempts_max=8, base_s=0.1, cap_s=1.0)
    store, _, waits = retried([ERROR] * 7, backoff=backoff)
    store.put("k", b"x")
    rng = Random(3)
    rng.getrandbits(128)  # the id of the series
    expected = [rng.uniform(0, ceiling) for ceiling in (0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0)]
    assert waits == expected and store.retries == 7


def test_time_is_bounded_in_total() -> None:
    clock = [0.0]

    class Slow(MemoryStore):
        def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
            clock[0] += 7
            raise StoreFault("timed out")

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    backoff = Backoff(attempts_max=1000, base_s=0.1, cap_s=1.0, total_s=20)
    store = Retrying(
        Slow(), sleep=sleep, rng=Random(3), backoff=backoff, monotonic=lambda: clock[0]
    )
    with pytest.raises(StoreFault, match="timed out"):
        store.get("k")
    assert store.retries == 2 and store.given_up == 1  # the third attempt ended past 20 s
    assert clock[0] < 20 + 7 + 1


def test_without_a_clock_waits_are_bounded() -> None:
    store, _, waits = retried([ERROR] * 500, backoff=PATIENT._replace(total_s=30))
    with pytest.raises(StoreFault):
        store.get("k")
    assert 20 < sum(waits) <= 30 and max(waits) <= PATIENT.cap_s


def test_i10_only_so_many_requests_are_under_way() -> None:
    class Gauge(MemoryStore):
        now = most = 0
        lock = threading.Lock()

        def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            together.wait()
            with self.lock:
                self.now -= 1
            return b""

    together = threading.Barrier(3, timeout=60)
    gauge = Gauge()
    store = Limited(gauge, 3)
    threads = [threading.Thread(target=store.get, args=("k",)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gauge.most == 3


def test_it_gives_up_with_the_last_fault() -> None:
    store, _, waits = retried([ERROR] * 10, backoff=Backoff(attempts_max=3))
    with pytest.raises(StoreFault, match="injected"):
        store.get("k")
    assert len(waits) == 2


def test_answers_and_lasting_faults_are_not_retried() -> None:
    class Broken(MemoryStore):
        def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
            raise StoreFault("read-only", retryable=False)

    store, _, waits = retried([])
    with pytest.raises(NotFound):
        store.get("k")
    store.put("k", b"x")
    with pytest.raises(AlreadyExists):
        store.put("k", b"x")
    with pytest.raises(StoreFault, match="read-only"):
        Retrying(Broken(), sleep=waits.append, rng=Random(1)).get("k")
    assert waits == []


def test_a_lost_answer_of_our_own_creation_is_success() -> None:
    store, faulty, _ = retried([LOST])
    assert store.put("k", [b"mi", b"ne"]) == 4
    assert faulty.get("k") == b"mine"


@pytest.mark.parametrize("rival", [b"rival", b"min", b"mine, longer", b""])
def test_a_rivals_object_is_never_taken_for_ours(rival: bytes) -> None:
    class Slow(MemoryStore):
        """The first creation fails, and before the second a rival's succeeds."""

        def __init__(self) -> None:
            super().__init__()
            self.attempts = 0

        def put(
            self, key: str, data: object, *, create: bool = True, put_id: str | None = None
        ) -> int:
            self.attempts += 1
            if self.attempts == 1:
                super().put(key, rival)
                raise StoreFault("timeout")
            return super().put(key, data, create=create, put_id=put_id)  # type: ignore[arg-type]

    store = Retrying(Slow(), sleep=lambda _: None, rng=Random(1))
    with pytest.raises(AlreadyExists):
        store.put("k", b"mine")
    assert store.get("k") == rival


def test_a_one_shot_stream_is_tried_once() -> None:
    store, _, waits = retried([ERROR])
    with pytest.raises(StoreFault):
        store.put("k", iter([b"a", b"b"]))
    assert waits == [] and store.put("k", iter([b"a", b"b"])) == 2


def test_a_listing_goes_on_where_it_broke() -> None:
    store, _, _ = retried([None] * 5 + [LOST, ERROR, LOST, LOST])
    keys = [f"k{number}" for number in range(5)]
    for key in keys:
        store.put(key, b"x")
    assert [info.key for info in store.list("k")] == keys
    assert store.retries == 4


def test_a_lost_deletion_counts_as_ours() -> None:
    store, _, _ = retried([None, LOST])
    store.put("k", b"x")
    assert store.delete("k") is True and store.delete("k") is False


def test_short_reads_are_what_the_store_answered() -> None:
    store, faulty, _ = retried([None, SHORT, SHORT])
    store.put("k", b"12345678")
    assert store.get("k") == b"1234"
    assert store.get_ranges("k", [(0, 2), (2, 4)]) == [b"12", b"34"]
    assert faulty.injected == {ERROR: 0, LOST: 0, SHORT: 2}


def test_seeded_faults_repeat() -> None:
    def run(seed: int) -> list[Fault | None]:
        plan = seeded_plan(Random(seed), error=0.3, lost_answer=0.2, short_read=0.2)
        return [plan("get", "k") for _ in range(200)]

    assert run(1) == run(1) != run(2)
    assert set(run(1)) == {None, ERROR, LOST, SHORT}
    assert SHORT not in [
        seeded_plan(Random(seed), short_read=1.0)("put", "k") for seed in range(20)
    ]


def test_metering_counts_requests_bytes_and_faults() -> None:
    faulty = Faulty(MemoryStore(), scripted_plan([None, None, None, ERROR]))
    store = Metered(faulty)
    store.put("a", b"12345")
    with pytest.raises(AlreadyExists):
        store.put("a", [b"12"])
    store.get("a", 1, 3)
    with pytest.raises(StoreFault):
        store.get("a")
    with pytest.raises(NotFound):
        store.head("b")
    store.get_ranges("a", [(0, 1), (3, 9)])
    assert len(list(store.list(""))) == 1
    store.delete("a")
    assert store.meters == {
        "put": Meter(2, 5, 0),
        "get": Meter(2, 3, 1),
        "get_ranges": Meter(1, 3, 0),
        "head": Meter(1, 0, 0),
        "list": Meter(1, 1, 0),
        "delete": Meter(1, 0, 0),
    }
