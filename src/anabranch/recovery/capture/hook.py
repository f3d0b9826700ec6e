"""Recovery points by HTTP, for deployments: ``POST /points`` before a new version goes out.

Small on purpose: HTTP/1.1, one request per connection, a bearer token. What is read of a client is
bounded in bytes and time before its token is known.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from anabranch.errors import AnabranchError, StoreFault, UserFault
from anabranch.recovery.capture.capturing import Wish
from anabranch.recovery.model import RecoveryPoint

HEAD_BYTES_MAX: Final = 16 << 10
BODY_BYTES_MAX: Final = 64 << 10  # a wish is a few hundred bytes
REQUEST_SECONDS_MAX: Final = 10.0  # to send it whole
CAPTURE_SECONDS_MAX: Final = 120.0  # a deployment that waits longer has given up
LINGER_SECONDS_MAX: Final = 1.0  # for whoever asked to have read the answer
CONNECTIONS_MAX: Final = 32
TOKEN_CHARACTERS_MIN: Final = 16
TEXT_CHARACTERS_MAX: Final = 1000  # a name, a reason

Capture = Callable[[Wish, str], Awaitable[RecoveryPoint]]
"""(wish, who asks): takes the point."""

_REASONS: Final = {
    200: "OK",
    201: "Created",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    411: "Length Required",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class _Asked(Struct, frozen=True, forbid_unknown_fields=True, rename={"origin": "from"}):
    """The body of ``POST /points``."""

    name: str
    group: str | None = None
    origin: str | None = None
    version: str = ""
    reason: str = ""
    processor: str = ""
    uids: tuple[str, ...] = ()
    sources: tuple[int, ...] = ()
    topics: tuple[str, ...] = ()
    sinks: tuple[str, ...] = ()
    in_flight: bool = False


class _Answer(Exception):
    """What to answer instead of going on."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def read_token(file: Path) -> bytes:
    """The token in a file, without the space around it. Raises UserFault if it is none to rely on."""
    try:
        token = file.read_bytes().strip()
    except OSError as error:
        raise UserFault(f"{file}: {error.strerror or error}") from None
    if len(token) < TOKEN_CHARACTERS_MIN or not token.isascii() or len(token.split()) != 1:
        raise UserFault(
            f"{file}: a token is one word of at least {TOKEN_CHARACTERS_MIN} ASCII characters, "
            "as `openssl rand -hex 32` makes"
        )
    return token


