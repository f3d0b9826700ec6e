"""Where the readings come from by which a replay slows down: brokers, groups, sinks.

Each probe answers within ``PROBE_S_MAX`` or its reading is one that cannot be had, which is no calm.
"""

from __future__ import annotations

import asyncio
import os
import signal
import urllib.request
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import geometric_mean
from typing import Any, Final, Protocol

from anabranch.errors import AnabranchError
from anabranch.metastore.api import BrokerRow, Metastore, Topic
from anabranch.recovery.observe import moment_at
from anabranch.recovery.replays.cores import is_here
from anabranch.recovery.replays.guards import Guards, Pressure
from anabranch.recovery.replays.throttle import SEVERE_RATIO, Reading

PROBE_S_MAX: Final = 2.0  # an answer that takes longer is none
BODY_BYTES_MAX: Final = 8 * 1024 * 1024  # of a page of metrics
SAMPLES_MIN: Final = 20  # requests between two looks that make a percentile
PARTITIONS_MAX: Final = 1000  # whose lag is looked at in one step; the others follow in the next
LOOKS: Final = 15  # at how late live appends are, that count: one a second
LOOKS_SEVERE: Final = 3  # or so many, where they tell of more than twice what is allowed
BASELINE_ROOM: Final = 1.2  # of what a group lagged before
BROKER_SILENT_MS_MAX: Final = 5_000  # a broker that beat since then is likely to live
LIVE: Final = "live"

Callback = Callable[[], float]
"""A sink's pressure, told in process: 1 is the most that is allowed."""


class Probe(Protocol):
    """One thing to look at."""

    kind: str  # "broker" or "sink": where its reading counts in the saturation
    name: str

    async def read(self) -> list[Reading]:
        """Empty where there is nothing to look at. Raises AnabranchError, OSError, ValueError."""
        ...


async def read_all(probes: Sequence[Probe]) -> list[tuple[str, Reading]]:
    """What every probe says now, with its kind. Never raises for the world's faults."""

    async def one(probe: Probe) -> list[tuple[str, Reading]]:
        try:
            found = await asyncio.wait_for(probe.read(), PROBE_S_MAX)
        except TimeoutError:
            found = [_unread(probe, f"no answer within {PROBE_S_MAX:g} s")]
        except (AnabranchError, OSError, ValueError) as fault:
            found = [_unread(probe, str(fault) or type(fault).__name__)]
        return [(probe.kind, reading) for reading in found]

    return [pair for pairs in await asyncio.gather(*map(one, probes)) for pair in pairs]


def _unread(probe: Probe, error: str) -> Reading:
    return Reading(probe.name, None, 1.0, error=error[:200])


def living(brokers: Iterable[BrokerRow], now_ms: int) -> list[BrokerRow]:
    """Those that beat lately; ``now_ms`` is the metastore's."""
    return [one for one in brokers if now_ms - one.heartbeat_ms < BROKER_SILENT_MS_MAX]


class LiveAppends:
    """How late appends are by the brokers' heartbeats: of the live lane, wherever the replay reads.

    About their p99 over what it is while nobody reads old data (:mod:`anabranch.log.lateness`). It scatters
    from look to look while nobody reads, too, so what counts is the geometric mean of the last :data:`LOOKS`
    looks: a session must not starve of noise. Where the last few are far above what is allowed, they alone
    count. Brokers pace themselves within a second besides. Without a living broker there is nothing to make room for.
    """

    kind = "broker"
    name = "live appends"

    def __init__(self, metastore: Metastore, ratio: float) -> None:
        self._metastore = metastore
        self._ratio = ratio
        self._seen: deque[float] = deque(maxlen=LOOKS)
        self.here = False  # whether brokers of this machine took appends at the last look

    def forget(self) -> None:
        """What was seen until now is no longer to count."""
        self._seen.clear()

    async def read(self) -> list[Reading]:
        now_ms = await self._metastore.now_ms()
        brokers = [b for b in living(await self._metastore.brokers(), now_ms) if b.lane == LIVE]
        hosts = {broker.host for broker in brokers if broker.late_percent}
        self.here = any([await asyncio.to_thread(is_here, host) for host in hosts])
        if not brokers:
            return []
        late = max(broker.late_percent for broker in brokers) / 100
        if not late:  # nobody appends
            self._seen.clear()
            return [Reading(self.name, 0.0, self._ratio, "times usual")]
        self._seen.append(late)
        newest = geometric_mean(list(self._seen)[-LOOKS_SEVERE:])
        severe = len(self._seen) >= LOOKS_SEVERE and newest > SEVERE_RATIO * self._ratio
        felt = newest if severe else geometric_mean(self._seen)
        return [Reading(self.name, felt, self._ratio, "times usual")]


