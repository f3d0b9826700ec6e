"""What guards are made of: refuse a whole request, split one by resource, look at an answer."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias

from anabranch.broker.audit.events import Kind, Outcome, of_request
from anabranch.broker.authz.access import REFUSALS
from anabranch.broker.authz.acl import CLUSTER_NAME, Operation, ResourceType
from anabranch.errors import ErrorCode
from anabranch.wire.codec import Message

if TYPE_CHECKING:
    from anabranch.broker.authz.access import Access
    from anabranch.broker.context import Context
    from anabranch.broker.dispatch import Reply, Started

Handle: TypeAlias = "Callable[[Context, Any], Started]"
Guard: TypeAlias = "Callable[[Access, Any, Handle], Started]"

TOPIC = ResourceType.TOPIC
GROUP = ResourceType.GROUP
CLUSTER = ResourceType.CLUSTER
TRANSACTION = ResourceType.TRANSACTIONAL_ID


def then(started: Started, look: Callable[[Any], None]) -> Started:
    """The answer after ``look`` has seen, and maybe changed, it. No answer is not looked at."""
    # Here, and not above: the dispatcher imports the gate, which imports the guards.
    from anabranch.broker.dispatch import Deferred

    if started is None:
        return None
    if isinstance(started, Message):
        look(started)
        return started
    if isinstance(started, Deferred):
        finish = started.finish

        def finished() -> Reply:
            reply = finish()
            if reply is not None:
                look(reply)
            return reply

        return Deferred(started.futures, finished)
    return _then(started, look)


async def _then(started: Coroutine[Any, Any, Reply], look: Callable[[Any], None]) -> Reply:
    reply = await started
    if reply is not None:
        look(reply)
    return reply


def split(
    access: Access,
    request: Any,
    handle: Handle,
    *,
    field: str,
    may: Callable[[Any], bool],
    refuse: Callable[[Any], Any],
    answers: str,
    look: Callable[[Any], None] | None = None,
) -> Started:
    """Hand on those of ``request.field`` that are allowed; put ``refuse(one)`` for each other behind the
    handler's ``answers``. ``look`` sees the answer before that."""
    refused: list[Any] = []
    allowed: list[Any] = []
    for one in getattr(request, field):
        (allowed if may(one) else refused).append(one)
    if refused:
        setattr(request, field, allowed)
    started = handle(access.context, request)
    if not refused and look is None:
        return started

    def merge(response: Any) -> None:
        if look is not None:
            look(response)
        if not getattr(response, "error_code", 0):
            getattr(response, answers).extend(refuse(one) for one in refused)

    return then(started, merge)


def open_to_all(access: Access, request: Any, handle: Handle) -> Started:
    """No right is needed, or the handler judges by who the client is."""
    return handle(access.context, request)


def needs_cluster(
    operation: Operation, response: Callable[[Any, ErrorCode, str], Message]
) -> Guard:
    """A right on the cluster, or ``response(request, code, message)``."""

    def guard(access: Access, request: Any, handle: Handle) -> Started:
        if not access.check(operation, CLUSTER, CLUSTER_NAME):
            return response(request, *REFUSALS[CLUSTER])
        return handle(access.context, request)

    return guard


def plain(kind: type[Message]) -> Callable[[Any, ErrorCode, str], Message]:
    """An answer with an error for all of it, and a message if it has a place for one."""
    with_message = "error_message" in kind.__slots__

    def response(_: Any, code: ErrorCode, message: str) -> Message:
        reply: Any = kind()
        reply.error_code = int(code)
        if with_message:
            reply.error_message = message
        return reply  # type: ignore[no-any-return]

    return response


def audited(
    access: Access,
    kind: Kind,
    *,
    code: int = 0,
    message: str | None = "",
    resource: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    """Tell the audit log what became of a change."""
    access.gate.audit.record(
        of_request(
            access.context,
            kind,
            access.api,
            outcome=Outcome.FAILED if code else Outcome.OK,
            resource=resource,
            reason=_reason(code, message),
            details=details or {},
        )
    )


def _reason(code: int, message: str | None) -> str:
    if not code:
        return ""
    name = ErrorCode(code).name
    return f"{name}: {message}" if message and message != name else name
