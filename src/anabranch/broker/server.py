"""One broker: the log, the groups, the listener and its place among other brokers put together, started
and stopped in order."""

from __future__ import annotations

import asyncio
import base64
import itertools
import logging
import shutil
from collections.abc import Mapping
from contextlib import AsyncExitStack

from anabranch.broker import lanes, securing
from anabranch.broker.audit.events import NOBODY, AuditSink
from anabranch.broker.audit.log import AuditLog
from anabranch.broker.authz import policy
from anabranch.broker.authz.authorizer import Authorizer
from anabranch.broker.companion import Companions, nobody
from anabranch.broker.config import BrokerSettings
from anabranch.broker.configs import DOCUMENT_KIND as CONFIG_DOCUMENTS
from anabranch.broker.configs import BrokerConfigs
from anabranch.broker.dispatch import Api, Dispatcher, load_apis
from anabranch.broker.door import doors
from anabranch.broker.fetch_sessions import FetchSessions
from anabranch.broker.following import Follower
from anabranch.broker.gate import Gate
from anabranch.broker.group_limits import GroupLimits
from anabranch.broker.group_topics import CatalogueTopics
from anabranch.broker.listener import Listener
from anabranch.broker.membership import SILENT_MS_MAX, Company, Load, Membership
from anabranch.broker.quotas.quotas import Quotas
from anabranch.broker.readers import ReaderNews
from anabranch.broker.routing import Routes
from anabranch.broker.security.tokens import Tokens
from anabranch.broker.security.users import Users
from anabranch.broker.session_names import SessionNames, topic_suffix
from anabranch.broker.surroundings import Surroundings, real
from anabranch.broker.telemetry import Telemetry
from anabranch.errors import ErrorCode, StoreFault, UserFault
from anabranch.groups.consumer_core import GroupWorld
from anabranch.groups.coordinator import Coordinator
from anabranch.groups.readers import ReaderTable
from anabranch.groups.share.host import ShareHost
from anabranch.groups.share.sessions import ShareSessions
from anabranch.groups.share.settings import ShareSettings, share_settings
from anabranch.log.log import Log
from anabranch.log.opening import ANY_BROKER
from anabranch.metastore.api import BrokerRow, Endpoint
from anabranch.storage.disk import Disk
from anabranch.storage.lockfile import LockFile

logger = logging.getLogger(__name__)

TELEMETRY_KEYS = (71, 72)  # served only where there is a collector
FENCES_BITS = 32  # fences that one registration can give out, as a power of two
NODE_IDS_MAX = 10_000  # tried for a free one in a data directory
HAND_OVER_MS = (
    500  # until the others have surely noticed that we leave; then clients are sent to them
)
SEND_AWAY_MS = (
    500  # in which clients that ask learn where to go; the rest learn it by the closed socket
)


