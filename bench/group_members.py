"""Members of consumer groups as plain protocol sessions: ``python -m bench.group_members JOB JSON``.

Thousands of them fit into one process, and all systems get the same ones. They keep the pace of Kafka's own
clients: a member of the classic protocol beats every 3 s and joins again when it is told to; one of the
consumer protocol beats as often as the broker says, and at once when it has given partitions up.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from anabranch.errors import ErrorCode
from anabranch.wire.codec import Message
from anabranch.wire.frame import decode_response_header, encode_request_frame
from anabranch.wire.messages import m11_join_group as m11
from anabranch.wire.messages import m14_sync_group as m14
from anabranch.wire.messages.consumer_protocol_subscription import ConsumerProtocolSubscription
from anabranch.wire.messages.m03_metadata import MetadataRequest, MetadataRequestTopic
from anabranch.wire.messages.m10_find_coordinator import FindCoordinatorRequest
from anabranch.wire.messages.m12_heartbeat import HeartbeatRequest
from anabranch.wire.messages.m68_consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatRequestTopicPartitions,
)
from anabranch.wire.registry import API, response_header_version

CLASSIC_BEAT_S = 3.0  # heartbeat.interval.ms of Kafka's clients
SESSION_MS, REBALANCE_MS = 45_000, 300_000  # their defaults, too
PER_CONNECTION = 25  # members of the consumer protocol; those of the classic one wait in JoinGroup
RETRIED = (
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_COORDINATOR,
)


class Connection:
    """Requests of several members over one socket, answered in order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._waiting: asyncio.Queue[tuple[int, int, asyncio.Future[Any]]] = asyncio.Queue()
        self._answers = asyncio.create_task(self._receive())
        self._number = 0

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 24))

    async def call(self, request: Message, version: int) -> Any:
        self._number += 1
        body: list[Any] = []
        request.encode_into(body, version)
        self._writer.writelines(
            encode_request_frame(request.API_KEY, version, self._number, "bench", body)
        )
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((request.API_KEY, version, future))
        return await future

    async def _receive(self) -> None:
        while True:
            key, version, future = await self._waiting.get()
            size = int.from_bytes(await self._reader.readexactly(4))
            frame = await self._reader.readexactly(size)
            _, position = decode_response_header(frame, response_header_version(key, version))
            answer, _ = API[key].response.decode(frame, position, version)
            if not future.done():
                future.set_result(answer)

    def close(self) -> None:
        self._answers.cancel()
        self._writer.close()


class Group:
    """What all members of one group share."""

    def __init__(self, name: str, topic: str, topic_id: bytes, partitions: int) -> None:
        self.name = name
        self.topic = topic
        self.topic_id = topic_id
        self.partitions = partitions
        self.changed = asyncio.Event()

    async def settled(self, members: list[Any]) -> float:
        """Wait until ``members`` share all partitions evenly; when that was."""
        while True:
            sizes = sorted(len(member.has) for member in members)
            if sum(sizes) == self.partitions and sizes[-1] - sizes[0] <= 1:
                union = set().union(*(member.has for member in members))
                if len(union) == self.partitions and all(member.is_settled for member in members):
                    return time.monotonic()
            self.changed.clear()
            await self.changed.wait()


class ConsumerMember:
    """Of the consumer protocol."""

    def __init__(self, group: Group, connection: Connection, name: str) -> None:
        self.group, self.connection, self.name = group, connection, name
        self.has: frozenset[int] = frozenset()
        self.epoch = 0
        self.interval_s = 0.0
        self.is_settled = True

    async def beat(self) -> None:
        joining, owned = self.epoch == 0, None
        if joining or self._gave_up:
            owned = [
                ConsumerGroupHeartbeatRequestTopicPartitions(
                    topic_id=self.group.topic_id, partitions=sorted(self.has)
                )
            ]
        answer = await self.connection.call(
            ConsumerGroupHeartbeatRequest(
                group_id=self.group.name,
                member_id=self.name,
                member_epoch=self.epoch,
                rebalance_timeout_ms=REBALANCE_MS if joining else -1,
                subscribed_topic_names=[self.group.topic] if joining else None,
                topic_partitions=[] if joining else owned,
            ),
            1,
        )
        if answer.error_code in RETRIED:
            self.interval_s = 0.1
            return
        assert answer.error_code == 0, f"{self.name}: {answer.error_code} {answer.error_message}"
        self.epoch = answer.member_epoch
        self.interval_s = answer.heartbeat_interval_ms / 1000
        self._gave_up = False
        if answer.assignment is not None:
            assigned = frozenset(
                p for t in answer.assignment.topic_partitions for p in t.partitions
            )
            self._gave_up = bool(self.has - assigned)
            if assigned != self.has:
                self.has = assigned
                self.group.changed.set()
            if self._gave_up:
                self.interval_s = 0.0  # so that the others need not wait

    _gave_up = False

    async def live(self) -> None:
        while True:
            await self.beat()
            await asyncio.sleep(self.interval_s)


