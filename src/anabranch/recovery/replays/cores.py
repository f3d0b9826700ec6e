"""Processors that a session leaves to live brokers of its machine while these take appends.

A nice process with short slices gives up its core to who wakes up, but not in the middle of a system call where
the kernel is not preemptible, and not the caches as they were: beside a replay of 160 MB/s on two cores the median
append took a quarter longer, the p99 half as long again; with one of the cores left to it, a tenth (docs/benchmarks.md has the exception).
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Final

from anabranch.scheduling import keep_to

LEFT_SHARE: Final = 1 / 4  # of the processors, one at least
QUIET_LOOKS: Final = 10  # a second apart, without appends: all processors are the session's then
HOSTS_MAX: Final = 256  # of which it is remembered whether they are this machine


class Cores:
    """Which processors the processes of one session may use."""

    def __init__(self, allowed: Collection[int], left: int | None) -> None:
        """``left`` of the ``allowed`` ones are for live brokers, never all; None: :data:`LEFT_SHARE` of them."""
        if left is None:
            left = max(1, int(LEFT_SHARE * len(allowed)))
        self._all = frozenset(allowed)
        self._rest = frozenset(sorted(allowed)[min(left, max(0, len(allowed) - 1)) :])
        self._quiet = QUIET_LOOKS  # looks without appends
        self._kept: dict[int, frozenset[int]] = {}  # by leader

    def look(self, appends: bool, leaders: Iterable[int]) -> None:
        """``appends``: whether brokers of this machine take any now; ``leaders``: of the session's processes, those
        that lead a session of the operating system."""
        self._quiet = 0 if appends else self._quiet + 1
        wanted = self._rest if self._quiet < QUIET_LOOKS else self._all
        self._kept = {one: self._kept.get(one, self._all) for one in leaders}
        for leader, kept in self._kept.items():
            if kept != wanted:
                keep_to(wanted, leader)
                self._kept[leader] = wanted


@lru_cache(HOSTS_MAX)
def is_here(host: str) -> bool:
    """Whether an address or a name is this machine's: only then it can be listened at. May wait for a name server."""
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, 0, type=socket.SOCK_STREAM
        ):
            with socket.socket(family, kind, protocol) as probe:
                probe.bind(address)
                return True
    except OSError:
        pass
    return False