class Hook:
    """Serves until it is closed.

    ``token_file`` is read at each request, so that a token can be replaced while it runs. ``origins``:
    if any, what ``from`` may begin with. ``complain`` is told of errors of ours.
    """

    def __init__(
        self,
        capture: Capture,
        token_file: Path,
        *,
        origins: tuple[str, ...] = (),
        complain: Callable[[str], None] = lambda _: None,
    ) -> None:
        read_token(token_file)
        self._capture = capture
        self._token_file = token_file
        self._origins = origins
        self._complain = complain
        self._connections = 0
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen; returns the port, which is chosen if ``port`` is 0. Raises OSError."""
        self._server = await asyncio.start_server(
            self._connection, host, port, ssl=tls, limit=HEAD_BYTES_MAX
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening; what is under way is given up."""
        assert self._server is not None
        self._server.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections > CONNECTIONS_MAX:
                await _send(writer, 503, {"error": "too many requests at a time"})
                await _rest(reader, writer)
                return
            peer = writer.get_extra_info("peername")
            status, body = await self._answer(reader, writer, peer[0] if peer else "unknown")
            await _send(writer, status, body)
            await _rest(reader, writer)
        except (ConnectionError, TimeoutError, ssl.SSLError):
            pass  # whoever asked is gone
        finally:
            self._connections -= 1
            writer.close()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str
    ) -> tuple[int, Any]:
        try:
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                method, path, headers = await _head(reader)
                if path == "/healthz" and method == "GET":
                    return 200, {"status": "ok"}
                self._require_token(headers)
                if path != "/points":
                    raise _Answer(404, f"there is no {path[:100]}: POST /points")
                if method != "POST":
                    raise _Answer(405, f"{method[:20]} /points: only POST")
                asked = _parse(await _body(reader, writer, headers))
            wish = self._wish(asked)
            try:
                async with asyncio.timeout(CAPTURE_SECONDS_MAX):
                    return 201, await self._capture(wish, f"hook, {peer}")
            except TimeoutError:
                raise _Answer(503, f"no point within {CAPTURE_SECONDS_MAX:.0f} s") from None
        except _Answer as answer:
            return answer.status, {"error": str(answer)}
        except TimeoutError:
            return 408, {"error": "not in time"}
        except StoreFault as error:
            return 503, {"error": str(error)}
        except (
            AnabranchError
        ) as error:  # well asked, and refused: records in flight, no such group …
            return 409, {"error": str(error)}
        except OSError as error:
            return 503, {"error": str(error)}
        except (asyncio.IncompleteReadError, ConnectionError):
            raise ConnectionResetError from None
        except Exception:
            import traceback

            self._complain(traceback.format_exc())
            return 500, {"error": "an error of the hook; its log says more"}

    def _require_token(self, headers: dict[str, str]) -> None:
        kind, _, said = headers.get("authorization", "").partition(" ")
        try:
            token = read_token(self._token_file)
        except UserFault as error:
            self._complain(str(error))
            raise _Answer(503, "the hook has no token to compare with") from None
        given = said.strip().encode("utf-8", "replace")
        if kind.lower() != "bearer" or not hmac.compare_digest(given, token):
            raise _Answer(401, "Authorization: Bearer TOKEN, with the token of this hook")

    def _wish(self, asked: _Asked) -> Wish:
        if asked.group is None and asked.origin is None and not asked.sinks:
            raise _Answer(400, "say “group” or “from”")
        if not asked.name.strip():
            raise _Answer(400, "“name” is empty")
        if any(
            len(text) > TEXT_CHARACTERS_MAX for text in (asked.name, asked.reason, asked.version)
        ):
            raise _Answer(400, f"a text of more than {TEXT_CHARACTERS_MAX:,} characters")
        origin = asked.origin or ""
        if self._origins and origin and (".." in origin or not origin.startswith(self._origins)):
            raise _Answer(400, f"“from” begins with one of {', '.join(self._origins)}")
        return Wish(
            name=asked.name,
            group=asked.group,
            origin=asked.origin,
            uids=asked.uids,
            sources=asked.sources,
            topics=asked.topics,
            sinks=asked.sinks,
            processor=asked.processor,
            version=asked.version,
            note=asked.reason,
            in_flight=asked.in_flight,
        )


async def _head(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]]:
    """Method, path and headers (names in lower case)."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise _Answer(431, f"more than {HEAD_BYTES_MAX:,} bytes of headers") from None
    first, *lines = raw.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise _Answer(400, "not a request of HTTP/1.1")
    headers: dict[str, str] = {}
    for line in filter(None, lines):
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or name.lower() in headers:
            raise _Answer(400, "a header that is none, or is there twice")
        headers[name.lower()] = value.strip()
    return words[0], words[1].partition("?")[0], headers


async def _body(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: dict[str, str]
) -> bytes:
    length = headers.get("content-length", "")
    if not length.isdecimal() or not length.isascii() or "transfer-encoding" in headers:
        raise _Answer(411, "the body's length is told by Content-Length")
    if len(length) > 9 or int(length) > BODY_BYTES_MAX:
        raise _Answer(413, f"a body of more than {BODY_BYTES_MAX:,} bytes")
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return await reader.readexactly(int(length))


def _parse(body: bytes) -> _Asked:
    try:
        return msgspec.json.decode(body, type=_Asked)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _Answer(400, f"the body: {error}") from None


async def _send(writer: asyncio.StreamWriter, status: int, body: Any) -> None:
    data = json.dumps(msgspec.to_builtins(body), indent=2, ensure_ascii=False).encode() + b"\n"
    head = [
        f"HTTP/1.1 {status} {_REASONS[status]}",
        "Content-Type: application/json; charset=utf-8",
        f"Content-Length: {len(data)}",
        "Connection: close",
    ]
    if status == 401:
        head.append("WWW-Authenticate: Bearer")
    writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + data)
    async with asyncio.timeout(REQUEST_SECONDS_MAX):
        await writer.drain()


async def _rest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read what was sent and not asked for, a while: closing over it would reset the connection, and the
    answer would be lost on its way."""
    if writer.can_write_eof():
        writer.write_eof()
    left = BODY_BYTES_MAX + HEAD_BYTES_MAX
    async with asyncio.timeout(LINGER_SECONDS_MAX):
        while left > 0 and (data := await reader.read(HEAD_BYTES_MAX)):
            left -= len(data)
