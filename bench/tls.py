"""What security costs: produce and consume over PLAINTEXT, SSL and SASL_SSL with SCRAM, and a login, beside Kafka.

One librdkafka client, 1 KB values, four partitions, TLS 1.3, a certificate on P-256. All protocols are listeners of one
broker, measured in turn, so that only the protocol differs.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

from tests.support.certificates import Authority
from tests.support.peers import AnabranchNode, KafkaNode, Node, PeerUnavailable, free_port
from tests.support.peers.anabranch import anabranch_command

from bench.produce import PARTITIONS, records_for
from bench.report import Report
from bench.systems import Scale, create_topic, run_job, settle

NAME = "tls"
SIZE = 1000
USER, PASSWORD = "bench", "a password of the bench"
MECHANISM = "SCRAM-SHA-512"
LOGINS = 40
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_SSL")


def measure(parent: Path, scale: Scale, report: Report) -> None:
    authority = Authority(parent / "certificates")
    for number in range(scale.rounds):
        for kind in (SecuredAnabranch, SecuredKafka)[:: 1 if number % 2 else -1]:
            node = kind(parent, authority)
            try:
                with node:
                    node.add_user()
                    sample(node, authority, scale, report)
            except PeerUnavailable as missing:
                report.notes.append(f"{node.name} is left out of tls: {missing}")


class SecuredAnabranch(AnabranchNode):
    """A listener for each protocol."""

    def __init__(self, parent: Path, authority: Authority) -> None:
        super().__init__(
            parent=parent, settings={"tls": {"certificate": str(authority.issue("anabranch"))}}
        )
        self.ports = {protocol: free_port() for protocol in PROTOCOLS[1:]}

    def command(self) -> list[str]:
        more = [f"{name}://127.0.0.1:{port}" for name, port in self.ports.items()]
        return [*super().command(), *(part for where in more for part in ("--listen", where))]

    def add_user(self) -> None:
        subprocess.run(
            [
                *anabranch_command(),
                "user",
                "add",
                USER,
                "--data",
                str(self.store_data),
                "--password-file",
                "-",
            ],
            input=PASSWORD,
            text=True,
            check=True,
            capture_output=True,
        )


class SecuredKafka(KafkaNode):
    """The same with Kafka, whose keystore is the same kind of PEM file."""

    def __init__(self, parent: Path, authority: Authority) -> None:
        super().__init__(parent=parent)
        self.ports = {protocol: free_port() for protocol in PROTOCOLS[1:]}
        listeners = [
            f"PLAINTEXT://127.0.0.1:{self.port}",
            *(f"{name}://127.0.0.1:{port}" for name, port in self.ports.items()),
        ]
        self._settings |= {
            "listeners": ",".join([*listeners, f"CONTROLLER://127.0.0.1:{self._controller_port}"]),
            "advertised.listeners": ",".join(listeners),
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,"
            + ",".join(f"{name}:{name}" for name in PROTOCOLS),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(authority.issue("kafka")),
            "sasl.enabled.mechanisms": MECHANISM,
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
        }

    def add_user(self) -> None:
        from confluent_kafka.admin import (  # type: ignore[attr-defined]
            AdminClient,
            ScramCredentialInfo,
            ScramMechanism,
            UserScramCredentialUpsertion,
        )

        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(USER, info, PASSWORD.encode())
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        admin.alter_user_scram_credentials([change])[USER].result(30)


def security(protocol: str, authority: Authority) -> dict[str, Any]:
    told: dict[str, Any] = {"security.protocol": protocol}
    if protocol != "PLAINTEXT":
        told["ssl.ca.location"] = str(authority.ca)
    if protocol == "SASL_SSL":
        told |= {"sasl.mechanism": MECHANISM, "sasl.username": USER, "sasl.password": PASSWORD}
    return told


def sample(
    node: SecuredAnabranch | SecuredKafka, authority: Authority, scale: Scale, report: Report
) -> None:
    records = records_for(SIZE, scale.produce_bytes)
    for repeat in range(scale.repeats + 1):  # the first one warms up
        for protocol in PROTOCOLS:
            port = node.port if protocol == "PLAINTEXT" else node.ports[protocol]
            where = {
                "bootstrap": f"127.0.0.1:{port}",
                "topic": f"bench-{repeat}-{protocol}",
                "records": records,
                "security": security(protocol, authority),
            }
            create_topic(node, str(where["topic"]), PARTITIONS)
            settle()
            for job, rest in (("produce", {"size": SIZE}), ("consume", {"partitions": PARTITIONS})):
                cpu = node.cpu_seconds()
                done = run_job(job, **where, **rest)
                if not repeat:
                    continue
                cpu = (node.cpu_seconds() - cpu) / records * 1e6
                report.add(
                    f"{job} 1 KB, {protocol}", "records/s", node.name, records / done["seconds"]
                )
                report.add(
                    f"{job} 1 KB, {protocol}, broker CPU",
                    "us/record",
                    node.name,
                    cpu,
                    higher_is_better=False,
                )
    for protocol in PROTOCOLS:
        port = node.port if protocol == "PLAINTEXT" else node.ports[protocol]
        seconds = logins(f"127.0.0.1:{port}", security(protocol, authority))
        report.add(
            f"connect and first metadata, {protocol}",
            "ms",
            node.name,
            seconds / LOGINS * 1000,
            higher_is_better=False,
        )


def logins(bootstrap: str, told: dict[str, Any]) -> float:
    """Seconds for ``LOGINS`` clients, one after the other; half of it is the client's own work."""
    from confluent_kafka.admin import AdminClient  # type: ignore[attr-defined]

    begun = time.monotonic()
    for _ in range(LOGINS):
        AdminClient({"bootstrap.servers": bootstrap, **told}).list_topics(timeout=10)
    return time.monotonic() - begun


_: tuple[type[Node], ...] = (SecuredAnabranch, SecuredKafka)
