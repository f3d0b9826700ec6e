"""One HTTP request, sent in such a way that it is known whether the receiver can have seen it."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from anabranch.errors import StoreFault, UserFault


class NotSent(StoreFault):
    """The receiver cannot have seen the request: no connection came about."""


class Unknown(StoreFault):
    """The request, or part of it, left; no answer came back."""


class Request(msgspec.Struct, frozen=True):
    """What is to be sent; the idempotency key is added to its headers."""

    method: str
    url: str
    headers: dict[str, str] = {}  # msgspec copies it
    body: bytes = b""

    def with_header(self, name: str, value: str) -> Request:
        """The same with one more header."""
        return msgspec.structs.replace(self, headers={**self.headers, name: value})

    def to_json(self) -> str:
        """As a ledger keeps it."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Request:
        """Inverse of :meth:`to_json`. Raises UserFault if the ledger does not hold it any more."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError:
            raise UserFault("the ledger does not hold the request of this effect") from None


class Response(NamedTuple):
    """The receiver's answer."""

    status: int
    body: bytes


ANSWER_BYTES_MAX = 1 << 20  # of an answer kept; nobody needs more of it to know what happened


def send(request: Request, timeout_s: float) -> Response:
    """Send it once, following no redirect. Raises NotSent, Unknown, UserFault (a URL that is none)."""
    parts = urlsplit(request.url)
    kinds: Mapping[str, type[http.client.HTTPConnection]] = {
        "http": http.client.HTTPConnection,
        "https": http.client.HTTPSConnection,
    }
    if parts.scheme not in kinds or not parts.hostname:
        raise UserFault(f"“{request.url}” is not an http:// or https:// URL")
    try:
        port = parts.port
    except ValueError:
        raise UserFault(f"“{request.url}” has no valid port") from None
    headers = dict(request.headers)
    if parts.username is not None and "Authorization" not in headers:
        login = f"{parts.username}:{parts.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
    connection = kinds[parts.scheme](parts.hostname, port, timeout=timeout_s)
    try:
        try:
            connection.connect()
        except OSError as error:
            raise NotSent(f"{parts.hostname}: {error}") from error
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        try:
            connection.request(request.method, target, body=request.body, headers=headers)
            answer = connection.getresponse()
            return Response(answer.status, answer.read(ANSWER_BYTES_MAX))
        except (OSError, http.client.HTTPException) as error:
            raise Unknown(f"{parts.hostname}: {error or type(error).__name__}") from error
    finally:
        connection.close()
