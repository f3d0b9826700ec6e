"""The generated codec against two independent ones, over random messages of every shared version.

Ours encodes a random message; kio and kafka-python each decode those bytes and encode them again.
All three byte strings must be the same, and ours must decode to the message it came from.
"""

from __future__ import annotations

import io
import random
from importlib import import_module
from pkgutil import resolve_name
from typing import Any

import pytest

from anabranch.wire import dsl

from .samples import Sampler, every_message, message_class

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # inside kafka-python
ROUNDS = 4
#: kafka-python keeps its message classes by theme.
KAFKA_PYTHON = ("admin", "consumer", "metadata", "producer", "sasl")


def rng_for(message: dsl.Message, version: int) -> random.Random:
    return random.Random(f"{message.name} {version}")


def kio_codec(message: dsl.Message, version: int) -> Any:
    """Return kio's class for a message version, or None if kio has none."""
    from kio.schema.index import schema_name_map
    from kio.static.constants import EntityType

    name, kind = dsl.snake(message.name), "data"
    for suffix, found in (("_request", "request"), ("_response", "response")):
        if message.api_key >= 0 and name.endswith(suffix):
            name, kind = name.removesuffix(suffix), found
    path = schema_name_map.get(name, {}).get(version, {}).get(EntityType[kind])
    return None if path is None else resolve_name(path)


@pytest.mark.parametrize(("schema", "message"), every_message(), ids=lambda x: x.name)
def test_kio_agrees(schema: dsl.Schema, message: dsl.Message) -> None:
    from kio.serial import entity_reader, entity_writer

    cls = message_class(schema, message)
    compared = 0
    for version in range(message.versions.first, message.versions.last + 1):
        theirs = kio_codec(message, version)
        if theirs is None:
            continue
        sampler = Sampler(rng_for(message, version), tame=True)
        for _ in range(ROUNDS):
            sample = sampler.message(schema, message, version)
            wire = sample.encode(version)
            assert cls.decode(wire, 0, version) == (sample, len(wire))
            value, size = entity_reader(theirs)(wire, 0)
            assert size == len(wire)
            out = io.BytesIO()
            entity_writer(theirs)(out, value)
            assert out.getvalue() == wire
            compared += 1
    assert compared, "kio knows no version of this message"


def kafka_python_class(message: dsl.Message) -> Any:
    for part in KAFKA_PYTHON:
        found = getattr(import_module(f"kafka.protocol.{part}"), message.name, None)
        if found is not None:
            return found
    return None


#: Kafka's newer APIs, which kafka-python does not have; kio alone speaks for them.
KIO_ONLY = {38, 39, 40, 41, 64, 68, 69, 71, 72, 76, 77, 78, 79, 88, 89, 90, 91, 92}
SHARED = [(s, m) for s, m in every_message() if m.api_key >= 0 and m.api_key not in KIO_ONLY]


@pytest.mark.parametrize(("schema", "message"), SHARED, ids=lambda x: x.name)
def test_kafka_python_agrees(schema: dsl.Schema, message: dsl.Message) -> None:
    theirs = kafka_python_class(message)
    assert theirs is not None
    for version in range(message.versions.first, message.versions.last + 1):
        sampler = Sampler(rng_for(message, version), tame=True)
        for _ in range(ROUNDS):
            sample: Any = sampler.message(schema, message, version)
            if message.name == "ApiVersionsResponse":
                sample.error_code = 0  # with an error it assumes version 0 (KIP-511)
            wire = sample.encode(version)
            value = theirs.decode(wire, version=version)
            value._header = None  # it cannot encode what it decoded without this
            assert value.encode(version=version) == wire
