"""Three brokers on one metastore, SQLite or PostgreSQL; any of them is killed, paused or restarted under load.

Clients go on: no acknowledged record is lost, doubled or reordered, no committed offset goes back, and
the gap in acknowledgements is printed for each event.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from tests.support.postgres import NoPostgres, fresh_url

from .conftest import BrokerProcess, stop_all
from .load import QUIET, TOPIC, Load, assert_kept, assert_told_the_truth, await_true

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

PARTITIONS = 12
BROKERS = 3
EVENTS = int(os.environ.get("FAULT_EVENTS", "8"))
SEED = int(os.environ.get("FAULT_SEED", str(random.SystemRandom().randrange(10**9))))
GAP_S_MAX = 10.0  # far beyond the target of 3 s, which a busy machine must not turn into a failure


class Cluster:
    """Brokers with numbers and ports of their own."""

    def __init__(self, root: Path, *arguments: str) -> None:
        self.brokers = [
            BrokerProcess(
                root / "data",
                name=f"broker{number}",
                arguments=("--node-id", str(number), *arguments),
            )
            for number in range(1, BROKERS + 1)
        ]
        for broker in self.brokers:
            broker.start()

    @property
    def bootstrap(self) -> str:
        return ",".join(broker.bootstrap for broker in self.brokers)

    def shown(self) -> set[int]:
        """Brokers that clients are told of."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap, **QUIET})
        return set(admin.list_topics(timeout=30).brokers)

    def whole(self) -> None:
        everyone = set(range(1, BROKERS + 1))
        await_true(lambda: self.shown() == everyone, "the brokers do not find together again")


