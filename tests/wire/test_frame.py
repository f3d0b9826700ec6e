"""Frames and headers: whole, cut anywhere, doubled, hostile."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import MalformedRequest
from anabranch.wire.frame import (
    FrameSplitter,
    RequestHeader,
    decode_request_header,
    decode_response_header,
    encode_request_frame,
    encode_response_header,
    request_bytes_max,
    response_frame,
)
from anabranch.wire.registry import API, request_header_version, response_header_version

frames_given = st.lists(st.binary(max_size=40), max_size=8)


def stream_of(frames: list[bytes]) -> bytes:
    return b"".join(len(one).to_bytes(4, "big") + one for one in frames)


@given(frames_given, st.randoms(use_true_random=False))
def test_splitter_gives_the_frames_back_however_cut(
    frames: list[bytes], rng: random.Random
) -> None:
    stream = stream_of(frames)
    splitter = FrameSplitter()
    found: list[bytes] = []
    pos = 0
    while pos < len(stream):
        step = rng.randint(1, 12)
        found += splitter.feed(memoryview(stream)[pos : pos + step])
        pos += step
    assert found == frames
    assert splitter.pending == 0


@given(frames_given.filter(bool))
def test_splitter_holds_an_unfinished_frame(frames: list[bytes]) -> None:
    stream = stream_of(frames)
    splitter = FrameSplitter()
    found = splitter.feed(stream[:-1])
    assert found == frames[:-1]
    assert splitter.pending == len(frames[-1]) + 3
    assert splitter.feed(stream[-1:]) == frames[-1:]


@pytest.mark.parametrize("size", [-1, -(2**31), 101, 2**31 - 1])
def test_splitter_refuses_a_hostile_size(size: int) -> None:
    splitter = FrameSplitter(frame_bytes_max=100)
    assert splitter.feed(stream_of([b"x" * 100])) == [b"x" * 100]
    with pytest.raises(MalformedRequest):
        splitter.feed(size.to_bytes(4, "big", signed=True))


@pytest.mark.parametrize("client_id", [None, "", "kafka-€"])
@pytest.mark.parametrize(("key", "version"), [(0, 3), (0, 9), (18, 0), (18, 3), (17, 1), (3, 13)])
def test_request_frame_round_trip(key: int, version: int, client_id: str | None) -> None:
    frame = b"".join(encode_request_frame(key, version, 77, client_id, [b"bo", b"dy"]))
    (payload,) = FrameSplitter().feed(frame)
    for view in (payload, memoryview(payload)):
        header = decode_request_header(view)
        assert header == RequestHeader(key, version, 77, client_id, len(payload) - 4)
        assert view[header.body_pos :] == b"body"


@pytest.mark.parametrize("header_version", [0, 1])
def test_response_frame_round_trip(header_version: int) -> None:
    body = memoryview(b"body")
    buffers = response_frame(-5, header_version, [body, b"", b"more"])
    assert any(each is body for each in buffers)
    (payload,) = FrameSplitter().feed(b"".join(buffers))
    assert payload.startswith(encode_response_header(-5, header_version))
    correlation_id, pos = decode_response_header(payload, header_version)
    assert (correlation_id, payload[pos:]) == (-5, b"bodymore")


def test_unknown_header_tags_are_skipped() -> None:
    plain = b"".join(encode_request_frame(3, 12, 1, "c", [b"body"]))[4:]
    tagged = plain[: -len(b"\0body")] + b"\x02\x05\x03abc\x81\x01\x00" + b"body"
    header = decode_request_header(tagged)
    assert tagged[header.body_pos :] == b"body"
    response = (9).to_bytes(4, "big") + b"\x01\x00\x02hibody"
    assert decode_response_header(response, 1) == (9, 9)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # inside kafka-python
def test_header_matches_the_oracle() -> None:
    from kafka.protocol.metadata import MetadataRequest

    for version in range(14):
        theirs = MetadataRequest(topics=None)
        theirs.API_VERSION = version
        theirs.with_header(correlation_id=4711, client_id="someone")
        frame = bytes(theirs.encode(version=version, header=True, framed=True))
        body = bytes(theirs.encode(version=version))
        assert b"".join(encode_request_frame(3, version, 4711, "someone", [body])) == frame


def test_header_of_a_version_or_key_that_nobody_knows_can_be_read() -> None:
    future = b"\x00\x12\x7f\xff\x00\x00\x00\x07\x00\x01c\x00rest"
    assert decode_request_header(future) == RequestHeader(18, 32767, 7, "c", 12)
    unknown = b"\x03\xe7\x00\x00\x00\x00\x00\x07\xff\xff"
    assert decode_request_header(unknown) == RequestHeader(999, 0, 7, None, 10)


@given(st.binary(max_size=40))
def test_random_bytes_are_a_header_or_malformed(data: bytes) -> None:
    for view in (data, memoryview(data)):
        try:
            header = decode_request_header(view)
        except MalformedRequest:
            continue
        assert 10 <= header.body_pos <= len(data)
    for header_version in (0, 1):
        try:
            _, pos = decode_response_header(data, header_version)
        except MalformedRequest:
            continue
        assert 4 <= pos <= len(data)


@pytest.mark.parametrize("version", [8, 12])  # header versions 1 and 2
def test_a_header_cut_anywhere_is_malformed(version: int) -> None:
    frame = b"".join(encode_request_frame(3, version, 1, "client", []))[4:]
    for end in range(len(frame)):
        with pytest.raises(MalformedRequest):
            decode_request_header(frame[:end])
    with pytest.raises(MalformedRequest):
        decode_request_header(frame[:10] + b"\xff" + frame[11:])  # not UTF-8


def test_only_produce_may_be_large() -> None:
    """I10: a small message of many tiny structs grows when decoded, and takes time."""
    assert request_bytes_max(0) == 100 * 1024 * 1024
    assert {request_bytes_max(key) for key in API if key != 0} == {4 * 1024 * 1024}
    assert request_bytes_max(3, frame_bytes_max=1000) == 1000


def test_header_versions() -> None:
    assert [request_header_version(0, v) for v in (3, 8, 9, 13)] == [1, 1, 2, 2]
    assert [response_header_version(0, v) for v in (3, 8, 9, 13)] == [0, 0, 1, 1]
    assert [request_header_version(17, v) for v in (0, 1)] == [1, 1]  # never flexible
    assert [request_header_version(18, v) for v in (0, 2, 3, 4)] == [1, 1, 2, 2]
    assert {response_header_version(18, v) for v in range(5)} == {0}
    assert {API[key].first_flexible for key in (17, 47)} == {32767}
