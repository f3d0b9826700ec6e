"""franz-go: a group that copies a topic exactly once, with the broker and a member killed."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.clients.conftest import make_topic, restart
from tests.clients.contents import committed, read_all
from tests.clients.dialects import ConfluentIdempotent, Rec
from tests.clients.failover import wait_until
from tests.support.peers import App, Node, franz_binary

pytestmark = pytest.mark.timeout(200)

PARTITIONS = 4
RECORDS = 3000
PER_TRANSACTION = 25  # at most
SECONDS_MAX = 180


def test_I6_broker_and_member_killed(node: Node, name: str, tmp_path: Path) -> None:
    """Of those who read committed records each is there once and in order; every fifth transaction was
    given up on purpose, and what others left open was aborted."""
    source, target = f"{name}-in", f"{name}-out"
    for topic in (source, target):
        make_topic(node.bootstrap, topic, PARTITIONS)
    records = [Rec(b"%d" % n, b"key", partition=n % PARTITIONS) for n in range(RECORDS)]

    def copier(number: int) -> App:
        command = [
            *(str(franz_binary()), "transact", "-bootstrap", node.bootstrap, "-group", name),
            *("-topic", source, "-target", target, "-transactional-id", f"{name}-{number}"),
            *("-count", str(PER_TRANSACTION), "-seconds", str(SECONDS_MAX)),
        ]
        return App(command, tmp_path / f"copier-{number}")

    def ended(*copiers: App) -> Counter[str]:
        return Counter(event["event"] for each in copiers for event in each.events())

    def copied() -> list[int]:
        log = read_all(node.bootstrap, target, committed_only=True)
        return [int(rec.value or b"") for rec in log]

    with ExitStack() as stack:
        victim, survivor = (stack.enter_context(copier(number)) for number in range(2))
        victim.start()
        survivor.start()
        ConfluentIdempotent(node.bootstrap).produce(source, records[: RECORDS // 2])
        wait_until(lambda: ended(victim, survivor)["committed"] >= 10, victim, survivor)
        restart(node, clean=False)
        known = ended(victim, survivor)["committed"]
        wait_until(lambda: ended(victim, survivor)["committed"] > known + 5, victim, survivor)
        victim.kill()
        ConfluentIdempotent(node.bootstrap).produce(source, records[RECORDS // 2 :])
        time.sleep(0.5)
        victim.start()
        wait_until(lambda: len(copied()) >= RECORDS, victim, survivor)
        assert [app.stop() for app in (victim, survivor)] == [0, 0], victim.tail() + survivor.tail()

    by_partition = [list(range(number, RECORDS, PARTITIONS)) for number in range(PARTITIONS)]
    assert copied() == [n for partition in by_partition for n in partition], "once each, in order"
    assert committed(node.bootstrap, name) == dict.fromkeys(
        range(PARTITIONS), RECORDS // PARTITIONS
    )
    assert ended(victim, survivor)["aborted"] and len(read_all(node.bootstrap, target)) > RECORDS
