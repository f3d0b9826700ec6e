"""The ACLs of the cluster as this broker knows them, and what they decide.

All entries are in memory, compiled (:mod:`anabranch.broker.authz.index`). What was decided is remembered per
principal and address until an entry changes, so that a check is one look-up. Changes by this broker are in
force when they are answered; those by others once the metastore has told of them, at the latest by a slow
poll. If entries cannot be read, those known before stay in force.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from anabranch.broker.authz import store
from anabranch.broker.authz.acl import (
    ACLS_MAX,
    DOCUMENT_KIND,
    Acl,
    AclFilter,
    Operation,
    ResourceType,
    validate,
)
from anabranch.broker.authz.index import AclIndex, Decision
from anabranch.broker.authz.settings import AuthorizationSettings
from anabranch.broker.following import Follower
from anabranch.broker.security.principal import Session
from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.metastore.api import Metastore

logger = logging.getLogger(__name__)

POLL_S: Final = 1.0  # how soon a change is found that nobody told of: one small read
RIGHTS_MAX: Final = 10_000  # principals, each from an address, whose decisions are remembered
KNOWN_MAX: Final = 10_000  # decisions remembered of one of them


class Rights:
    """What one principal may do from one address, remembered until an entry changes."""

    __slots__ = ("_authorizer", "_known", "_version", "host", "principal", "unlimited")

    def __init__(
        self, authorizer: Authorizer | None, principal: str, host: str, *, unlimited: bool
    ) -> None:
        self._authorizer = authorizer
        self._version = -1
        self._known: dict[tuple[Operation, ResourceType, str], bool] = {}
        self.principal = principal
        self.host = host
        self.unlimited = unlimited  # a super user, or nobody's rights are limited

    def allows(self, operation: Operation, kind: ResourceType, name: str) -> bool:
        """Whether it may be done to the named resource."""
        if self.unlimited:
            return True
        authorizer = self._authorizer
        assert authorizer is not None
        key = operation, kind, name
        if self._version == authorizer.version:
            allowed = self._known.get(key)
            if allowed is not None:
                return allowed  # as nearly always
        known = self._current()
        allowed = known.get(key)
        if allowed is None:
            if len(known) >= KNOWN_MAX:
                known.clear()
            allowed = known[key] = authorizer.decide(self.principal, self.host, *key).allowed
        return allowed

    def allows_somewhere(self, operation: Operation, kind: ResourceType) -> bool:
        """Whether there is a resource of a kind to which it may be done (KIP-679)."""
        if self.unlimited:
            return True
        known = self._current()
        key = operation, kind, ""  # no resource has an empty name
        allowed = known.get(key)
        if allowed is None:
            assert self._authorizer is not None
            allowed = known[key] = self._authorizer.decide_somewhere(
                self.principal, self.host, operation, kind
            )
        return allowed

    def _current(self) -> dict[tuple[Operation, ResourceType, str], bool]:
        assert self._authorizer is not None
        if self._version != self._authorizer.version:
            self._version = self._authorizer.version
            self._known.clear()
        return self._known


UNLIMITED: Final = Rights(None, "", "", unlimited=True)  # where no ACLs are enforced


class Authorizer:
    """Kafka's StandardAuthorizer over the metastore. On one event loop; ``version`` counts changes."""

    def __init__(
        self,
        metastore: Metastore,
        settings: AuthorizationSettings,
        now_ms: Callable[[], int],
        new_version: Callable[[], str],
    ) -> None:
        self._metastore = metastore
        self._settings = settings
        self._now_ms = now_ms
        self._new_version = new_version
        self._super_users = frozenset(settings.super_users)
        self._rights: OrderedDict[tuple[str, str], Rights] = OrderedDict()
        self._of_session: dict[int, tuple[Session, Rights]] = {}
        # What was read must not come into force after what was changed since.
        self._turn = asyncio.Lock()
        self._follower = Follower(metastore, DOCUMENT_KIND, self._look, what="ACLs", poll_s=POLL_S)
        self._seen = b""
        self.index = AclIndex()
        self.version = 0

    # -- life ----------------------------------------------------------------------------------
    async def start(self) -> None:
        """Load every entry, and go on following. Raises StoreFault, or Corrupt: then nobody is served."""
        self._follower.start()
        await self._load()

    async def close(self) -> None:
        await self._follower.close()

    async def _look(self, told: bool) -> None:
        if told or await store.version(self._metastore) != self._seen:
            await self._load()

    async def _load(self) -> None:
        async with self._turn:
            seen = await store.version(self._metastore)
            index = AclIndex()
            async for page in store.load(self._metastore):
                for acl in page:
                    index.add(acl)
                await asyncio.sleep(0)  # a page is some milliseconds; then others have their turn
            self.index = index
            self._seen = seen
            self.version += 1

    # -- decisions -----------------------------------------------------------------------------
    def rights(self, session: Session) -> Rights:
        """Of a connection's client."""
        # By the very object first, which a connection keeps: hashing what is in it costs more.
        known = self._of_session.get(id(session))
        if known is not None and known[0] is session:
            return known[1]
        if len(self._of_session) >= RIGHTS_MAX:
            self._of_session.clear()
        rights = self._find(session)
        self._of_session[id(session)] = session, rights
        return rights

    def _find(self, session: Session) -> Rights:
        key = str(session.principal), session.host
        rights = self._rights.get(key)
        if rights is None:
            if len(self._rights) >= RIGHTS_MAX:
                self._rights.popitem(last=False)
            rights = Rights(self, *key, unlimited=key[0] in self._super_users)
            self._rights[key] = rights
        return rights

    def decide(
        self, principal: str, host: str, operation: Operation, kind: ResourceType, name: str
    ) -> Decision:
        """By the entries; super users are not asked about."""
        return self.index.decide(
            principal,
            host,
            operation,
            kind,
            name,
            open_by_default=self._settings.allow_everyone_if_no_acl_found,
        )

    def decide_somewhere(
        self, principal: str, host: str, operation: Operation, kind: ResourceType
    ) -> bool:
        """As Kafka: also if a resource without any entry would be open."""
        return (
            self.decide(principal, host, operation, kind, "hardcode").allowed
            or self.index.somewhere(principal, host, operation, kind)
        )  # fmt: skip

    # -- changes -------------------------------------------------------------------------------
    async def create(self, acls: Sequence[Acl]) -> list[ClientFault | None]:
        """Add entries; in force and durable on return. What is wrong with each, or None."""
        results: list[ClientFault | None] = []
        good: dict[Acl, None] = {}
        async with self._turn:
            room = ACLS_MAX - len(self.index)
            for acl in acls:
                try:
                    validate(acl)
                    if acl not in self.index and acl not in good:
                        if room <= 0:
                            raise ClientFault(
                                ErrorCode.POLICY_VIOLATION, f"there are {ACLS_MAX} ACLs already"
                            )
                        room -= 1
                        good[acl] = None
                    results.append(None)
                except ClientFault as fault:
                    results.append(fault)
            if good:
                await self._write(list(good), store.create)
                for acl in good:
                    self.index.add(acl)
                self.version += 1
        return results

    async def delete(self, filters: Sequence[AclFilter]) -> list[list[Acl]]:
        """Remove what each filter matches; REPLAY entries, which Kafka's tools do not know, are left."""
        async with self._turn:
            matching = [self.matching(one) for one in filters]
            gone = list(dict.fromkeys(acl for acls in matching for acl in acls))
            if gone:
                await self._write(gone, store.delete)
                for acl in gone:
                    self.index.remove(acl)
                self.version += 1
        return matching

    async def _write(self, acls: list[Acl], verb: Callable[..., object]) -> None:
        version = self._new_version()
        try:
            await verb(self._metastore, acls, self._now_ms(), version)  # type: ignore[misc]
        except StoreFault:
            self._follower.poke()  # some may be stored and others not: see what became of them
            raise
        self._seen = version.encode()

    def matching(self, wanted: AclFilter) -> list[Acl]:
        """The entries that Kafka's tools may see, by a filter."""
        return [
            acl
            for acl in self.index
            if acl.operation is not Operation.REPLAY and wanted.matches(acl)
        ]
