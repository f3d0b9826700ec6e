"""What a broker takes from the world around it: clocks, chance, sockets, and the cluster's places.

A process has the real ones (:func:`real`); the simulation gives others, so that everything between a
client's bytes and the metastore's rows runs in it as it is.
"""

from __future__ import annotations

import secrets
import socket
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import NamedTuple, Protocol

from anabranch.broker.listener import bind
from anabranch.broker.membership import Company, Knock, keep_company, nobody_listens
from anabranch.log.config import INT_MAX
from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.log.opening import open_log, wall_clock_ms
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Endpoint


class OpenLog(Protocol):
    """As :func:`anabranch.log.opening.open_log`, for a process that appends."""

    def __call__(
        self,
        where: Location,
        *,
        broker_id: int,
        host: str,
        port: int,
        lane: str,
        rack: str | None,
        silent_ms: int,
        endpoints: Sequence[Endpoint],
        settings: LogSettings,
        create: bool,
        topic_suffix: str,
    ) -> Awaitable[Log]: ...


class Surroundings(NamedTuple):
    """See the module."""

    now_ms: Callable[[], int]  # the wall clock, since the epoch
    monotonic_s: Callable[[], float]
    new_member_id: Callable[[], str]  # unlike any other
    new_uuid: Callable[[], bytes]  # 16 random bytes
    new_session_id: Callable[[], int]  # a positive int32 that nobody can guess
    bind: Callable[[str, int], socket.socket]  # raises UserFault
    open_log: OpenLog
    knock: Knock
    company: Company
    random_bytes: Callable[[int], bytes] = secrets.token_bytes  # that nobody can guess
    new_threads: Callable[[int, str], Executor] = ThreadPoolExecutor  # so many, of such a name


def real() -> Surroundings:
    """This process's own."""
    return Surroundings(
        now_ms=wall_clock_ms,
        monotonic_s=time.monotonic,
        new_member_id=lambda: str(uuid.uuid4()),
        new_uuid=lambda: uuid.uuid4().bytes,
        new_session_id=lambda: 1 + secrets.randbelow(INT_MAX),
        bind=bind,
        open_log=open_log,
        knock=nobody_listens,
        company=keep_company,
    )
