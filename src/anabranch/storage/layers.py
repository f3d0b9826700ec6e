"""A URL's store with the decorators that a process puts around it, and their counters.

Retrying ─► Limited ─► Metered ─► S3Store          s3://…
                       Metered ─► DirectoryStore   file:///…, where a fault is not a passing one

A drill strains its own store (``trial.py``): then Metered ─► Strained ─► the store, and retries above, whatever it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple
from urllib.parse import urlsplit

from anabranch.storage.limited import REQUESTS_MAX, Limited
from anabranch.storage.metered import Meter, Metered
from anabranch.storage.retrying import Backoff, Retrying
from anabranch.storage.store import Store, open_store
from anabranch.storage.trial import Strained, Trial


class Waits(NamedTuple):
    """Where time and chance come from: seconds to sleep, seconds of a clock that never goes back."""

    sleep: Callable[[float], None]
    monotonic: Callable[[], float]
    rng: Random


class LayeredStore(NamedTuple):
    """``store`` is what to use; the rest is what metrics read, from any thread."""

    store: Store
    metered: Metered
    retrying: Retrying | None

    @property
    def meters(self) -> Mapping[str, Meter]:
        """Calls, bytes and faults by operation."""
        return self.metered.meters

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests as the store bills them, by verb; empty for a directory."""
        return self.metered.requests

    @property
    def retries(self) -> int:
        return self.retrying.retries if self.retrying else 0


def open_layered(
    url: str,
    *,
    waits: Waits,
    backoff: Backoff | None = None,
    writer_id: str | None = None,
    requests_max: int = REQUESTS_MAX,
    request_timeout_s: float | None = None,
    trial: Trial | None = None,
) -> LayeredStore:
    """Open ``url`` ready for use. Raises ``UserFault`` for a URL of no known kind."""
    store = open_store(url, writer_id=writer_id, request_timeout_s=request_timeout_s)
    strained = trial is not None and trial.any
    if trial is not None and strained:
        store = Strained(store, trial, waits.sleep)
    return layered(
        store,
        remote=strained or urlsplit(url).scheme == "s3",
        waits=waits,
        backoff=backoff,
        requests_max=requests_max,
    )


def layered(
    store: Store,
    *,
    remote: bool,
    waits: Waits,
    backoff: Backoff | None = None,
    requests_max: int = REQUESTS_MAX,
) -> LayeredStore:
    """The decorators around a store that is open already; ``remote``: its faults may pass."""
    metered = Metered(store)
    if not remote:
        return LayeredStore(metered, metered, None)
    retrying = Retrying(
        Limited(metered, requests_max),
        sleep=waits.sleep,
        monotonic=waits.monotonic,
        rng=waits.rng,
        backoff=backoff,
    )
    return LayeredStore(retrying, metered, retrying)
