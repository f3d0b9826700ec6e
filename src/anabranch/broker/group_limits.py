"""Which group a fetch is of, for groups whose catching up is limited.

A Fetch names no group, and clients fetch on other connections than those on which they speak to their
coordinator. What a fetch has is the client id and the address it comes from. It counts for a limited
group if its client id says so (``group=NAME`` as a part of it, as in ``zone=…``), else if a member of
the group has that client id and address (members are in the metastore: any broker knows them), else if a
consumer without membership has committed or asked for that group's offsets from there, on this broker.

Two groups that share a client id and a machine cannot be told apart; such a fetch is served by the more
generous limit. Java's clients have ids of their own (``consumer-GROUP-1``), librdkafka's are called
``rdkafka`` unless ``client.id`` is set.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from anabranch.broker.quotas.bucket import Bucket
from anabranch.errors import AnabranchError, Corrupt
from anabranch.groups import configs as group_configs
from anabranch.groups.consumer_values import ConsumerTiming
from anabranch.groups.settings import GroupSettings
from anabranch.groups.stored import stored_members
from anabranch.log.throttle import FairLimit
from anabranch.metastore.api import Metastore

logger = logging.getLogger(__name__)

REFRESH_S: Final = 1.0  # how soon a change of a limit, or of a group's members, is in force
SPOKEN_MAX: Final = 4096  # clients without membership that are remembered
SPOKEN_S: Final = 600.0  # and for how long after they last spoke for their group

Client = tuple[str, str]
"""Client id and address."""


class GroupLimit:
    """One group's limit on this broker."""

    def __init__(self, group_id: str, rate: int, consumer_rate: int, now_s: float) -> None:
        self.group_id = group_id
        self.rate = 0  # of what is read below the tail, bytes per second; 0: not limited
        self.bucket: FairLimit | None = None
        self.consumer: Bucket | None = None  # of all that it reads
        self.change(rate, consumer_rate, now_s)

    def change(self, rate: int, consumer_rate: int, now_s: float) -> None:
        """From now on these are its rates; 0 for none."""
        self.rate = rate
        if not rate:
            self.bucket = None
        elif self.bucket is None:
            self.bucket = FairLimit(lambda _: self.rate or 1, now_s)
        if not consumer_rate:
            self.consumer = None
        elif self.consumer is None:
            self.consumer = Bucket(consumer_rate, now_s)
        elif self.consumer.rate != consumer_rate:
            self.consumer.change(consumer_rate, now_s)

    @property
    def tightest(self) -> float:
        """The smallest rate that counts."""
        rates = [float(self.rate)] if self.rate else []
        return min([*rates, *([self.consumer.rate] if self.consumer is not None else [])])


class GroupLimits:
    """Knows the limits, and who reads for which group. On one event loop."""

    def __init__(self, metastore: Metastore, settings: GroupSettings | None = None) -> None:
        self._metastore = metastore
        self._timing = group_configs.default_timing(settings or GroupSettings())
        self._timings: dict[str, ConsumerTiming] = {}
        self._configs: dict[str, dict[str, str]] = {}
        self.limits: dict[str, GroupLimit] = {}
        self.any_consumer = False  # whether any group has a limit of all that it reads
        self._members: dict[Client, list[str]] = {}
        self._spoken: OrderedDict[Client, tuple[str, float]] = OrderedDict()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load them, and go on doing so. Raises StoreFault."""
        await self.refresh()
        self._task = asyncio.get_running_loop().create_task(self._refresh_for_ever())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def configs(self, group_id: str) -> Mapping[str, str]:
        """What the group sets, as of the last look."""
        return self._configs.get(group_id, {})

    def timing(self, group_id: str) -> ConsumerTiming:
        """Of a consumer group's heartbeats, as of the last look."""
        return self._timings.get(group_id, self._timing)

    @property
    def configured(self) -> list[str]:
        """Groups that set something."""
        return sorted(self._configs)

    async def refresh(self) -> None:
        """Look at limits and members now. Raises StoreFault."""
        now_s = asyncio.get_running_loop().time()
        self._configs = await group_configs.load_all(self._metastore)
        self._timings = {
            name: group_configs.consumer_timing(one, self._timing)
            for name, one in self._configs.items()
        }
        rates = {
            name: (group_configs.catchup_rate(one), group_configs.consumer_rate(one))
            for name, one in self._configs.items()
        }
        for name, both in rates.items():
            if any(both) and name in self.limits:
                self.limits[name].change(*both, now_s)
            elif any(both):
                self.limits[name] = GroupLimit(name, *both, now_s)
        self.limits = {
            name: one for name, one in self.limits.items() if any(rates.get(name, (0, 0)))
        }
        self.any_consumer = any(one.consumer is not None for one in self.limits.values())
        members: dict[Client, list[str]] = {}
        for name in self.limits:
            for client in await self._members_of(name):
                members.setdefault(client, []).append(name)
        self._members = members

    async def _members_of(self, group_id: str) -> set[Client]:
        stored = await self._metastore.stored_group(group_id)
        if stored is None:
            return set()
        try:
            members = stored_members(stored)
        except Corrupt:
            return set()  # its coordinator says so
        return {(member.client_id, member.client_host) for member in members}

    async def _refresh_for_ever(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                await self.refresh()
            except AnabranchError as fault:
                logger.warning("limits of groups stay as they are: %s", fault)
            except Exception:
                logger.exception("looking at limits of groups broke; it goes on")

    def spoke(self, group_id: str, client_id: str, host: str) -> None:
        """A consumer committed or asked for offsets of the group."""
        if group_id in self.limits:
            client = client_id, host
            self._spoken[client] = group_id, asyncio.get_running_loop().time()
            self._spoken.move_to_end(client)
            if len(self._spoken) > SPOKEN_MAX:
                self._spoken.popitem(last=False)

    def of(self, client_id: str, host: str) -> GroupLimit | None:
        """Of the group for which this client fetches, as far as can be told."""
        if not self.limits:
            return None
        named = group_in(client_id)
        if named is not None:
            return self.limits.get(named)
        client = client_id, host
        found = [self.limits[name] for name in self._members.get(client, ()) if name in self.limits]
        if not found and (spoken := self._spoken.get(client)) is not None:
            group_id, at_s = spoken
            limit = self.limits.get(group_id)
            if limit is not None and asyncio.get_running_loop().time() - at_s < SPOKEN_S:
                found = [limit]
        return max(found, key=lambda limit: limit.tightest, default=None)


def group_in(client_id: str) -> str | None:
    """The group that a client names in its client id, as in ``group=orders-view,app`` (or with ``;``)."""
    for part in client_id.replace(";", ",").split(","):
        name, equals, value = part.strip().partition("=")
        if equals and name == "group":
            return value or None
    return None
