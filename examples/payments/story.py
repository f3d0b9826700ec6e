"""Payments whose transfers must happen once, through kills, a bad deployment and a replay."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
from confluent_kafka import KafkaError, Message, Producer
from examples.kit.cluster import Cluster
from examples.kit.console import Console
from examples.kit.entry import Outcome
from examples.kit.processes import Child, Children, RunFault
from examples.payments import events
from examples.payments.processor import GROUP, TOPIC
from pyarrow import feather

PARTITIONS = 4
DEPLOY_AT, REPAIR_AT = 2_000, 4_500  # payments before version 2, and before the repair
KILLS = 3  # of version 1, at moments of their own
KILL_EVERY_S = 1.5
STALL_S = 60.0
STOP_S = 30.0


class Story:
    """The steps, and what each leaves for the next."""

    def __init__(self, cluster: Cluster, console: Console, children: Children) -> None:
        self.cluster = cluster
        self.console = console
        self.children = children
        self.data = cluster.data
        self.book = self.data / "bank.jsonl"
        self.view = self.data / "balances.db"
        self.ledger = self.data / "effects.db"
        self.bank = ""
        self.processor: Child
        self.session = ""

    def tell(self) -> Outcome:
        self.process()
        self.break_it()
        self.replay()
        return self.promote()

    # -- 1 ---------------------------------------------------------------------------------------
    def process(self) -> None:
        self.console.step(1, "Process: transfers by HTTP, balances in a view; killed while at it")
        child = self.children.start(
            "bank", "-m", "examples.payments.bank", "--book", str(self.book), pipe=True
        )
        assert child.process.stdout is not None
        self.bank = f"http://127.0.0.1:{child.process.stdout.readline().strip()}"
        self.cluster.run(
            "topic", "create", TOPIC, "--partitions", str(PARTITIONS), "--config", "retention.ms=-1"
        )
        self._produce(0, DEPLOY_AT)
        for _ in range(KILLS):
            self._start("1")
            time.sleep(KILL_EVERY_S)
            self.processor.check()
            self.processor.stop(signal.SIGKILL)
        self.console.say(f"Version 1 was killed (kill -9) {KILLS} times in the middle of its work.")
        self._run("1", DEPLOY_AT)
        self._require_once(DEPLOY_AT)
        self.cluster.run(
            "point", "create", "known-good", "--group", GROUP, "--sink", f"sqlite:{self.view}",
            "--checkpoint-dir", str(self.data / "checkpoints"), "--version", "v1",
        )  # fmt: skip

    # -- 2 ---------------------------------------------------------------------------------------
    def break_it(self) -> None:
        self.console.step(2, "Break: version 2 takes yen for cents in the balances")
        self._produce(DEPLOY_AT, REPAIR_AT)
        self._run("2", REPAIR_AT)
        self._require_once(REPAIR_AT)
        self._verify("balances", REPAIR_AT, equal=False)

    # -- 3 ---------------------------------------------------------------------------------------
    def replay(self) -> None:
        self.console.step(3, "Replay: version 3 rebuilds the balances, and transfers nothing")
        plan = str(self.data / "plan.json")
        sinks = ("--sink", f"sqlite:{self.view}", "--sink", f"http:{self.ledger}")
        self.cluster.run(
            "plan", GROUP, "--point", "known-good", *sinks, "--rate", "1m", "--out", plan,
            "--reason", "version 2 divides yen by 100",
        )  # fmt: skip
        command = self._command("3")
        shown = ("python", *command[1:])
        self.console.command(
            ("anabranch", "replay", plan, "--sink", f"sqlite:{self.view}", "--", *shown)
        )
        told = self.cluster.run(
            "replay",
            plan,
            "--sink",
            f"sqlite:{self.view}",
            "--output",
            "json",
            "--",
            *command,
            show=False,
        )
        self.session = json.loads(told)["id"]
        self.cluster.run("replay", "--show", self.session)
        self._require_once(REPAIR_AT)
        self.cluster.run("effects", "list", "--ledger", str(self.ledger), "--limit", "3")
        self._verify(f"balances@{self.session}", REPAIR_AT, equal=True)

    # -- 4 ---------------------------------------------------------------------------------------
    def promote(self) -> Outcome:
        self.console.step(4, "Promote and go on: every payment was made once")
        self.cluster.run("promote", self.session)
        self._produce(REPAIR_AT, events.PAYMENTS)
        self._run("3", events.PAYMENTS)
        self._verify("balances", events.PAYMENTS, equal=True)
        self.cluster.run("effects", "in-doubt", "--ledger", str(self.ledger))
        self.cluster.run("effects", "compare", str(self.data / "plan.json"), "--within", "0")
        self._require_once(events.PAYMENTS)
        return Outcome(f"replay {self.session} rebuilt the balances; nobody was paid twice")

    # -- what the steps share ----------------------------------------------------------------------
    def _command(self, version: str) -> list[str]:
        return [
            *(sys.executable, "-m", "examples.payments.processor", "--version", version),
            *("--bank", self.bank, "--ledger", str(self.ledger)),
        ]

    def _start(self, version: str) -> None:
        live = ("--bootstrap", self.cluster.listen, "--view", str(self.view))
        self.processor = self.children.run(
            f"processor v{version}", [*self._command(version), *live]
        )

    def _run(self, version: str, payments: int) -> None:
        """Until so many payments are worked off and committed; then it is stopped."""
        self._start(version)
        moved, seen = time.monotonic(), -1
        with self.console.bar(f"version {version}", payments) as update:
            while seen < payments:
                self.processor.check()
                self.cluster.check()
                done = sum(self.cluster.committed(GROUP).values())
                if done != seen:
                    moved, seen = time.monotonic(), done
                update(done, "")
                if time.monotonic() - moved > STALL_S:
                    raise RunFault(
                        f"The processor made no progress for {STALL_S:.0f} s; "
                        f"see {self.processor.output}."
                    )
                time.sleep(0.2)
        self.processor.stop()

    def _produce(self, first: int, end: int) -> None:
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error)

        producer = Producer(
            {
                "bootstrap.servers": self.cluster.listen,
                "enable.idempotence": True,
                "linger.ms": 20,
                "log_level": 3,
                "on_delivery": delivered,
            }
        )
        for payment in events.payments(first, end):
            producer.produce(TOPIC, payment.encode(), payment.account)
        if producer.flush(60) or failures:
            self.cluster.check()
            raise RunFault(f"The broker refused records: {failures[0] if failures else 'timeout'}")
        self.console.say(f"Payments {first:,} to {end - 1:,} are in {TOPIC}.")

    def _require_once(self, payments: int) -> None:
        """The bank's own book, which knows nothing of ledgers and offsets."""
        made = paid(self.book)
        twice = sum(1 for count in made.values() if count > 1)
        wanted = {payment.id for payment in events.payments(0, payments)}
        missing = len(wanted - made.keys())
        self.console.say(
            f"The bank's book: {sum(made.values()):,} transfers for {payments:,} payments; "
            f"{twice:,} made twice, {missing:,} missing."
        )
        if twice or missing or made.keys() - wanted:
            raise RunFault("The bank's book is not what the payments say.")

    def _verify(self, table: str, payments: int, *, equal: bool) -> None:
        said = _verify(self.cluster, self.view, table, payments)
        if said.startswith("EQUAL") != equal:
            wanted = "equal" if equal else "differ from"
            raise RunFault(
                f"{table} should {wanted} the truth of {payments:,} payments; see above."
            )


def paid(book: Path) -> Counter[str]:
    """How often each payment was made."""
    with book.open(encoding="utf-8") as lines:
        return Counter(json.loads(line)["id"] for line in lines)


def _verify(cluster: Cluster, view: Path, table: str, payments: int) -> str:
    rows = [
        {"account": account, "currency": currency, "payments": count, "total": total}
        for (account, currency), (count, total) in events.balances(payments).items()
    ]
    file = cluster.data / f"truth-of-{payments}.arrow"
    feather.write_feather(pa.Table.from_pylist(rows), file)
    return cluster.run(
        "verify", f"sqlite:{view}#{table}", str(file), "--key", "account,currency",
        "--tolerance", "1e-9", "--limit", "4", expect=(0, 1),
    )  # fmt: skip


def tell(cluster: Cluster, console: Console, children: Children) -> Outcome:
    return Story(cluster, console, children).tell()


def verify_again(cluster: Cluster) -> bool:
    """A finished run: the balances against the truth, and the bank's book."""
    found = _verify(cluster, cluster.data / "balances.db", "balances", events.PAYMENTS)
    once = set(paid(cluster.data / "bank.jsonl").values()) == {1}
    return found.startswith("EQUAL") and once
