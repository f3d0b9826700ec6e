"""A job of Flink or Quix Streams, broken by a deployment and rebuilt from its checkpoint, unchanged."""

from __future__ import annotations

import json
import shlex
import signal
import time

import pyarrow as pa
from confluent_kafka import KafkaError, Message, Producer
from examples.flights import dataset, truth
from examples.jobs.engines import GROUP, Engine
from examples.kit.cluster import Cluster
from examples.kit.console import Console
from examples.kit.entry import Outcome
from examples.kit.processes import Child, Children, RunFault
from pyarrow import feather

INPUT, OUTPUT = "flights", "carrier-days"
PARTITIONS = 4
DEPLOY_DAY, REPAIR_DAY, LAST_DAY = "2013-01-20", "2013-02-10", "2013-02-20"
STALL_S = 90.0  # a job that moves nothing for so long is stuck
STOP_S = 30.0
BOOTSTRAP = "$ANABRANCH_BOOTSTRAP"  # which the shell of the replay's command puts in


class Story:
    """The steps, and what each leaves for the next."""

    def __init__(
        self, engine: Engine, cluster: Cluster, console: Console, children: Children
    ) -> None:
        self.engine = engine
        self.cluster = cluster
        self.console = console
        self.children = children
        self.data = cluster.data
        self.table: pa.Table = dataset.load()
        self.job: Child
        self.session = ""

    def tell(self) -> Outcome:
        self.console.say(f"Installing what the {self.engine.title} job needs, the first time.")
        self.engine.prepare()
        self.process()
        self.break_it()
        self.replay()
        self.promote()
        return self.go_on()

    # -- 1 ---------------------------------------------------------------------------------------
    def process(self) -> None:
        self.console.step(1, f"Process: a {self.engine.title} job keeps totals per carrier and day")
        for topic in (INPUT, OUTPUT):
            self.cluster.run(
                "topic", "create", topic, "--partitions", str(PARTITIONS),
                "--config", "retention.ms=-1",
            )  # fmt: skip
        self._produce("", DEPLOY_DAY)
        self._run_live("1")
        self._verify(OUTPUT, DEPLOY_DAY, equal=True)
        self.cluster.run(
            "point", "create", "known-good", "--from", self.engine.checkpoint(), "--version", "v1"
        )

    # -- 2 ---------------------------------------------------------------------------------------
    def break_it(self) -> None:
        self.console.step(2, "Break: version 2 counts who never departed as departed without delay")
        self._produce(DEPLOY_DAY, REPAIR_DAY)
        self._run_live("2")
        self.console.say(
            "Its checkpoints preserve the wrong totals, and nothing can be taken back out of them."
        )
        self._verify(OUTPUT, REPAIR_DAY, equal=False)

    # -- 3 ---------------------------------------------------------------------------------------
    def replay(self) -> None:
        self.console.step(3, "Replay: version 3 goes on from the checkpoint, as it is, on branches")
        plan = self.data / "plan.json"
        self.cluster.run(
            "plan", GROUP, "--point", "known-good", "--out", str(plan), "--rate", "8m",
            "--reason", "version 2 counts cancelled flights as departed",
        )  # fmt: skip
        command = shlex.join(self.engine.rebuild("3", BOOTSTRAP))
        beside = [word for topic in self.engine.beside for word in ("--also", topic)]
        shown = ("replay", str(plan), "--own-broker", *beside, "--", "the job, as it is")
        self.console.command(("anabranch", *shown))
        told = self.cluster.run(
            "replay", str(plan), "--own-broker", *beside, "--output", "json", "--",
            "sh", "-c", "exec " + command.replace(f"'{BOOTSTRAP}'", f'"{BOOTSTRAP}"'), show=False,
        )  # fmt: skip
        self.session = json.loads(told)["id"]
        self.cluster.run("replay", "--show", self.session)
        self.console.say(
            "The job connected to a broker of the session's own, where its topics, its group and its "
            "transactions go by the names it knows, and are nobody else's."
        )

    # -- 4 ---------------------------------------------------------------------------------------
    def promote(self) -> None:
        self.console.step(4, "Verify and promote: the rebuilt topics take the broken ones' place")
        self._verify(f"{OUTPUT}.{self.session}", REPAIR_DAY, equal=True)
        self.cluster.run("promote", self.session)
        self._verify(OUTPUT, REPAIR_DAY, equal=True)

    # -- 5 ---------------------------------------------------------------------------------------
    def go_on(self) -> Outcome:
        self.console.step(5, "Go on: version 3 goes live where the replay ended")
        self.engine.hand_over()
        self._produce(REPAIR_DAY, LAST_DAY)
        self._run_live("3")
        self._verify(OUTPUT, LAST_DAY, equal=True)
        return Outcome(f"replay {self.session} rebuilt {OUTPUT}")

    # -- what the steps share ----------------------------------------------------------------------
    def _produce(self, first_day: str, before_day: str) -> None:
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error)

        producer = Producer(
            {
                "bootstrap.servers": self.cluster.listen,
                "log_level": 3,
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 20,
                "on_delivery": delivered,
            }
        )
        count = 0
        for event in dataset.events(self.table, first_day, before_day):
            flight = json.loads(event.value)
            key = f"{flight['carrier']}|{flight['day']}"
            producer.produce(INPUT, event.value, key, timestamp=event.timestamp)
            count += 1
            if count % 500 == 0:
                producer.poll(0)
        if producer.flush(60) or failures:
            self.cluster.check()
            raise RunFault(f"The broker refused records: {failures[0] if failures else 'timeout'}")
        self.console.say(f"{count:,} flights before {before_day} are in {INPUT}.")

    def _run_live(self, version: str) -> None:
        """Until everything is worked off and committed; then it is killed, as deployments do."""
        self.job = self.children.run(
            f"job v{version}", self.engine.live(version, self.cluster.listen)
        )
        ends = self.cluster.log_ends(INPUT)
        total, moved, seen = sum(ends.values()), time.monotonic(), -1
        with self.console.bar(f"version {version}", total) as update:
            while seen < total:
                self.job.check()
                self.cluster.check()
                done = sum(self.cluster.committed(GROUP).values())
                if done != seen:
                    moved, seen = time.monotonic(), done
                update(done, "")
                if time.monotonic() - moved > STALL_S:
                    raise RunFault(
                        f"The job made no progress for {STALL_S:.0f} s; see {self.job.output}."
                    )
                time.sleep(0.2)
        self.job.stop(signal.SIGKILL)
        self._await_empty_group()

    def _await_empty_group(self) -> None:
        deadline = time.monotonic() + STOP_S
        while self.cluster.group_state(GROUP) not in ("Empty", "Dead"):
            if time.monotonic() > deadline:
                raise RunFault(f"Group {GROUP} still has members after its job was killed.")
            time.sleep(0.1)

    def _verify(self, topic: str, before_day: str, *, equal: bool) -> None:
        said = _verify(self.cluster, topic, before_day)
        if said.startswith("EQUAL") != equal:
            wanted = "equal" if equal else "differ from"
            raise RunFault(f"{topic} should {wanted} the truth before {before_day}; see above.")


def _verify(cluster: Cluster, topic: str, before_day: str) -> str:
    """What `anabranch verify` says of a topic's newest rows and the truth."""
    file = cluster.data / f"truth-before-{before_day}.arrow"
    feather.write_feather(truth.totals(dataset.load(), before_day), file)
    return cluster.run(
        "verify", f"topic:{topic}?key=text", str(file), "--key", "carrier,day", "--limit", "4",
        expect=(0, 1),
    )  # fmt: skip


def verify_again(cluster: Cluster) -> bool:
    """A finished run's output against the truth, once more."""
    return _verify(cluster, OUTPUT, LAST_DAY).startswith("EQUAL")
