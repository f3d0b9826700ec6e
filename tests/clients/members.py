"""Members of a consumer group, one class per client library, all told and watched the same way."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from tests.support.peers import KCat, franz_binary, start_tool

WAIT_SECONDS_MAX = 40.0
SESSION_MS, HEARTBEAT_MS = 6000, 300  # the shortest session that Kafka's defaults admit


def await_until(condition: Callable[[], bool], what: Callable[[], object]) -> None:
    """Wait for `condition`; on time-out fail with what was seen instead."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, f"not within {WAIT_SECONDS_MAX} s: {what()}"
        time.sleep(0.02)


class Member(ABC):
    """One member that consumes and commits continuously from the moment it is made."""

    name: ClassVar[str]
    static: ClassVar[bool] = True  # supports group.instance.id

    def __init__(
        self,
        bootstrap: str,
        group: str,
        topic: str,
        *,
        assignor: str = "range",
        instance: str | None = None,
        protocol: str = "classic",
    ) -> None:
        self.bootstrap, self.group, self.topic = bootstrap, group, topic
        self.assignor, self.instance = assignor, instance
        self.protocol = (
            protocol  # classic | consumer (KIP-848); the latter for librdkafka, Java, franz-go
        )
        self.assigned: set[int] = set()
        self.assignments = 0  # how often it was told an assignment, also an unchanged one
        self.records: list[tuple[int, int]] = []  # partition, offset
        self.failure: BaseException | str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._guarded, daemon=True)
        self._thread.start()

    def _guarded(self) -> None:
        try:
            self.run()
        except BaseException as error:
            self.failure = error

    @abstractmethod
    def run(self) -> None:
        """Consume until told to stop, then leave (or, as a static member, just go)."""

    def leave(self) -> None:
        """Stop as the library stops cleanly, with its offsets committed."""
        self._stop.set()
        self._thread.join(WAIT_SECONDS_MAX)
        assert not self._thread.is_alive(), f"{self} did not stop"
        assert self.failure is None, self

    def took(self, partitions: set[int]) -> None:
        self.assigned |= partitions
        self.assignments += 1

    def gave(self, partitions: set[int]) -> None:
        self.assigned -= partitions

    def __repr__(self) -> str:
        return (
            f"<{self.name} {sorted(self.assigned)} after {self.assignments} assignments,"
            f" {len(self.records)} records, failure {self.failure!r}>"
        )


class ConfluentMember(Member):
    name = "confluent"

    def run(self) -> None:
        from confluent_kafka import Consumer, KafkaError, KafkaException

        settings = {
            "bootstrap.servers": self.bootstrap,
            "group.id": self.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 200,
        }
        if self.protocol == "consumer":
            settings["group.protocol"] = "consumer"  # the broker says how long sessions are
        else:
            settings |= {
                "session.timeout.ms": SESSION_MS,
                "heartbeat.interval.ms": HEARTBEAT_MS,
                "partition.assignment.strategy": self.assignor,
            }
        if self.instance:
            settings["group.instance.id"] = self.instance
        consumer = Consumer(settings)
        consumer.subscribe(
            [self.topic],
            on_assign=lambda _, given: self.took({each.partition for each in given}),
            on_revoke=lambda _, taken: self.gave({each.partition for each in taken}),
            on_lost=lambda _, lost: self.gave({each.partition for each in lost}),
        )
        rebalancing = {
            KafkaError.REBALANCE_IN_PROGRESS,
            KafkaError.ILLEGAL_GENERATION,
            KafkaError.STALE_MEMBER_EPOCH,
            KafkaError._NO_OFFSET,
        }
        try:
            while not self._stop.is_set():
                messages = consumer.consume(100, 0.1)
                for message in messages:
                    error = message.error()
                    if error is not None:
                        raise KafkaException(error)
                    self.records.append((message.partition(), message.offset()))
                if messages:
                    try:
                        consumer.commit(asynchronous=False)
                    except KafkaException as failed:
                        if failed.args[0].code() not in rebalancing:
                            raise
        finally:
            consumer.close()


class KafkaPythonMember(Member):
    name = "kafka-python"

    def run(self) -> None:
        from kafka import ConsumerRebalanceListener, KafkaConsumer
        from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
        from kafka.coordinator.assignors.range import RangePartitionAssignor
        from kafka.errors import CommitFailedError, RebalanceInProgressError

        member = self

        class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
            def on_partitions_revoked(self, revoked: Any) -> None:
                member.gave({each.partition for each in revoked})

            def on_partitions_assigned(self, assigned: Any) -> None:
                member.took({each.partition for each in assigned})

        assignors = {
            "range": RangePartitionAssignor,
            "cooperative-sticky": CooperativeStickyAssignor,
        }
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=self.group,
            group_instance_id=self.instance,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            partition_assignment_strategy=[assignors[self.assignor]],
        )
        consumer.subscribe([self.topic], listener=Listener())
        try:
            while not self._stop.is_set():
                polled = consumer.poll(timeout_ms=100)
                for messages in polled.values():
                    self.records += [(each.partition, each.offset) for each in messages]
                if polled:
                    with contextlib.suppress(CommitFailedError, RebalanceInProgressError):
                        consumer.commit()
        finally:
            consumer.close()


