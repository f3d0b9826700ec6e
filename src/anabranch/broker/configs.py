"""Describing and altering configs: of topics, and of this broker.

Kafka's resources are topics (2), brokers (4), their loggers (8), subscriptions to clients' metrics (16) and groups (32). A broker resource with an empty name is the
cluster-wide default; one with this broker's node id is this broker. Dynamic broker configs are kept as
documents in the metastore, so that they survive a restart; the broker's own beat the cluster's. What one
broker changes for all, the others hear of by the metastore's notices, or find by a slow poll.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from anabranch.broker import client_metrics, lanes, loggers
from anabranch.broker.config import BrokerSettings
from anabranch.broker.kafka_configs import BROKER_CONFIGS
from anabranch.errors import ClientFault, ErrorCode
from anabranch.groups import configs as group_configs
from anabranch.groups.settings import GroupSettings
from anabranch.log.config import TOPIC_CONFIGS, ConfigDef, ConfigType, validate_configs
from anabranch.metastore.api import Metastore, Topic

if TYPE_CHECKING:
    from anabranch.broker.context import Context

logger = logging.getLogger(__name__)

DOCUMENT_KIND: Final = "broker-config"
CLUSTER: Final = ""  # the cluster-wide resource's name, and its document's id is "cluster"


class ResourceType(IntEnum):
    """Kafka's ConfigResource types."""

    TOPIC = 2
    BROKER = 4
    BROKER_LOGGER = 8
    CLIENT_METRICS = 16
    GROUP = 32


class Source(IntEnum):
    """Where a value comes from, as DescribeConfigs numbers it (KIP-226)."""

    TOPIC = 1
    BROKER = 2
    CLUSTER = 3
    STATIC = 4
    DEFAULT = 5
    LOGGER = 6
    CLIENT_METRICS = 7
    GROUP = 8


class Operation(IntEnum):
    """IncrementalAlterConfigs (KIP-339)."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


class Layer(NamedTuple):
    """One value of a config, and who set it; the first layer is the one in force."""

    name: str
    value: str
    source: Source


class Described(NamedTuple):
    """A config as it stands."""

    definition: ConfigDef
    layers: tuple[Layer, ...]
    read_only: bool

    @property
    def value(self) -> str:
        return self.layers[0].value

    @property
    def source(self) -> Source:
        return self.layers[0].source


def describe_topic(configs: Mapping[str, str]) -> list[Described]:
    """Every topic config, with ``configs`` as what the topic sets."""
    found = []
    for definition in TOPIC_CONFIGS.values():
        synonym = definition.synonyms[0] if definition.synonyms else definition.name
        layers = [Layer(synonym, definition.default, Source.DEFAULT)]
        if definition.name in configs:
            layers.insert(0, Layer(definition.name, configs[definition.name], Source.TOPIC))
        found.append(Described(definition, tuple(layers), read_only=False))
    return found


def describe_group(configs: Mapping[str, str], settings: GroupSettings) -> list[Described]:
    """Every group config, with ``configs`` as what the group sets, and what the broker's settings say."""
    timing = group_configs.default_timing(settings)
    defaults = {
        group_configs.SESSION_TIMEOUT: str(timing.session_timeout_ms),
        group_configs.HEARTBEAT_INTERVAL: str(timing.heartbeat_interval_ms),
    }
    found = []
    for definition in group_configs.GROUP_CONFIGS.values():
        synonym = definition.synonyms[0] if definition.synonyms else definition.name
        layers = [Layer(synonym, definition.default, Source.DEFAULT)]
        if defaults.get(definition.name, definition.default) != definition.default:
            layers.insert(0, Layer(synonym, defaults[definition.name], Source.STATIC))
        if definition.name in configs:
            layers.insert(0, Layer(definition.name, configs[definition.name], Source.GROUP))
        found.append(Described(definition, tuple(layers), read_only=False))
    return found


def describe_client_metrics(configs: Mapping[str, str]) -> list[Described]:
    """Every config of a subscription to clients' metrics, with ``configs`` as what it sets."""
    found = []
    for definition in client_metrics.CONFIGS.values():
        layers = [Layer(definition.name, definition.default, Source.DEFAULT)]
        if definition.name in configs:
            value = configs[definition.name]
            layers.insert(0, Layer(definition.name, value, Source.CLIENT_METRICS))
        found.append(Described(definition, tuple(layers), read_only=False))
    return found


def describe_loggers() -> list[Described]:
    """The level of every logger of this process."""
    return [
        Described(
            loggers.definition(name),
            (Layer(name, loggers.level(name), Source.LOGGER),),
            read_only=False,
        )
        for name in loggers.names()
    ]


