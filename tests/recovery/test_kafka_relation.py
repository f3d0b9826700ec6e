"""A topic of another cluster as a side of a comparison; the other cluster is a second Anabranch."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from anabranch.errors import UserFault
from anabranch.recovery.checks.comparing import compare_named
from anabranch.recovery.checks.kafka_relation import kafka_relation
from anabranch.recovery.checks.verify import Verification
from tests.support.broker import BrokerThread

from .scene import Scene


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with BrokerThread(tmp_path_factory.mktemp("foreign")) as broker:
        admin = AdminClient({"bootstrap.servers": broker.address})
        for future in admin.create_topics(
            [NewTopic("truth", 2, 1), NewTopic("none", 1, 1)]
        ).values():
            future.result()
        yield broker.address


def produce(address: str, values: dict[str, int | None], end: str, **conf: Any) -> Any:
    """A transaction, ended by the method ``end`` of the producer that is returned."""
    producer = Producer({"bootstrap.servers": address, "transactional.id": f"truth-{end}", **conf})
    producer.init_transactions()
    producer.begin_transaction()
    for key, n in values.items():
        value = None if n is None else b'{"n": %d}' % n
        producer.produce("truth", key=b'"%s"' % key.encode(), value=value)
    producer.flush()
    if end:
        getattr(producer, end)()
    return producer


async def live(stage: Scene, values: dict[str, int]) -> None:
    from anabranch.records.builder import build_batch
    from anabranch.records.record import Record

    topic = await stage.log.create_topic("live", 1, {})
    records = [
        Record(n, 0, b'"%s"' % key.encode(), b'{"n": %d}' % value, ())
        for n, (key, value) in enumerate(values.items())
    ]
    await stage.log.append(topic, 0, memoryview(bytearray(build_batch(records))))


def test_I6_what_is_committed_elsewhere_is_compared_with_a_topic_here(
    play: Any, foreign: str
) -> None:
    keys = [f"k{number}" for number in range(40)]
    produce(foreign, {key: number for number, key in enumerate(keys)}, "commit_transaction")
    produce(foreign, dict.fromkeys(keys, 99), "abort_transaction")
    produce(foreign, {"k7": 70, "k8": None}, "commit_transaction")
    open_ = produce(foreign, {"k9": 98}, "")  # neither committed nor aborted

    async def story(stage: Scene) -> None:
        await live(stage, {key: number for number, key in enumerate(keys)})

        async def verified(left: str) -> Verification:
            return await compare_named(
                left, f"kafka:{foreign}/truth", key="key", columns="n", opened=lambda: _given(stage)
            )

        found = await verified("topic:live")
        assert (found.rows_left, found.rows_right) == (40, 39)
        assert (found.equal, found.changed, found.only_left) == (38, 1, 1)
        assert {d.key: (d.left, d.right) for d in found.differences} == {
            ("k7",): (7, 70),
            ("k8",): ("present", None),
        }
        itself = await verified(f"kafka:{foreign}/truth?take=last&value=json")
        assert itself.passed and itself.equal == 39

    play(story)
    every = list(kafka_relation(f"kafka:{foreign}/truth?take=all").rows)
    assert len(every) == 42, "aborted and open ones are nobody's"
    del open_


def _given(stage: Scene) -> Any:
    from contextlib import nullcontext

    return nullcontext(stage.log)


def test_its_ends_are_those_of_when_it_was_asked(
    foreign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anabranch.recovery.checks import kafka_relation as module

    admin = AdminClient({"bootstrap.servers": foreign})
    admin.create_topics([NewTopic("grows", 1, 1)])["grows"].result()
    producer = Producer({"bootstrap.servers": foreign})

    def append(values: range) -> None:
        for n in values:
            producer.produce("grows", key=b"%d" % n, value=b"%d" % n)
        assert producer.flush(60) == 0

    append(range(10))
    read = module._read

    def late(*arguments: Any) -> None:
        append(range(10, 20))
        read(*arguments)

    monkeypatch.setattr(module, "_read", late)
    assert len(list(kafka_relation(f"kafka:{foreign}/grows").rows)) == 10


def test_what_cannot_be_read_ends_in_a_sentence(
    foreign: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anabranch.recovery.checks import kafka_relation as module

    assert list(kafka_relation(f"kafka:{foreign}/none").rows) == []
    settings = tmp_path / "client.properties"
    settings.write_text("no.such.setting=1\n")
    for text, sentence in (
        (f"kafka:{foreign}/absent", "topic “absent”: .*(nknown|exist)"),
        (f"kafka:{foreign}", "is not kafka:HOST:PORT/TOPIC"),
        (f"kafka:{foreign}/truth?values=json", "it has no “values”"),
        (f"kafka:{foreign}/truth?value=x", "is no schema"),
        (f"kafka:{foreign}/truth?config={tmp_path}/none", "No such file"),
        (f"kafka:{foreign}/none?config={settings}", "no.such.setting"),
    ):
        with pytest.raises(UserFault, match=sentence):
            kafka_relation(text)
    monkeypatch.setattr(module, "CONNECT_S_MAX", 0.5)
    with pytest.raises(UserFault, match="does not answer"):
        kafka_relation("kafka:127.0.0.1:1/truth")
    assert "absent" not in AdminClient({"bootstrap.servers": foreign}).list_topics().topics


def test_the_command_needs_no_data_for_it(foreign: str, tmp_path: Path) -> None:
    async def unopened() -> None:
        found = await compare_named(
            f"kafka:{foreign}/none", f"kafka:{foreign}/none", key="key", opened=_never
        )
        assert found.passed and found.rows_left == 0

    asyncio.run(unopened())


def _never() -> Any:
    raise AssertionError("the cluster here is not asked")