class RequestTimes:
    """The p99 of Produce or Fetch between two looks at a broker's ``/metrics``."""

    kind = "broker"

    def __init__(self, url: str, objectives_ms: Mapping[str, float]) -> None:
        self.name = f"metrics of {url}"
        self._url = url
        self._objectives_ms = objectives_ms
        self._before: dict[str, dict[float, float]] = {}
        self._last: dict[str, Reading] = {}

    async def read(self) -> list[Reading]:
        text = await asyncio.to_thread(fetch_text, self._url)
        now = {api: buckets_of(text, api) for api in self._objectives_ms}
        readings = []
        for api, objective_ms in self._objectives_ms.items():
            before = self._before.get(api, {})
            deltas = {bound: count - before.get(bound, 0.0) for bound, count in now[api].items()}
            total = deltas.get(float("inf"), 0.0)
            if api in self._before and 0 <= total < SAMPLES_MIN:
                # Too few to judge: they are counted on until there are enough.
                reading = self._last.get(api, Reading(f"{api} p99", 0.0, objective_ms, "ms"))
                readings.append(
                    reading if total else Reading(f"{api} p99", 0.0, objective_ms, "ms")
                )
                continue
            if api in self._before and total > 0:
                value = 1000 * quantile(deltas, 0.99)
                self._last[api] = Reading(f"{api} p99", value, objective_ms, "ms")
                readings.append(self._last[api])
            self._before[api] = now[api]
        return readings


def buckets_of(text: str, api: str) -> dict[float, float]:
    """The cumulated counts of ``anabranch_request_seconds`` for an API, by upper bound in seconds.

    Raises ValueError if the page is none of a broker's.
    """
    from prometheus_client.parser import text_string_to_metric_families

    found: dict[float, float] = {}
    known = False
    for family in text_string_to_metric_families(text):
        if family.name != "anabranch_request_seconds":
            continue
        known = True
        for sample in family.samples:
            if sample.name.endswith("_bucket") and sample.labels.get("api") == api:
                found[float(sample.labels["le"])] = sample.value
    if not known:
        raise ValueError("there is no anabranch_request_seconds: these are no broker's metrics")
    return found


def quantile(cumulated: Mapping[float, float], share: float) -> float:
    """Within its bucket by proportion, as Prometheus' histogram_quantile; past the last bound, that bound."""
    bounds = sorted(cumulated)
    wanted = share * cumulated[bounds[-1]]
    below_bound = below_count = 0.0
    for bound in bounds:
        count = cumulated[bound]
        if count >= wanted:
            if bound == float("inf") or count == below_count:
                return below_bound
            part = (wanted - below_count) / (count - below_count)
            return below_bound + part * (bound - below_bound)
        below_bound, below_count = bound, count
    return below_bound


class GroupLag:
    """How far live groups lag behind on the replay's inputs, in seconds: the age of the append at their position.

    The worst group counts. ``groups`` empty: every group that has members and is no replay's.
    """

    kind = "broker"
    name = "consumer lag"

    def __init__(
        self, metastore: Metastore, topics: Sequence[Topic], groups: Sequence[str], lag_s: float
    ) -> None:
        self._metastore = metastore
        self._topics = {topic.no: topic for topic in topics}
        self._groups = groups
        self._lag_s = lag_s
        self._baseline_s: dict[str, float] = {}
        self._cursor = 0

    async def read(self) -> list[Reading]:
        worst: Reading | None = None
        for group, lag_s in (await self._lags()).items():
            before_s = self._baseline_s.setdefault(group, lag_s)
            allowed_s = max(self._lag_s, BASELINE_ROOM * before_s)
            reading = Reading(f"lag of {group}", lag_s, allowed_s, "s")
            if worst is None or lag_s / allowed_s > (worst.ratio or 0.0):
                worst = reading
        return [] if worst is None else [worst]

    async def _lags(self) -> dict[str, float]:
        names = list(self._groups)
        if not names:
            names = [
                row.group_id
                for row in await self._metastore.groups()
                if row.state not in ("Empty", "Dead") and not row.group_id.startswith("replay.")
            ]
        ends = {
            (no, state.partition): state.next_offset
            for no in self._topics
            for state in await self._metastore.partitions(no)
        }
        behind = [
            (name, one)
            for name in names
            for one in await self._metastore.committed(name)
            if one.offset < ends.get((one.topic_no, one.partition), 0)
        ]
        now_ms = await self._metastore.now_ms()
        if len(behind) > PARTITIONS_MAX:
            self._cursor %= len(behind)
            behind = (behind[self._cursor :] + behind[: self._cursor])[:PARTITIONS_MAX]
            self._cursor += PARTITIONS_MAX
        lags = dict.fromkeys(names, 0.0)
        for name, one in behind:
            moment = await moment_at(self._metastore, one.topic_no, one.partition, one.offset)
            if moment is not None:
                lags[name] = max(lags[name], (now_ms - moment.appended_ms) / 1000)
        return lags