class BrokerConfigs:
    """This broker's settings in force: the static ones with what was changed at run time."""

    def __init__(self, static: BrokerSettings) -> None:
        self._static = static
        self._set: dict[str, dict[str, str]] = {CLUSTER: {}, str(static.node_id): {}}
        self._turn = (
            asyncio.Lock()
        )  # what was read must not come into force after what was written since
        self.settings = static

    def identify(self, node_id: int) -> None:
        """The broker was given its number, which its settings may have left open."""
        self._set[str(node_id)] = self._set.pop(str(self._static.node_id))
        self._static = replace(self._static, node_id=node_id)
        self._apply()

    def _document_id(self, resource: str) -> str:
        return "cluster" if resource == CLUSTER else f"broker-{resource}"

    async def load(self, metastore: Metastore) -> None:
        """Take over what was changed in earlier lives; what is no longer dynamic is ignored."""
        async with self._turn:
            for resource in self._set:
                document = await metastore.document(DOCUMENT_KIND, self._document_id(resource))
                if document is not None:
                    values = msgspec.json.decode(document.body, type=dict[str, str])
                    self._set[resource] = {
                        name: value for name, value in values.items() if _is_dynamic(name)
                    }
            self._apply()

    async def look(self, metastore: Metastore) -> None:
        """Take over what another broker may have changed."""
        before = self.settings
        await self.load(metastore)
        if self.settings != before:
            logger.info("settings were changed on another broker")

    def _apply(self) -> None:
        settings = self._static
        for resource in (CLUSTER, str(self._static.node_id)):
            for name, text in self._set[resource].items():
                config = BROKER_CONFIGS[name]
                assert config.change is not None
                settings = config.change(settings, config.definition.parse(text))
        self.settings = settings

    def resource(self, name: str) -> str:
        """Raises ClientFault(INVALID_REQUEST) for another broker's name."""
        if name not in self._set:
            raise ClientFault(
                ErrorCode.INVALID_REQUEST,
                f"Unexpected broker id, expected {self._static.node_id} or empty string, "
                f"but received {name}",
            )
        return name

    def dynamic(self, resource: str) -> Mapping[str, str]:
        """What was changed at run time."""
        return self._set[self.resource(resource)]

    def describe(self, resource: str) -> list[Described]:
        """Every broker config; of the cluster-wide resource only what was changed, as in Kafka."""
        resource = self.resource(resource)
        found = []
        for name, config in BROKER_CONFIGS.items():
            layers = [Layer(name, config.definition.default, Source.DEFAULT)]
            static = config.value(self._static)
            if static != config.definition.default:
                layers.insert(0, Layer(name, static, Source.STATIC))
            if name in self._set[CLUSTER]:
                layers.insert(0, Layer(name, self._set[CLUSTER][name], Source.CLUSTER))
            if resource == CLUSTER:
                if name not in self._set[CLUSTER]:
                    continue
            elif name in self._set[resource]:
                layers.insert(0, Layer(name, self._set[resource][name], Source.BROKER))
            found.append(Described(config.definition, tuple(layers), not config.dynamic))
        return found

    def check(self, configs: Mapping[str, str]) -> None:
        """Raises ClientFault(INVALID_CONFIG | INVALID_REQUEST) for what cannot be set at run time."""
        for name, text in configs.items():
            config = BROKER_CONFIGS.get(name)
            if config is None:
                raise ClientFault(ErrorCode.INVALID_CONFIG, f"Unknown broker config name: {name}")
            if not config.dynamic:
                raise ClientFault(
                    ErrorCode.INVALID_REQUEST,
                    f"Cannot update these configs dynamically: {name}. "
                    f"These can be: {', '.join(sorted(filter(_is_dynamic, BROKER_CONFIGS)))}",
                )
            config.definition.parse(text)

    async def replace(
        self, metastore: Metastore, resource: str, configs: Mapping[str, str], now_ms: int
    ) -> None:
        """Set exactly ``configs`` (checked) at run time; durable and in force on return."""
        resource = self.resource(resource)
        body = msgspec.json.encode(dict(configs))
        async with self._turn:
            await metastore.put_document(DOCUMENT_KIND, self._document_id(resource), body, now_ms)
            self._set[resource] = dict(configs)
            self._apply()


def _is_dynamic(name: str) -> bool:
    return name in BROKER_CONFIGS and BROKER_CONFIGS[name].dynamic


def changed(
    current: Mapping[str, str],
    definitions: Mapping[str, ConfigDef],
    operations: Iterable[tuple[str, int, str | None]],
) -> dict[str, str]:
    """``current`` after (name, operation, value) steps. Raises ClientFault as Kafka does (KIP-339)."""
    result = dict(current)
    for name, code, value in operations:
        try:
            operation = Operation(code)
        except ValueError:
            raise ClientFault(
                ErrorCode.INVALID_REQUEST, f"Unknown config operation {code} for {name}"
            ) from None
        if operation is Operation.DELETE:
            result.pop(name, None)
            continue
        if value is None:
            raise ClientFault(ErrorCode.INVALID_REQUEST, f"Null value not supported for : {name}")
        if operation is Operation.SET:
            result[name] = value
            continue
        definition = definitions.get(name)
        if definition is None:
            raise ClientFault(ErrorCode.INVALID_CONFIG, f"Unknown config name: {name}")
        if definition.type is not ConfigType.LIST:
            raise ClientFault(
                ErrorCode.INVALID_CONFIG,
                f"Can't {operation.name} to key {name} because its type is not LIST.",
            )
        items = _items(result.get(name, definition.default))
        wanted = _items(value)
        if operation is Operation.APPEND:
            items += [one for one in wanted if one not in items]
        else:
            items = [one for one in items if one not in wanted]
        result[name] = ",".join(items)
    return result