class ClassicMember:
    """Of the classic protocol, with the range assignor."""

    def __init__(self, group: Group, connection: Connection, name: str) -> None:
        self.group, self.connection, self.name = group, connection, name
        self.has: frozenset[int] = frozenset()
        self.is_settled = False
        self.member_id = ""
        self.generation = -1

    async def live(self) -> None:
        while True:
            await self._join()
            while True:
                await asyncio.sleep(CLASSIC_BEAT_S)
                answer = await self.connection.call(
                    HeartbeatRequest(
                        group_id=self.group.name,
                        generation_id=self.generation,
                        member_id=self.member_id,
                    ),
                    4,
                )
                if answer.error_code != 0:
                    break

    async def _join(self) -> None:
        metadata = b"\0\0" + ConsumerProtocolSubscription(topics=[self.group.topic]).encode(0)
        protocol = m11.JoinGroupRequestProtocol(name="range", metadata=metadata)
        self.has, self.is_settled = frozenset(), False
        while True:
            joined = await self.connection.call(
                m11.JoinGroupRequest(
                    group_id=self.group.name,
                    session_timeout_ms=SESSION_MS,
                    rebalance_timeout_ms=REBALANCE_MS,
                    member_id=self.member_id,
                    protocol_type="consumer",
                    protocols=[protocol],
                ),
                9,
            )
            self.member_id = joined.member_id
            if joined.error_code in RETRIED:
                await asyncio.sleep(0.1)
            if joined.error_code != 0:
                continue
            self.generation = joined.generation_id
            assignments = []
            if joined.leader == self.member_id:
                names = sorted(member.member_id for member in joined.members)
                floor, longer = divmod(self.group.partitions, len(names))
                first = 0
                for number, name in enumerate(names):
                    last = first + floor + (number < longer)
                    assignments.append(
                        m14.SyncGroupRequestAssignment(
                            member_id=name, assignment=b"%d %d" % (first, last)
                        )
                    )
                    first = last
            synced = await self.connection.call(
                m14.SyncGroupRequest(
                    group_id=self.group.name,
                    generation_id=self.generation,
                    member_id=self.member_id,
                    protocol_type="consumer",
                    protocol_name="range",
                    assignments=assignments,
                ),
                5,
            )
            if synced.error_code == 0:
                first, last = map(int, synced.assignment.split())
                self.has, self.is_settled = frozenset(range(first, last)), True
                self.group.changed.set()
                return


async def _group(port: int, name: str, topic: str, partitions: int) -> Group:
    connection = await Connection.open(port)
    wanted = MetadataRequest(topics=[MetadataRequestTopic(name=topic)])
    answer = await connection.call(wanted, 12)
    # Kafka makes the topic of its coordinator for whoever asks for one first.
    await connection.call(FindCoordinatorRequest(key_type=0, coordinator_keys=[name]), 4)
    probe = HeartbeatRequest(group_id=name, generation_id=1, member_id="nobody")
    while (await connection.call(probe, 4)).error_code in RETRIED:  # noqa: ASYNC110  # it says nothing
        await asyncio.sleep(0.1)
    connection.close()
    return Group(name, topic, bytes(answer.topics[0].topic_id), partitions)


def rebalance(
    port: int, group: str, topic: str, partitions: int, members: int, protocol: str
) -> dict[str, Any]:
    """Seconds until ``members - 1`` that start together share the topic, and after one more joined."""

    async def main() -> dict[str, Any]:
        shared = await _group(port, group, topic, partitions)
        kind: Callable[..., Any] = ClassicMember if protocol == "classic" else ConsumerMember
        each = 1 if protocol == "classic" else PER_CONNECTION
        connections = [await Connection.open(port) for _ in range(-(-members // each))]
        everybody = [kind(shared, connections[n // each], f"m{n:04}") for n in range(members)]
        begun = time.monotonic()
        tasks = [asyncio.create_task(member.live()) for member in everybody[:-1]]
        formed = await shared.settled(everybody[:-1]) - begun
        await asyncio.sleep(1.0)
        begun = time.monotonic()
        tasks.append(asyncio.create_task(everybody[-1].live()))
        joined = await shared.settled(everybody) - begun
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in connections:
            connection.close()
        return {"formed": formed, "joined": joined}

    return asyncio.run(asyncio.wait_for(main(), 120))


def heartbeats(
    port: int, topic: str, partitions: int, groups: int, members: int, seconds: float
) -> dict[str, Any]:
    """``groups`` groups of ``members`` each, at rest, beating every 5 s for ``seconds`` from "ready" on: the
    milliseconds of each heartbeat."""

    async def main() -> dict[str, Any]:
        connections = [await Connection.open(port) for _ in range(groups * members // 100)]
        everybody = []
        for number in range(groups):
            group = await _group(port, f"beats-{number}", topic, partitions)
            ours = [
                ConsumerMember(group, connections[(number * members + n) // 100], f"m{n:04}")
                for n in range(members)
            ]
            for _ in range(6):  # nothing moves for long where everybody is fast
                await asyncio.gather(*(member.beat() for member in ours))
            everybody += ours
        taken: list[float] = []
        print("ready", flush=True)
        begun = time.monotonic()

        async def live(number: int, member: ConsumerMember) -> None:
            due = begun + 5.0 * number / len(everybody)
            while due < begun + seconds:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                sent = time.monotonic()
                await member.beat()
                taken.append((time.monotonic() - sent) * 1000)
                due += 5.0

        await asyncio.gather(*(live(n, member) for n, member in enumerate(everybody)))
        for connection in connections:
            connection.close()
        return {"milliseconds": taken, "seconds": time.monotonic() - begun}

    return asyncio.run(asyncio.wait_for(main(), 170))


JOBS: dict[str, Callable[..., dict[str, Any]]] = {"rebalance": rebalance, "heartbeats": heartbeats}

if __name__ == "__main__":
    print(json.dumps(JOBS[sys.argv[1]](**json.loads(sys.argv[2]))), flush=True)