class Broker:
    """A broker on one data directory: started once, stopped once (again does nothing)."""

    log: Log
    groups: Coordinator
    membership: Membership
    group_limits: GroupLimits
    quotas: Quotas
    users: Users
    tokens: Tokens
    shares: ShareHost
    reader_news: ReaderNews

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        surroundings: Surroundings | None = None,
        companions: Companions = nobody,
    ) -> None:
        self._companions = companions
        self.configs = BrokerConfigs(settings)
        self._surroundings = surroundings or real()
        self.now_ms = self._surroundings.now_ms
        self.telemetry: Telemetry | None = None
        self.apis: Mapping[int, Api] = load_apis()
        if settings.telemetry.endpoint is None:
            self.apis = {key: api for key, api in self.apis.items() if key not in TELEMETRY_KEYS}
        self._dispatcher = Dispatcher(self, self.apis)
        self._session = settings.lane.session
        if self._session is not None:
            self._dispatcher.names = SessionNames(self._session, settings.lane.session_group)
        self.listener = Listener(self, self._dispatcher)
        self.fetch_sessions = FetchSessions(
            sessions_max=lambda: self.settings.limits.fetch_sessions_max,
            partitions_max=lambda: self.settings.limits.fetch_session_partitions_max,
            monotonic_s=self._surroundings.monotonic_s,
            new_id=self._surroundings.new_session_id,
        )
        self.readers = ReaderTable()
        self.share_sessions = ShareSessions(lambda: int(self._surroundings.monotonic_s() * 1000))
        self.audit: AuditSink = NOBODY
        self.audit_log: AuditLog | None = None
        self.authorizer: Authorizer | None = None  # None: no ACLs are enforced
        self.gate: Gate | None = None
        self.handing_over = False  # about to stop: clients are told who leads instead
        self.expelled: asyncio.Future[str] | None = None  # why this broker has to stop by itself
        self.cluster_id = ""
        self.doors = doors(settings)
        self.metrics_port: int | None = None
        self._closing = AsyncExitStack()

    @property
    def node_id(self) -> int:
        return self.membership.me.broker_id

    @property
    def routes(self) -> Routes:
        """Who leads what, as of now."""
        return self.membership.routes

    @property
    def settings(self) -> BrokerSettings:
        """The settings in force, run-time changes included."""
        return self.configs.settings

    @property
    def host(self) -> str:
        """Where the first listener listens."""
        return self.doors[0].host

    @property
    def port(self) -> int:
        return self.doors[0].port

    @property
    def inner(self) -> Endpoint:
        """Where other brokers are told to connect."""
        name = self.settings.inner.known_as
        return next(one.endpoint for one in self.doors if one.name == name)

    def disk_bytes(self) -> tuple[int, int]:
        """Size of the data directory's disk and what is free of it; -1 (as Kafka says it) without one.

        Raises StoreFault.
        """
        data = self.settings.data
        if data is None:
            return -1, -1
        try:
            usage = shutil.disk_usage(data)
        except OSError as error:
            raise StoreFault(f"cannot measure {data}: {error.strerror}") from error
        return usage.total, usage.free

    async def start(self) -> None:
        """Listen once everything behind the listener is ready.

        Raises UserFault (port in use, directory in use, …) or StoreFault, with everything released.
        """
        async with AsyncExitStack() as stack:
            for door in self.doors:
                bound = self._surroundings.bind(door.host, door.port)
                stack.callback(bound.close)
                door.bound(bound)
            node_id = self._lock(stack)
            settings = self.settings
            inner = self.inner
            # Whoever holds the lock of a number in this directory knows that its last holder is dead.
            known_dead = settings.data is not None and settings.metastore is None
            self.log = await self._surroundings.open_log(
                settings.location,
                broker_id=node_id,
                host=inner.host,
                port=inner.port,
                endpoints=[door.endpoint for door in self.doors],
                lane=settings.lane.name,
                rack=settings.rack,
                silent_ms=0 if known_dead else SILENT_MS_MAX,
                settings=lanes.log_settings(settings.lane, settings.log),
                create=True,
                topic_suffix=topic_suffix(self._session) if self._session else "",
            )
            stack.push_async_callback(self.log.close)
            self.listener.budget.buffers = self.log.buffers
            self.listener.reads = self.log.reader.budget
            self.listener.reads.unsent = lambda: self.listener.unsent_bytes
            assert self.log.broker is not None
            self.configs.identify(self.log.broker.broker_id)
            cluster_id = base64.urlsafe_b64encode(self.log.metastore.cluster_id)
            self.cluster_id = cluster_id.rstrip(b"=").decode()
            await self.configs.load(self.log.metastore)
            follower = Follower(
                self.log.metastore,
                CONFIG_DOCUMENTS,
                lambda _: self.configs.look(self.log.metastore),
                what="configs",
            )
            follower.start()
            stack.push_async_callback(follower.close)
            company = await securing.company(self, self._surroundings)
            self._join(self.log.broker, company, automatic=settings.node_id is None)
            await self.membership.look()
            # A first picture that shows nobody else calls no one back.
            self.log.metastore.expect_others(self.routes.is_followed)
            self.group_limits = GroupLimits(self.log.metastore, settings.groups)
            await self.group_limits.start()
            stack.push_async_callback(self.group_limits.close)
            self.shares = ShareHost(
                self.log,
                self._sharing,
                now_ms=lambda: int(self._surroundings.monotonic_s() * 1000),
                wall_ms=self.now_ms,
            )
            self.quotas = Quotas(self.log.metastore, self._surroundings.monotonic_s)
            self.quotas.groups = self.group_limits
            await self.quotas.start()
            stack.push_async_callback(self.quotas.close)
            self._dispatcher.quotas = self.quotas
            await self.groups.start()
            stack.push_async_callback(self.groups.close)
            if settings.telemetry.endpoint is not None:
                self.telemetry = Telemetry(
                    settings.telemetry.endpoint,
                    self.log.metastore,
                    monotonic_s=self._surroundings.monotonic_s,
                    new_id=self._surroundings.new_uuid,
                )
                await self.telemetry.start()
                stack.push_async_callback(self.telemetry.close)
            await securing.secure(self, self._surroundings, stack)
            await self._guard(stack)
            beside = self._companions(self)
            for one in beside:
                one.start()
                stack.push_async_callback(one.close)
            if settings.metrics.host is not None:
                from anabranch.broker.metrics import BrokerCollector, MetricsServer

                where = settings.metrics
                server = MetricsServer(
                    settings.metrics.host, where.port, [BrokerCollector(self, beside)]
                )
                stack.callback(server.close)
                self.metrics_port = server.port
            self.reader_news = ReaderNews(
                self.readers, self.log.metastore, lambda: self.node_id, self.now_ms
            )
            self.reader_news.start()
            stack.push_async_callback(self.reader_news.close)
            await self.listener.start(self.doors)
            stack.push_async_callback(self.listener.stop)
            await self.membership.start()
            stack.push_async_callback(self._leave)
            self._closing = stack.pop_all()

    async def stop(self) -> None:
        """Stop accepting, finish what was begun, release everything, in the reverse order of start."""
        await self._closing.aclose()

    async def _guard(self, stack: AsyncExitStack) -> None:
        """Enforce ACLs, keep the audit log, if either is configured."""
        settings, around = self.settings.authorization, self._surroundings
        if self.settings.audit.log:
            await self._audit(stack)
        await policy.publish(self.log.metastore, settings, self.now_ms())
        if settings.acls:
            self.authorizer = Authorizer(
                self.log.metastore, settings, self.now_ms, around.new_member_id
            )
            await self.authorizer.start()
            stack.push_async_callback(self.authorizer.close)
        if self.authorizer is not None or self.audit.active:
            self.gate = Gate(
                self.authorizer,
                self.audit,
                around.monotonic_s,
                self.log.metastore,
                settings,
                self.settings.audit.offsets,
            )
            self._dispatcher.gate = self.gate
            stack.callback(self.gate.close)

    async def _audit(self, stack: AsyncExitStack) -> None:
        """Begin the audit log; it ends behind everything that it notes."""
        from anabranch.broker.audit.inbox import Inbox
        from anabranch.broker.audit.topic import AuditTopic

        settings, row = self.settings.audit, self.log.broker
        directory = settings.directory
        if directory is None:
            assert self.settings.data is not None
            directory = self.settings.data / "audit"
        assert row is not None
        log = self.audit_log = AuditLog(
            settings,
            directory,
            self.log.metastore,
            row.broker_id,
            row.epoch,
            self.now_ms,
            None if settings.topic is None else AuditTopic(self.log, settings.topic, row.broker_id),
        )
        await log.start()
        stack.push_async_callback(log.close)
        self.audit = log
        inbox = Inbox(
            self.log.metastore, log, lambda: self.routes.lane[0].broker_id == self.node_id
        )
        inbox.start()
        stack.push_async_callback(inbox.close)

    # -- among other brokers ------------------------------------------------------------------------
    def _join(self, row: BrokerRow, company: Company, *, automatic: bool) -> None:
        metastore, settings = self.log.metastore, self.settings
        self.expelled = asyncio.get_running_loop().create_future()
        self.membership = Membership(
            metastore,
            row,
            automatic=automatic,
            store_now_ms=metastore.now_ms,
            monotonic_ms=lambda: int(self._surroundings.monotonic_s() * 1000),
            knock=self._surroundings.knock,
            load=self._load,
            company=company,
        )
        self.log.on_drained = self.membership.left
        self.membership.on_load.append(
            lambda load: self.log.reader.pace.heard(
                load.late_percent, reading_cold=load.cold_bytes_per_second > 0
            )
        )
        numbers = itertools.count()
        self.groups = Coordinator(
            metastore,
            settings.groups,
            self.now_ms,
            self._surroundings.new_member_id,
            # Unlike any other: registrations never share an epoch.
            lambda: (row.epoch << FENCES_BITS) + next(numbers),
            lane=settings.lane.name,
            refusal=self._group_refusal,
            world=GroupWorld(
                CatalogueTopics(self.log.catalogue),
                lambda group_id: self.group_limits.timing(group_id),
                self._sharing,
            ),
        )
        # A broker of a session knows topics by other names than objects are to be called by.
        self.log.looks_after = lambda topic_id, index: (
            self._session is None and self.routes.looks_after(topic_id, index)
        )
        self.membership.on_routes.append(self._brokers_changed)
        self.membership.on_fenced.append(self.groups.forget)
        self.membership.on_expelled.append(self._expel)

    def _sharing(self, group_id: str) -> ShareSettings:
        return share_settings(self.group_limits.configs(group_id))

    def _load(self) -> Load:
        pace = self.log.reader.pace
        late_percent, cold_bytes_per_second = pace.report(asyncio.get_running_loop().time())
        return Load(late_percent, cold_bytes_per_second)

    def _brokers_changed(self) -> None:
        self.log.metastore.expect_others(self.routes.is_followed)
        self.groups.brokers_changed()

    def _expel(self, reason: str) -> None:
        assert self.expelled is not None
        if not self.expelled.done():
            self.expelled.set_result(f"{reason}: this broker was taken for dead and has to stop")

    def _group_refusal(self, group_id: str) -> ErrorCode:
        if not lanes.admits_group(self.settings.lane, group_id):
            return ErrorCode.GROUP_AUTHORIZATION_FAILED
        if not self.routes.owns_group(group_id):
            return ErrorCode.NOT_COORDINATOR
        return ErrorCode.NONE

    async def _leave(self) -> None:
        """Tell the other brokers, then the clients: nobody has to find out by a timeout."""
        await self.membership.leave()
        if self.node_id in self.routes.by_id:
            return  # nobody else is there
        await self.groups.hand_over()
        await asyncio.sleep(HAND_OVER_MS / 1000)
        self.handing_over = True
        self.log.reader.close()
        await asyncio.sleep(SEND_AWAY_MS / 1000)

    def _lock(self, stack: AsyncExitStack) -> int:
        """One broker per number and data directory; the smallest free number if none was asked for.

        Where the metastore is elsewhere, it alone tells which numbers are free.
        """
        data, wanted = self.settings.data, self.settings.node_id
        if data is None or self.settings.metastore is not None:
            return ANY_BROKER if wanted is None else wanted
        numbers = range(1, NODE_IDS_MAX) if wanted is None else (wanted,)
        try:
            data.mkdir(parents=True, exist_ok=True)
            for number in numbers:
                lock = LockFile.acquire(Disk(), data / f"broker-{number}.lock")
                if lock is not None:
                    stack.callback(lock.release)
                    return number
        except OSError as error:
            raise UserFault(f"cannot use {data}: {error.strerror}") from None
        raise UserFault(
            f"broker {wanted} already runs on {data}: stop it, or choose another number with --node-id"
        )