class AioKafkaMember(Member):
    name = "aiokafka"

    def run(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
        from aiokafka.coordinator.assignors.range import RangePartitionAssignor
        from aiokafka.errors import CommitFailedError, IllegalStateError

        member = self

        class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
            async def on_partitions_revoked(self, revoked: Any) -> None:
                member.gave({each.partition for each in revoked})

            async def on_partitions_assigned(self, assigned: Any) -> None:
                member.took({each.partition for each in assigned})

        assert self.assignor == "range", "aiokafka has no cooperative assignor"
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=self.group,
            group_instance_id=self.instance,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            partition_assignment_strategy=[RangePartitionAssignor],
        )
        consumer.subscribe([self.topic], listener=Listener())
        await consumer.start()
        try:
            while not self._stop.is_set():
                polled = await consumer.getmany(timeout_ms=100)
                for messages in polled.values():
                    self.records += [(each.partition, each.offset) for each in messages]
                if polled:
                    with contextlib.suppress(CommitFailedError, IllegalStateError):
                        await consumer.commit()
        finally:
            await consumer.stop()


class ProcessMember(Member):
    """A member in a process of its own, which reports on its stdout."""

    def run(self) -> None:
        with self.started() as process:
            watcher = threading.Thread(target=self._watch, args=(process,), daemon=True)
            watcher.start()
            while process.poll() is None and not self._stop.wait(0.05):
                pass
            if process.poll() is None:
                process.send_signal(self.stop_signal)
                process.wait(WAIT_SECONDS_MAX)
            watcher.join()
            assert self._killed or self._stop.is_set(), (
                f"exited with {process.returncode} by itself: {self.last_line}"
            )

    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    last_line = ""
    _killed = False
    _process: subprocess.Popen[str] | None = None

    @contextlib.contextmanager
    def started(self) -> Iterator[subprocess.Popen[str]]:
        with self.open() as process:
            self._process = process
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    @abstractmethod
    def open(self) -> subprocess.Popen[str]:
        """Start the process with a text pipe as stdout."""

    @abstractmethod
    def heard(self, line: str) -> None:
        """Take note of one line of its stdout."""

    def kill(self) -> None:
        """End it with SIGKILL: the broker must notice by itself."""
        assert self._process is not None
        self._killed = True
        self._process.kill()
        self._thread.join(WAIT_SECONDS_MAX)

    def _watch(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                self.last_line = line
                self.heard(line)
        except Exception as error:
            self.failure = f"{error!r} in {self.last_line!r}"


class KcatMember(ProcessMember):
    name = "kcat"

    def open(self) -> subprocess.Popen[str]:
        settings = {
            "auto.offset.reset": "earliest",
            "session.timeout.ms": SESSION_MS,
            "heartbeat.interval.ms": HEARTBEAT_MS,
            "auto.commit.interval.ms": 100,
            "partition.assignment.strategy": self.assignor,
        }
        if self.instance:
            settings["group.instance.id"] = self.instance
        return KCat(self.bootstrap).start(
            *(arg for key, value in settings.items() for arg in ("-X", f"{key}={value}")),
            *("-u", "-f", "record %p %o\\n", "-G", self.group, self.topic),
        )

    def heard(self, line: str) -> None:
        if line.startswith("record "):
            _, partition, offset = line.split()
            self.records.append((int(partition), int(offset)))
        elif "rebalanced" in line:
            partitions = {int(each) for each in re.findall(r"\[(\d+)\]", line)}
            (self.took if "assigned:" in line else self.gave)(partitions)
        elif "ERROR" in line:
            self.failure = line


class JavaMember(ProcessMember):
    name = "java"
    ASSIGNORS: ClassVar[dict[str, str]] = {
        "range": "org.apache.kafka.clients.consumer.RangeAssignor",
        "cooperative-sticky": "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
    }

    def open(self) -> subprocess.Popen[str]:
        with tempfile.NamedTemporaryFile("w", suffix=".properties", delete=False) as config:
            config.write("fetch.max.wait.ms=200\n")
            if self.protocol == "classic":
                config.write(f"heartbeat.interval.ms={HEARTBEAT_MS}\n")
        self._config = Path(config.name)
        static = ["--group-instance-id", self.instance] if self.instance else []
        return start_tool(
            "VerifiableConsumer",
            [
                *("--bootstrap-server", self.bootstrap, "--topic", self.topic),
                *("--group-id", self.group, *self._protocol()),
                *("--command-config", config.name, "--verbose", *static),
            ],
        )

    def _protocol(self) -> list[str]:
        if self.protocol == "consumer":
            return ["--group-protocol", "consumer"]
        strategy = self.ASSIGNORS[self.assignor]
        return ["--session-timeout", str(SESSION_MS), "--assignment-strategy", strategy]

    def heard(self, line: str) -> None:
        event = json.loads(line)
        if event["name"] == "startup_complete":
            self._config.unlink()
        elif event["name"] == "partitions_assigned":
            self.took({each["partition"] for each in event["partitions"]})
        elif event["name"] == "partitions_revoked":
            self.gave({each["partition"] for each in event["partitions"]})
        elif event["name"] == "record_data":
            self.records.append((event["partition"], event["offset"]))


class FranzMember(ProcessMember):
    name = "franz-go"
    stop_signal = signal.SIGINT

    def open(self) -> subprocess.Popen[str]:
        static = ["-instance", self.instance] if self.instance else []
        return subprocess.Popen(
            [
                *(str(franz_binary()), "group", "-bootstrap", self.bootstrap),
                *("-topic", self.topic, "-group", self.group, "-commit"),
                *("-balancer", self.assignor, "-seconds", "110", *static),
                *(["-server-side"] if self.protocol == "consumer" else []),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def heard(self, line: str) -> None:
        event = json.loads(line)
        if event["event"] == "record":
            self.records.append((event["record"]["partition"], event["record"]["offset"]))
        else:
            partitions = set(event["partitions"] or ())
            (self.took if event["event"] == "assigned" else self.gave)(partitions)


MEMBERS: list[type[Member]] = [
    ConfluentMember,
    KafkaPythonMember,
    AioKafkaMember,
    KcatMember,
    JavaMember,
    FranzMember,
]
