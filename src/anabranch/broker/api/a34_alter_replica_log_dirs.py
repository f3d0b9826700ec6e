"""AlterReplicaLogDirs (34), versions 1 to 2 (KIP-113): move partitions to another directory of a broker.

There is one directory, in which everything is already: moving there succeeds, and any other is LOG_DIR_NOT_FOUND.
A partition that does not exist is UNKNOWN_TOPIC_OR_PARTITION.
"""

from __future__ import annotations

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m34_alter_replica_log_dirs import (
    AlterReplicaLogDirPartitionResult,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopicResult,
)

KEY = 34
MIN = 1
MAX = 2


def handle(context: Context, request: AlterReplicaLogDirsRequest) -> AlterReplicaLogDirsResponse:
    here = topics.log_dir(context)
    return AlterReplicaLogDirsResponse(
        results=[
            AlterReplicaLogDirTopicResult(
                topic_name=topic.name,
                partitions=[
                    AlterReplicaLogDirPartitionResult(
                        partition_index=index,
                        error_code=_outcome(context, topic.name, index, there=wanted.path == here),
                    )
                    for index in topic.partitions
                ],
            )
            for wanted in request.dirs
            for topic in wanted.topics
        ]
    )


def _outcome(context: Context, name: str, index: int, *, there: bool) -> ErrorCode:
    topic = context.log.catalogue.topic(name)
    if topic is None or not 0 <= index < topic.partitions:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return ErrorCode.NONE if there else ErrorCode.LOG_DIR_NOT_FOUND
