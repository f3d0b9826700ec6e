"""DescribeConfigs (32), AlterConfigs (33), IncrementalAlterConfigs (44), ListConfigResources (74)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.broker.config import Limits
from anabranch.broker.configs import changed
from anabranch.broker.kafka_configs import BROKER_CONFIGS
from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.config import TOPIC_CONFIGS
from anabranch.wire.messages import m33_alter_configs as m33
from anabranch.wire.messages import m44_incremental_alter_configs as m44
from anabranch.wire.messages.m32_describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from anabranch.wire.messages.m74_list_config_resources import ListConfigResourcesRequest
from tests.broker.conversation import Bench, metadata, run, talking

TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = range(4)


async def describe(
    bench: Bench, kind: int, name: str, keys: list[str] | None = None, version: int = 4
) -> Any:
    request = DescribeConfigsRequest(
        resources=[
            DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=keys)
        ],
        include_synonyms=True,
        include_documentation=True,
    )
    (result,) = (await bench.call(request, version)).results
    return result


async def incremental(
    bench: Bench, kind: int, name: str, *steps: tuple[str, int, str | None], **more: Any
) -> Any:
    request = m44.IncrementalAlterConfigsRequest(
        resources=[
            m44.AlterConfigsResource(
                resource_type=kind,
                resource_name=name,
                configs=[
                    m44.AlterableConfig(name=key, config_operation=step, value=value)
                    for key, step, value in steps
                ],
            )
        ],
        **more,
    )
    (result,) = (await bench.call(request)).responses
    return result


@pytest.mark.parametrize("version", range(1, 5))
def test_describe_configs_lists_everything(version: int, tmp_path: Path) -> None:
    """Pitfall: every config with its default, because AlterConfigs is read-modify-write."""

    async def scenario() -> None:
        async with talking(tmp_path, limits=Limits(idle_ms_max=1234)) as bench:
            await bench.create("t", 1, {"retention.ms": "5000"})
            result = await describe(bench, TOPIC, "t", version=version)
            assert (result.error_code, result.resource_type, result.resource_name) == (0, 2, "t")
            configs = {one.name: one for one in result.configs}
            assert set(configs) == set(TOPIC_CONFIGS)
            for name, one in configs.items():
                definition = TOPIC_CONFIGS[name]
                assert not one.read_only and not one.is_sensitive
                if name != "retention.ms":
                    assert (one.value, one.config_source) == (definition.default, 5)
                if version >= 3:
                    assert one.config_type == definition.type
                    assert one.documentation == definition.doc
            retention = configs["retention.ms"]
            assert (retention.value, retention.config_source) == ("5000", 1)
            assert [(one.name, one.value, one.source) for one in retention.synonyms] == [
                ("retention.ms", "5000", 1),
                ("log.retention.ms", "604800000", 5),
            ]
            broker = await describe(bench, BROKER, "1", version=version)
            configs = {one.name: one for one in broker.configs}
            assert set(configs) == set(BROKER_CONFIGS)
            idle = configs["connections.max.idle.ms"]
            assert (idle.value, idle.config_source, idle.read_only) == ("1234", 4, False)
            assert configs["node.id"].read_only

    run(scenario)


def test_describe_configs_by_key_and_its_errors(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            result = await describe(bench, TOPIC, "t", ["retention.ms", "no.such"])
            assert [one.name for one in result.configs] == ["retention.ms"]
            assert (await describe(bench, TOPIC, "t", [])).configs == []
            for kind, name, code in (
                (TOPIC, "nope", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
                (BROKER, "77", ErrorCode.INVALID_REQUEST),
                (LOGGER, "9", ErrorCode.INVALID_REQUEST),
                (99, "x", ErrorCode.INVALID_REQUEST),
            ):
                result = await describe(bench, kind, name)
                assert result.error_code == code
                assert result.error_message

    run(scenario)


def test_incremental_changes_of_a_topic(tmp_path: Path) -> None:
    """Pitfall: APPEND and SUBTRACT work on lists and start from the default."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t", 1, {"retention.ms": "5000", "segment.bytes": "2000000"})

            def now() -> dict[str, str]:
                topic = bench.broker.log.catalogue.topic("t")
                assert topic is not None
                return dict(topic.configs)

            result = await incremental(
                bench,
                TOPIC,
                "t",
                ("retention.ms", SET, "6000"),
                ("segment.bytes", DELETE, None),
                ("cleanup.policy", APPEND, "compact"),
            )
            assert result.error_code == 0
            assert now() == {"retention.ms": "6000", "cleanup.policy": "delete,compact"}
            result = await incremental(bench, TOPIC, "t", ("cleanup.policy", SUBTRACT, "delete"))
            assert result.error_code == 0
            assert now()["cleanup.policy"] == "compact"
            kept = now()
            for steps, code in (
                ([("retention.ms", APPEND, "1")], ErrorCode.INVALID_CONFIG),
                ([("retention.ms", SET, "soon")], ErrorCode.INVALID_CONFIG),
                ([("no.such", SET, "1")], ErrorCode.INVALID_CONFIG),
                ([("no.such", APPEND, "1")], ErrorCode.INVALID_CONFIG),
                ([("cleanup.policy", APPEND, "shred")], ErrorCode.INVALID_CONFIG),
                ([("retention.ms", SET, None)], ErrorCode.INVALID_REQUEST),
                ([("retention.ms", 9, "1")], ErrorCode.INVALID_REQUEST),
                (
                    [("retention.ms", SET, "1"), ("retention.ms", DELETE, None)],
                    ErrorCode.INVALID_REQUEST,
                ),
            ):
                result = await incremental(bench, TOPIC, "t", *steps)
                assert result.error_code == code, steps
                assert result.error_message
            result = await incremental(
                bench, TOPIC, "t", ("retention.ms", SET, "7000"), validate_only=True
            )
            assert result.error_code == 0
            assert now() == kept
            result = await incremental(bench, TOPIC, "nope", ("retention.ms", SET, "1"))
            assert result.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    run(scenario)


