"""Whether there is a place for a new connection, and when it is its turn.

Counts are judged at once: past one of them a connection is closed. Rates are judged by waiting: a connection that comes too
early is not read until its time, as Kafka lets it wait; one that would wait for too long is closed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from anabranch.broker.config import Limits
    from anabranch.broker.door import Door

BURST_S: Final = 1.0  # what was not used of so long may be used at once
WAIT_S_MAX: Final = 5.0  # a client has given up by then, or soon will
HOSTS_MAX: Final = 50_000  # addresses whose rate is remembered, at most for a second


class Rate:
    """So many a second, and what was saved up of the last second beside it."""

    __slots__ = ("next_s",)

    def __init__(self, now_s: float) -> None:
        self.next_s = now_s - BURST_S

    def wait_s(self, per_s: int, now_s: float) -> float:
        """How long the next one has to wait; it is counted."""
        begins_s = max(self.next_s, now_s - BURST_S)
        self.next_s = begins_s + 1 / per_s
        return max(0.0, self.next_s - now_s)


class Admission:
    """Invariants: ``by_host`` counts the connections that were admitted and have not left, ``total`` all of them, and
    each door its own."""

    def __init__(self) -> None:
        self.by_host: Counter[str] = Counter()
        self.total = 0
        self.refused = 0
        self.delayed = 0
        self._rate: Rate | None = None
        self._rates: dict[str, Rate] = {}

    def refusal(self, limits: Limits, door: Door, host: str) -> str | None:
        """Why there is no place, if there is none."""
        if self.total >= limits.connections_max:
            return f"{limits.connections_max} connections are open (limits.connections_max)"
        if door.connections >= door.settings.connections_max:
            return (
                f"{door.connections} connections are open by listener {door.name} "
                "(connections_max of it)"
            )
        override = limits.connections_per_ip_overrides.get(host)
        most = limits.connections_per_ip_max if override is None else override
        if self.by_host[host] >= most:
            which = "max" if override is None else "overrides"
            return f"{most} connections from {host} are open (limits.connections_per_ip_{which})"
        return None

    def wait_s(self, limits: Limits, host: str, now_s: float) -> float:
        """How long the connection has to wait for its turn; more than ``WAIT_S_MAX``: it has none."""
        waits = [0.0]
        if limits.connections_per_second_max:
            if self._rate is None:
                self._rate = Rate(now_s)
            waits.append(self._rate.wait_s(limits.connections_per_second_max, now_s))
        if limits.connections_per_second_per_ip_max:
            rate = self._rates.get(host)
            if rate is None:
                if len(self._rates) >= HOSTS_MAX:
                    self.forget_rates(now_s)
                rate = self._rates[host] = Rate(now_s)
            waits.append(rate.wait_s(limits.connections_per_second_per_ip_max, now_s))
        wait = max(waits)
        if wait:
            self.delayed += 1
        return wait

    def forget_rates(self, now_s: float) -> None:
        """Addresses that would not have to wait are as good as new."""
        self._rates = {
            host: rate for host, rate in self._rates.items() if rate.next_s > now_s - BURST_S
        }
        if len(self._rates) >= HOSTS_MAX:
            self._rates.clear()  # better too many connections than too much memory

    def enter(self, door: Door, host: str) -> None:
        self.total += 1
        door.connections += 1
        self.by_host[host] += 1

    def leave(self, door: Door, host: str) -> None:
        self.total -= 1
        door.connections -= 1
        self.by_host[host] -= 1
        assert self.total >= 0 and door.connections >= 0 and self.by_host[host] >= 0
        if not self.by_host[host]:
            del self.by_host[host]
