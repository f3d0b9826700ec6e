"""Produce in, Fetch out: the two messages that every record passes through, without copying it.

Both go through the generated code. Hand-written readers and writers of these messages were measured
against it: 10 to 15 % faster for a Produce request, slower for a Fetch response, which is not worth
a second codec. What matters here is the shape of the data: a Produce request's records are views of
the frame, and a Fetch response is a list of buffers in which records are passed on as they are.
"""

from __future__ import annotations

from anabranch.wire.codec import Buffer
from anabranch.wire.messages.m00_produce import ProduceRequest
from anabranch.wire.messages.m01_fetch import FetchResponse


def decode_produce(view: Buffer, pos: int, version: int) -> tuple[ProduceRequest, int]:
    """Read a ``ProduceRequest`` at ``pos``; return it and the position behind it.

    ``records`` are memoryviews of ``view`` and keep it alive. Raises ``MalformedRequest``.
    """
    return ProduceRequest.decode(view, pos, version)


def encode_fetch_response(response: FetchResponse, version: int) -> list[Buffer]:
    """Return the body as a list of buffers, about six per partition, for one ``writelines``.

    The record buffers of ``response`` are in the list themselves, not as copies.
    """
    out: list[Buffer] = []
    response.encode_into(out, version)
    return out
