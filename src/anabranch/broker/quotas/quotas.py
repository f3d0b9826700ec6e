"""The quotas in force on this broker: which buckets a client uses, and how long it has to wait.

What a client uses is noted with its answer, which goes out at once and says how long the client should wait;
for so long nothing more is read from its connection (KIP-219). A fetch of a client whose quota is used up by
others gets a small answer rather than none. Without any quota there is nothing to look up.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from anabranch.broker.following import Follower
from anabranch.broker.quotas import store
from anabranch.broker.quotas.bucket import DEBT_S_MAX, Bucket
from anabranch.broker.quotas.rules import (
    CONSUMER,
    DOCUMENT_KIND,
    MUTATION,
    PRODUCER,
    REQUEST,
    Entity,
    Rules,
    Scope,
)
from anabranch.errors import StoreFault
from anabranch.metastore.api import Metastore

if TYPE_CHECKING:
    from anabranch.broker.group_limits import GroupLimit, GroupLimits
    from anabranch.broker.security.principal import Session

logger = logging.getLogger(__name__)

CLIENTS_MAX: Final = 10_000  # users with client ids that are remembered
BUCKETS_MAX: Final = 10_000  # of each key; who was silent longest is forgotten first
FETCH_BYTES_LEAST: Final = 64 * 1024  # of an answer while others have used the quota up
MUTATION_BURST_S: Final = DEBT_S_MAX  # Kafka's: quota.window.num samples may be used at once


class Client:
    """The buckets that one user with one client id uses, as far as there are any."""

    __slots__ = ("consumer", "mutation", "producer", "request")

    def __init__(
        self,
        producer: Bucket | None,
        consumer: Bucket | None,
        request: Bucket | None,
        mutation: Bucket | None,
    ) -> None:
        self.producer = producer
        self.consumer = consumer
        self.request = request
        self.mutation = mutation


class Quotas:
    """On one event loop. ``rules`` are those in force."""

    def __init__(self, metastore: Metastore, monotonic_s: Callable[[], float]) -> None:
        self._metastore = metastore
        self.monotonic_s = monotonic_s
        self.rules = Rules({})
        self.groups: GroupLimits | None = None  # quotas of groups, which Kafka does not have
        self._clients: OrderedDict[tuple[str, str], Client] = OrderedDict()
        self._buckets: dict[str, OrderedDict[Scope, Bucket]] = {}
        self._addresses: OrderedDict[str, Bucket] = OrderedDict()
        self._turn = asyncio.Lock()
        self._follower = Follower(metastore, DOCUMENT_KIND, lambda _: self._load(), what="quotas")
        self.throttled: dict[str, int] = {}  # answers that said to wait, by key, for metrics
        self.refused_connections = 0  # likewise

    # -- life ----------------------------------------------------------------------------------
    async def start(self) -> None:
        """Raises StoreFault, Corrupt."""
        self._follower.start()
        await self._load()

    async def close(self) -> None:
        await self._follower.close()

    async def _load(self) -> None:
        async with self._turn:
            self._replace(await store.load(self._metastore))

    def _replace(self, rules: Rules) -> None:
        if rules.values == self.rules.values:
            return
        self.rules = rules
        self._clients.clear()
        for key in set(self._buckets) - rules.keys:
            del self._buckets[key]
        self._addresses.clear()

    async def alter(
        self,
        entity: Entity,
        changes: Mapping[str, float | None],
        now_ms: int,
        *,
        validate_only: bool,
    ) -> None:
        """Set or remove quotas; in force here and durable on return. Raises ClientFault, StoreFault."""
        async with self._turn:
            try:
                await store.alter(
                    self._metastore,
                    self.rules,
                    entity,
                    changes,
                    now_ms,
                    validate_only=validate_only,
                )
            except StoreFault:
                self._follower.poke()
                raise
            if validate_only:
                return
            values = {one: dict(keys) for one, keys in self.rules.values.items()}
            mine = values.setdefault(entity, {})
            for key, value in changes.items():
                if value is None:
                    mine.pop(key, None)
                else:
                    mine[key] = value
            self._replace(Rules(values))

    # -- use -----------------------------------------------------------------------------------
    def client(self, session: Session, client_id: str) -> Client | None:
        """None: there are no quotas at all."""
        if not self.rules.values:
            return None
        key = session.principal.name, client_id
        client = self._clients.get(key)
        if client is None:
            if len(self._clients) >= CLIENTS_MAX:
                self._clients.popitem(last=False)
            client = self._clients[key] = Client(
                self._bucket(PRODUCER, *key),
                self._bucket(CONSUMER, *key),
                self._bucket(REQUEST, *key),
                self._bucket(MUTATION, *key),
            )
        return client

    def _bucket(self, key: str, user: str, client_id: str) -> Bucket | None:
        found = self.rules.client(user, client_id, key)
        if found is None:
            return None
        now_s = self.monotonic_s()
        # A percentage is of the event loop's time, in seconds per second.
        rate = found.value / 100 if key == REQUEST else found.value
        of_key = self._buckets.setdefault(key, OrderedDict())
        bucket = of_key.get(found.scope)
        if bucket is None:
            burst = {"burst_s": MUTATION_BURST_S} if key == MUTATION else {}
            bucket = of_key[found.scope] = Bucket(rate, now_s, **burst)
            if len(of_key) > BUCKETS_MAX:
                of_key.popitem(last=False)
        elif bucket.rate != rate:
            bucket.change(rate, now_s)
        return bucket

    @property
    def active(self) -> bool:
        """Whether there is any quota at all."""
        return bool(self.rules.values) or (self.groups is not None and self.groups.any_consumer)

    def group(self, client_id: str, host: str) -> GroupLimit | None:
        """The limit of the group for which a client fetches, if it is one of all that it reads."""
        limit = None if self.groups is None else self.groups.of(client_id, host)
        return None if limit is None or limit.consumer is None else limit

    def fetch_bytes_max(self, client: Client | None, group: GroupLimit | None, wanted: int) -> int:
        """The most that a fetch may be answered with now: little, while others used the quota up."""
        for bucket in (
            None if client is None else client.consumer,
            None if group is None else group.consumer,
        ):
            if bucket is not None:
                room = int(bucket.available(self.monotonic_s()))
                wanted = min(wanted, max(FETCH_BYTES_LEAST, room))
        return wanted

    def use(self, key: str, bucket: Bucket | None, amount: float) -> float:
        """Note use; seconds to wait."""
        if bucket is None:
            return 0.0
        wait_s = bucket.use(amount, self.monotonic_s())
        if wait_s:
            self.throttled[key] = self.throttled.get(key, 0) + 1
        return wait_s

    def refuses_connection(self, host: str) -> str | None:
        """A sentence if too many connections come from there."""
        rate = self.rules.address(host) if self.rules.values else None
        if rate is None:
            return None
        now_s = self.monotonic_s()
        bucket = self._addresses.get(host)
        if bucket is None:
            bucket = self._addresses[host] = Bucket(rate, now_s)
            if len(self._addresses) > BUCKETS_MAX:
                self._addresses.popitem(last=False)
        if bucket.available(now_s) < min(1.0, rate):
            self.refused_connections += 1
            return f"more than {rate:g} connections a second from {host} (connection_creation_rate)"
        bucket.use(1, now_s)
        return None
