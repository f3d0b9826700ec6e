"""ApiVersions (18), DescribeCluster (60), DescribeLogDirs (35), ElectLeaders (43), reassignments (45, 46),
DescribeProducers (61), transactions (65, 66); and the dispatch table."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from anabranch.broker import api as api_package
from anabranch.broker import coverage
from anabranch.broker.dispatch import load_apis
from anabranch.broker.features import EPOCH, FEATURES
from anabranch.errors import ErrorCode
from anabranch.wire.messages import m34_alter_replica_log_dirs as m34
from anabranch.wire.messages import m45_alter_partition_reassignments as m45
from anabranch.wire.messages.m18_api_versions import ApiVersionsRequest, ApiVersionsResponse
from anabranch.wire.messages.m22_init_producer_id import InitProducerIdRequest
from anabranch.wire.messages.m35_describe_log_dirs import (
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
)
from anabranch.wire.messages.m43_elect_leaders import ElectLeadersRequest, TopicPartitions
from anabranch.wire.messages.m46_list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
)
from anabranch.wire.messages.m57_update_features import FeatureUpdateKey, UpdateFeaturesRequest
from anabranch.wire.messages.m60_describe_cluster import DescribeClusterRequest
from anabranch.wire.messages.m61_describe_producers import DescribeProducersRequest, TopicRequest
from anabranch.wire.messages.m64_unregister_broker import UnregisterBrokerRequest
from anabranch.wire.messages.m65_describe_transactions import DescribeTransactionsRequest
from anabranch.wire.messages.m66_list_transactions import ListTransactionsRequest
from anabranch.wire.registry import API
from tests.broker.conversation import batch, run, talking
from tests.support.broker import WireClient


def software(name: str = "test", version: str = "1.0") -> ApiVersionsRequest:
    return ApiVersionsRequest(client_software_name=name, client_software_version=version)


def test_the_listing_of_files_is_the_coverage_matrix() -> None:
    files = sorted(Path(api_package.__path__[0]).glob("a*.py"))
    apis = load_apis()
    assert [int(file.name[1:3]) for file in files] == list(apis)
    for key, api in apis.items():
        spec = API[key]
        # What Kafka calls unstable is not served, and no stable version is left out.
        assert (api.min_version, api.max_version) == (spec.min_version, spec.max_version)


@pytest.mark.parametrize("version", range(5))
def test_api_versions_advertises_exactly_what_is_served(version: int, tmp_path: Path) -> None:
    """Pitfalls: advertise only what is served; Produce from 0, or librdkafka turns compression off
    (KAFKA-18659); every feature at its highest level (KIP-584), and no range from 0 below v4 (KAFKA-17011)."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            answer = await bench.call(software(), version)
            assert (answer.error_code, answer.throttle_time_ms) == (0, 0)
            ranges = {one.api_key: (one.min_version, one.max_version) for one in answer.api_keys}
            served = {
                key: (api.min_version, api.max_version) for key, api in bench.broker.apis.items()
            }
            served[0] = (0, 13)
            assert ranges == served
            supported = {
                one.name: (one.min_version, one.max_version) for one in answer.supported_features
            }
            finalized = {one.name: one.max_version_level for one in answer.finalized_features}
            known = dict(FEATURES) if version >= 3 else {}
            assert supported == {
                name: tuple(one) for name, one in known.items() if version >= 4 or one.min_level
            }
            assert finalized == {name: one.max_level for name, one in known.items()}
            assert answer.finalized_features_epoch == (EPOCH if version >= 3 else -1)

    run(scenario)