@pytest.mark.parametrize("version", range(3))
def test_alter_configs_replaces_all(version: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t", 1, {"retention.ms": "5000"})

            async def alter(
                name: str,
                configs: dict[str, str | None],
                validate_only: bool = False,
                times: int = 1,
            ) -> Any:
                resource = m33.AlterConfigsResource(
                    resource_type=TOPIC,
                    resource_name=name,
                    configs=[
                        m33.AlterableConfig(name=key, value=value) for key, value in configs.items()
                    ],
                )
                request = m33.AlterConfigsRequest(
                    resources=[resource] * times, validate_only=validate_only
                )
                return (await bench.call(request, version)).responses[-1]

            assert (await alter("t", {"segment.bytes": "3000000"}, True)).error_code == 0
            topic = bench.broker.log.catalogue.topic("t")
            assert topic is not None and topic.configs == {"retention.ms": "5000"}
            assert (await alter("t", {"segment.bytes": "3000000"})).error_code == 0
            topic = bench.broker.log.catalogue.topic("t")
            assert topic is not None and topic.configs == {"segment.bytes": "3000000"}
            for answer, code in (
                (await alter("nope", {}), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
                (await alter("t", {"retention.ms": "x"}), ErrorCode.INVALID_CONFIG),
                (await alter("t", {"retention.ms": None}), ErrorCode.INVALID_REQUEST),
                (await alter("t", {}, times=2), ErrorCode.INVALID_REQUEST),
            ):
                assert answer.error_code == code
                assert answer.error_message

    run(scenario)


def test_dynamic_broker_configs_take_effect_and_survive_a_restart(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            result = await incremental(bench, BROKER, "", ("num.partitions", SET, "5"))
            assert result.error_code == 0, result.error_message
            result = await incremental(
                bench, BROKER, "1", ("auto.create.topics.enable", SET, "false")
            )
            assert result.error_code == 0
            answer = await bench.call(metadata("t", create=True))
            assert answer.topics[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        async with talking(tmp_path) as bench:
            result = await describe(bench, BROKER, "1", ["num.partitions"])
            (one,) = result.configs
            assert (one.value, one.config_source) == ("5", 3)
            assert [(layer.value, layer.source) for layer in one.synonyms] == [("5", 3), ("1", 5)]
            (one,) = (await describe(bench, BROKER, "")).configs
            assert (one.name, one.value) == ("num.partitions", "5")
            result = await incremental(
                bench, BROKER, "1", ("auto.create.topics.enable", DELETE, None)
            )
            assert result.error_code == 0
            answer = await bench.call(metadata("t", create=True))
            assert (answer.topics[0].error_code, len(answer.topics[0].partitions)) == (0, 5)

    run(scenario)


def test_broker_configs_that_cannot_change_are_refused_by_name(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            for name, value, code in (
                ("node.id", "2", ErrorCode.INVALID_REQUEST),
                ("log.retention.ms", "5", ErrorCode.INVALID_REQUEST),
                ("no.such.config", "5", ErrorCode.INVALID_CONFIG),
                ("num.partitions", "0", ErrorCode.INVALID_CONFIG),
            ):
                result = await incremental(bench, BROKER, "1", (name, SET, value))
                assert result.error_code == code
                assert name in result.error_message
            result = await incremental(bench, BROKER, "9", ("num.partitions", SET, "2"))
            assert result.error_code == ErrorCode.INVALID_REQUEST

    run(scenario)


def test_levels_of_loggers(tmp_path: Path) -> None:
    """KIP-412: set, deleted, never the root's deleted; another broker's refused, with nothing half done."""
    name, other = "anabranch.log.merge", "anabranch.log.reads"
    logger = logging.getLogger(name)
    before = logger.level

    async def scenario() -> None:
        async with talking(tmp_path) as bench:

            async def shown() -> str:
                (one,) = (await describe(bench, LOGGER, "1", [name])).configs
                assert one.config_source == 6
                return str(one.value)

            assert (await describe(bench, LOGGER, "1", ["root"])).configs
            assert not (await incremental(bench, LOGGER, "1", (name, SET, "DEBUG"))).error_code
            assert (await shown(), logger.level) == ("DEBUG", logging.DEBUG)
            for step, code in (
                ((name, SET, "LOUD"), ErrorCode.INVALID_CONFIG),
                ((name, APPEND, "WARN"), ErrorCode.INVALID_REQUEST),
                (("anabranch.nope", SET, "WARN"), ErrorCode.INVALID_CONFIG),
                (("root", DELETE, None), ErrorCode.INVALID_REQUEST),
            ):
                result = await incremental(bench, LOGGER, "1", (other, SET, "WARN"), step)
                assert (result.error_code, await shown()) == (code, "DEBUG")
                assert logging.getLogger(other).level == logging.NOTSET
            result = await incremental(bench, LOGGER, "9", (name, SET, "WARN"))
            assert result.error_code == ErrorCode.INVALID_REQUEST
            result = await incremental(bench, LOGGER, "1", (name, SET, "WARN"), validate_only=True)
            assert (result.error_code, await shown()) == (0, "DEBUG")
            assert not (await incremental(bench, LOGGER, "1", (name, DELETE, None))).error_code
            assert logger.level == logging.NOTSET

    try:
        run(scenario)
    finally:
        logger.setLevel(before)


def test_list_config_resources(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")

            async def ask(version: int, *kinds: int) -> Any:
                return await bench.call(
                    ListConfigResourcesRequest(resource_types=list(kinds)), version
                )

            assert (await ask(0)).config_resources == []
            found = (await ask(1)).config_resources
            assert {(one.resource_type, one.resource_name) for one in found} == {
                (TOPIC, "t"),
                (BROKER, "1"),
                (LOGGER, "1"),
            }
            found = (await ask(1, BROKER)).config_resources
            assert [(one.resource_type, one.resource_name) for one in found] == [(BROKER, "1")]
            assert (await ask(1, METRICS, GROUP)).config_resources == []
            assert (await ask(1, 77)).error_code == ErrorCode.UNSUPPORTED_VERSION

    run(scenario)


def test_every_broker_config_shows_its_default_as_its_default() -> None:
    """The table's defaults are the settings' own, so that a source of STATIC means a person's choice."""
    from anabranch.broker.config import BrokerSettings

    settings = BrokerSettings(data=Path("data"))
    for name, config in BROKER_CONFIGS.items():
        definition = config.definition
        assert definition.name == name
        assert config.value(settings) == definition.default
        definition.parse(definition.default)
        assert definition.doc.endswith(".")
        if config.change is not None and definition.effect:
            wanted = {3: "7777", 5: "7777", 7: "127.0.0.1:5"}.get(definition.type, "false")
            value = definition.parse(wanted)
            assert config.value(config.change(settings, value)) == wanted


LISTS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3).map(",".join)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["cleanup.policy", "retention.ms", "no.such"]),
        st.integers(-1, 4),
        st.none() | LISTS,
    ),
    max_size=4,
)


@given(st.dictionaries(st.sampled_from(["cleanup.policy", "x"]), LISTS), STEPS)
def test_steps_change_what_they_name_or_fault(
    current: dict[str, str], steps: list[tuple[str, int, str | None]]
) -> None:
    before = dict(current)
    try:
        after = changed(current, TOPIC_CONFIGS, steps)
    except ClientFault as fault:
        assert fault.code in (ErrorCode.INVALID_CONFIG, ErrorCode.INVALID_REQUEST)
    else:
        named = {name for name, _, _ in steps}
        for name in set(before) | set(after):
            if name not in named:
                assert after.get(name) == before.get(name)
    assert current == before
