"""Running totals per key: what the stream processors compute, with what they must have written.

A record carries its key's own count (`n`) and an amount; for each, a processor tells the sum of its key's
amounts up to it. The answer depends on all of the key's records before, so a state that came back wrong,
a record lost and a record added twice all show in the figures.
"""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from pathlib import Path

from tests.clients.conftest import make_topic
from tests.clients.contents import read_all
from tests.clients.dialects import ConfluentIdempotent, Rec
from tests.clients.failover import wait_until
from tests.support.peers import App, Node

KEYS, PARTS, PARTITIONS = 12, 3, 2
PART_RECORDS = 600
PAUSE_SECONDS = 0.002  # of the processor for each record, so that it is killed amid them
COMMIT_SECONDS = 0.5

Told = tuple[str, int, int]  # key, n, total


@dataclass
class Totals:
    """The two topics of one processor, and what belongs into the second.

    Unless `each_told`, the processor tells a key's figure after some of its records and after the last.
    """

    node: Node
    name: str
    each_told: bool = True
    parts: int = PARTS
    made: list[tuple[list[Rec], dict[tuple[str, int], int]]] = field(default_factory=list)
    expected: dict[tuple[str, int], int] = field(default_factory=dict)  # of the parts written
    written: int = 0  # parts

    def __post_init__(self) -> None:
        chance = random.Random(7)
        counts: Counter[str] = Counter()
        sums: Counter[str] = Counter()
        for _ in range(self.parts):
            part, figures = [], dict[tuple[str, int], int]()
            for _ in range(PART_RECORDS):
                number = chance.randrange(KEYS)
                key, amount = f"key-{number}", chance.randrange(1, 1000)
                sums[key] += amount
                figures[key, counts[key]] = sums[key]
                value = json.dumps({"n": counts[key], "amount": amount}).encode()
                part.append(Rec(value, key.encode(), partition=number % PARTITIONS))
                counts[key] += 1
            self.made.append((part, figures))
        make_topic(self.node.bootstrap, self.source, PARTITIONS)
        make_topic(self.node.bootstrap, self.sink, PARTITIONS)

    @property
    def source(self) -> str:
        return f"{self.name}-in"

    @property
    def sink(self) -> str:
        return f"{self.name}-out"

    def write_part(self) -> None:
        part, figures = self.made[self.written]
        ConfluentIdempotent(self.node.bootstrap).produce(self.source, part)
        self.expected |= figures
        self.written += 1

    def told(self, *, committed_only: bool = False) -> list[Told]:
        """What the processor has written so far, each key's in the order of the log."""
        found = read_all(self.node.bootstrap, self.sink, committed_only=committed_only)
        rows = [((rec.key or b"").decode(), json.loads(rec.value or b"")) for rec in found]
        return [(key, row["n"], row["total"]) for key, row in rows]

    def half_done(self) -> bool:
        """Whether some, not all, of the last part has been processed (asked until it is)."""
        last: dict[str, int] = {}
        for key, n, _ in self.told():
            last[key] = max(n, last.get(key, n))
        return sum(n + 1 for n in last.values()) > (self.written - 0.6) * PART_RECORDS

    def all_told(self, *, committed_only: bool = False) -> bool:
        return {(key, n) for key, n, _ in self.told(committed_only=committed_only)} >= self.due()

    def due(self) -> Set[tuple[str, int]]:
        """What must be told: each figure, or the last of each key."""
        return self.expected.keys() if self.each_told else set(dict(self.expected.keys()).items())

    def check_at_least_once(self, again: Set[tuple[str, int]]) -> None:
        """Every figure is right, none is missing, and only those of `again` came more than once."""
        told = self.told()
        assert [self.expected[key, n] for key, n, _ in told] == [total for _, _, total in told]
        assert {(key, n) for key, n, _ in told} >= self.due()
        twice = {at for at, times in Counter((key, n) for key, n, _ in told).items() if times > 1}
        assert twice <= again, "told again although it was committed"

    def check_exactly_once(self) -> None:
        told = self.told(committed_only=True)
        for key in {key for key, _ in self.expected}:
            mine = [(n, total) for each, n, total in told if each == key]
            assert mine == [(n, total) for (each, n), total in self.expected.items() if each == key]

    def behind(self, positions: dict[int, int]) -> set[tuple[str, int]]:
        """Which records of the source lie at or behind `positions` (by partition)."""
        return {
            ((rec.key or b"").decode(), json.loads(rec.value or b"")["n"])
            for rec in read_all(self.node.bootstrap, self.source)
            if (rec.offset or 0) >= positions.get(rec.partition, 0)
        }


def through_two_deaths(
    totals: Totals,
    app: App,
    *,
    positions: Callable[[], dict[int, int]],
    lost: Path | None = None,
    revive: bool = False,
    exactly_once: bool = False,
) -> set[tuple[str, int]]:
    """Kill the broker amid the first part, both amid the second, with the files in `lost` gone as well.

    `positions` tells the committed offsets of the source; `revive`: the application ends when its broker
    is away, and is started again as its supervisor would. Returns which records may have come again.
    """
    node, again = totals.node, set[tuple[str, int]]()

    def wait(condition: Callable[[], bool]) -> None:
        def alive_and_so() -> bool:
            if revive and not app.alive():
                again.update(totals.behind(positions()))
                app.kill()
                app.start()
            return condition()

        wait_until(alive_and_so, *(() if revive else (app,)))

    app.start()
    totals.write_part()
    wait(totals.half_done)
    again |= totals.behind(positions())
    node.kill()
    node.start()
    totals.write_part()
    wait(totals.half_done)
    app.kill()
    node.kill()
    node.start()
    again |= totals.behind(positions())
    if lost is not None:
        assert any(lost.iterdir()), "there was something to lose"
        shutil.rmtree(lost)
    totals.write_part()
    app.start()
    wait(lambda: totals.all_told(committed_only=exactly_once))
    return again
