"""Every generated message in every version: round trips, tags, hostile and damaged bytes."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.errors import ClientFault, ErrorCode, MalformedRequest
from anabranch.wire import dsl, generate
from anabranch.wire.codec import Message, uvarint, uvarint_bytes
from anabranch.wire.messages.m01_fetch import FetchRequest
from anabranch.wire.messages.m03_metadata import MetadataRequest, MetadataRequestTopic
from anabranch.wire.messages.m08_offset_commit import OffsetCommitRequest
from anabranch.wire.registry import API

from .samples import Sampler, every_message, every_version, message_class, module

VERSIONS = every_version()
any_version = st.sampled_from(VERSIONS)
randoms = st.integers(0, 2**32 - 1).map(random.Random)


def test_generated_files_are_up_to_date() -> None:
    assert generate.stale() == [], "run python -m anabranch.wire.generate"


def test_registry_covers_the_client_facing_apis() -> None:
    expected = {*range(4), *range(8, 52), 55, 57, 60, 61, 64, 65, 66, 68, 69, 71, 72}
    expected |= {*range(74, 80), *range(88, 93)}
    assert set(API) == expected


def test_registry_gives_classes_and_ranges() -> None:
    for key, spec in API.items():
        for cls, suffix in ((spec.request, "Request"), (spec.response, "Response")):
            assert cls.__name__ == spec.name + suffix
            assert key == cls.API_KEY
            assert spec.first_flexible == cls.FIRST_FLEXIBLE
            assert spec.min_version == cls.MIN_VERSION
            assert spec.max_version <= cls.MAX_VERSION
    assert (API[0].min_version, API[0].max_version) == (3, 13)
    assert (API[1].min_version, API[1].max_version) == (4, 18)
    # Version 6 is Kafka's unstable one: there to be spoken, not to be advertised.
    assert (API[22].max_version, API[22].request.MAX_VERSION) == (5, 6)


def test_importing_the_registry_loads_no_message_module() -> None:
    code = (
        "import sys, anabranch.wire.registry, anabranch.wire.frame;"
        "print([m for m in sys.modules if 'wire.messages' in m])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(("schema", "message"), every_message(), ids=lambda x: x.name)
def test_defaults_round_trip(schema: dsl.Schema, message: dsl.Message) -> None:
    cls = message_class(schema, message)
    for version in range(message.versions.first, message.versions.last + 1):
        wire = cls().encode(version)
        assert cls.decode(wire, 0, version) == (cls(), len(wire))


@given(any_version, randoms)
@settings(max_examples=300, deadline=None)
def test_round_trip(target: tuple[dsl.Schema, dsl.Message, int], rng: random.Random) -> None:
    schema, message, version = target
    cls = message_class(schema, message)
    sample = Sampler(rng).message(schema, message, version)
    wire = sample.encode(version)
    for buf in (wire, memoryview(wire), memoryview(bytearray(b"ab" + wire + b"c"))[2:-1]):
        assert cls.decode(buf, 0, version) == (sample, len(wire))
    # In the middle of a buffer, with something behind it.
    assert cls.decode(b"abc" + wire + b"\xff" * 9, 3, version) == (sample, len(wire) + 3)


@given(any_version, randoms)
@settings(max_examples=150, deadline=None)
def test_cut_anywhere_is_malformed(
    target: tuple[dsl.Schema, dsl.Message, int], rng: random.Random
) -> None:
    schema, message, version = target
    cls = message_class(schema, message)
    wire = Sampler(rng, size_max=2).message(schema, message, version).encode(version)
    steps = range(len(wire)) if len(wire) < 400 else sorted(rng.sample(range(len(wire)), 400))
    for end in steps:
        with pytest.raises(MalformedRequest):
            cls.decode(wire[:end], 0, version)


@given(any_version, randoms)
@settings(max_examples=400, deadline=None)
def test_damaged_bytes_decode_or_are_malformed(
    target: tuple[dsl.Schema, dsl.Message, int], rng: random.Random
) -> None:
    schema, message, version = target
    cls = message_class(schema, message)
    wire = bytearray(Sampler(rng, size_max=2).message(schema, message, version).encode(version))
    if not wire:
        return
    for _ in range(8):
        damaged = bytearray(wire)
        for _ in range(rng.randint(1, 3)):
            damaged[rng.randrange(len(damaged))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        decodes_or_is_malformed(cls, bytes(damaged), version)
    decodes_or_is_malformed(cls, bytes(wire + wire), version)


@given(any_version, st.binary(max_size=80))
@settings(max_examples=500, deadline=None)
def test_random_bytes_decode_or_are_malformed(
    target: tuple[dsl.Schema, dsl.Message, int], data: bytes
) -> None:
    schema, message, version = target
    decodes_or_is_malformed(message_class(schema, message), data, version)


def decodes_or_is_malformed(cls: type[Message], data: bytes, version: int) -> None:
    for buf in (data, memoryview(data)):
        try:
            value, end = cls.decode(buf, 0, version)
        except MalformedRequest:
            continue
        assert 0 <= end <= len(data)
        # What decodes is a message that we could have sent ourselves.
        again = value.encode(version)
        assert cls.decode(again, 0, version)[0].encode(version) == again


def elements(value: Any) -> int:
    """Array elements anywhere in a message; all that is charged where no tagged field is set."""
    if isinstance(value, list):
        return len(value) + sum(map(elements, value))
    return sum(elements(getattr(value, name)) for name in getattr(value, "__slots__", ()))


@given(any_version, randoms)
@settings(max_examples=200, deadline=None)
def test_I10_every_array_is_charged_to_the_allowance(
    target: tuple[dsl.Schema, dsl.Message, int], rng: random.Random
) -> None:
    schema, message, version = target
    cls = message_class(schema, message)
    wire = Sampler(rng).message(schema, message, version).encode(version)
    value, _ = cls.decode(wire, 0, version)
    count = elements(value)
    if count:
        with pytest.raises(MalformedRequest, match="more elements"):
            cls.decode(wire, 0, version, count - 1)
    if version < cls.FIRST_FLEXIBLE:
        assert cls.decode(wire, 0, version, count) == (value, len(wire))


@pytest.mark.parametrize("length", [2**31 - 1, 2**31, 2**32 - 1, 2**20, 0])
def test_hostile_compact_lengths(length: int) -> None:
    """Array, string and tag lengths that promise more than there is (or null where it may not be)."""
    hostile = uvarint_bytes(length)
    tail = b"\0" * 64
    for wire in (
        hostile + tail,  # OffsetCommit: group id
        b"\x02g" + b"\0" * 4 + hostile + tail,  # member id
        b"\x02g" + b"\0" * 4 + b"\x02m" + b"\0" + hostile + tail,  # topics
    ):
        with pytest.raises(MalformedRequest):
            OffsetCommitRequest.decode(wire, 0, 9)
    if length:
        request = MetadataRequest(topics=[]).encode(12)
        with pytest.raises(MalformedRequest):
            MetadataRequest.decode(request[:-1] + hostile, 0, 12)  # number of tags
        with pytest.raises(MalformedRequest):
            MetadataRequest.decode(request[:-1] + b"\x01\x63" + hostile, 0, 12)  # size of a tag


@pytest.mark.parametrize("length", [2**31 - 1, 2**20, -1, -2, -(2**31)])
def test_hostile_legacy_lengths(length: int) -> None:
    prefix = FetchRequest().encode(4)[:-4]
    with pytest.raises(MalformedRequest):
        FetchRequest.decode(prefix + struct.pack(">i", length) + b"\0" * 64, 0, 4)
    if length < 0:
        name = struct.pack(">ih", 1, max(length, -(2**15)))
        with pytest.raises(MalformedRequest):
            MetadataRequest.decode(name + b"\0" * 64, 0, 1)  # a topic name that is null


def test_an_overlong_varint_is_malformed() -> None:
    for wire in (b"\x80" * 5 + b"\0", b"\xff" * 4 + b"\x7f", b"\xff" * 20):
        with pytest.raises(MalformedRequest):
            uvarint(wire, 0)
        with pytest.raises(MalformedRequest):
            MetadataRequest.decode(wire + b"\0" * 16, 0, 12)


def test_a_string_that_is_not_utf_8_is_malformed() -> None:
    wire = MetadataRequest(topics=[MetadataRequestTopic(name="ab")]).encode(12)
    for bad in (b"\xff\xff", b"a\xc3", b"\xed\xa0"):
        with pytest.raises(MalformedRequest, match="UTF-8"):
            MetadataRequest.decode(wire.replace(b"ab", bad), 0, 12)


def test_an_unknown_version_is_the_clients_fault() -> None:
    for version in (-1, 14, 32767):
        with pytest.raises(ClientFault) as raised:
            MetadataRequest.decode(b"", 0, version)
        assert raised.value.code is ErrorCode.UNSUPPORTED_VERSION
        with pytest.raises(ClientFault):
            MetadataRequest().encode(version)


@given(st.integers(0, 2**32 - 1), st.binary(max_size=3))
def test_varints_round_trip(value: int, tail: bytes) -> None:
    wire = uvarint_bytes(value)
    assert uvarint(b"x" + wire + tail, 1) == (value, 1 + len(wire))


def flexible_roots() -> list[Any]:
    return [
        (schema, message)
        for schema, message in every_message()
        if message.versions.last in message.flexible
    ]


@pytest.mark.parametrize(("schema", "message"), flexible_roots(), ids=lambda x: x.name)
def test_unknown_tagged_fields_are_skipped(schema: dsl.Schema, message: dsl.Message) -> None:
    """A newer client sends tags that this schema does not know (KIP-482): the rest still counts."""
    version = message.versions.last
    cls = message_class(schema, message)
    sample = Sampler(random.Random(message.name)).message(schema, message, version)
    for one in message.root.fields:
        if one.tag is not None:
            fresh = getattr(module(schema.stem), message.name)()
            setattr(sample, one.python_name, getattr(fresh, one.python_name))
    wire = sample.encode(version)
    assert wire.endswith(b"\0")
    tagged = wire[:-1] + b"\x02\x63\x05hello\xe7\x07\x00"
    assert cls.decode(tagged, 0, version) == (sample, len(tagged))


def test_unknown_tags_beside_known_ones() -> None:
    request = FetchRequest(cluster_id="c")
    wire = request.encode(12)
    assert wire.endswith(b"\x01\x00\x02\x02c")
    tagged = wire[:-5] + b"\x03\x00\x02\x02c\x09\x00\x0a\x01z"
    assert FetchRequest.decode(tagged, 0, 12) == (request, len(tagged))


@pytest.mark.parametrize("size", [1, 3])
def test_a_known_tag_whose_size_lies_is_malformed(size: int) -> None:
    wire = FetchRequest(cluster_id="c").encode(12)
    with pytest.raises(MalformedRequest):
        FetchRequest.decode(wire[:-4] + b"\x00" + bytes([size]) + b"\x02c\0", 0, 12)


def test_fields_that_a_version_lacks_are_left_out() -> None:
    """One object answers every version; what the version has no room for is dropped."""
    full = MetadataRequest(topics=[], include_topic_authorized_operations=True)
    assert full.encode(1) == struct.pack(">i", 0)
    assert (
        MetadataRequest.decode(full.encode(1), 0, 1)[0].include_topic_authorized_operations is False
    )


def test_null_where_a_version_has_none_is_our_bug() -> None:
    with pytest.raises(AssertionError):
        MetadataRequest(topics=None).encode(0)
    assert MetadataRequest(topics=None).encode(1) == b"\xff\xff\xff\xff"


def test_objects_do_not_share_default_lists() -> None:
    first, second = MetadataRequest(), MetadataRequest()
    assert first.topics is not None
    first.topics.append(MetadataRequestTopic(name="t"))
    assert second.topics == []
    assert first != second
    zero = repr(b"\0" * 16)
    assert (
        repr(MetadataRequestTopic(name="t")) == f"MetadataRequestTopic(topic_id={zero}, name='t')"
    )
