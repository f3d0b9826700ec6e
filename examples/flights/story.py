"""The main job: a real stream, broken by a deployment and rebuilt from the log, and the rehearsal of it."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from examples.flights import dataset, truth
from examples.flights.declared import declaration
from examples.flights.processor import GROUP, TOPIC
from examples.kit.cluster import Cluster
from examples.kit.console import Console, Update
from examples.kit.entry import Outcome
from examples.kit.processes import Child, Children, RunFault
from pyarrow import feather

from anabranch import __version__
from anabranch.cli._burndown import describe
from anabranch.cli._options import parse_sink
from anabranch.errors import UserFault
from anabranch.log.location import Location
from anabranch.recovery.capture import points
from anabranch.recovery.checks.relations import open_relation
from anabranch.recovery.checks.verify import Verification, compare
from anabranch.recovery.drills import evidence
from anabranch.recovery.drills.evidence import DrillReport
from anabranch.recovery.evidence import report
from anabranch.recovery.model import RecoveryPoint
from anabranch.recovery.plans import planning
from anabranch.recovery.plans.plan import Plan
from anabranch.recovery.promotion import promote
from anabranch.recovery.replays import replay
from anabranch.recovery.replays.guards import Guards
from anabranch.recovery.replays.session import Progress, Session, Status
from anabranch.recovery.sinks import lines
from anabranch.recovery.sinks.sqlite import SinkOffset
from anabranch.recovery.times import time_text

PARTITIONS = 8
LIVE_RATE = 150  # records per second: the held-back weeks last a good two minutes
BASELINE_S = 12.0  # live latency is measured this long before the replay
REPLAY_S = 20  # the safe rate is chosen so that the replay takes about this long
MEAN_TOLERANCE = 1e-9  # SQLite and Arrow divide in another order
STALL_S = 60.0  # a processor that moves nothing for so long is stuck
KEY = ("carrier", "day")
VIEW = "view.db"
DRILLED = ("bad-deploy", "off-by-one")  # of thirteen scenarios: two that take little time


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class LiveTraffic:
    """The live producer's process and what it measured."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.samples: list[tuple[float, float]] = []  # (monotonic seconds, latency ms)
        self.last: dict[str, Any] = {"sent": 0, "total": 0, "done": False}
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.child.process.stdout is not None
        for line in self.child.process.stdout:
            heard = json.loads(line)
            at = time.monotonic()
            self.samples += [(at, latency) for latency in heard.pop("latencies_ms")]
            self.last = heard

    def between(self, phase: str, begin: float, end: float) -> report.Latency:
        return report.percentiles(phase, [ms for at, ms in self.samples if begin <= at < end])

    def require_alive(self) -> None:
        if not self.last["done"]:
            self.child.check()

    def drain(self) -> None:
        """Send the rest at full speed and wait for its acknowledgement."""
        if self.child.process.poll() is None:
            self.child.process.send_signal(signal.SIGUSR1)
        self.child.process.wait()
        self._thread.join()
        if not self.last["done"]:
            raise RunFault(f"The live producer lost records: {self.child.last_words()}")