@pytest.fixture(params=["sqlite", "postgresql"])
def cluster(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    arguments = []
    if request.param == "postgresql":
        try:
            arguments = ["--metastore", fresh_url()]
        except NoPostgres as reason:
            pytest.skip(str(reason))
    made = Cluster(tmp_path, *arguments)
    admin = AdminClient({"bootstrap.servers": made.bootstrap, **QUIET})
    for future in admin.create_topics([NewTopic(TOPIC, PARTITIONS)]).values():
        future.result(30)
    made.whole()
    yield made
    stop_all()


def said(what: str, load: Load, since: float) -> float:
    until = time.monotonic()
    gap = load.ledger.gap_s(since, until)
    print(f"{what}: gap {gap:.2f} s, silence {load.ledger.silent_s(since, until):.2f} s")
    return gap


def test_I1_I2_I4_I5_any_broker_is_killed_under_load(cluster: Cluster) -> None:
    print(f"repeat with FAULT_SEED={SEED} FAULT_EVENTS={EVENTS}")
    rng = random.Random(SEED)
    gaps = []
    with Load(cluster.bootstrap, PARTITIONS, producers=3, consumers=2) as load:
        for number in range(EVENTS):
            time.sleep(rng.uniform(0.2, 1.0))
            victim = rng.choice(cluster.brokers)
            promised = load.ledger.promised()
            began = time.monotonic()
            victim.kill()
            time.sleep(rng.uniform(0.1, 5.0))
            gaps.append(said(f"kill {number} of {victim.bootstrap}", load, began))
            assert_kept(cluster.bootstrap, promised)
            victim.start()
            if rng.random() < 0.7:
                cluster.whole()
        time.sleep(2)
    assert_told_the_truth(load, cluster.bootstrap, events=EVENTS)
    assert max(gaps) < GAP_S_MAX


def test_I1_I2_I4_I5_all_but_one_are_killed_at_once(cluster: Cluster) -> None:
    with Load(cluster.bootstrap, PARTITIONS, producers=2, consumers=2) as load:
        for survivor in range(BROKERS):
            began = time.monotonic()
            victims = [one for n, one in enumerate(cluster.brokers) if n != survivor]
            for victim in victims:
                victim.kill()
            time.sleep(5)
            assert said(f"all but broker {survivor + 1}", load, began) < GAP_S_MAX
            for victim in victims:
                victim.start()
            cluster.whole()
    assert_told_the_truth(load, cluster.bootstrap, events=BROKERS)


def test_I4_a_broker_that_slept_wakes_up_and_harms_nothing(cluster: Cluster) -> None:
    """SIGSTOP: the others declare it dead; it wakes with requests in its sockets and old pictures."""
    with Load(cluster.bootstrap, PARTITIONS, producers=3, consumers=2) as load:
        for sleeper in cluster.brokers:
            promised = load.ledger.promised()
            began = time.monotonic()
            os.kill(sleeper.pid, signal.SIGSTOP)
            time.sleep(6)
            os.kill(sleeper.pid, signal.SIGCONT)
            time.sleep(3)
            said(f"sleep of {sleeper.bootstrap}", load, began)
            assert_kept(cluster.bootstrap, promised)
            cluster.whole()
    assert_told_the_truth(load, cluster.bootstrap, events=BROKERS)


def test_I4_rolling_restart_is_not_noticed_by_clients(cluster: Cluster) -> None:
    with Load(cluster.bootstrap, PARTITIONS, producers=3, consumers=2) as load:
        for broker in cluster.brokers:
            began = time.monotonic()
            assert broker.stop() == 0
            broker.start()
            cluster.whole()
            assert said(f"restart of {broker.bootstrap}", load, began) < GAP_S_MAX
        # Groups moved with their members, twice at most each: nobody was sent away.
        assert load.ledger.lost_partitions == 0
    assert_told_the_truth(load, cluster.bootstrap, events=BROKERS)


def test_I4_workers_are_started_again_and_rolled(tmp_path: Path) -> None:
    log = (tmp_path / "stderr").open("w")
    supervisor = subprocess.Popen(
        [
            *(sys.executable, "-m", "anabranch.cli.main", "up", "--data", str(tmp_path / "data")),
            *("--listen", "127.0.0.1:0", "--workers", str(BROKERS)),
            *("--partitions", "4", "--log-level", "info"),
        ],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        assert supervisor.stdout is not None
        ports = [int(supervisor.stdout.readline().rsplit(":", 1)[1]) for _ in range(BROKERS)]
        bootstrap = ",".join(f"127.0.0.1:{port}" for port in ports)
        admin = AdminClient({"bootstrap.servers": bootstrap, **QUIET})
        for future in admin.create_topics([NewTopic(TOPIC, PARTITIONS)]).values():
            future.result(30)

        def shown() -> dict[int, int]:
            brokers = admin.list_topics(timeout=30).brokers
            return {number: one.port for number, one in brokers.items()}

        await_true(lambda: sorted(shown().values()) == sorted(ports), "not all workers came up")
        everyone = shown()  # which of them took which number is a matter of chance, once
        before = workers_of(supervisor.pid)
        with Load(bootstrap, PARTITIONS, producers=2, consumers=1) as load:
            for victim in before:
                os.kill(victim, signal.SIGKILL)
                await_true(lambda: len(workers_of(supervisor.pid)) == BROKERS, "not started again")
                await_true(lambda: shown() == everyone, "a worker did not come back as it was")
            again = workers_of(supervisor.pid)
            assert not set(again) & set(before)
            supervisor.send_signal(signal.SIGHUP)
            await_true(
                lambda: (
                    len(now := workers_of(supervisor.pid)) == BROKERS and not set(now) & set(again)
                ),
                "SIGHUP did not restart the workers",
            )
            await_true(lambda: shown() == everyone, "a worker did not come back as it was")
        assert_told_the_truth(load, bootstrap, events=BROKERS)
        last = workers_of(supervisor.pid)
        supervisor.send_signal(signal.SIGINT)
        assert supervisor.wait(60) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in last)
    finally:
        supervisor.kill()
        supervisor.wait()
        log.close()


def test_I4_a_worker_that_hangs_is_killed_and_its_clients_go_on(tmp_path: Path) -> None:
    log = (tmp_path / "stderr").open("w")
    supervisor = subprocess.Popen(
        [
            *(sys.executable, "-m", "anabranch.cli.main", "up", "--data", str(tmp_path / "data")),
            *("--listen", "127.0.0.1:0", "--workers", "2", "--partitions", "4"),
        ],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        assert supervisor.stdout is not None
        ports = [int(supervisor.stdout.readline().rsplit(":", 1)[1]) for _ in range(2)]
        bootstrap = ",".join(f"127.0.0.1:{port}" for port in ports)
        admin = AdminClient({"bootstrap.servers": bootstrap, **QUIET})
        for future in admin.create_topics([NewTopic(TOPIC, PARTITIONS)]).values():
            future.result(30)
        with Load(bootstrap, PARTITIONS, producers=2, consumers=1) as load:
            before = workers_of(supervisor.pid)
            began = time.monotonic()
            os.kill(before[0], signal.SIGSTOP)
            await_true(lambda: before[0] not in workers_of(supervisor.pid), "it was left hanging")
            await_true(lambda: len(workers_of(supervisor.pid)) == 2, "not started again")
            time.sleep(2)
            said("a hanging worker", load, began)
        assert_told_the_truth(load, bootstrap, events=2)
        supervisor.send_signal(signal.SIGINT)
        assert supervisor.wait(60) == 0
    finally:
        supervisor.kill()
        supervisor.wait()
        log.close()


def test_workers_end_with_their_supervisor(tmp_path: Path) -> None:
    supervisor = subprocess.Popen(
        [
            *(sys.executable, "-m", "anabranch.cli.main", "up", "--data", str(tmp_path / "data")),
            *("--listen", "127.0.0.1:0", "--workers", "2"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert supervisor.stdout is not None
    for _ in range(2):
        assert "listening on" in supervisor.stdout.readline()
    workers = workers_of(supervisor.pid)
    assert len(workers) == 2
    supervisor.kill()
    supervisor.wait()
    await_true(
        lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers),
        "workers outlived their supervisor",
    )


def workers_of(pid: int) -> list[int]:
    """Living children of a process."""
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [
        int(child)
        for child in tasks.read_text().split()
        if (status := Path(f"/proc/{child}/stat")).exists()
        and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    ]
