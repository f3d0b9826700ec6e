"""DescribeLogDirs (35), versions 1 to 5: what each partition retains (KIP-113).

One directory is reported, the data directory, with every retained byte, in the write-ahead log and in
the store, of the partitions that this broker leads: tools add up what all brokers say. From v4 also the disk's size and what is free (KIP-827). Partitions that
do not exist are left out, as in Kafka.
"""

from __future__ import annotations

import asyncio

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.broker.dispatch import to_client_fault
from anabranch.errors import ClientFault, Corrupt, StoreFault
from anabranch.wire.messages.m35_describe_log_dirs import (
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)

KEY = 35
MIN = 1
MAX = 5


async def handle(context: Context, request: DescribeLogDirsRequest) -> DescribeLogDirsResponse:
    log = context.log
    result = DescribeLogDirsResult(log_dir=topics.log_dir(context))
    if request.topics is None:
        wanted = {topic.name: set(range(topic.partitions)) for topic in log.catalogue.topics()}
    else:
        wanted = {one.topic: set(one.partitions) for one in request.topics}
        await log.catalogue.look_for(wanted)
    try:
        result.total_bytes, result.usable_bytes = context.broker.disk_bytes()
        for name, partitions in wanted.items():
            topic = log.catalogue.topic(name)
            if topic is None:
                continue
            sizes = await log.retained_bytes(topic)
            await asyncio.sleep(0)  # a topic's turn is some milliseconds; then others have theirs
            result.topics.append(
                DescribeLogDirsTopic(
                    name=name,
                    partitions=[
                        DescribeLogDirsPartition(
                            partition_index=index, partition_size=sizes.get(index, 0)
                        )
                        for index in sorted(partitions)
                        if 0 <= index < topic.partitions
                        and context.routes.leader(topic.id, index).broker_id
                        == context.broker.node_id
                    ],
                )
            )
    except (ClientFault, StoreFault, Corrupt) as error:
        result.error_code = to_client_fault(error).code
    return DescribeLogDirsResponse(results=[result])
