"""What ACL checks, quotas and an audit log cost produce: the same broker with and without, in turns.

All brokers run at the same time and are measured one after the other, in an order that turns: what the
machine does meanwhile falls on each alike. A thousand ACLs are there, quotas count and are never reached.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from tests.support.peers.cluster import ClusterNode

from bench.produce import LONGER, PARTITIONS, SIZES, records_for
from bench.report import Report
from bench.systems import Scale, create_topic, rotated, run_job, settle

NAME = "authz"
ACLS = 1000
TURNS = 30  # samples with and without, in turns
REQUESTS = 500  # of a sample
IN_FLIGHT = 5
ACL_CONFIG = '[authorization]\nacls = true\nsuper_users = ["User:admin"]\n'
AUDIT_CONFIG = '[audit]\nlog = true\ntopic = "__anabranch_audit"\n'
VARIANTS = ("plain", "quotas", "ACLs", "ACLs, quotas, audit")


def measure(parent: Path, scale: Scale, report: Report) -> None:
    guard_cost(report)
    turned_on_and_off(parent, report)
    nodes: dict[str, ClusterNode] = {}
    try:
        for number, variant in enumerate(VARIANTS):
            nodes[variant] = start(parent, variant, number)
        shares: dict[tuple[str, str, str], list[float]] = {}
        for turn in range(scale.rounds * scale.repeats + 1):  # the first one warms up
            for label, size in SIZES.items():
                seen = {
                    variant: sample(nodes[variant], size, scale)
                    for variant in rotated(VARIANTS, turn)
                }
                if not turn:
                    continue
                for variant, (rate, cpu) in seen.items():
                    figure = f"produce {label}, guarded"
                    report.add(figure, "records/s", variant, rate)
                    report.add(
                        f"{figure}, broker CPU", "us/record", variant, cpu, higher_is_better=False
                    )
                    plain_rate, plain_cpu = seen["plain"]
                    shares.setdefault((label, variant, "rate"), []).append(rate / plain_rate)
                    shares.setdefault((label, variant, "CPU"), []).append(cpu / plain_cpu)
        for (label, variant, what), found in shares.items():
            if variant != "plain":
                report.notes.append(
                    f"produce {label}, {variant}: {what} {statistics.median(found):.3f} of plain, "
                    f"median of {len(found)} pairs ({min(found):.3f} to {max(found):.3f})"
                )
    finally:
        for node in nodes.values():
            node.close()


def start(parent: Path, variant: str, number: int) -> ClusterNode:
    shared = parent / f"authz-{number}"
    shared.mkdir(parents=True, exist_ok=True)
    config = parent / f"authz-{number}.toml"
    text = ACL_CONFIG if "ACLs" in variant else ""
    config.write_text(text + (AUDIT_CONFIG if "audit" in variant else ""))
    node = ClusterNode(parent, shared, ["--config", str(config)])
    node.start()
    if "ACLs" in variant:
        everyone = ["--principal", "User:ANONYMOUS", "--operation", "all"]
        command(shared, "acl", "add", *everyone, "--topic", "*", "--group", "*", "--cluster")
        others = [word for n in range(ACLS) for word in ("--topic", f"topic-{n}")]
        command(shared, "acl", "add", "--principal", "User:other", "--operation", "read", *others)
        settle()
    if "quotas" in variant:
        limits = ("producer_byte_rate=1000000000000", "consumer_byte_rate=1000000000000")
        command(shared, "quota", "set", "--user-default", *limits, "request_percentage=100000")
        settle()
    create_topic(node, "bench", PARTITIONS)
    return node


def guard_cost(report: Report) -> None:
    """What the gate adds to a Produce of four partitions that is allowed, apart from everything else."""
    from anabranch.broker.audit.events import NOBODY
    from anabranch.broker.authz.access import Access
    from anabranch.broker.authz.acl import Acl, Operation, PatternType, Permission, ResourceType
    from anabranch.broker.authz.authorizer import Authorizer
    from anabranch.broker.authz.settings import AuthorizationSettings
    from anabranch.broker.context import Context
    from anabranch.broker.gate import Gate
    from anabranch.broker.guards import GUARDS
    from anabranch.broker.security.principal import Session
    from anabranch.wire.messages.m00_produce import ProduceRequest, TopicProduceData

    settings = AuthorizationSettings(acls=True)
    authorizer = Authorizer(None, settings, lambda: 0, lambda: "")  # type: ignore[arg-type]
    for n in range(100_000):
        authorizer.index.add(
            Acl(
                ResourceType.TOPIC,
                f"topic-{n}" if n else "bench",
                PatternType.LITERAL,
                f"User:u{n}" if n else "User:ANONYMOUS",
                "*",
                Operation.WRITE,
                Permission.ALLOW,
            )
        )
    metastore = SimpleNamespace(now_ms=None)
    gate = Gate(authorizer, NOBODY, time.monotonic, metastore, settings)  # type: ignore[arg-type]
    session = Session(host="127.0.0.1")
    request = ProduceRequest(acks=-1, topic_data=[TopicProduceData(name="bench")])
    turns = 100_000
    begun = time.perf_counter()
    for _ in range(turns):
        context = Context(None, 12, "c", session)  # type: ignore[arg-type]
        access = Access(gate, context, "Produce", authorizer.rights(session))
        GUARDS[0](access, request, lambda _, __: None)
    guarded = time.perf_counter() - begun
    begun = time.perf_counter()
    for _ in range(turns):
        Context(None, 12, "c", session)  # type: ignore[arg-type]
    bare = time.perf_counter() - begun
    report.add(
        "guard of a Produce, 100,000 ACLs",
        "us",
        "anabranch",
        (guarded - bare) / turns * 1e6,
        higher_is_better=False,
    )


def turned_on_and_off(parent: Path, report: Report) -> None:
    """One broker in this process, and a client that keeps five requests of 16 KB in flight: gate, quotas and
    audit log are turned on and off between samples of some tenths of a second. The client's own CPU is part
    of both."""
    found = asyncio.run(_turns(parent / "authz-turns"))
    for label, (on, off) in found.items():
        for mode, values in (("ACLs, quotas, audit", on), ("plain", off)):
            for value in values:
                report.add(
                    f"produce 16 KB, in turns, {label}",
                    "us/request",
                    mode,
                    value,
                    higher_is_better=False,
                )
        ratios = [a / b for a, b in zip(on, off, strict=True)]
        report.notes.append(
            f"produce 16 KB, in turns: {label} with all of it {statistics.median(ratios):.3f} of plain, "
            f"median of {len(ratios)} pairs ({min(ratios):.3f} to {max(ratios):.3f})"
        )


async def _turns(data: Path) -> dict[str, tuple[list[float], list[float]]]:
    from tests.broker.conversation import batch, create_topics, produce_request
    from tests.support.broker import WireClient, running_broker

    from anabranch.broker.audit.settings import AuditSettings
    from anabranch.broker.authz.acl import Acl, Operation, PatternType, Permission, ResourceType
    from anabranch.broker.authz.settings import AuthorizationSettings

    found: dict[str, tuple[list[float], list[float]]] = {"CPU": ([], []), "time": ([], [])}
    async with (
        running_broker(
            data,
            authorization=AuthorizationSettings(acls=True),
            audit=AuditSettings(log=True, topic="__audit"),
        ) as broker,
        WireClient.connected(broker) as client,
    ):
        dispatcher = broker.listener.dispatcher
        gate, quotas = dispatcher.gate, dispatcher.quotas
        assert gate is not None and quotas is not None and broker.authorizer is not None
        for kind, name in ((ResourceType.TOPIC, "*"), (ResourceType.CLUSTER, "kafka-cluster")):
            allow = Acl(
                kind,
                name,
                PatternType.LITERAL,
                "User:ANONYMOUS",
                "*",
                Operation.ALL,
                Permission.ALLOW,
            )
            await broker.authorizer.create([allow])
        for key in ("producer_byte_rate", "consumer_byte_rate", "request_percentage"):
            await quotas.alter((("user", None),), {key: 1e12}, 0, validate_only=False)
        await client.call(create_topics("bench", 4), 7)
        request = produce_request("bench", batch(*[b"x" * 1000] * 16))
        for turn in range(2 * TURNS + 2):
            on = turn % 2 == 0
            dispatcher.gate, dispatcher.quotas = (gate, quotas) if on else (None, None)
            cpu, begun = time.process_time(), time.perf_counter()
            tickets = [client.send(request, 12) for _ in range(IN_FLIGHT)]
            for _ in range(REQUESTS):
                await client.receive(tickets.pop(0))
                tickets.append(client.send(request, 12))
            for ticket in tickets:
                await client.receive(ticket)
            if turn >= 2:  # the first of each warms up
                each = 1e6 / (REQUESTS + IN_FLIGHT)
                found["CPU"][not on].append((time.process_time() - cpu) * each)
                found["time"][not on].append((time.perf_counter() - begun) * each)
    return found


def command(shared: Path, *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "anabranch.cli.main", *words, "--data", str(shared)],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def sample(node: ClusterNode, size: int, scale: Scale) -> tuple[float, float]:
    """Records a second, and microseconds of the broker's CPU a record."""
    settle()
    before = node.cpu_seconds()
    done = run_job(
        "produce",
        bootstrap=node.bootstrap,
        topic="bench",
        size=size,
        records=records_for(size, scale.produce_bytes * LONGER),
    )
    cpu = (node.cpu_seconds() - before) / done["records"] * 1e6
    return done["records"] / done["seconds"], cpu
