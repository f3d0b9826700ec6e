"""From an API key to the handler that serves it, and from a handler's answer to bytes.

The table is built from the modules of :mod:`anabranch.broker.api`: one per API, named
``aNN_name``, each with ``KEY``, ``MIN`` and ``MAX`` (the versions served) and ``handle(context,
request)``. A handler answers with a response message, with a coroutine of one, with a
:class:`Deferred` (Produce), or with None if the client wants no answer. ``ABANDON = True`` marks a
long poll that may be cancelled when its client has left.

What is not served is treated as Kafka treats it: an unknown API or version closes the connection,
except that ApiVersions of any version is answered (KIP-511).
"""

from __future__ import annotations

import asyncio
import pkgutil
from collections.abc import Callable, Coroutine, Mapping, Sequence
from importlib import import_module
from struct import Struct
from struct import error as StructError
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from anabranch.broker import api as api_package
from anabranch.broker.context import Context
from anabranch.broker.quotas.meter import Meter, metered
from anabranch.errors import ClientFault, Corrupt, ErrorCode, MalformedRequest, StoreFault
from anabranch.wire.codec import Buffer, Message
from anabranch.wire.frame import REQUEST_ELEMENTS_MAX, decode_request_header, response_frame
from anabranch.wire.messages.m18_api_versions import (
    ApiVersion,
    ApiVersionsRequest,
    ApiVersionsResponse,
)
from anabranch.wire.registry import API, API_VERSIONS_KEY, response_header_version

if TYPE_CHECKING:
    from anabranch.broker.connection import Connection
    from anabranch.broker.gate import Gate
    from anabranch.broker.quotas.quotas import Quotas
    from anabranch.broker.server import Broker
    from anabranch.broker.session_names import SessionNames

Reply: TypeAlias = Message | None

SOFTWARE_SINCE: Final = 3  # the version of ApiVersions in which clients say what they are (KIP-511)
_CORRELATION_ID: Final = Struct(">4xi")


class Deferred(NamedTuple):
    """An answer that can be given once all ``futures`` are done; ``finish`` reads their outcomes.

    ``wanted``: the client waits for it. When it leaves, futures that are not done are cancelled.
    """

    futures: Sequence[asyncio.Future[Any]]
    finish: Callable[[], Reply]
    wanted: bool = True


Started: TypeAlias = Reply | Deferred | Coroutine[Any, Any, Reply]