def test_api_versions_above_ours_is_answered_in_version_0(tmp_path: Path) -> None:
    """Pitfall (KIP-511): UNSUPPORTED_VERSION in v0 with the range, header without tagged fields; the
    connection goes on."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench, WireClient.connected(bench.broker) as client:
            for version in (5, 99, 32767, -1):
                body = struct.pack(">hhih", 18, version, 77, 4) + b"cafe" + b"\0future\xff\xff"
                client.send_bytes(struct.pack(">i", len(body)) + body)
                frame = await client.receive_frame()
                assert struct.unpack_from(">i", frame) == (77,)
                answer, end = ApiVersionsResponse.decode(frame, 4, 0)
                assert end == len(frame)
                assert answer.error_code == ErrorCode.UNSUPPORTED_VERSION
                (entry,) = answer.api_keys
                assert (entry.api_key, entry.min_version, entry.max_version) == (18, 0, 4)
            assert (await client.call(software(), 3)).error_code == 0

    run(scenario)


@pytest.mark.parametrize("version", range(3))
def test_levels_of_features_are_not_set(version: int, tmp_path: Path) -> None:
    """KIP-584: the level that is there succeeds; others are refused with the reason, nothing happens."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:

            async def errors(*updates: tuple[str, int]) -> list[int]:
                answer = await bench.call(
                    UpdateFeaturesRequest(
                        feature_updates=[
                            FeatureUpdateKey(feature=name, max_version_level=level)
                            for name, level in updates
                        ]
                    ),
                    version,
                )
                if version >= 2 or answer.error_code:
                    return [answer.error_code]
                assert [one.feature for one in answer.results] == [name for name, _ in updates]
                return [one.error_code for one in answer.results]

            assert await errors() == [ErrorCode.INVALID_REQUEST]
            assert await errors(("x", 1), ("x", 2)) == [ErrorCode.INVALID_REQUEST]
            assert await errors(("x", 1)) == [ErrorCode.INVALID_UPDATE_VERSION]
            for name, feature in FEATURES.items():
                assert await errors((name, feature.max_level)) == [0]
                assert await errors((name, 99)) == [ErrorCode.INVALID_UPDATE_VERSION]

    run(scenario)


