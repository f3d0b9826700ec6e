"""Share groups (KIP-932): Java's share consumers, and Kafka's tools for them.

The only library with share consumers is Java's.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence

from tests.clients.conftest import make_node, make_topic
from tests.clients.dialects import Confluent, Rec
from tests.clients.members import await_until
from tests.support.peers.tools import run_tool, start_tool

RECORDS = 400


def send(bootstrap: str, topic: str, first: int, count: int, partitions: int) -> None:
    records = [Rec(b"%d" % n, partition=n % partitions) for n in range(first, first + count)]
    Confluent(bootstrap).produce(topic, records)


def from_the_start(bootstrap: str, group: str) -> None:
    where = ["--bootstrap-server", bootstrap, "--alter", "--entity-type", "groups"]
    config = ["--entity-name", group, "--add-config", "share.auto.offset.reset=earliest"]
    run_tool("ConfigCommand", [*where, *config]).checked()


class Worker:
    """A share consumer that accepts what it is given; its output is read by a thread."""

    def __init__(self, bootstrap: str, topic: str, group: str) -> None:
        self.values: list[str] = []
        self.accepted = 0
        self.process = start_tool(
            "VerifiableShareConsumer",
            [
                *("--bootstrap-server", bootstrap, "--topic", topic, "--group-id", group),
                *("--acknowledgement-mode", "sync", "--verbose"),
            ],
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if '"record_data"' in line:
                self.values.append(str(json.loads(line)["value"]))
            elif '"offsets_acknowledged"' in line:
                event = json.loads(line)
                self.accepted += int(event["count"]) if event["success"] else 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)
        self._reader.join(30)


def seen(workers: Sequence[Worker]) -> set[str]:
    return {value for one in workers for value in one.values}


def test_console_share_consumers_take_turns(bootstrap: str, name: str) -> None:
    """What one accepted no other gets; the tools show where the group stands."""
    make_topic(bootstrap, name, partitions=2)
    from_the_start(bootstrap, name)
    send(bootstrap, name, 0, 50, 2)

    def read(count: int) -> list[str]:
        done = run_tool(
            "ConsoleShareConsumer",
            [
                *("--bootstrap-server", bootstrap, "--topic", name, "--group", name),
                *("--max-messages", str(count), "--timeout-ms", "30000"),
            ],
        )
        return done.checked().out.split()

    first = read(20)
    rest = read(30)
    assert sorted(map(int, first + rest)) == list(range(50))

    def groups(*args: str) -> str:
        return run_tool(
            "ShareGroupCommand", ["--bootstrap-server", bootstrap, *args]
        ).checked().out  # fmt: skip

    assert name in groups("--list")
    assert re.search(r"\bEmpty\b", groups("--describe", "--group", name, "--state"))
    shown = groups("--describe", "--group", name)
    rows = [line.split() for line in shown.splitlines() if line.startswith(name)]
    assert sorted((row[2], row[3]) for row in rows) == [("0", "25"), ("1", "25")]
    groups("--reset-offsets", "--group", name, "--topic", name, "--to-earliest", "--execute")
    assert sorted(map(int, read(50))) == list(range(50))
    groups("--delete-offsets", "--group", name, "--topic", name)
    groups("--delete", "--group", name)
    assert name not in groups("--list")


def test_I4_a_killed_worker_and_a_killed_broker_lose_nothing(name: str) -> None:
    """Three members on two partitions; a member and then the broker are killed with -9. Every record is
    delivered, and what was accepted long ago is not delivered again."""
    with make_node() as node:
        bootstrap = node.bootstrap
        make_topic(bootstrap, name, partitions=2)
        from_the_start(bootstrap, name)
        send(bootstrap, name, 0, RECORDS, 2)
        workers = [Worker(bootstrap, name, name) for _ in range(3)]
        try:
            early = {str(n) for n in range(RECORDS)}
            await_until(lambda: seen(workers) == early, lambda: len(seen(workers)))
            accepted = lambda: sum(one.accepted for one in workers)  # noqa: E731
            await_until(lambda: accepted() >= RECORDS, accepted)
            before = [len(one.values) for one in workers]
            workers[0].kill()
            send(bootstrap, name, RECORDS, RECORDS, 2)
            node.kill()
            node.start()
            late = {str(n) for n in range(RECORDS, 2 * RECORDS)}
            await_until(lambda: late <= seen(workers), lambda: len(seen(workers)))
            again = {v for one, n in zip(workers, before, strict=True) for v in one.values[n:]}
            assert not again & early
        finally:
            for one in workers:
                one.kill()