def _items(text: str) -> list[str]:
    return [one for part in text.split(",") if (one := part.strip())]


async def alter(
    context: Context,
    resource_type: int,
    name: str,
    wanted: Mapping[str, str] | None,
    operations: Iterable[tuple[str, int, str | None]],
    *,
    validate_only: bool,
) -> None:
    """Alter one resource: to exactly ``wanted``, or by ``operations`` if ``wanted`` is None.

    Raises ClientFault with what Kafka would answer for it.
    """
    log = context.log
    if resource_type == ResourceType.TOPIC:
        topic = await _topic(context, name)
        lanes.check_write(context.lane, topic)
        configs = wanted
        if configs is None:
            configs = changed(topic.configs, TOPIC_CONFIGS, operations)
        validate_configs(configs)
        if not validate_only:
            await log.set_configs(topic, configs)
    elif resource_type == ResourceType.BROKER:
        broker = context.broker.configs
        configs = wanted
        if configs is None:
            await broker.load(log.metastore)  # another broker may have changed them a moment ago
            definitions = {key: one.definition for key, one in BROKER_CONFIGS.items()}
            configs = changed(broker.dynamic(name), definitions, operations)
        if broker.resource(name) == CLUSTER:
            lanes.check_cluster(context.lane)
        broker.check(configs)
        if not validate_only:
            await broker.replace(log.metastore, name, configs, context.broker.now_ms())
    elif resource_type == ResourceType.GROUP:
        if not lanes.admits_group(context.lane, name):
            raise ClientFault(
                ErrorCode.GROUP_AUTHORIZATION_FAILED, lanes.group_refusal(context.lane, name)
            )
        configs = wanted
        if configs is None:
            current = await group_configs.load(log.metastore, name)
            configs = changed(current, group_configs.GROUP_CONFIGS, operations)
        settings = context.broker.settings.groups
        group_configs.validate(configs, settings)
        if not validate_only:
            now_ms = context.broker.now_ms()
            await group_configs.save(log.metastore, name, configs, now_ms, settings)
            await context.broker.group_limits.refresh()
    elif resource_type == ResourceType.CLIENT_METRICS:
        lanes.check_cluster(context.lane)
        configs = wanted
        if configs is None:
            current = await client_metrics.load(log.metastore, name) or {}
            configs = changed(current, client_metrics.CONFIGS, operations)
        client_metrics.parse(configs)
        if not validate_only:
            await client_metrics.save(log.metastore, name, configs, context.broker.now_ms())
            if context.broker.telemetry is not None:
                await context.broker.telemetry.refresh()
    elif resource_type == ResourceType.BROKER_LOGGER:
        _this_broker(context, name)
        if wanted is not None:
            raise ClientFault(
                ErrorCode.INVALID_REQUEST, "log levels are changed by IncrementalAlterConfigs"
            )
        levels = [_level_change(*one) for one in operations]
        loggers.check(levels)
        if not validate_only:
            loggers.apply(levels)
    else:
        raise unsupported(resource_type)


def _this_broker(context: Context, name: str) -> None:
    if name != str(context.broker.node_id):
        raise ClientFault(
            ErrorCode.INVALID_REQUEST,
            f"Unexpected broker id, expected {context.broker.node_id} but received {name!r}",
        )


def _level_change(name: str, operation: int, value: str | None) -> tuple[str, str | None]:
    if operation == Operation.DELETE:
        return name, None
    if operation != Operation.SET or value is None:
        raise ClientFault(
            ErrorCode.INVALID_REQUEST, f"a log level can only be set or deleted: {name}"
        )
    return name, value


async def describe(context: Context, resource_type: int, name: str) -> list[Described]:
    """Every config of a resource. Raises ClientFault."""
    if resource_type == ResourceType.TOPIC:
        return describe_topic((await _topic(context, name)).configs)
    if resource_type == ResourceType.BROKER:
        return context.broker.configs.describe(name)
    if resource_type == ResourceType.GROUP:
        limits = context.broker.group_limits
        return describe_group(limits.configs(name), context.broker.settings.groups)
    if resource_type == ResourceType.CLIENT_METRICS:
        return describe_client_metrics(await client_metrics.load(context.log.metastore, name) or {})
    if resource_type == ResourceType.BROKER_LOGGER:
        _this_broker(context, name)
        return describe_loggers()
    raise unsupported(resource_type)


async def _topic(context: Context, name: str) -> Topic:
    await context.log.catalogue.look_for([name])
    topic = context.log.catalogue.topic(name)
    if topic is None:
        raise ClientFault(
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist."
        )
    return topic


def unsupported(resource_type: int) -> ClientFault:
    """For resources that have no configs here."""
    try:
        what = ResourceType(resource_type).name
    except ValueError:
        what = str(resource_type)
    return ClientFault(ErrorCode.INVALID_REQUEST, f"Resource type {what} has no configs here")
