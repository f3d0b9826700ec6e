"""One producer and one group of a client, through a broker and a member killed with -9.

The client is driven through a program of its own (an `App`) that understands two verbs, ``pace`` (an
idempotent producer) and ``group`` (a member), and tells JSON lines of what it was answered.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.clients.conftest import make_topic, restart
from tests.clients.contents import committed, read_all
from tests.clients.members import HEARTBEAT_MS, SESSION_MS
from tests.support.peers import App, Node

PARTITIONS = 4
RECORDS = 3000
PAUSE_MS = 2
WAIT_SECONDS_MAX = 120.0  # JVMs on two busy cores

Start = Callable[[str, Mapping[str, Any], Path], App]  # verb, options, file of its output


def wait_until(
    condition: Callable[[], bool], *apps: App, seconds_max: float = WAIT_SECONDS_MAX
) -> None:
    """Wait while `apps` live; fails with their last words."""
    deadline = time.monotonic() + seconds_max
    while not condition():
        late = time.monotonic() > deadline
        if late or any(app.status() not in (None, 0) for app in apps):
            said = "\n\n".join(app.tail() for app in apps)
            raise AssertionError(f"{'not in time' if late else 'a client ended'}:\n{said}")
        time.sleep(0.05)


def through_two_deaths(start: Start, node: Node, name: str, directory: Path) -> None:
    """I1, I4, I5: acknowledged once is there once; the group reads on where it had committed."""
    make_topic(node.bootstrap, name, PARTITIONS)
    options = {
        "bootstrap": node.bootstrap,
        "topic": name,
        "group": name,
        "session_ms": SESSION_MS,
        "heartbeat_ms": HEARTBEAT_MS,
        "count": RECORDS,
        "pause_ms": PAUSE_MS,
    }
    with ExitStack() as stack:
        producer = stack.enter_context(start("pace", options, directory / "producer"))
        victim, survivor = (
            stack.enter_context(start("group", options, directory / each))
            for each in ("victim", "survivor")
        )
        victim.start()
        survivor.start()
        even = [PARTITIONS // 2] * 2
        wait_until(lambda: [len(assigned(m)) for m in (victim, survivor)] == even, victim, survivor)
        producer.start()
        wait_until(lambda: len(acked(producer)) > RECORDS // 6, producer, victim, survivor)
        before = committed(node.bootstrap, name)
        restart(node, clean=False)
        known = len(acked(producer))
        wait_until(lambda: len(acked(producer)) > known + RECORDS // 6, producer, victim, survivor)
        held = set(assigned(victim))
        victim.kill()
        known = len(survivor.events())
        time.sleep(0.5)  # a commit that was on its way has arrived
        left = committed(node.bootstrap, name)
        assert producer.wait(WAIT_SECONDS_MAX) == 0, producer.tail()

        log = read_all(node.bootstrap, name)
        written = {(rec.partition, rec.offset): int(rec.value or b"") for rec in log}
        assert sorted(written.values()) == list(range(RECORDS)), "each once, none else"
        answered = {(e["partition"], e["offset"]): e["value"] for e in acked(producer)}
        assert answered == written

        def read() -> set[tuple[int, int]]:
            return {(e["partition"], e["offset"]) for m in (victim, survivor) for e in records(m)}

        wait_until(lambda: read() >= written.keys(), survivor)
        assert survivor.stop() == 0, survivor.tail()

    for member in (victim, survivor):
        for event in records(member):
            assert written[event["partition"], event["offset"]] == event["value"]
        for partition in range(PARTITIONS):
            offsets = [e["offset"] for e in records(member) if e["partition"] == partition]
            for previous, offset in itertools.pairwise(offsets):
                again = before.get(partition, 0) <= offset <= previous
                assert offset == previous + 1 or again, (member.output, partition, previous, offset)
    afterwards = survivor.events()[known:]
    takeover = next(n for n, e in enumerate(afterwards) if held <= set(e.get("partitions", ())))
    for partition in held:
        after = (e for e in afterwards[takeover:] if e["event"] == "record")
        first = next(e["offset"] for e in after if e["partition"] == partition)
        assert first == left[partition], "neither before nor after what was committed"
    ends = {p: sum(1 for each in log if each.partition == p) for p in range(PARTITIONS)}
    assert committed(node.bootstrap, name) == ends


def acked(producer: App) -> list[dict[str, Any]]:
    return [event for event in producer.events() if event["event"] == "acked"]


def records(member: App) -> list[dict[str, Any]]:
    return [event for event in member.events() if event["event"] == "record"]


def assigned(member: App) -> list[int]:
    """What it was last given."""
    given = [event for event in member.events() if event["event"] == "assigned"]
    return given[-1].get("partitions", []) if given else []
