"""Samples in, medians and ratios out; a table for people and JSON for programs."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Target:
    """A figure to reach: `ours` over `theirs` must be at least or at most `ratio`."""

    figure: str
    theirs: str
    ratio: float
    at_least: bool
    says: str
    theirs_figure: str | None = None  # if the comparison is with another figure's row
    ours: str = "anabranch"


CATCHUP_RATIO = "live produce p99, with catch-up over without"
CATCHUP_LANE = "anabranch, recovery lane"
CATCHUP_RATIOS_MAX = (
    ("anabranch", 1.5, "live produce p99 beside a catch-up reader on the same broker"),
    (CATCHUP_LANE, 1.2, "live produce p99 beside a catch-up reader in the recovery lane"),
)

BULK_REBUILD = "view of 10 M events"
THROTTLE_RATIO = "live produce p99, with a replay over without"
THROTTLE_BESIDE = "replay beside live produce"
THROTTLE_ETA = "ETA error at 50 %"

# Measured as ratios within one run: machines differ, neighbours on one machine differ less.
TARGETS = [
    Target("produce 1 KB", "kafka", 1.0, True, "produce 1 KB at least as fast as Kafka"),
    Target("tail follow 1 KB", "kafka", 1.0, True, "tail consume at least as fast as Kafka"),
    Target("tail drain 1 KB", "kafka", 1.0, True, "reading fresh records at least as fast"),
    Target(
        "transactions of 100 ms of 1 KB records", "kafka", 0.8, True,
        "transactional produce at least 0.8 of Kafka's at transactions of 100 ms",
    ),
    Target(
        "sync produce p50", "disk: append 64 KB + fdatasync", 4.0, False,
        "synchronous produce p50 at most 4 times the disk's append + fdatasync",
    ),
    Target(
        "arrow 100 B", "anabranch + librdkafka", 5.0, True,
        "Arrow reader at least 5 times a librdkafka consumer",
    ),
    Target(
        CATCHUP_RATIO, "kafka", 1.0, False,
        "live produce suffers less from a catch-up reader than Kafka's",
    ),
    Target(
        "produce 1 KB, metastore on PostgreSQL", "anabranch, SQLite", 0.8, True,
        "produce with the metastore on PostgreSQL at least 0.8 of SQLite's",
    ),
    Target(
        "retained bytes", "store, one sequential reader", 0.334, True,
        "rebuild without a journal reads all it retains at a third of the store's speed or more",
        ours="rebuild --verify, no journal",
    ),
    Target(
        "produce 1 KB, journal", "no journal", 0.9, True,
        "the journal costs a producer nothing that stands out of the noise",
        ours="journal",
    ),
    *(
        # A rebalance is mostly waiting for heartbeats: what is above this is not noise.
        Target(f"one more joins of 500, {protocol}", "kafka", 1.05, False,
            f"a {protocol} group of 500 rebalances no slower than Kafka's")
        for protocol in ("classic", "consumer")
    ),
    Target(
        THROTTLE_BESIDE, "unthrottled", 0.5, True,
        "a throttled replay gets at least half of what is free beside the same producer",
    ),
    Target(
        BULK_REBUILD, "kafka + librdkafka", 5.0, True,
        "a view of 10 M events from the bucket at least 5 times a consumer of Kafka",
    ),
    Target(
        "heartbeats of 10,000 consumers, broker CPU", "kafka", 1.0, False,
        "10,000 consumers' heartbeats cost no more CPU than Kafka's",
    ),
]  # fmt: skip


@dataclass(frozen=True)
class Bound:
    """A figure of ours whose median must not be above ``most``."""

    figure: str
    most: float
    says: str


BOUNDS = [
    Bound("branch of 10,000 extents", 200.0, "a branch of 10,000 extents"),
    Bound("explain at an instant", 100.0, "explain over ten million commits"),
    Bound("explain between two instants", 100.0, "a difference over ten million commits"),
    Bound(THROTTLE_RATIO, 1.2, "live produce p99 beside a throttled replay, over its baseline"),
    Bound(THROTTLE_ETA, 10.0, "ETA of a replay at half way"),
    Bound("failover gap, small retained", 3.0, "gap after kill -9, little retained"),
    Bound("failover gap, large retained", 3.0, "gap after kill -9, much retained"),
    Bound(
        "broker memory peak, 10,000 partitions written and read", 1024.0,
        "memory with 10,000 partitions",
    ),
]  # fmt: skip
MEMORY_BYTES_MAX = 512 * 2**20
STARTUP_RATIO_MAX = 1.5  # "independent of retained bytes", with room for noise


@dataclass
class Figure:
    """All samples of one figure, by system."""

    name: str
    unit: str
    higher_is_better: bool
    samples: dict[str, list[float]] = field(default_factory=dict)

    def median(self, system: str) -> float | None:
        taken = self.samples.get(system)
        return statistics.median(taken) if taken else None


class Report:
    """Collects samples while a run goes on."""

    def __init__(self) -> None:
        self.figures: dict[str, Figure] = {}
        self.notes: list[str] = []

    def add(
        self, name: str, unit: str, system: str, value: float, *, higher_is_better: bool = True
    ) -> None:
        figure = self.figures.setdefault(name, Figure(name, unit, higher_is_better))
        assert (figure.unit, figure.higher_is_better) == (unit, higher_is_better)
        figure.samples.setdefault(system, []).append(value)

    def memory(self, system: str, during: str, rss_bytes: int) -> None:
        name = f"broker memory peak, {during}"
        self.add(name, "MiB", system, rss_bytes / 2**20, higher_is_better=False)

    def targets(self) -> list[dict[str, Any]]:
        """Every target with what was measured; `met` is None where a side is missing."""
        rows: list[dict[str, Any]] = []
        for target in TARGETS:
            figure = self.figures.get(target.figure)
            ours = figure.median(target.ours) if figure else None
            theirs = figure.median(target.theirs) if figure else None
            ratio = ours / theirs if ours and theirs else None
            met = None
            if ratio is not None:
                met = ratio >= target.ratio if target.at_least else ratio <= target.ratio
            bound = "≥" if target.at_least else "≤"
            rows.append(_row(target.says, f"{bound} {target.ratio:g} x", ratio, " x", met))
        for system, bound_x, says in CATCHUP_RATIOS_MAX:
            figure = self.figures.get(CATCHUP_RATIO)
            ratio = figure.median(system) if figure else None
            met = None if ratio is None else ratio <= bound_x
            rows.append(_row(says, f"≤ {bound_x:g} x without", ratio, " x", met))
        for bound in BOUNDS:
            figure = self.figures.get(bound.figure)
            measured = figure.median("anabranch") if figure else None
            unit = f" {figure.unit}" if figure else ""
            met = None if measured is None else measured <= bound.most
            rows.append(_row(bound.says, f"≤ {bound.most:g}{unit}", measured, unit, met))
        peaks = [
            max(figure.samples["anabranch"])
            for figure in self.figures.values()
            if figure.unit == "MiB" and "anabranch" in figure.samples
        ]
        peak = max(peaks) if peaks else None
        bound_mib = MEMORY_BYTES_MAX / 2**20
        met = None if peak is None else peak <= bound_mib
        rows.append(_row("broker memory in all of them", f"≤ {bound_mib:g} MiB", peak, " MiB", met))
        small, large = (
            figure.median("anabranch") if (figure := self.figures.get(name)) else None
            for name in ("start-up, empty", "start-up, retained")
        )
        ratio = large / small if small and large else None
        met = None if ratio is None else ratio <= STARTUP_RATIO_MAX
        rows.append(
            _row(
                "start-up independent of retained bytes",
                f"≤ {STARTUP_RATIO_MAX:g} x empty",
                ratio,
                " x",
                met,
            )
        )
        return rows

    def document(self, about: dict[str, Any]) -> dict[str, Any]:
        """Everything measured, for `--json`."""
        return {
            "about": {**machine(), **about},
            "figures": {
                figure.name: {
                    "unit": figure.unit,
                    "higher_is_better": figure.higher_is_better,
                    "systems": {
                        system: {
                            "median": figure.median(system),
                            "min": min(taken),
                            "max": max(taken),
                            "samples": taken,
                        }
                        for system, taken in figure.samples.items()
                    },
                    "anabranch_ratio": self._ratios(figure),
                }
                for figure in self.figures.values()
            },
            "targets": self.targets(),
            "notes": self.notes,
        }

    def _ratios(self, figure: Figure) -> dict[str, float]:
        ours = figure.median("anabranch")
        if not ours:
            return {}
        return {
            system: ours / theirs
            for system in figure.samples
            if system != "anabranch" and (theirs := figure.median(system))
        }

    def table(self) -> str:
        """The figures, one block each: median, range, and our ratio to every other row."""
        lines: list[str] = []
        for figure in self.figures.values():
            lines.append(f"{figure.name} [{figure.unit}]")
            ratios = self._ratios(figure)
            for system, taken in figure.samples.items():
                spread = f"{shown(min(taken))} .. {shown(max(taken))}, n={len(taken)}"
                ratio = f"anabranch is {ratios[system]:.2f} x this" if system in ratios else ""
                median = shown(statistics.median(taken))
                lines.append(f"  {system:<34} {median:>10}   {spread:<34} {ratio}".rstrip())
            lines.append("")
        lines.append("Targets")
        for row in self.targets():
            measured = "not measured" if row["measured"] is None else row["shown"]
            verdict = {True: "met", False: "MISSED", None: "-"}[row["met"]]
            lines.append(f"  {verdict:<7} {row['says']}: {measured} (wanted {row['wanted']})")
        lines += [f"Note: {note}" for note in self.notes]
        return "\n".join(lines)

    def write(self, path: Path, about: dict[str, Any]) -> None:
        path.write_text(json.dumps(self.document(about), indent=2) + "\n")


def _row(
    says: str, wanted: str, measured: float | None, unit: str, met: bool | None
) -> dict[str, Any]:
    text = None if measured is None else f"{shown(measured)}{unit}"
    return {"says": says, "wanted": wanted, "measured": measured, "shown": text, "met": met}


def shown(value: float) -> str:
    """Three significant digits without an exponent."""
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0..1) of `values` lie."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def machine() -> dict[str, Any]:
    """What a reader must know of the machine to make sense of absolute figures."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_at_end": os.getloadavg()[0],
    }
