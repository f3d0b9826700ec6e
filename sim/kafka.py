"""A Kafka client of the simulation: its requests are frames of bytes on simulated connections.

Each request goes in one of the versions that brokers serve, drawn by chance. A client that gets no answer in
time closes the connection, as real ones do; what became of its requests is then unknown.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from anabranch.broker.dispatch import Api, load_apis
from anabranch.errors import ClientFault, ErrorCode
from anabranch.groups.values import JoinCall, JoinedMember, JoinResult
from anabranch.log.planning import Appended
from anabranch.wire.codec import Message
from anabranch.wire.frame import decode_response_header, encode_request_frame
from anabranch.wire.messages.m00_produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from anabranch.wire.messages.m01_fetch import FetchPartition, FetchRequest, FetchTopic
from anabranch.wire.messages.m02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from anabranch.wire.messages.m03_metadata import MetadataRequest, MetadataResponse
from anabranch.wire.messages.m08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from anabranch.wire.messages.m09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)
from anabranch.wire.messages.m10_find_coordinator import FindCoordinatorRequest
from anabranch.wire.messages.m11_join_group import JoinGroupRequest, JoinGroupRequestProtocol
from anabranch.wire.messages.m12_heartbeat import HeartbeatRequest
from anabranch.wire.messages.m13_leave_group import LeaveGroupRequest, MemberIdentity
from anabranch.wire.messages.m14_sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from anabranch.wire.messages.m18_api_versions import ApiVersionsRequest
from anabranch.wire.messages.m22_init_producer_id import InitProducerIdRequest
from anabranch.wire.registry import response_header_version
from sim.broker import HOST, PORTS_FROM, SimBroker
from sim.history import TopicStory, Violation
from sim.net import NoAnswer
from sim.tcp import ClientEnd, Refused

if TYPE_CHECKING:
    from sim.world import World

APIS: Mapping[int, Api] = load_apis()
ASKS_VERSIONS = 0.1  # of new connections
SPOKEN = frozenset({0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 18, 22, 25, 28, 68})
_LENGTH = Struct(">i")


class Fetched(NamedTuple):
    """One partition's answer, its bytes as they went over the wire."""

    error: ErrorCode
    high_watermark: int
    log_start: int
    data: bytes


class Sent(NamedTuple):
    """A request whose answer is waited for; the future's result is None if it will never come."""

    api: Api
    version: int
    correlation_id: int
    answer: asyncio.Future[Message | None]


