"""Karapace: schemas evolve while the broker and the registries die; records are read with them afterwards."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.clients.conftest import make_topic, restart
from tests.clients.contents import config_value, read_all
from tests.clients.failover import wait_until
from tests.support.peers import App, Node
from tests.support.peers.karapace import Karapace, karapace_python

pytestmark = pytest.mark.timeout(300)

PARTITIONS = 3
BATCH, PAUSE_SECONDS = 400, 0.01
APP = Path(__file__).parent / "apps" / "avro_records.py"

Fields = list[dict[str, Any]]
FIRST: Fields = [{"name": "id", "type": "long"}, {"name": "amount", "type": "long"}]
SECOND: Fields = [*FIRST, {"name": "currency", "type": "string", "default": "EUR"}]
THIRD: Fields = [*SECOND, {"name": "note", "type": ["null", "string"], "default": None}]
REFUSED: Fields = [*FIRST, {"name": "currency", "type": "int"}]  # no default, another type


def schema(fields: Fields) -> str:
    return json.dumps({"type": "record", "name": "Payment", "fields": fields})


def payments(first: int, **more: str) -> list[dict[str, Any]]:
    return [{"id": n, "amount": n * n, **more} for n in range(first, first + BATCH)]


class Registries:
    """Two registries, asked until one answers."""

    def __init__(self, node: Node, name: str, directory: Path, stack: ExitStack) -> None:
        self.node, self.topic, self.directory = node, name, directory
        self.both = [Karapace(node.bootstrap, directory, each) for each in ("first", "second")]
        for each in self.both:
            stack.enter_context(each).start()

    def settled(self, *of: Karapace) -> Karapace:
        """Wait until `of` agree on a primary among them, and return it."""
        urls = {each.url for each in of}
        wait_until(lambda: len(found := {r.primary() for r in of}) == 1 and found <= urls, *of)
        return next(each for each in of if each.url == of[0].primary())

    def register(self, fields: Fields, via: Karapace) -> tuple[int, Any]:
        """Status and answer; asked again while the registry itself is in trouble."""
        answers: list[tuple[int, Any]] = []

        def answered() -> bool:
            answers.append(
                via.ask(f"/subjects/{self.topic}-value/versions", {"schema": schema(fields)})
            )
            return answers[-1][0] in (200, 409)

        wait_until(answered, via)
        return answers[-1]

    def versions(self, via: Karapace) -> dict[int, tuple[int, str]]:
        """Id and schema of each version."""
        _, numbers = via.ask(f"/subjects/{self.topic}-value/versions")
        found = (via.ask(f"/subjects/{self.topic}-value/versions/{n}")[1] for n in numbers)
        return {each["version"]: (each["id"], json.loads(each["schema"])) for each in found}

    def client(self, verb: str, fields: Fields, output: str, **options: Any) -> App:
        common = {
            "bootstrap": self.node.bootstrap,
            "registries": ",".join(each.url for each in self.both),
            "topic": self.topic,
            "schema": schema(fields),
        }
        arguments = json.dumps({**common, **options})
        return App([karapace_python(), str(APP), verb, arguments], self.directory / output)

    def writer(self, fields: Fields, records: Sequence[dict[str, Any]], output: str) -> App:
        chosen = {"records": records, "pause_seconds": PAUSE_SECONDS}
        return self.client("write", fields, output, **chosen)


def test_schemas_outlive_the_registries_and_the_broker(
    node: Node, name: str, tmp_path: Path
) -> None:
    make_topic(node.bootstrap, name, PARTITIONS)
    written = [payments(0), payments(BATCH, currency="CHF"), payments(2 * BATCH, currency="XOF")]
    with ExitStack() as stack:
        registries = Registries(node, name, tmp_path, stack)
        both = registries.both
        primary = registries.settled(*both)
        other = next(each for each in both if each is not primary)

        # The secondary passes it on. The broker dies under the producer, and under both registries.
        status, one = registries.register(FIRST, via=other)
        assert status == 200
        writer = stack.enter_context(registries.writer(FIRST, written[0], "first-writer")).start()
        wait_until(lambda: len(writer.events()) > BATCH // 4, writer)
        restart(node, clean=False)
        assert writer.wait(60) == 0, writer.tail()

        # The schema evolves, and the primary dies under the next producer.
        registries.settled(*both)
        status, two = registries.register(SECOND, via=other)
        assert status == 200 and two != one
        writer = stack.enter_context(registries.writer(SECOND, written[1], "second-writer")).start()
        wait_until(lambda: len(writer.events()) > BATCH // 4, writer)
        primary.kill()
        assert registries.settled(other) is other
        assert registries.register(REFUSED, via=other)[0] == 409
        assert writer.wait(60) == 0, writer.tail()
        known = registries.versions(other)

        # Everything dies; all that the registries know comes from the topic.
        other.kill()
        node.kill()
        node.start()
        primary.start()
        other.start()
        registries.settled(*both)
        for each in both:
            assert registries.versions(each) == known
        assert {version: number for version, (number, _) in known.items()} == {
            1: one["id"],
            2: two["id"],
        }
        assert registries.register(REFUSED, via=primary)[0] == 409
        status, three = registries.register(THIRD, via=primary)
        assert status == 200 and three["id"] > two["id"] > one["id"]
        records = [{**each, "note": f"note {each['id']}"} for each in written[2]]
        writer = stack.enter_context(registries.writer(THIRD, records, "third-writer")).start()
        assert writer.wait(60) == 0, writer.tail()

        # Each record was written with its own schema; all are read with the newest.
        count = len(read_all(node.bootstrap, name))
        options = {"count": count, "partitions": PARTITIONS}
        reader = stack.enter_context(registries.client("read", THIRD, "reader", **options)).start()
        assert reader.wait(60) == 0, reader.tail()
        for each in both:
            assert each.stop() in (0, -signal.SIGTERM), each.tail()  # as uvicorn ends
    found = sorted((e["record"] for e in reader.events()), key=lambda record: record["id"])
    assert found == [
        *({**each, "currency": "EUR", "note": None} for each in written[0]),
        *({**each, "note": None} for each in written[1]),
        *records,
    ]
    assert config_value(node.bootstrap, "_schemas", "cleanup.policy") == "compact"
