"""Frames and headers of the Kafka protocol, without I/O: bytes in, values out.

A frame is a signed 32-bit size and that many bytes: a header and a body. Request header version 1
is ``api_key:int16 api_version:int16 correlation_id:int32 client_id:nullable string``; version 2
appends tagged fields and keeps the *uncompact* client id (KIP-482). Response header version 0 is
``correlation_id:int32``, version 1 appends tagged fields.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from anabranch.errors import MalformedRequest
from anabranch.wire.codec import Buffer, bad_length, skip_tags
from anabranch.wire.registry import API, API_VERSIONS_KEY, request_header_version

#: Largest frame accepted unless the caller says otherwise: Kafka's ``socket.request.max.bytes``.
FRAME_BYTES_MAX = 100 * 1024 * 1024
#: Largest request that holds no records: room for a group's subscriptions and assignments.
SMALL_REQUEST_BYTES_MAX = 4 * 1024 * 1024
#: Array elements and tagged fields of one request, Produce included. Two bytes on the wire can become
#: an object of sixty and half a microsecond of decoding, and ten times that to serve: this bounds what
#: a frame may cost beyond its bytes (I10), with room for all partitions of six topics of the largest
#: size.
REQUEST_ELEMENTS_MAX = 64 * 1024
HEADER_TAGS_MAX = 1024  # Kafka has defined none so far
_PRODUCE_KEY = 0

_REQUEST_HEAD = struct.Struct(">hhih")
_INT32 = struct.Struct(">i")
_INT32_PAIR = struct.Struct(">ii")


class RequestHeader(NamedTuple):
    """The header of a request; the body starts at ``body_pos`` of the same buffer."""

    api_key: int
    api_version: int
    correlation_id: int
    client_id: str | None
    body_pos: int


def decode_request_header(view: Buffer) -> RequestHeader:
    """Read the header of a request frame (without its size).

    Key and version are not judged: an ApiVersions request of any version must get an answer
    (KIP-511). For a key that the schema does not know, header version 1 is assumed; such a request
    can only be refused.
    """
    try:
        key, version, correlation_id, n = _REQUEST_HEAD.unpack_from(view, 0)
        pos = 10
        client_id: str | None = None
        if n >= 0:
            if pos + n > len(view):
                raise bad_length("RequestHeader.client_id")
            client_id = str(view[pos : pos + n], "utf-8")
            pos += n
        if key in API and request_header_version(key, version) == 2:
            pos = skip_tags(view, pos, len(view), [HEADER_TAGS_MAX])
    except (IndexError, struct.error):
        raise MalformedRequest("a request header is cut short") from None
    except UnicodeDecodeError:
        raise MalformedRequest("RequestHeader.client_id is not UTF-8") from None
    return RequestHeader(key, version, correlation_id, client_id, pos)


def encode_response_header(correlation_id: int, header_version: int) -> bytes:
    """Return a response header without frame size; version 1 has no tagged fields set."""
    return _INT32.pack(correlation_id) + (b"\0" if header_version else b"")


def response_frame(
    correlation_id: int, header_version: int, body: Iterable[Buffer]
) -> list[Buffer]:
    """Return size, header and body as a list of buffers for ``writelines``; body is not copied."""
    buffers: list[Buffer] = [b"", *body]
    size = sum(map(len, buffers)) + 4 + (1 if header_version else 0)
    buffers[0] = _INT32_PAIR.pack(size, correlation_id) + (b"\0" if header_version else b"")
    return buffers


def encode_request_frame(
    api_key: int,
    api_version: int,
    correlation_id: int,
    client_id: str | None,
    body: Iterable[Buffer],
) -> list[Buffer]:
    """Return a whole request frame as a list of buffers (client side)."""
    raw = b"" if client_id is None else client_id.encode()
    head = _REQUEST_HEAD.pack(
        api_key, api_version, correlation_id, -1 if client_id is None else len(raw)
    )
    tags = b"\0" if request_header_version(api_key, api_version) == 2 else b""
    buffers: list[Buffer] = [b"", *body]
    size = sum(map(len, buffers)) + len(head) + len(raw) + len(tags)
    buffers[0] = b"".join((_INT32.pack(size), head, raw, tags))
    return buffers


def decode_response_header(view: Buffer, header_version: int) -> tuple[int, int]:
    """Return correlation id and the position of the body (client side)."""
    try:
        (correlation_id,) = _INT32.unpack_from(view, 0)
        pos = skip_tags(view, 4, len(view), [HEADER_TAGS_MAX]) if header_version else 4
    except (IndexError, struct.error):
        raise MalformedRequest("a response header is cut short") from None
    return correlation_id, pos


class FrameSplitter:
    """Cuts a byte stream into frames, however it is chunked.

    Frames are handed out as ``bytes`` without their size. A size that is negative or above
    ``frame_bytes_max`` raises ``MalformedRequest``, before any of that frame is kept; the stream
    cannot be resynchronised after that. At most one unfinished frame is held.
    """

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self.frame_bytes_max = frame_bytes_max
        self._held = bytearray()

    @property
    def pending(self) -> int:
        """Bytes held of a frame that is not complete."""
        return len(self._held)

    def feed(self, data: Buffer) -> list[bytes]:
        """Take more of the stream; return the frames that it completes.

        When it raises, the frames that this call completed before are lost with the stream.
        """
        held = self._held
        held += data
        frames = []
        pos = 0
        while len(held) - pos >= 4:
            (size,) = _INT32.unpack_from(held, pos)
            check_frame_size(size, self.frame_bytes_max)
            end = pos + 4 + size
            if end > len(held):
                break
            frames.append(bytes(held[pos + 4 : end]))
            pos = end
        del held[:pos]
        return frames


def check_frame_size(size: int, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
    """Raise ``MalformedRequest`` unless ``size`` (from the wire) is between 0 and the maximum."""
    if not 0 <= size <= frame_bytes_max:
        raise MalformedRequest(f"a frame of {size} bytes; at most {frame_bytes_max} are accepted")


def request_bytes_max(api_key: int, frame_bytes_max: int = FRAME_BYTES_MAX) -> int:
    """Return the largest frame to accept for a request of ``api_key``, known from its first bytes."""
    if api_key == _PRODUCE_KEY:
        return frame_bytes_max
    return min(frame_bytes_max, SMALL_REQUEST_BYTES_MAX)


__all__ = [
    "API_VERSIONS_KEY",
    "FRAME_BYTES_MAX",
    "HEADER_TAGS_MAX",
    "REQUEST_ELEMENTS_MAX",
    "SMALL_REQUEST_BYTES_MAX",
    "FrameSplitter",
    "RequestHeader",
    "check_frame_size",
    "decode_request_header",
    "decode_response_header",
    "encode_request_frame",
    "encode_response_header",
    "request_bytes_max",
    "response_frame",
]
