"""What runs beside a broker in its process without being part of it: the broker starts and stops it, shows its
figures, and knows nothing else of it. So the recovery plane watches from within a broker that does not know it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from anabranch.broker.server import Broker


class Companion(Protocol):
    """Started when the broker can be asked, before it listens; closed before anything of the broker is."""

    def start(self) -> None: ...

    async def close(self) -> None: ...

    def collect(self) -> Iterable[Metric]:
        """Its figures, on the thread of whoever scrapes: only reads, waits for nothing."""


Companions = Callable[["Broker"], Sequence[Companion]]


def nobody(broker: Broker) -> Sequence[Companion]:
    """A broker alone."""
    return ()