class Closing(Exception):
    """The connection must be closed; the text says why. ``reply`` is still sent before."""

    def __init__(self, reason: str, reply: Reply = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.reply = reply


class Api(NamedTuple):
    """One served API."""

    key: int
    name: str
    min_version: int
    max_version: int
    handle: Callable[[Context, Any], Started]
    request: type[Message]
    response: type[Message]
    abandon: bool


class Call:
    """A request that is being served: all that is needed to answer it."""

    __slots__ = ("api", "asked", "correlation_id", "meter", "names", "version")

    def __init__(self, api: Api, version: int, correlation_id: int) -> None:
        self.api = api
        self.version = version
        self.correlation_id = correlation_id
        self.meter: Meter | None = None  # where a quota counts what it uses
        self.names: SessionNames | None = (
            None  # by which the client calls things, and what it asked
        )
        self.asked: Message | None = None

    def __str__(self) -> str:
        return f"{self.api.name} v{self.version} #{self.correlation_id}"

    def encode(self, reply: Message) -> list[Buffer]:
        """The response frame. Records stay the views they are; the rest is one piece."""
        if self.names is not None:
            self.names.outward(self.api.key, self.asked, reply)
        out: list[Buffer] = []
        reply.encode_into(out, self.version)
        if not reply.VIEWS:
            out = [b"".join(out)]
        header_version = response_header_version(self.api.key, self.version)
        return response_frame(self.correlation_id, header_version, out)

    def fault(self, error: BaseException) -> Message | None:
        """An answer that carries ``error``, if this API's response has a place for one."""
        reply = self.api.response()
        fields = type(reply).__slots__
        if "error_code" not in fields:
            return None
        fault = to_client_fault(error)
        setattr(reply, "error_code", int(fault.code))  # noqa: B010  # not every response has one
        if "error_message" in fields:
            setattr(reply, "error_message", fault.message)  # noqa: B010
        return reply


def to_client_fault(error: BaseException) -> ClientFault:
    """What a client is told of ``error``: the world's faults by their code, our bugs as such."""
    if isinstance(error, ClientFault):
        return error
    if isinstance(error, (StoreFault, Corrupt)):
        return ClientFault(ErrorCode.KAFKA_STORAGE_ERROR, str(error))
    return ClientFault(ErrorCode.UNKNOWN_SERVER_ERROR, "the broker met an error of its own")


def load_apis() -> Mapping[int, Api]:
    """Every served API by its key, from the modules of the ``api`` package."""
    apis: dict[int, Api] = {}
    for info in sorted(pkgutil.iter_modules(api_package.__path__), key=lambda one: one.name):
        if not info.name.startswith("a"):
            continue
        module = import_module(f"{api_package.__name__}.{info.name}")
        spec = API[module.KEY]
        assert info.name.startswith(f"a{spec.key:02d}_"), info.name
        assert spec.key not in apis
        assert spec.min_version <= module.MIN <= module.MAX <= spec.max_version, info.name
        apis[spec.key] = Api(
            key=spec.key,
            name=spec.name,
            min_version=module.MIN,
            max_version=module.MAX,
            handle=module.handle,
            request=spec.request,
            response=spec.response,
            abandon=getattr(module, "ABANDON", False),
        )
    return MappingProxyType(dict(sorted(apis.items())))


class Dispatcher:
    """Starts requests for the connections of one broker."""

    def __init__(self, broker: Broker, apis: Mapping[int, Api]) -> None:
        self._broker = broker
        self.apis = apis
        self.gate: Gate | None = None  # asks what clients may; None: everything
        self.quotas: Quotas | None = None
        self.names: SessionNames | None = None  # None: everything goes by its own name

    def start(
        self, connection: Connection, key: int, version: int, frame: bytes | bytearray
    ) -> tuple[Call, Started]:
        """Decode the request and hand it to its handler.

        Raises MalformedRequest or Closing, after either of which the connection cannot go on.
        """
        api = self.apis.get(key)
        if api is None:
            name = API[key].name if key in API else "unknown"
            raise Closing(f"api {key} ({name}) is not served")
        if not api.min_version <= version <= api.max_version:
            if key == API_VERSIONS_KEY:
                return self._refuse_api_versions(api, frame)
            raise Closing(
                f"{api.name} v{version} is not served: v{api.min_version} to v{api.max_version} are"
            )
        view = memoryview(frame)
        header = decode_request_header(view)
        request, _ = api.request.decode(view, header.body_pos, version, REQUEST_ELEMENTS_MAX)
        call = Call(api, version, header.correlation_id)
        if self.names is not None:
            self.names.inward(key, request)
            call.names, call.asked = self.names, request
        if isinstance(request, ApiVersionsRequest) and version >= SOFTWARE_SINCE:
            software = request.client_software_name, request.client_software_version
            connection.session = connection.session._replace(software=software)
        context = Context(
            self._broker,
            version,
            header.client_id or "",
            connection.session,
            connection.authentication,
        )
        try:
            if self.quotas is not None and self.quotas.active:
                call.meter, api = metered(self.quotas, context, api, request, len(frame))
            if self.gate is not None:
                return call, self.gate.enter(context, api, request)
            return call, api.handle(context, request)
        except MalformedRequest:
            raise
        except Closing as closing:
            if closing.reply is None:
                raise
            return call, _raised(closing)
        except Exception as error:
            return call, _raised(error)

    def _refuse_api_versions(self, api: Api, frame: bytes | bytearray) -> tuple[Call, Started]:
        """UNSUPPORTED_VERSION in the format of version 0, naming the versions there are (KIP-511)."""
        try:
            (correlation_id,) = _CORRELATION_ID.unpack_from(frame)
        except StructError:
            raise MalformedRequest("a request header is cut short") from None
        entry = ApiVersion(
            api_key=api.key, min_version=api.min_version, max_version=api.max_version
        )
        return Call(api, 0, correlation_id), ApiVersionsResponse(
            error_code=ErrorCode.UNSUPPORTED_VERSION, api_keys=[entry]
        )


async def _raised(error: Exception) -> Reply:
    raise error
