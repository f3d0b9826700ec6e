from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.config import (
    TOPIC_CONFIGS,
    TOPIC_NAME_LENGTH_MAX,
    ConfigType,
    effective,
    validate_configs,
    validate_topic_name,
)

# Names of Kafka 4.x's topic configuration reference, with its defaults.
KAFKA_DEFAULTS = {
    "cleanup.policy": "delete",
    "compression.gzip.level": "-1",
    "compression.lz4.level": "9",
    "compression.type": "producer",
    "compression.zstd.level": "3",
    "delete.retention.ms": "86400000",
    "file.delete.delay.ms": "60000",
    "flush.messages": "9223372036854775807",
    "flush.ms": "9223372036854775807",
    "follower.replication.throttled.replicas": "",
    "index.interval.bytes": "4096",
    "leader.replication.throttled.replicas": "",
    "local.retention.bytes": "-2",
    "local.retention.ms": "-2",
    "max.compaction.lag.ms": "9223372036854775807",
    "max.message.bytes": "1048588",
    "message.timestamp.after.max.ms": "3600000",
    "message.timestamp.before.max.ms": "9223372036854775807",
    "message.timestamp.type": "CreateTime",
    "min.cleanable.dirty.ratio": "0.5",
    "min.compaction.lag.ms": "0",
    "min.insync.replicas": "1",
    "preallocate": "false",
    "remote.log.copy.disable": "false",
    "remote.log.delete.on.disable": "false",
    "remote.storage.enable": "false",
    "retention.bytes": "-1",
    "retention.ms": "604800000",
    "segment.bytes": "1073741824",
    "segment.index.bytes": "10485760",
    "segment.jitter.ms": "0",
    "segment.ms": "604800000",
    "unclean.leader.election.enable": "false",
}


def refusal(configs: dict[str, str]) -> str:
    with pytest.raises(ClientFault) as caught:
        validate_configs(configs)
    assert caught.value.code is ErrorCode.INVALID_CONFIG
    return caught.value.message


def test_table_holds_every_topic_config_of_kafka_with_its_default() -> None:
    ours = {name: one.default for name, one in TOPIC_CONFIGS.items()}
    assert ours == KAFKA_DEFAULTS | {
        "fetch.bytes.per.second": "-1",
        "fetch.event.order": "",
        "fetch.records.per.second": "-1",
        "anabranch.audit.reads": "false",
        "anabranch.lane": "",
    }


def test_defaults_pass_their_own_checks_and_are_documented() -> None:
    validate_configs({name: one.default for name, one in TOPIC_CONFIGS.items()})
    for name, one in TOPIC_CONFIGS.items():
        assert one.name == name
        assert len(one.doc) > 20 and one.doc.endswith(".")
        assert one.effect or "without effect" in one.doc or "Only 'false'" in one.doc


def test_effective_values() -> None:
    plain = effective({})
    assert plain.retention_ms == 604_800_000
    assert plain.deletes and not plain.compacted and not plain.log_append_time
    changed = effective(
        {
            "cleanup.policy": " compact, delete ",
            "message.timestamp.type": "LogAppendTime",
            "retention.ms": "-1",
            "min.cleanable.dirty.ratio": "0.25",
        }
    )
    assert changed.compacted and changed.deletes and changed.log_append_time
    assert changed.retention_ms == -1
    assert changed.min_cleanable_dirty_ratio == 0.25
    assert effective({"cleanup.policy": ""}).cleanup_policy == frozenset()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retention.ms", "-2"),
        ("retention.ms", "soon"),
        ("retention.ms", "1_000"),
        ("retention.ms", str(2**63)),
        ("max.message.bytes", str(2**31)),
        ("segment.bytes", "1000"),
        ("cleanup.policy", "compact,compact"),
        ("cleanup.policy", "shred"),
        ("compression.gzip.level", "0"),
        ("compression.type", "rar"),
        ("message.timestamp.type", "MyTime"),
        ("min.cleanable.dirty.ratio", "1.5"),
        ("min.cleanable.dirty.ratio", "nan"),
        ("preallocate", "yes"),
        ("remote.storage.enable", "true"),
        ("fetch.bytes.per.second", "-2"),
        ("fetch.event.order", "r slack.ms=soon"),
    ],
)
def test_bad_values_are_refused_by_name(name: str, value: str) -> None:
    message = refusal({name: value})
    assert name in message and value in message


def test_unknown_name_and_contradiction_are_refused() -> None:
    assert "no.such.config" in refusal({"no.such.config": "1"})
    assert "max.compaction.lag.ms" in refusal(
        {"min.compaction.lag.ms": "10", "max.compaction.lag.ms": "5"}
    )


@given(st.text(max_size=12), st.sampled_from(sorted(TOPIC_CONFIGS)))
def test_any_text_is_a_value_or_a_client_fault(text: str, name: str) -> None:
    try:
        value = TOPIC_CONFIGS[name].parse(text)
    except ClientFault as fault:
        assert fault.code is ErrorCode.INVALID_CONFIG
    else:
        assert TOPIC_CONFIGS[name].type is not ConfigType.BOOLEAN or value in (True, False)


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "...", "x" * TOPIC_NAME_LENGTH_MAX])
def test_topic_names_that_kafka_allows(name: str) -> None:
    validate_topic_name(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a b", "a/b", "ü", "a\n", "x" * (TOPIC_NAME_LENGTH_MAX + 1)]
)
def test_topic_names_that_kafka_refuses(name: str) -> None:
    with pytest.raises(ClientFault) as caught:
        validate_topic_name(name)
    assert caught.value.code is ErrorCode.INVALID_TOPIC_EXCEPTION
