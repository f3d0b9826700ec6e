"""Producers' ids and transactions: 22, 24 to 27, 65, 66."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anabranch.broker.authz.access import REFUSALS
from anabranch.broker.authz.acl import CLUSTER_NAME, Operation
from anabranch.broker.guards.parts import (
    CLUSTER,
    GROUP,
    TOPIC,
    TRANSACTION,
    Guard,
    Handle,
    plain,
    split,
    then,
)
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m22_init_producer_id import (
    InitProducerIdRequest,
    InitProducerIdResponse,
)
from anabranch.wire.messages.m24_add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopicResult,
)
from anabranch.wire.messages.m25_add_offsets_to_txn import (
    AddOffsetsToTxnRequest,
    AddOffsetsToTxnResponse,
)
from anabranch.wire.messages.m26_end_txn import EndTxnRequest, EndTxnResponse
from anabranch.wire.messages.m27_write_txn_markers import (
    WritableTxnMarkerPartitionResult,
    WritableTxnMarkerResult,
    WritableTxnMarkerTopicResult,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)
from anabranch.wire.messages.m65_describe_transactions import (
    DescribeTransactionsRequest,
    DescribeTransactionsResponse,
    TransactionState,
)
from anabranch.wire.messages.m66_list_transactions import (
    ListTransactionsRequest,
    ListTransactionsResponse,
)

if TYPE_CHECKING:
    from anabranch.broker.authz.access import Access
    from anabranch.broker.dispatch import Started

_BROKERS: Final = 4  # AddPartitionsToTxn: from here on sent between Kafka's brokers


def init_producer_id(access: Access, request: InitProducerIdRequest, handle: Handle) -> Started:
    """WRITE of the transactional id; without one IDEMPOTENT_WRITE, or WRITE of any topic (KIP-679)."""
    name = request.transactional_id
    if name is None:
        allowed = access.may(
            Operation.IDEMPOTENT_WRITE, CLUSTER, CLUSTER_NAME
        ) or access.rights.allows_somewhere(Operation.WRITE, TOPIC)
        if not allowed:
            access.denied(Operation.IDEMPOTENT_WRITE, CLUSTER, CLUSTER_NAME)
        code = REFUSALS[CLUSTER][0]
    else:
        allowed = access.check(Operation.WRITE, TRANSACTION, name) and (
            not request.enable2_pc or access.check(Operation.TWO_PHASE_COMMIT, TRANSACTION, name)
        )
        code = REFUSALS[TRANSACTION][0]
    if not allowed:
        return InitProducerIdResponse(error_code=code, producer_id=-1, producer_epoch=-1)
    return handle(access.context, request)


def add_partitions_to_txn(
    access: Access, request: AddPartitionsToTxnRequest, handle: Handle
) -> Started:
    """WRITE of the transactional id and of each topic; one refusal and nothing is added."""
    if access.context.version >= _BROKERS:
        if access.check_cluster(Operation.CLUSTER_ACTION):
            return handle(access.context, request)
        return AddPartitionsToTxnResponse(error_code=REFUSALS[CLUSTER][0])
    topics = request.v3_and_below_topics
    if not access.check(Operation.WRITE, TRANSACTION, request.v3_and_below_transactional_id):
        codes = {one.name: REFUSALS[TRANSACTION][0] for one in topics}
    else:
        refused = {one.name for one in topics if not access.check(Operation.WRITE, TOPIC, one.name)}
        if not refused:
            return handle(access.context, request)
        codes = {
            one.name: REFUSALS[TOPIC][0]
            if one.name in refused
            else ErrorCode.OPERATION_NOT_ATTEMPTED
            for one in topics
        }
    return AddPartitionsToTxnResponse(
        results_by_topic_v3_and_below=[
            AddPartitionsToTxnTopicResult(
                name=one.name,
                results_by_partition=[
                    AddPartitionsToTxnPartitionResult(
                        partition_index=index, partition_error_code=codes[one.name]
                    )
                    for index in one.partitions
                ],
            )
            for one in topics
        ]
    )


def add_offsets_to_txn(access: Access, request: AddOffsetsToTxnRequest, handle: Handle) -> Started:
    """WRITE of the transactional id, READ of the group."""
    if not access.check(Operation.WRITE, TRANSACTION, request.transactional_id):
        return plain(AddOffsetsToTxnResponse)(request, *REFUSALS[TRANSACTION])
    if not access.check(Operation.READ, GROUP, request.group_id):
        return plain(AddOffsetsToTxnResponse)(request, *REFUSALS[GROUP])
    return handle(access.context, request)


def end_txn(access: Access, request: EndTxnRequest, handle: Handle) -> Started:
    """WRITE of the transactional id."""
    if not access.check(Operation.WRITE, TRANSACTION, request.transactional_id):
        return plain(EndTxnResponse)(request, *REFUSALS[TRANSACTION])
    return handle(access.context, request)


def write_txn_markers(access: Access, request: WriteTxnMarkersRequest, handle: Handle) -> Started:
    """ALTER or CLUSTER_ACTION of the cluster: for tools that abort a hanging transaction."""
    if access.may(Operation.ALTER, CLUSTER, CLUSTER_NAME) or access.check_cluster(
        Operation.CLUSTER_ACTION
    ):
        return handle(access.context, request)
    code = REFUSALS[CLUSTER][0]
    return WriteTxnMarkersResponse(
        markers=[
            WritableTxnMarkerResult(
                producer_id=marker.producer_id,
                topics=[
                    WritableTxnMarkerTopicResult(
                        name=one.name,
                        partitions=[
                            WritableTxnMarkerPartitionResult(partition_index=index, error_code=code)
                            for index in one.partition_indexes
                        ],
                    )
                    for one in marker.topics
                ],
            )
            for marker in request.markers
        ]
    )


def describe_transactions(
    access: Access, request: DescribeTransactionsRequest, handle: Handle
) -> Started:
    """DESCRIBE of each transactional id; topics that may not be described are left out."""

    def look(response: DescribeTransactionsResponse) -> None:
        for state in response.transaction_states:
            state.topics = [
                one for one in state.topics if access.may(Operation.DESCRIBE, TOPIC, one.topic)
            ]

    return split(
        access,
        request,
        handle,
        field="transactional_ids",
        may=lambda name: access.check(Operation.DESCRIBE, TRANSACTION, name),
        refuse=lambda name: TransactionState(
            error_code=REFUSALS[TRANSACTION][0], transactional_id=name
        ),
        answers="transaction_states",
        look=look,
    )


def list_transactions(access: Access, request: ListTransactionsRequest, handle: Handle) -> Started:
    """Those that may be described."""

    def look(response: ListTransactionsResponse) -> None:
        response.transaction_states = [
            one
            for one in response.transaction_states
            if access.may(Operation.DESCRIBE, TRANSACTION, one.transactional_id)
        ]

    return then(handle(access.context, request), look)


GUARDS: Final[dict[int, Guard]] = {
    22: init_producer_id,
    24: add_partitions_to_txn,
    25: add_offsets_to_txn,
    26: end_txn,
    27: write_txn_markers,
    65: describe_transactions,
    66: list_transactions,
}
