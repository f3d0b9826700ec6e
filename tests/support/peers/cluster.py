"""Several Anabranch brokers on one data directory, each a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.peers import probe
from tests.support.peers.anabranch import AnabranchNode

Settings = Mapping[str, Mapping[str, int | bool | str]]


class ClusterNode(AnabranchNode):
    """A broker with its own port and number; the data is everybody's."""

    def __init__(
        self,
        parent: Path,
        shared: Path,
        arguments: Sequence[str],
        settings: Settings | None = None,
    ) -> None:
        super().__init__(parent=parent, settings=settings)
        self._shared = shared
        self._arguments = arguments

    @property
    def store_data(self) -> Path:
        return self._shared

    def command(self) -> list[str]:
        return [*super().command(), *self._arguments]


@contextmanager
def cluster(
    parent: Path, shared: Path, count: int, settings: Settings | None = None
) -> Iterator[list[ClusterNode]]:
    """Started one after the other; on return every one shows all."""
    with ExitStack() as stack:
        nodes = [
            ClusterNode(parent, shared, ["--node-id", str(number)], settings)
            for number in range(1, count + 1)
        ]
        for node in nodes:
            stack.callback(node.close)
            node.start()
        await_all(nodes)
        yield nodes


def await_all(nodes: Sequence[ClusterNode]) -> None:
    for node in nodes:
        node.await_answer(lambda node=node: probe.brokers(node.port) == len(nodes))


def bootstrap(nodes: Sequence[ClusterNode]) -> str:
    return ",".join(node.bootstrap for node in nodes)