class Story:
    """The eight steps, and what each leaves for the next."""

    def __init__(self, cluster: Cluster, console: Console, children: Children) -> None:
        self.cluster = cluster
        self.console = console
        self.children = children
        self.data = cluster.data
        self.view = cluster.data / VIEW
        self.sink = f"sqlite:{self.view}"
        self.events: list[report.Event] = []
        self.table: pa.Table = dataset.load()
        self.live: LiveTraffic
        self.live_since = 0.0
        self.processor: Child
        self.comparisons: list[report.Comparison] = []
        self.plan: Plan
        self.point: RecoveryPoint
        self.session: Session
        self.during: tuple[float, float] = (0.0, 0.0)
        self.staged_rows: list[SinkOffset] = []

    def tell(self) -> Outcome:
        """All eight steps."""
        self.ingest()
        self.process()
        self.break_it()
        self.make_plan()
        self.replay()
        self.verify_and_promote()
        made, page = self.write_report()
        rehearsed = self.drill()
        return judge(made, self.comparisons, rehearsed, page)

    # -- 1 ---------------------------------------------------------------------------------------
    def ingest(self) -> None:
        self.console.step(1, "Ingest: the flights of New York in 2013, in time order")
        self.cluster.run(
            "topic", "create", TOPIC, "--partitions", str(PARTITIONS), "--config", "retention.ms=-1"
        )
        total = dataset.count(self.table, before_day=dataset.LIVE_FROM)
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error)

        producer = Producer(
            {
                "bootstrap.servers": self.cluster.listen,
                "client.id": "flights-ingest",
                "log_level": 3,  # errors come back as reports; the rest is not for this screen
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 50,
                "delivery.report.only.error": True,
                "on_delivery": delivered,
            }
        )
        begun = time.monotonic()
        with self.console.bar("produce", total) as update:
            sent = 0
            for sent, event in enumerate(
                dataset.events(self.table, before_day=dataset.LIVE_FROM), 1
            ):
                while True:
                    try:
                        producer.produce(TOPIC, event.value, event.key, timestamp=event.timestamp)
                        break
                    except BufferError:
                        producer.poll(0.05)
                if sent % 1000 == 0:
                    producer.poll(0)
                    self._require_delivered(failures)
                    done = sent - len(producer)
                    update(done, f"{done / (time.monotonic() - begun):,.0f} records/s")
            while len(producer):
                producer.flush(1)
                self._require_delivered(failures)
                update(sent - len(producer), "")
        self._require_delivered(failures)
        seconds = time.monotonic() - begun
        self.console.say(
            f"{total:,} records acknowledged in {seconds:.1f} s ({total / seconds:,.0f} records/s), "
            f"each durable before its acknowledgement."
        )
        self.start_live()

    def start_live(self) -> None:
        child = self.children.start(
            "live producer", "-m", "examples.flights.live",
            "--bootstrap", self.cluster.listen, "--rate", str(LIVE_RATE), pipe=True,
        )  # fmt: skip
        self.live = LiveTraffic(child)
        held = dataset.FLIGHTS - dataset.count(self.table, before_day=dataset.LIVE_FROM)
        self.console.say(
            f"The flights from {dataset.LIVE_FROM} on ({held:,}) were held back; they flow live at "
            f"{LIVE_RATE} records/s from now on, during everything below."
        )

    def _require_delivered(self, failures: list[KafkaError]) -> None:
        if failures:
            self.cluster.check()
            raise RunFault(f"The broker refused records: {failures[0].str()}")

    # -- 2 ---------------------------------------------------------------------------------------
    def process(self) -> None:
        self.console.step(2, "Process: a plain consumer keeps a view per carrier and day")
        ends = self._offsets_at(dataset.day_ms(dataset.DEPLOY_DAY))
        until = json.dumps({TOPIC: {str(p): end for p, end in ends.items()}})
        self._start_processor("1", "--until", until)
        self._await_sink("version 1", ends)
        # Killed as deployments do it, not asked: the group's offsets are left behind the sink's.
        self.processor.stop(signal.SIGKILL)
        behind = self._sum(self._sink_offsets()) - self._sum(self.cluster.committed(GROUP))
        self.console.say(
            f"Version 1 has worked up to {dataset.DEPLOY_DAY} and is killed for the deployment "
            f"(kill -9): the group's committed offsets are {behind:,} records behind the view's own."
        )
        feather.write_feather(
            truth.daily(self.table, dataset.DEPLOY_DAY), self.data / "truth-before-deploy.arrow"
        )
        self._compare(
            "The view before the deployment, against the truth",
            f"{self.sink}#daily",
            "truth-before-deploy.arrow",
        )
        self.cluster.run(
            "point", "create", "known-good", "--group", GROUP, "--sink", self.sink,
            "--checkpoint-dir", str(self.data / "checkpoints"), "--processor", "flights-view",
            "--version", "v1", "--in-flight",
        )  # fmt: skip
        self._mark("recovery point taken, known good")
        self.cluster.run(
            "hold", "create", "known-good", "--point", "known-good", "--for", "7d",
            "--reason", "until version 2 has proven itself",
        )  # fmt: skip

    def _offsets_at(self, timestamp_ms: int) -> dict[int, int]:
        """The first offsets at or after a time, asked as any Kafka client does."""
        consumer = Consumer({"bootstrap.servers": self.cluster.listen, "group.id": "-"})
        asked = [TopicPartition(TOPIC, p, timestamp_ms) for p in range(PARTITIONS)]
        found = consumer.offsets_for_times(asked, timeout=30)
        consumer.close()
        return {each.partition: each.offset for each in found}

    def _start_processor(self, version: str, *more: str) -> None:
        self.processor = self.children.start(
            f"processor v{version}", "-m", "examples.flights.processor", "--version", version,
            "--bootstrap", self.cluster.listen, "--sink", str(self.view), *more,
        )  # fmt: skip

    def _sink_offsets(self) -> dict[int, int]:
        """How far the effects of the live view reach."""
        try:
            return {p.partition: p.offset for p in parse_sink(self.sink).positions}
        except UserFault:  # the processor has not created it yet
            return {}

    def _await_sink(self, title: str, ends: dict[int, int]) -> None:
        """Until the live view's effects reach ``ends``."""
        start = self._sum(self._sink_offsets())
        total, moved, seen = sum(ends.values()), time.monotonic(), -1
        with self.console.bar(title, total) as update:
            while True:
                self.processor.check()
                self.cluster.check()
                self.live.require_alive()
                reached = self._sink_offsets()
                done = self._sum(reached)
                if done != seen:
                    moved, seen = time.monotonic(), done
                update(min(done, total), f"{done - start:,} new")
                if all(reached.get(p, 0) >= end for p, end in ends.items()):
                    return
                if time.monotonic() - moved > STALL_S:
                    raise RunFault(
                        f"The processor made no progress for {STALL_S:.0f} s; "
                        f"see {self.processor.output}."
                    )
                time.sleep(0.2)

    # -- 3 ---------------------------------------------------------------------------------------
    def break_it(self) -> None:
        self.console.step(3, "Break: version 2 is deployed with a wrong aggregation key")
        self._mark("version 2 deployed")
        self._start_processor("2")
        self._await_sink("version 2", self.cluster.log_ends(TOPIC))
        self.live_since = time.monotonic()
        self.console.say(
            "Version 2 takes the day from the UTC time stamp: evening departures land on the next "
            "day. Its checkpoint preserves the wrong state, and its maxima cannot be taken back."
        )
        feather.write_feather(
            truth.daily(self.table, dataset.LIVE_FROM), self.data / "truth-before-live.arrow"
        )
        damage = self._compare(
            "The broken view, against the truth (days before the live weeks)",
            self._complete_days("daily"),
            "truth-before-live.arrow",
            must_pass=False,
            limit=6,
        )
        if damage.passed:
            raise RunFault("Version 2 did no damage: the story cannot go on.")
        self._mark("damage noticed")

    def _complete_days(self, table: str) -> str:
        """The days that are wholly in the log, whatever flows live."""
        return f"{self.sink}#SELECT * FROM [{table}] WHERE day < '{dataset.LIVE_FROM}'"

    def _compare(
        self, title: str, left: str, right_file: str, *, must_pass: bool = True, limit: int = 10
    ) -> Verification:
        right = str(self.data / right_file)
        words = ("verify", left, right, "--key", ",".join(KEY), "--tolerance", str(MEAN_TOLERANCE))
        self.cluster.run(*words, "--limit", str(limit), expect=(0, 1))
        found = compare(
            open_relation(left), open_relation(right), key=KEY, tolerance=MEAN_TOLERANCE
        )
        self.comparisons.append(report.Comparison(title, must_pass, found))
        return found

    # -- 4 ---------------------------------------------------------------------------------------
    def make_plan(self) -> None:
        self.console.step(4, "Plan: how far back, which offsets, who sees duplicates")
        metastore = self.cluster.log.metastore
        self.point = self.cluster.ask(points.find(metastore, "known-good"))
        self.cluster.run(
            "explain", GROUP, "--at", time_text(self.point.at_ms + 999), "--sink", self.sink
        )  # fmt: skip
        probe = json.loads(
            self.cluster.run(
                "plan", GROUP, "--point", "known-good", "--sink", self.sink, "--output", "json",
                show=False,
            )
        )  # fmt: skip
        rate = max(64, probe["volume"]["bytes"] // REPLAY_S // 1024)
        file = self.data / "plan.json"
        self.cluster.run(
            "plan", GROUP, "--point", "known-good", "--sink", self.sink, "--rate", f"{rate}k",
            "--reason", "version 2 aggregates by UTC day", "--out", str(file),
            "--runbook", str(self.data / "runbook.md"),
        )  # fmt: skip
        self.plan = self.cluster.ask(planning.find(metastore, str(file)))
        self._mark("plan made")

    # -- 5 ---------------------------------------------------------------------------------------
    def replay(self) -> None:
        self.console.step(5, "Replay: version 3 on a zero-copy branch, into a staging view")
        remaining = BASELINE_S - (time.monotonic() - self.live_since)
        if remaining > 0:
            self.console.say(f"Measuring live traffic for another {remaining:.0f} s first.")
            time.sleep(remaining)
        begun = time.monotonic()
        log = self.cluster.log
        command = (sys.executable, "-m", "examples.flights.processor", "--version", "3")
        shown = ("replay", self.plan.id, "--sink", self.sink, "--", "python", *command[1:])
        self.console.command(("anabranch", *shown))
        self.session = self.cluster.ask(
            replay.prepare(
                log,
                self.plan,
                token=os.urandom(2).hex(),
                now_ms=now_ms(),
                command=command,
                bootstrap="",
                own_broker=True,  # as the command does where there is no recovery lane
                creator=points.whoami(),
                sink=self.view,
                guards=Guards(enabled=True),  # it makes room for the live side, never below a floor
            )
        )
        branch = self.session.branches[0].branch
        self.console.say(
            f"Branched {TOPIC} to {branch} in {(time.monotonic() - begun) * 1000:.0f} ms, no bytes "
            f"copied; group {self.session.group}; staging line {self.session.id}."
        )
        self._mark("replay started")
        begun = time.monotonic()
        with self.console.bar("replay", self.session.total.records) as update:
            runner = replay.Runner(
                log.metastore,
                self.session,
                output=self.data / "logs" / f"{self.session.id}.log",
                environ=os.environ,
                on_progress=self._burndown(update, begun),
                where=Location(self.data),
            )
            self.session = self.cluster.ask(runner.run())
        self.during = (begun, time.monotonic())
        self.live.require_alive()
        if self.session.status is not Status.COMPLETED:
            raise RunFault(f"The replay {self.session.status}: {self.session.error}")
        self._mark("replay caught up")
        self.staged_rows = lines.offsets(self.view, self.session.id)
        before = self.live.between("before", self.live_since, self.during[0])
        during = self.live.between("during", *self.during)
        self.console.say(
            f"{self.session.total.records:,} records in {self.during[1] - begun:.1f} s; "
            f"{sum(row.suppressed for row in self.staged_rows):,} repeats suppressed, as forecast. "
            f"Live produce p99: {before.p99_ms:.1f} ms before, {during.p99_ms:.1f} ms during."
        )

    def _burndown(self, update: Update, begun: float) -> Callable[[Progress], None]:
        def show(progress: Progress) -> None:
            now = self.live.between("during", begun, time.monotonic())
            done = progress.records_total - progress.records_left
            update(done, f"{describe(progress)}; live p99 {now.p99_ms:.1f} ms")

        return show

    # -- 6 ---------------------------------------------------------------------------------------
    def verify_and_promote(self) -> None:
        self.console.step(6, "Verify and promote: staging against an independent truth")
        staging = f"daily@{self.session.id}"
        found = self._compare(
            "The rebuilt view, against the truth (days before the live weeks)",
            self._complete_days(staging),
            "truth-before-live.arrow",
        )
        self._require_equal(found)
        self._compare(
            "The rebuilt view, against the broken one",
            self._complete_days(staging),
            self._copy_of_broken(),
            must_pass=False,
            limit=4,
        )
        self.processor.stop()
        self._await_empty_group()
        self.cluster.run("promote", self.session.id)
        self._mark("promoted")
        self._start_processor("3")
        self.console.say(
            "Version 3 goes live at the exact offsets; the live weeks are sent to the end."
        )
        self.live.drain()
        self._await_sink("version 3", self.cluster.log_ends(TOPIC))
        self.processor.stop()
        feather.write_feather(truth.daily(self.table), self.data / "truth.arrow")
        self._require_equal(
            self._compare(
                "The live view of the whole year, against the truth",
                f"{self.sink}#daily",
                "truth.arrow",
            )
        )
        self._require_exact_numbers()
        self._mark("verified")

    def _copy_of_broken(self) -> str:
        """The broken view of the same days as an Arrow file, before promotion moves it away."""
        relation = open_relation(self._complete_days("daily"))
        rows = [dict(zip(relation.columns, row, strict=True)) for row in relation.rows]
        feather.write_feather(pa.Table.from_pylist(rows), self.data / "broken.arrow")
        return "broken.arrow"

    def _await_empty_group(self) -> None:
        deadline = time.monotonic() + 30
        while self.cluster.group_state(GROUP) not in ("Empty", "Dead"):
            if time.monotonic() > deadline:
                raise RunFault(f"Group {GROUP} still has members after its processor stopped.")
            time.sleep(0.1)

    def _require_equal(self, found: Verification) -> None:
        if not found.passed:
            raise RunFault(
                f"Verification failed: {found.differing:,} of {found.rows_right:,} keys differ; "
                "see the listing above."
            )

    def _require_exact_numbers(self) -> None:
        ends = self.cluster.log_ends(TOPIC)
        rows = lines.offsets(self.view, "live")
        live_new = sum(row.applied for row in rows) - sum(row.applied for row in self.staged_rows)
        self.console.say(
            f"{sum(ends.values()):,} records in the log; after the promotion the live group applied "
            f"{live_new:,} new ones, {self._again(rows):,} twice, and missed "
            f"{sum(row.skipped for row in rows):,}."
        )
        if sum(ends.values()) != dataset.FLIGHTS:
            raise RunFault(
                f"The log holds {sum(ends.values()):,} records; {dataset.FLIGHTS:,} were produced."
            )

    def _again(self, rows: list[SinkOffset]) -> int:
        return sum(row.suppressed for row in rows) - sum(r.suppressed for r in self.staged_rows)

    # -- 7 ---------------------------------------------------------------------------------------
    def write_report(self) -> tuple[report.Report, Path]:
        self.console.step(7, "Report: the four questions, answered with measured figures")
        metastore = self.cluster.log.metastore
        live_rows = lines.offsets(self.view, "live")
        staged = self.staged_rows
        name = self.plan.sinks[0].name
        earlier = self.cluster.ask(report.stored(metastore))
        begin, end = self.during
        made = report.assemble(
            scenario="Wrong aggregation key in version 2 of flights-view",
            created_ms=now_ms(),
            creator=points.whoami(),
            host=f"{platform.node()} ({os.cpu_count()} cores, Python {platform.python_version()})",
            tool_version=__version__,
            plan=self.plan,
            point=self.point,
            session=self.session,
            handover=self.cluster.ask(promote.find(metastore, self.session.id)),
            comparisons=self.comparisons,
            latencies=[
                self.live.between("before", self.live_since, begin),
                self.live.between("during", begin, end),
                self.live.between("after", end, float("inf")),
            ],
            sink_counts=[
                _count(name, self.session.id, staged),
                # The promoted line carries the replay's counters on: what came after is the rest.
                report.SinkCount(
                    name,
                    "live",
                    sum(r.applied for r in live_rows) - sum(r.applied for r in staged),
                    self._again(live_rows),
                    sum(r.skipped for r in live_rows) - sum(r.skipped for r in staged),
                ),
            ],
            events=self.events,
            previous=(earlier[-1].id, earlier[-1].hash) if earlier else None,
        )
        html, plain = self.cluster.ask(report.save(metastore, made, self.data / "reports"))
        for number, answer in enumerate(made.answers, 1):
            verdict = "PASS" if answer.passed else "FAIL"
            self.console.say(f"Q{number} {verdict}  {answer.sentence}")
        if not made.answers[3].passed:
            self.console.say(
                "(Latency on a busy machine fails its answer in the report, not this run.)"
            )
        self.console.say(f"Report: {html}")
        self.console.say(f"        {plain}")
        return made, html

    # -- 8 ---------------------------------------------------------------------------------------
    def drill(self) -> DrillReport:
        """The report of the rehearsal, which may have failed."""
        self.console.step(8, "Drill: the same recovery, rehearsed on a scratch cluster")
        file = self.data / "recovery.toml"
        file.write_text(declaration(self.view), encoding="utf-8")
        scenarios = [word for each in DRILLED for word in ("--scenario", each)]
        self.cluster.run("drill", "run", "flights", "--file", str(file), *scenarios, expect=(0, 1))
        self.cluster.run("status", "--file", str(file), expect=(0, 1))
        return self.cluster.ask(evidence.stored(self.cluster.log.metastore, "flights"))[-1]

    def _mark(self, label: str) -> None:
        self.events.append(report.Event(label, now_ms()))

    @staticmethod
    def _sum(offsets: dict[int, int]) -> int:
        return sum(offsets.values())


def _count(name: str, line: str, rows: list[SinkOffset]) -> report.SinkCount:
    return report.SinkCount(
        name,
        line,
        sum(row.applied for row in rows),
        sum(row.suppressed for row in rows),
        sum(row.skipped for row in rows),
    )


def judge(
    made: report.Report,
    comparisons: Sequence[report.Comparison],
    rehearsed: DrillReport,
    page: Path,
) -> Outcome:
    """What decides is whether the stream was rebuilt exactly, and whether its rehearsal passed.

    Latency on a busy machine may fail its answer in the report, not the run.
    """
    failures = [f"{each.question} {each.sentence}" for each in made.answers[:3] if not each.passed]
    failures += [f"{each.title}: not as expected" for each in comparisons if not each.as_expected]
    if not rehearsed.passed:
        failures.append(f"the drill {rehearsed.id}: {'; '.join(rehearsed.follow_ups)}")
    return Outcome(f"its report is {page}", tuple(failures))


def tell(cluster: Cluster, console: Console, children: Children) -> Outcome:
    """The whole story."""
    return Story(cluster, console, children).tell()


def verify_again(cluster: Cluster) -> bool:
    """A finished run's view against the truth, once more."""
    feather.write_feather(truth.daily(dataset.load()), cluster.data / "truth.arrow")
    shown = cluster.run(
        "verify", f"sqlite:{cluster.data / VIEW}#daily", str(cluster.data / "truth.arrow"),
        "--key", ",".join(KEY), "--tolerance", str(MEAN_TOLERANCE), expect=(0, 1),
    )  # fmt: skip
    return shown.startswith("EQUAL")