def test_software_names_are_checked_from_version_3(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            for name, version in (("", "1"), ("a b", "1"), ("-x", "1"), ("x", "1."), ("x", "")):
                answer = await bench.call(software(name, version), 3)
                assert answer.error_code == ErrorCode.INVALID_REQUEST
                assert (await bench.call(software(name, version), 2)).error_code == 0
            assert (await bench.call(software("apache-kafka-java", "4.0.0"), 4)).error_code == 0

    run(scenario)


@pytest.mark.parametrize("version", range(3))
def test_describe_cluster(version: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            answer = await bench.call(
                DescribeClusterRequest(include_cluster_authorized_operations=True), version
            )
            assert (answer.error_code, answer.controller_id) == (0, 1)
            assert answer.cluster_id == bench.broker.cluster_id
            (broker,) = answer.brokers
            assert (broker.broker_id, broker.port) == (1, bench.broker.port)
            assert answer.cluster_authorized_operations > 0
            if version >= 1:
                answer = await bench.call(DescribeClusterRequest(endpoint_type=2), version)
                assert answer.error_code == ErrorCode.MISMATCHED_ENDPOINT_TYPE
                answer = await bench.call(DescribeClusterRequest(endpoint_type=9), version)
                assert answer.error_code == ErrorCode.UNSUPPORTED_ENDPOINT_TYPE

    run(scenario)


@pytest.mark.parametrize("version", range(1, 6))
def test_describe_log_dirs(version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            # I10: not with look-ups by time for each of 10,000 partitions.
            monkeypatch.delattr(type(bench.broker.log), "sizes")
            await bench.create("t", 2)
            await bench.create("u")
            data = batch(b"x" * 1000)
            await bench.produce("t", data, 1)
            for wanted in (
                None,
                [
                    DescribableLogDirTopic(topic="t", partitions=[1, 0, 7]),
                    DescribableLogDirTopic(topic="nope", partitions=[0]),
                ],
            ):
                answer = await bench.call(DescribeLogDirsRequest(topics=wanted), version)
                (result,) = answer.results
                assert (result.error_code, result.log_dir) == (0, str(tmp_path))
                sizes = {
                    topic.name: [
                        (one.partition_index, one.partition_size) for one in topic.partitions
                    ]
                    for topic in result.topics
                }
                assert sizes.pop("t") == [(0, 0), (1, len(data))]
                assert sizes == ({"u": [(0, 0)]} if wanted is None else {})
                if version >= 4:
                    assert 0 < result.usable_bytes <= result.total_bytes

    run(scenario)


@pytest.mark.parametrize("version", range(3))
def test_elect_leaders(version: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            wanted = [
                TopicPartitions(topic="t", partitions=[0, 5]),
                TopicPartitions(topic="nope", partitions=[0]),
            ]
            answer = await bench.call(ElectLeadersRequest(topic_partitions=wanted), version)
            codes = [
                [one.error_code for one in topic.partition_result]
                for topic in answer.replica_election_results
            ]
            unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            assert codes == [[ErrorCode.ELECTION_NOT_NEEDED, unknown], [unknown]]
            answer = await bench.call(ElectLeadersRequest(topic_partitions=None), version)
            assert answer.replica_election_results == []

    run(scenario)


def test_directories_and_brokers_need_no_moving_and_no_forgetting(tmp_path: Path) -> None:
    """KIP-113: the one directory holds everything already. Brokers that are gone unregister themselves."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            here = (await bench.call(DescribeLogDirsRequest(topics=None))).results[0].log_dir
            wanted = [
                m34.AlterReplicaLogDir(
                    path=path,
                    topics=[m34.AlterReplicaLogDirTopic(name=name, partitions=[0, 7])],
                )
                for path, name in ((here, "t"), ("/elsewhere", "t"), (here, "nope"))
            ]
            answer = await bench.call(m34.AlterReplicaLogDirsRequest(dirs=wanted))
            unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            assert [[one.error_code for one in topic.partitions] for topic in answer.results] == [
                [0, unknown],
                [ErrorCode.LOG_DIR_NOT_FOUND, unknown],
                [unknown, unknown],
            ]
            for broker_id, code in (
                (1, ErrorCode.INVALID_REQUEST),
                (9, ErrorCode.BROKER_ID_NOT_REGISTERED),
            ):
                answer = await bench.call(UnregisterBrokerRequest(broker_id=broker_id))
                assert answer.error_code == code
                assert str(broker_id) in answer.error_message

    run(scenario)


def test_the_page_of_apis_is_what_the_code_says() -> None:
    """docs/apis.md: every API that clients can send is served or refused with a reason. `make docs` writes it."""
    text = (Path(__file__).parents[2] / "docs" / "apis.md").read_text()
    assert text == coverage.page(), "docs/apis.md is not what the code says: run `make docs`"


def test_reassignments_have_nothing_to_move(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")

            async def move(topic: str, partition: int, replicas: list[int] | None) -> Any:
                request = m45.AlterPartitionReassignmentsRequest(
                    topics=[
                        m45.ReassignableTopic(
                            name=topic,
                            partitions=[
                                m45.ReassignablePartition(
                                    partition_index=partition, replicas=replicas
                                )
                            ],
                        )
                    ]
                )
                answer = await bench.call(request)
                assert answer.error_code == 0
                return answer.responses[0].partitions[0].error_code

            assert await move("t", 0, [1]) == 0
            assert await move("t", 0, [2]) == ErrorCode.INVALID_REPLICA_ASSIGNMENT
            assert await move("t", 0, None) == ErrorCode.NO_REASSIGNMENT_IN_PROGRESS
            assert await move("nope", 0, [1]) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            assert await move("t", 9, [1]) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            answer = await bench.call(ListPartitionReassignmentsRequest())
            assert (answer.error_code, answer.topics) == (0, [])

    run(scenario)


def test_describe_producers(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            given = await bench.call(InitProducerIdRequest(transactional_id=None))
            await bench.produce(
                "t",
                batch(b"a", b"b", producer_id=given.producer_id, producer_epoch=0, base_sequence=0),
            )
            request = DescribeProducersRequest(
                topics=[
                    TopicRequest(name="t", partition_indexes=[0, 4]),
                    TopicRequest(name="nope", partition_indexes=[0]),
                ]
            )
            first, second = (await bench.call(request)).topics
            (producer,) = first.partitions[0].active_producers
            assert (producer.producer_id, producer.producer_epoch) == (given.producer_id, 0)
            assert (producer.last_sequence, producer.current_txn_start_offset) == (1, -1)
            unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            assert first.partitions[1].error_code == second.partitions[0].error_code == unknown

    run(scenario)


def test_there_are_no_transactions(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            for version in range(3):
                request = ListTransactionsRequest(state_filters=["Ongoing", "Lost"])
                answer = await bench.call(request, version)
                assert (answer.error_code, answer.transaction_states) == (0, [])
                assert answer.unknown_state_filters == ["Lost"]
            answer = await bench.call(DescribeTransactionsRequest(transactional_ids=["a"]))
            (state,) = answer.transaction_states
            assert state.error_code == ErrorCode.TRANSACTIONAL_ID_NOT_FOUND

    run(scenario)