class SinkPressure:
    """A number that tells how full a sink is, from an URL, a command or a function."""

    kind = "sink"

    def __init__(self, pressure: Pressure) -> None:
        self.name = f"sink {pressure.source}"
        self._pressure = pressure

    async def read(self) -> list[Reading]:
        source, allowed = self._pressure.source, self._pressure.allowed
        if source.startswith("cmd:"):
            value = number_in(await _printed(source.removeprefix("cmd:")))
        else:
            url, _, metric = source.partition("#")
            text = await asyncio.to_thread(fetch_text, url)
            value = metric_in(text, metric) if metric else number_in(text)
        return [Reading(self.name, value, allowed)]


class SinkCallback:
    """The same, told by a function of this process; 1 is the most that is allowed."""

    kind = "sink"
    name = "sink pressure"

    def __init__(self, callback: Callback) -> None:
        self._callback = callback

    async def read(self) -> list[Reading]:
        return [Reading(self.name, float(self._callback()), 1.0)]


def number_in(text: str) -> float:
    """The number that the last line is. Raises ValueError."""
    lines = text.strip().splitlines()
    try:
        value = float(lines[-1])
    except (ValueError, IndexError):
        raise ValueError(f"“{lines[-1][:50] if lines else ''}” is no number") from None
    if not 0 <= value < float("inf"):
        raise ValueError(f"{value} is no pressure: a number from 0 on")
    return value


def metric_in(text: str, wanted: str) -> float:
    """The sum of the samples of ``name`` or ``name{label="value"}``. Raises ValueError if there is none."""
    from prometheus_client.parser import text_string_to_metric_families

    name, _, rest = wanted.partition("{")
    labels = {}
    for pair in rest.rstrip("}").split(",") if rest else []:
        key, _, value = pair.partition("=")
        labels[key.strip()] = value.strip().strip('"')
    found = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    if not found:
        raise ValueError(f"there is no {wanted} in these metrics")
    return sum(found)


def fetch_text(url: str) -> str:
    """Raises OSError, ValueError."""
    with urllib.request.urlopen(url, timeout=PROBE_S_MAX) as answer:
        body: bytes = answer.read(BODY_BYTES_MAX + 1)
    if len(body) > BODY_BYTES_MAX:
        raise ValueError(f"the page is longer than {BODY_BYTES_MAX} bytes")
    return body.decode(errors="replace")


async def _printed(command: str) -> str:
    process = await asyncio.create_subprocess_shell(
        command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        out, _ = await process.communicate()
    except asyncio.CancelledError:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        await process.wait()
        raise
    if process.returncode:
        raise ValueError(f"the command ended with status {process.returncode}")
    return out.decode(errors="replace")


def probes_of(
    guards: Guards, metastore: Metastore, inputs: Sequence[Topic], *others: Any
) -> list[Probe]:
    """What ``guards`` ask for; ``inputs`` are the live topics that the session's branches come from."""
    if not guards.enabled:
        return list(others)
    found: list[Probe] = []
    if guards.late_ratio is not None:
        found.append(LiveAppends(metastore, guards.late_ratio))
    objectives = {"Produce": guards.produce_p99_ms, "Fetch": guards.fetch_p99_ms}
    wanted = {api: ms for api, ms in objectives.items() if ms is not None}
    found += [RequestTimes(url, wanted) for url in guards.metrics]
    if guards.lag_s is not None:
        found.append(GroupLag(metastore, inputs, guards.groups, guards.lag_s))
    found += [SinkPressure(pressure) for pressure in guards.pressures]
    return [*found, *others]
