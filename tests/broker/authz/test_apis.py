"""Every API that is served: which rights it asks for, and how it answers without them.

A new API without an entry in CASES fails here. Each case is asked without any right, with all of them, and
with each of them missing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from anabranch.broker.authz.acl import Operation as O
from anabranch.broker.authz.acl import PatternType, Permission, ResourceType
from anabranch.broker.dispatch import load_apis
from anabranch.broker.guards import GUARDS
from anabranch.errors import ErrorCode as E
from anabranch.wire.messages.m02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from anabranch.wire.messages.m08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from anabranch.wire.messages.m09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)
from anabranch.wire.messages.m10_find_coordinator import FindCoordinatorRequest
from anabranch.wire.messages.m11_join_group import JoinGroupRequest, JoinGroupRequestProtocol
from anabranch.wire.messages.m12_heartbeat import HeartbeatRequest
from anabranch.wire.messages.m13_leave_group import LeaveGroupRequest
from anabranch.wire.messages.m14_sync_group import SyncGroupRequest
from anabranch.wire.messages.m15_describe_groups import DescribeGroupsRequest
from anabranch.wire.messages.m20_delete_topics import DeleteTopicsRequest, DeleteTopicState
from anabranch.wire.messages.m21_delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from anabranch.wire.messages.m22_init_producer_id import InitProducerIdRequest
from anabranch.wire.messages.m23_offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from anabranch.wire.messages.m24_add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
)
from anabranch.wire.messages.m25_add_offsets_to_txn import AddOffsetsToTxnRequest
from anabranch.wire.messages.m26_end_txn import EndTxnRequest
from anabranch.wire.messages.m27_write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerTopic,
    WriteTxnMarkersRequest,
)
from anabranch.wire.messages.m28_txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from anabranch.wire.messages.m29_describe_acls import DescribeAclsRequest
from anabranch.wire.messages.m30_create_acls import AclCreation, CreateAclsRequest
from anabranch.wire.messages.m31_delete_acls import DeleteAclsFilter, DeleteAclsRequest
from anabranch.wire.messages.m32_describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from anabranch.wire.messages.m33_alter_configs import AlterConfigsRequest, AlterConfigsResource
from anabranch.wire.messages.m34_alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from anabranch.wire.messages.m35_describe_log_dirs import DescribeLogDirsRequest
from anabranch.wire.messages.m37_create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from anabranch.wire.messages.m38_create_delegation_token import CreateDelegationTokenRequest
from anabranch.wire.messages.m42_delete_groups import DeleteGroupsRequest
from anabranch.wire.messages.m43_elect_leaders import ElectLeadersRequest
from anabranch.wire.messages.m44_incremental_alter_configs import (
    AlterConfigsResource as IncrementalResource,
)
from anabranch.wire.messages.m44_incremental_alter_configs import IncrementalAlterConfigsRequest
from anabranch.wire.messages.m45_alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
)
from anabranch.wire.messages.m46_list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
)
from anabranch.wire.messages.m47_offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from anabranch.wire.messages.m48_describe_client_quotas import DescribeClientQuotasRequest
from anabranch.wire.messages.m49_alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasRequestEntityData,
    AlterClientQuotasRequestEntryData,
)
from anabranch.wire.messages.m50_describe_user_scram_credentials import (
    DescribeUserScramCredentialsRequest,
)
from anabranch.wire.messages.m51_alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    ScramCredentialDeletion,
)
from anabranch.wire.messages.m55_describe_quorum import DescribeQuorumRequest
from anabranch.wire.messages.m57_update_features import FeatureUpdateKey, UpdateFeaturesRequest
from anabranch.wire.messages.m61_describe_producers import DescribeProducersRequest, TopicRequest
from anabranch.wire.messages.m64_unregister_broker import UnregisterBrokerRequest
from anabranch.wire.messages.m65_describe_transactions import DescribeTransactionsRequest
from anabranch.wire.messages.m68_consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from anabranch.wire.messages.m69_consumer_group_describe import ConsumerGroupDescribeRequest
from anabranch.wire.messages.m74_list_config_resources import ListConfigResourcesRequest
from anabranch.wire.messages.m75_describe_topic_partitions import (
    DescribeTopicPartitionsRequest,
)
from anabranch.wire.messages.m75_describe_topic_partitions import TopicRequest as DescribedTopic
from anabranch.wire.messages.m76_share_group_heartbeat import ShareGroupHeartbeatRequest
from anabranch.wire.messages.m77_share_group_describe import ShareGroupDescribeRequest
from anabranch.wire.messages.m78_share_fetch import FetchPartition as SharePartition
from anabranch.wire.messages.m78_share_fetch import FetchTopic as ShareTopic
from anabranch.wire.messages.m78_share_fetch import ShareFetchRequest
from anabranch.wire.messages.m79_share_acknowledge import (
    AcknowledgePartition,
    AcknowledgeTopic,
    ShareAcknowledgeRequest,
)
from anabranch.wire.messages.m88_streams_group_heartbeat import (
    StreamsGroupHeartbeatRequest,
    Subtopology,
    Topology,
)
from anabranch.wire.messages.m89_streams_group_describe import StreamsGroupDescribeRequest
from anabranch.wire.messages.m90_describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequestGroup,
    DescribeShareGroupOffsetsRequestTopic,
)
from anabranch.wire.messages.m91_alter_share_group_offsets import (
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsRequestPartition,
    AlterShareGroupOffsetsRequestTopic,
)
from anabranch.wire.messages.m92_delete_share_group_offsets import (
    DeleteShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsRequestTopic,
)
from tests.broker.authz.people import (
    ADMIN,
    CLUSTER,
    GROUP,
    THE_CLUSTER,
    TOPIC,
    TXN,
    Right,
    become,
    codes,
    entry,
    guarded,
    set_acls,
)
from tests.broker.conversation import (
    batch,
    create_topics,
    fetch_request,
    metadata,
    produce_request,
    run,
)

IDS = b"\x07" * 16
REFUSED = {
    TOPIC: E.TOPIC_AUTHORIZATION_FAILED,
    GROUP: E.GROUP_AUTHORIZATION_FAILED,
    CLUSTER: E.CLUSTER_AUTHORIZATION_FAILED,
    TXN: E.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    ResourceType.USER: E.DELEGATION_TOKEN_AUTHORIZATION_FAILED,
}


class Case(NamedTuple):
    """A request about topic t, group g, transactional id x, and what it needs."""

    request: Callable[[bytes], Any]  # of t's id
    rights: tuple[Right, ...]
    version: int | None = None  # None: the highest


def cluster(operation: O, request: Callable[[bytes], Any]) -> Case:
    return Case(request, ((operation, CLUSTER, THE_CLUSTER),))


def reads_g(request: Callable[[bytes], Any]) -> Case:
    return Case(request, ((O.READ, GROUP, "g"),))


T, G, X = (TOPIC, "t"), (GROUP, "g"), (TXN, "x")

CASES: dict[int, Case | None] = {
    0: Case(lambda i: produce_request("t", batch(b"v")), ((O.WRITE, *T),), 12),
    1: Case(lambda i: fetch_request("", topic_id=i), ((O.READ, *T),)),
    2: Case(
        lambda i: ListOffsetsRequest(
            replica_id=-1,
            topics=[
                ListOffsetsTopic(
                    name="t", partitions=[ListOffsetsPartition(partition_index=0, timestamp=-1)]
                )
            ],
        ),
        ((O.DESCRIBE, *T),),
    ),
    3: Case(lambda i: metadata("t"), ((O.DESCRIBE, *T),)),
    8: Case(
        lambda i: OffsetCommitRequest(
            group_id="g",
            generation_id_or_member_epoch=-1,
            member_id="",
            topics=[
                OffsetCommitRequestTopic(
                    topic_id=i,
                    partitions=[
                        OffsetCommitRequestPartition(partition_index=0, committed_offset=0)
                    ],
                )
            ],
        ),
        ((O.READ, *G), (O.READ, *T)),
    ),
    9: Case(
        lambda i: OffsetFetchRequest(
            groups=[
                OffsetFetchRequestGroup(
                    group_id="g",
                    topics=[OffsetFetchRequestTopics(topic_id=i, partition_indexes=[0])],
                )
            ]
        ),
        ((O.DESCRIBE, *G), (O.DESCRIBE, *T)),
    ),
    10: Case(
        lambda i: FindCoordinatorRequest(key_type=0, coordinator_keys=["g"]), ((O.DESCRIBE, *G),)
    ),
    11: reads_g(
        lambda i: JoinGroupRequest(
            group_id="g",
            session_timeout_ms=10_000,
            rebalance_timeout_ms=10_000,
            member_id="",
            protocol_type="consumer",
            protocols=[JoinGroupRequestProtocol(name="range", metadata=b"")],
        )
    ),
    12: reads_g(lambda i: HeartbeatRequest(group_id="g", generation_id=1, member_id="m")),
    13: reads_g(lambda i: LeaveGroupRequest(group_id="g", members=[])),
    14: reads_g(lambda i: SyncGroupRequest(group_id="g", generation_id=1, member_id="m")),
    15: Case(lambda i: DescribeGroupsRequest(groups=["g"]), ((O.DESCRIBE, *G),)),
    16: None,  # ListGroups leaves out
    17: None,
    18: None,
    19: Case(
        lambda i: create_topics("new"),
        ((O.CREATE, TOPIC, "new"), (O.DESCRIBE_CONFIGS, TOPIC, "new")),
    ),
    20: Case(
        lambda i: DeleteTopicsRequest(topics=[DeleteTopicState(name="t")], timeout_ms=1),
        ((O.DELETE, *T),),
    ),
    21: Case(
        lambda i: DeleteRecordsRequest(
            topics=[
                DeleteRecordsTopic(
                    name="t", partitions=[DeleteRecordsPartition(partition_index=0, offset=0)]
                )
            ]
        ),
        ((O.DELETE, *T),),
    ),
    22: Case(
        lambda i: InitProducerIdRequest(transactional_id="x", transaction_timeout_ms=1000),
        ((O.WRITE, *X),),
    ),
    23: Case(
        lambda i: OffsetForLeaderEpochRequest(
            replica_id=-1,
            topics=[
                OffsetForLeaderTopic(
                    topic="t", partitions=[OffsetForLeaderPartition(partition=0, leader_epoch=0)]
                )
            ],
        ),
        ((O.DESCRIBE, *T),),
    ),
    24: Case(
        lambda i: AddPartitionsToTxnRequest(
            v3_and_below_transactional_id="x",
            v3_and_below_producer_id=1,
            v3_and_below_topics=[AddPartitionsToTxnTopic(name="t", partitions=[0])],
        ),
        ((O.WRITE, *X), (O.WRITE, *T)),
        3,
    ),
    25: Case(
        lambda i: AddOffsetsToTxnRequest(transactional_id="x", producer_id=1, group_id="g"),
        ((O.WRITE, *X), (O.READ, *G)),
    ),
    26: Case(lambda i: EndTxnRequest(transactional_id="x", producer_id=1), ((O.WRITE, *X),)),
    27: cluster(
        O.CLUSTER_ACTION,
        lambda i: WriteTxnMarkersRequest(
            markers=[
                WritableTxnMarker(
                    producer_id=1,
                    topics=[WritableTxnMarkerTopic(name="t", partition_indexes=[0])],
                )
            ]
        ),
    ),
    28: Case(
        lambda i: TxnOffsetCommitRequest(
            transactional_id="x",
            group_id="g",
            producer_id=1,
            topics=[
                TxnOffsetCommitRequestTopic(
                    name="t",
                    partitions=[
                        TxnOffsetCommitRequestPartition(partition_index=0, committed_offset=0)
                    ],
                )
            ],
        ),
        ((O.WRITE, *X), (O.READ, *G), (O.READ, *T)),
    ),
    29: cluster(
        O.DESCRIBE,
        lambda i: DescribeAclsRequest(
            resource_type_filter=1, pattern_type_filter=1, operation=1, permission_type=1
        ),
    ),
    30: cluster(
        O.ALTER,
        lambda i: CreateAclsRequest(
            creations=[
                AclCreation(
                    resource_type=2,
                    resource_name="t",
                    resource_pattern_type=3,
                    principal="User:bob",
                    host="*",
                    operation=3,
                    permission_type=3,
                )
            ]
        ),
    ),
    31: cluster(
        O.ALTER,
        lambda i: DeleteAclsRequest(
            filters=[
                DeleteAclsFilter(
                    resource_type_filter=1,
                    pattern_type_filter=1,
                    principal_filter="User:bob",
                    operation=1,
                    permission_type=1,
                )
            ]
        ),
    ),
    32: Case(
        lambda i: DescribeConfigsRequest(
            resources=[
                DescribeConfigsResource(resource_type=2, resource_name="t"),
                DescribeConfigsResource(resource_type=4, resource_name=""),
                DescribeConfigsResource(resource_type=32, resource_name="g"),
            ]
        ),
        (
            (O.DESCRIBE_CONFIGS, *T),
            (O.DESCRIBE_CONFIGS, CLUSTER, THE_CLUSTER),
            (O.DESCRIBE_CONFIGS, *G),
        ),
    ),
    33: Case(
        lambda i: AlterConfigsRequest(
            resources=[AlterConfigsResource(resource_type=2, resource_name="t", configs=[])]
        ),
        ((O.ALTER_CONFIGS, *T),),
    ),
    34: cluster(
        O.ALTER,
        lambda i: AlterReplicaLogDirsRequest(
            dirs=[
                AlterReplicaLogDir(
                    path="/d", topics=[AlterReplicaLogDirTopic(name="t", partitions=[0])]
                )
            ]
        ),
    ),
    35: cluster(O.DESCRIBE, lambda i: DescribeLogDirsRequest(topics=None)),
    36: None,
    37: Case(
        lambda i: CreatePartitionsRequest(
            topics=[CreatePartitionsTopic(name="t", count=2, assignments=None)], timeout_ms=1
        ),
        ((O.ALTER, *T),),
    ),
    38: Case(
        lambda i: CreateDelegationTokenRequest(
            owner_principal_type="User", owner_principal_name="carol", max_lifetime_ms=-1
        ),
        ((O.CREATE_TOKENS, ResourceType.USER, "User:carol"),),
    ),
    39: None,  # by who owns or may renew the token
    40: None,
    41: None,  # leaves out
    42: Case(lambda i: DeleteGroupsRequest(groups_names=["g"]), ((O.DELETE, *G),)),
    43: cluster(O.ALTER, lambda i: ElectLeadersRequest(topic_partitions=None)),
    44: Case(
        lambda i: IncrementalAlterConfigsRequest(
            resources=[
                IncrementalResource(resource_type=2, resource_name="t", configs=[]),
                IncrementalResource(resource_type=4, resource_name="", configs=[]),
                IncrementalResource(resource_type=32, resource_name="g", configs=[]),
            ]
        ),
        (
            (O.ALTER_CONFIGS, *T),
            (O.ALTER_CONFIGS, CLUSTER, THE_CLUSTER),
            (O.ALTER_CONFIGS, *G),
        ),
    ),
    45: cluster(O.ALTER, lambda i: AlterPartitionReassignmentsRequest(topics=[])),
    46: cluster(O.DESCRIBE, lambda i: ListPartitionReassignmentsRequest(topics=None)),
    47: Case(
        lambda i: OffsetDeleteRequest(
            group_id="g",
            topics=[
                OffsetDeleteRequestTopic(
                    name="t", partitions=[OffsetDeleteRequestPartition(partition_index=0)]
                )
            ],
        ),
        ((O.DELETE, *G), (O.READ, *T)),
    ),
    48: cluster(O.DESCRIBE_CONFIGS, lambda i: DescribeClientQuotasRequest(components=[])),
    49: cluster(
        O.ALTER_CONFIGS,
        lambda i: AlterClientQuotasRequest(
            entries=[
                AlterClientQuotasRequestEntryData(
                    entity=[
                        AlterClientQuotasRequestEntityData(entity_type="user", entity_name="bob")
                    ],
                    ops=[],
                )
            ]
        ),
    ),
    50: cluster(O.DESCRIBE, lambda i: DescribeUserScramCredentialsRequest(users=None)),
    51: cluster(
        O.ALTER,
        lambda i: AlterUserScramCredentialsRequest(
            deletions=[ScramCredentialDeletion(name="bob", mechanism=1)]
        ),
    ),
    55: cluster(O.DESCRIBE, lambda i: DescribeQuorumRequest(topics=[])),
    57: cluster(
        O.ALTER,
        lambda i: UpdateFeaturesRequest(
            feature_updates=[FeatureUpdateKey(feature="no", max_version_level=1)]
        ),
    ),
    60: None,  # open; the bit field is 0
    61: Case(
        lambda i: DescribeProducersRequest(topics=[TopicRequest(name="t", partition_indexes=[0])]),
        ((O.READ, *T),),
    ),
    64: cluster(O.ALTER, lambda i: UnregisterBrokerRequest(broker_id=99)),
    65: Case(lambda i: DescribeTransactionsRequest(transactional_ids=["x"]), ((O.DESCRIBE, *X),)),
    66: None,  # leaves out
    68: Case(
        lambda i: ConsumerGroupHeartbeatRequest(
            group_id="g",
            member_id="m" * 22,
            member_epoch=0,
            rebalance_timeout_ms=1000,
            subscribed_topic_names=["t"],
            topic_partitions=[],
        ),
        ((O.READ, *G), (O.DESCRIBE, *T)),
    ),
    69: Case(lambda i: ConsumerGroupDescribeRequest(group_ids=["g"]), ((O.DESCRIBE, *G),)),
    71: None,
    72: None,
    74: cluster(O.DESCRIBE_CONFIGS, lambda i: ListConfigResourcesRequest(resource_types=[])),
    75: Case(
        lambda i: DescribeTopicPartitionsRequest(topics=[DescribedTopic(name="t")]),
        ((O.DESCRIBE, *T),),
    ),
    76: Case(
        lambda i: ShareGroupHeartbeatRequest(
            group_id="g", member_id="m", member_epoch=0, subscribed_topic_names=["t"]
        ),
        ((O.READ, *G), (O.DESCRIBE, *T)),
    ),
    77: Case(lambda i: ShareGroupDescribeRequest(group_ids=["g"]), ((O.DESCRIBE, *G),)),
    78: Case(
        lambda i: ShareFetchRequest(
            group_id="g",
            member_id="m",
            topics=[ShareTopic(topic_id=i, partitions=[SharePartition(partition_index=0)])],
        ),
        ((O.READ, *G), (O.READ, *T)),
    ),
    79: Case(
        lambda i: ShareAcknowledgeRequest(
            group_id="g",
            member_id="m",
            share_session_epoch=1,
            topics=[
                AcknowledgeTopic(topic_id=i, partitions=[AcknowledgePartition(partition_index=0)])
            ],
        ),
        ((O.READ, *G), (O.READ, *T)),
    ),
    88: Case(
        lambda i: StreamsGroupHeartbeatRequest(
            group_id="g",
            member_id="m",
            member_epoch=0,
            topology=Topology(
                epoch=1, subtopologies=[Subtopology(subtopology_id="0", source_topics=["t"])]
            ),
        ),
        ((O.READ, *G), (O.DESCRIBE, *T)),
    ),
    89: Case(lambda i: StreamsGroupDescribeRequest(group_ids=["g"]), ((O.DESCRIBE, *G),)),
    90: Case(
        lambda i: DescribeShareGroupOffsetsRequest(
            groups=[
                DescribeShareGroupOffsetsRequestGroup(
                    group_id="g",
                    topics=[DescribeShareGroupOffsetsRequestTopic(topic_name="t", partitions=[0])],
                )
            ]
        ),
        ((O.DESCRIBE, *G), (O.DESCRIBE, *T)),
    ),
    91: Case(
        lambda i: AlterShareGroupOffsetsRequest(
            group_id="g",
            topics=[
                AlterShareGroupOffsetsRequestTopic(
                    topic_name="t",
                    partitions=[
                        AlterShareGroupOffsetsRequestPartition(partition_index=0, start_offset=0)
                    ],
                )
            ],
        ),
        ((O.READ, *G), (O.REPLAY, *G), (O.READ, *T)),
    ),
    92: Case(
        lambda i: DeleteShareGroupOffsetsRequest(
            group_id="g", topics=[DeleteShareGroupOffsetsRequestTopic(topic_name="t")]
        ),
        ((O.DELETE, *G), (O.READ, *T)),
    ),
}


def test_every_api_that_is_served_has_a_guard_and_a_case() -> None:
    served = set(load_apis())
    assert served <= set(GUARDS), "an API without a guard"
    assert served <= set(CASES), "an API without a case here"


@pytest.mark.parametrize("key", [key for key in sorted(load_apis()) if CASES.get(key)])
def test_each_api_asks_for_its_rights(key: int, tmp_path: Path) -> None:
    case = CASES[key]
    assert case is not None

    async def scenario() -> None:
        async with guarded(tmp_path) as bench:
            topic_id = await bench.create("t")
            if key == 47:  # of a group that is not there, that is all that is said
                commit = CASES[8]
                assert commit is not None
                await bench.call(commit.request(topic_id))

            if key in (91, 92):  # likewise
                for epoch in (0, -1):
                    await bench.call(
                        ShareGroupHeartbeatRequest(
                            group_id="g",
                            member_id="m",
                            member_epoch=epoch,
                            subscribed_topic_names=["t"],
                        )
                    )

            async def told(*rights: Right) -> set[int]:
                if key == 79:  # and without a session
                    become(bench, ADMIN)
                    fetch = CASES[78]
                    assert fetch is not None
                    await bench.call(fetch.request(topic_id))
                await set_acls(bench, *(entry(*right) for right in rights))
                become(bench, "User:alice")
                answer = await bench.call(case.request(topic_id), case.version)
                return set(codes(answer))

            refusals = {int(code) for code in REFUSED.values()}
            # Nothing at all: refused, whatever it is about.
            assert REFUSED[case.rights[0][1]] in await told()
            # Each one missing: refused for that.
            for missing in case.rights:
                rest = [one for one in case.rights if one is not missing]
                assert REFUSED[missing[1]] in await told(*rest), missing
            # All of them: nothing is refused, whatever else is wrong with the request.
            assert not await told(*case.rights) & refusals
            # And a DENY beats them.
            await set_acls(
                bench,
                *(entry(*right) for right in case.rights),
                entry(
                    case.rights[0][0],
                    case.rights[0][1],
                    "*",
                    principal="User:*",
                    permission=Permission.DENY,
                    pattern=PatternType.LITERAL,
                ),
            )
            answer = await bench.call(case.request(topic_id), case.version)
            assert REFUSED[case.rights[0][1]] in set(codes(answer))

    run(scenario)


@pytest.mark.parametrize("key", sorted(key for key in load_apis() if CASES.get(key, 1) is None))
def test_apis_without_a_right_are_guarded_as_such(key: int) -> None:
    assert key in GUARDS