class Link:
    """One connection of a client."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str, end: ClientEnd) -> None:
        self._loop = loop
        self._name = name
        self._end = end
        self._waiting: deque[Sent] = deque()
        self._received = bytearray()
        self._correlation_id = 0
        end.on_data = self._on_data
        end.on_end = self._on_end

    @property
    def closed(self) -> bool:
        return self._end.closed

    def send(self, request: Message, version: int, *, answered: bool = True) -> Sent:
        self._correlation_id += 1
        body: list[Any] = []
        request.encode_into(body, version)
        frame = encode_request_frame(
            request.API_KEY, version, self._correlation_id, self._name, body
        )
        sent = Sent(
            APIS[request.API_KEY], version, self._correlation_id, self._loop.create_future()
        )
        if self.closed or not answered:
            sent.answer.set_result(None)
        else:
            self._waiting.append(sent)
        self._end.send(b"".join(frame))
        return sent

    def close(self) -> None:
        self._end.close()
        self._on_end()

    def _on_data(self, data: bytes) -> None:
        self._received += data
        while len(self._received) >= 4:
            (size,) = _LENGTH.unpack_from(self._received)
            if len(self._received) < 4 + size:
                return
            frame = bytes(self._received[4 : 4 + size])
            del self._received[: 4 + size]
            self._answer(frame)

    def _answer(self, frame: bytes) -> None:
        if not self._waiting:
            raise Violation(f"{self._name} got an answer that it did not ask for: {frame!r}")
        sent = self._waiting.popleft()
        header = response_header_version(sent.api.key, sent.version)
        found, position = decode_response_header(frame, header)
        if found != sent.correlation_id:
            raise Violation(f"{self._name}: answer {found} came in the place of {sent}")
        answer, end = sent.api.response.decode(frame, position, sent.version)
        if end != len(frame):
            raise Violation(f"{self._name}: {len(frame) - end} bytes behind the answer to {sent}")
        if not sent.answer.done():
            sent.answer.set_result(answer)

    def _on_end(self) -> None:
        while self._waiting:
            sent = self._waiting.popleft()
            if not sent.answer.done():
                sent.answer.set_result(None)


class KafkaClient:
    """All connections of one client: one to each broker for each ``purpose``, as clients keep them, so that
    a long poll holds up nothing but its like."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._rng = world.rng
        self.name = name
        self._links: dict[tuple[int, str], Link] = {}
        self._coordinators: dict[str, SimBroker] = {}

    # -- requests --------------------------------------------------------------------------------------
    async def request(
        self,
        broker: SimBroker,
        request: Message,
        *,
        timeout_s: float,
        purpose: str = "",
        since: int = 0,
        until: int = 99,
    ) -> tuple[Any, int]:
        """The answer, and the version spoken: one from ``since`` to ``until``. Raises NoAnswer."""
        (answer,) = await self.requests(
            broker, [request], timeout_s=timeout_s, purpose=purpose, since=since, until=until
        )
        if answer is None:
            raise NoAnswer("no answer")
        return answer

    async def requests(
        self,
        broker: SimBroker,
        requests: Sequence[Message],
        *,
        timeout_s: float,
        purpose: str = "",
        since: int = 0,
        until: int = 99,
        answered: bool = True,
    ) -> list[tuple[Any, int] | None]:
        """Requests of one API sent one behind the other, none waiting for another's answer. Raises NoAnswer
        if none was sent."""
        link = await self._link(broker, purpose)
        api = APIS[requests[0].API_KEY]
        version = self._rng.randint(max(api.min_version, since), min(api.max_version, until))
        sent = [link.send(request, version, answered=answered) for request in requests]
        if answered:
            await self._answers(link, sent, timeout_s)
        answers = [one.answer.result() for one in sent]
        return [None if answer is None else (answer, version) for answer in answers]

    async def _answers(self, link: Link, sent: Sequence[Sent], timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                for one in sent:
                    await one.answer
        except TimeoutError:
            link.close()
        except asyncio.CancelledError:
            link.close()
            raise

    async def _link(self, broker: SimBroker, purpose: str) -> Link:
        key = (broker.node_id, purpose)
        link = self._links.get(key)
        if link is not None and not link.closed:
            return link
        try:
            end = await self._world.tcp.connect(HOST, PORTS_FROM + broker.node_id)
        except Refused:
            raise NoAnswer("connection refused", sent=False) from None
        link = self._links[key] = Link(self._world.loop, self.name, end)
        if self._rng.random() < ASKS_VERSIONS:
            await self._check_versions(link)
        return link

    async def _check_versions(self, link: Link) -> None:
        """What a broker says that it serves is what it serves."""
        api = APIS[ApiVersionsRequest.API_KEY]
        version = self._rng.randint(api.min_version, api.max_version)
        request = ApiVersionsRequest(client_software_name="sim", client_software_version="1")
        sent = link.send(request, version)
        await self._answers(link, [sent], 1.0)
        answer: Any = sent.answer.result()
        if answer is None:
            raise NoAnswer("no versions", sent=False)
        listed = {one.api_key: one.max_version for one in answer.api_keys}
        served = {key: one.max_version for key, one in APIS.items() if key in listed}
        if answer.error_code or listed != served or not listed.keys() >= SPOKEN:
            raise Violation(f"ApiVersions v{version} says {answer.error_code}, {listed}")

    def _any(self) -> SimBroker:
        return self._rng.choice(self._world.brokers)

    def _patience_s(self) -> float:
        return self._rng.choice((0.3, 1.0, 5.0))

    # -- the log ---------------------------------------------------------------------------------------
    async def produce(
        self, story: TopicStory, partition: int, batches: Sequence[bytes], *, acks: int
    ) -> list[Appended | ErrorCode | None]:
        """One request for each batch. None: nobody knows. Raises NoAnswer."""
        requests = [
            ProduceRequest(
                transactional_id=None,
                acks=acks,
                timeout_ms=1000,
                topic_data=[
                    TopicProduceData(
                        name=story.topic.name,
                        topic_id=story.id,
                        partition_data=[PartitionProduceData(index=partition, records=data)],
                    )
                ],
            )
            for data in batches
        ]
        answers = await self.requests(
            self._any(), requests, timeout_s=self._patience_s(), purpose="data", answered=acks != 0
        )
        return [None if answer is None else _appended(answer[0]) for answer in answers]

    async def fetch(
        self,
        broker: SimBroker | None,
        story: TopicStory,
        partition: int,
        offset: int,
        *,
        max_bytes: int,
        max_wait_ms: int,
        timeout_s: float | None = None,
    ) -> Fetched:
        request = FetchRequest(
            max_wait_ms=max_wait_ms,
            min_bytes=1,
            max_bytes=max_bytes,
            session_id=0,
            session_epoch=-1,
            topics=[
                FetchTopic(
                    topic=story.topic.name,
                    topic_id=story.id,
                    partitions=[
                        FetchPartition(
                            partition=partition, fetch_offset=offset, partition_max_bytes=max_bytes
                        )
                    ],
                )
            ],
        )
        answer, _ = await self.request(
            broker or self._any(),
            request,
            timeout_s=timeout_s or self._patience_s() + max_wait_ms / 1000,
            purpose="fetch",
            since=5,  # before, log starts were not told
        )
        if answer.error_code:
            raise ClientFault(ErrorCode(answer.error_code))
        part = answer.responses[0].partitions[0]
        return Fetched(
            ErrorCode(part.error_code),
            part.high_watermark,
            part.log_start_offset,
            bytes(part.records or b""),
        )

    async def list_offset(self, story: TopicStory, partition: int, timestamp: int) -> int:
        wanted = ListOffsetsPartition(partition_index=partition, timestamp=timestamp)
        request = ListOffsetsRequest(
            topics=[ListOffsetsTopic(name=story.topic.name, partitions=[wanted])]
        )
        answer, _ = await self.request(self._any(), request, timeout_s=self._patience_s())
        part = answer.topics[0].partitions[0]
        _raise(part.error_code)
        return int(part.offset)

    async def new_producer(self) -> int:
        request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=1000)
        answer, _ = await self.request(self._any(), request, timeout_s=self._patience_s())
        _raise(answer.error_code)
        return int(answer.producer_id)

    async def metadata(self) -> MetadataResponse:
        """Of all topics."""
        request = MetadataRequest(topics=None, allow_auto_topic_creation=False)
        answer, _ = await self.request(self._any(), request, timeout_s=1.0, since=1)
        found: MetadataResponse = answer
        return found

    # -- groups ----------------------------------------------------------------------------------------
    async def coordinator(self, group: str) -> SimBroker:
        """As it was last told, as some broker tells, or just any."""
        known = self._coordinators.get(group)
        if known is not None:
            return known
        if self._rng.random() < 0.2:
            return self._any()
        request = FindCoordinatorRequest(key=group, key_type=0, coordinator_keys=[group])
        answer, version = await self.request(self._any(), request, timeout_s=1.0)
        found = answer.coordinators[0] if version >= 4 else answer
        _raise(found.error_code)
        broker = self._world.brokers[found.port - PORTS_FROM - 1]
        if found.node_id != broker.node_id or found.host != HOST:
            raise Violation(f"{group} has no coordinator {found.node_id} at {found.port}")
        self._coordinators[group] = broker
        return broker

    def forget_coordinator(self, group: str) -> None:
        """Ask for it again."""
        self._coordinators.pop(group, None)

    async def _grouped(
        self, group: str, request: Message, *, timeout_s: float, since: int = 0
    ) -> tuple[Any, int]:
        broker = await self.coordinator(group)
        try:
            answer, version = await self.request(
                broker, request, timeout_s=timeout_s, purpose="group", since=since
            )
        except NoAnswer:
            self._coordinators.pop(group, None)
            raise
        if getattr(answer, "error_code", 0) == ErrorCode.NOT_COORDINATOR:
            self._coordinators.pop(group, None)
        return answer, version

    async def join(self, group: str, call: JoinCall, *, timeout_s: float) -> JoinResult:
        request = JoinGroupRequest(
            group_id=group,
            session_timeout_ms=call.session_timeout_ms,
            rebalance_timeout_ms=call.rebalance_timeout_ms,
            member_id=call.member_id,
            group_instance_id=call.group_instance_id,
            protocol_type=call.protocol_type,
            protocols=[
                JoinGroupRequestProtocol(name=name, metadata=data) for name, data in call.protocols
            ],
        )
        answer, _ = await self._grouped(group, request, timeout_s=timeout_s, since=1)
        return JoinResult(
            error=ErrorCode(answer.error_code),
            member_id=answer.member_id,
            generation=answer.generation_id,
            protocol_type=answer.protocol_type,
            protocol_name=answer.protocol_name,
            leader=answer.leader,
            members=tuple(
                JoinedMember(one.member_id, one.group_instance_id, bytes(one.metadata))
                for one in answer.members
            ),
        )

    async def sync(
        self,
        group: str,
        member_id: str,
        generation: int,
        assignments: Sequence[tuple[str, bytes]],
        *,
        timeout_s: float,
    ) -> tuple[ErrorCode, bytes]:
        request = SyncGroupRequest(
            group_id=group,
            generation_id=generation,
            member_id=member_id,
            group_instance_id=None,
            protocol_type="consumer",
            protocol_name="shared",
            assignments=[
                SyncGroupRequestAssignment(member_id=member, assignment=given)
                for member, given in assignments
            ],
        )
        answer, _ = await self._grouped(group, request, timeout_s=timeout_s)
        return ErrorCode(answer.error_code), bytes(answer.assignment)

    async def heartbeat(self, group: str, member_id: str, generation: int) -> ErrorCode:
        request = HeartbeatRequest(
            group_id=group, generation_id=generation, member_id=member_id, group_instance_id=None
        )
        answer, _ = await self._grouped(group, request, timeout_s=1.0)
        return ErrorCode(answer.error_code)

    async def leave(self, group: str, member_id: str) -> None:
        request = LeaveGroupRequest(
            group_id=group,
            member_id=member_id,
            members=[MemberIdentity(member_id=member_id, group_instance_id=None)],
        )
        await self._grouped(group, request, timeout_s=1.0)

    async def commit(
        self,
        group: str,
        story: TopicStory,
        partition: int,
        offset: int,
        *,
        member_id: str = "",
        generation: int = -1,
        since: int = 0,
    ) -> ErrorCode:
        wanted = OffsetCommitRequestPartition(
            partition_index=partition, committed_offset=offset, committed_metadata=self.name
        )
        request = OffsetCommitRequest(
            group_id=group,
            generation_id_or_member_epoch=generation,
            member_id=member_id,
            group_instance_id=None,
            topics=[
                OffsetCommitRequestTopic(
                    name=story.topic.name, topic_id=story.id, partitions=[wanted]
                )
            ],
        )
        answer, _ = await self._grouped(group, request, timeout_s=self._patience_s(), since=since)
        code = ErrorCode(answer.topics[0].partitions[0].error_code)
        if code is ErrorCode.NOT_COORDINATOR:
            self._coordinators.pop(group, None)
        return code

    async def committed(self, group: str, story: TopicStory, partition: int) -> int | None:
        """None: no offset is committed. Raises ClientFault, NoAnswer."""
        wanted = None if self._rng.random() < 0.3 else [partition]
        name, topic_id = story.topic.name, story.id
        request = OffsetFetchRequest(
            group_id=group,
            topics=None
            if wanted is None
            else [OffsetFetchRequestTopic(name=name, partition_indexes=wanted)],
            groups=[
                OffsetFetchRequestGroup(
                    group_id=group,
                    topics=None
                    if wanted is None
                    else [
                        OffsetFetchRequestTopics(
                            name=name, topic_id=topic_id, partition_indexes=wanted
                        )
                    ],
                )
            ],
        )
        answer, version = await self._grouped(group, request, timeout_s=self._patience_s(), since=2)
        found = answer.groups[0] if version >= 8 else answer
        if found.error_code == ErrorCode.NOT_COORDINATOR:
            self._coordinators.pop(group, None)
        _raise(found.error_code)
        for topic in found.topics:
            if (topic.topic_id == topic_id) if version >= 10 else (topic.name == name):
                for part in topic.partitions:
                    if part.partition_index == partition:
                        _raise(part.error_code)
                        return None if part.committed_offset < 0 else int(part.committed_offset)
        return None


def _appended(answer: Any) -> Appended | ErrorCode:
    part = answer.responses[0].partition_responses[0]
    if part.error_code:
        return ErrorCode(part.error_code)
    return Appended(part.base_offset, part.log_append_time_ms, part.log_start_offset)


def _raise(code: int) -> None:
    if code:
        raise ClientFault(ErrorCode(code))
