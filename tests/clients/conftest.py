"""Real clients against one running broker.

``ANABRANCH_TEST_TARGET`` says which: ``anabranch`` (default) or ``kafka``. Every scenario passes
against Apache Kafka too; where a client then behaves otherwise against Anabranch, Anabranch is
wrong. ``ANABRANCH_TEST_BOOTSTRAP=HOST:PORT`` uses a broker that already runs (no restarts, no
segment files).
"""

from __future__ import annotations

import itertools
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.peers import AnabranchNode, KafkaNode, Node, PeerUnavailable

HERE = Path(__file__).resolve().parent
_serial = itertools.count()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark this room's tests, and leave them out unless they were asked for by mark."""
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.clients)
    if "clients" not in (config.option.markexpr or ""):
        items[:] = [item for item in items if item not in ours]
        config.hook.pytest_deselected(items=ours)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A peer that cannot be installed here skips the test with the reason."""
    try:
        return (yield)
    except PeerUnavailable as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def target() -> Iterator[Node | None]:
    """The node under test; None when the broker is somebody else's."""
    if os.environ.get("ANABRANCH_TEST_BOOTSTRAP"):
        yield None
        return
    try:
        node = make_node()
    except PeerUnavailable as missing:
        pytest.skip(str(missing))
    with node:
        if isinstance(node, KafkaNode):
            _await_coordinator(node.bootstrap)
        yield node
        assert node.alive(), f"the broker died during the tests:\n{node.log_tail()}"
        status = node.stop()
        assert status == 0 or isinstance(node, KafkaNode), f"{status} after SIGTERM"


def make_node() -> Node:
    """A broker of the kind under test, not yet started."""
    kind = os.environ.get("ANABRANCH_TEST_TARGET", "anabranch")
    if kind == "kafka":
        return KafkaNode(settings={"group.initial.rebalance.delay.ms": "0"})
    assert kind == "anabranch", f"ANABRANCH_TEST_TARGET={kind}?"
    # Merging early moves records into segments under the clients' eyes, all the time.
    return AnabranchNode(
        settings={
            "log": {"merge_age_ms": 2000, "background_interval_ms": 500},
            "groups": {"initial_rebalance_delay_ms": 0},
        }
    )


def _await_coordinator(bootstrap: str) -> None:
    """Kafka makes its offsets topic on first use and answers NOT_COORDINATOR until it is loaded."""
    from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": bootstrap})
    topic = make_topic(bootstrap, "warm-up")
    asked = ConsumerGroupTopicPartitions("warm-up", [TopicPartition(topic, 0, 0)])
    for _ in range(100):
        answer = admin.alter_consumer_group_offsets([asked])["warm-up"].result(20)
        if answer.topic_partitions[0].error is None:
            return
        time.sleep(0.2)
    raise PeerUnavailable("Kafka's group coordinator did not come up")


@pytest.fixture(scope="session")
def bootstrap(target: Node | None) -> str:
    """HOST:PORT of the broker under test."""
    return target.bootstrap if target else os.environ["ANABRANCH_TEST_BOOTSTRAP"]


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name for topics and groups that no other test uses and a person can trace."""
    stem = re.sub(r"[^a-zA-Z0-9]+", "-", request.node.name).strip("-")[:80]
    return f"{stem}-{os.getpid()}-{next(_serial)}"


@pytest.fixture
def topic(bootstrap: str, name: str) -> str:
    """A fresh topic of one partition."""
    return make_topic(bootstrap, name)


def make_topic(
    bootstrap: str, name: str, partitions: int = 1, config: dict[str, str] | None = None
) -> str:
    """Create topic `name` and wait until its leaders are known."""
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})
    new = NewTopic(name, partitions, 1, config=config or {})
    admin.create_topics([new])[name].result(20)
    return name


@pytest.fixture
def node() -> Iterator[Node]:
    """A broker of this test's own."""
    if os.environ.get("ANABRANCH_TEST_BOOTSTRAP"):
        pytest.skip("needs a broker that may be restarted")
    with make_node() as own:
        yield own


def restart(node: Node, clean: bool) -> None:
    """Stop (SIGTERM, or SIGKILL unless `clean`) and start again, on the same port and data."""
    if clean:
        node.stop()
    else:
        node.kill()
    node.start()
