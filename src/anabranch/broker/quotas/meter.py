"""What one request used of its client's quotas, noted as it is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from anabranch.broker.quotas.mutations import KINDS, limited
from anabranch.broker.quotas.rules import CONSUMER, PRODUCER, REQUEST

if TYPE_CHECKING:
    from anabranch.broker.context import Context
    from anabranch.broker.dispatch import Api
    from anabranch.broker.group_limits import GroupLimit
    from anabranch.broker.quotas.quotas import Client, Quotas

PRODUCE: Final = 0
FETCH: Final = 1
GROUP: Final = "group"


class Meter:
    """Of one request, from its start to its answer."""

    __slots__ = ("_client", "_frame_bytes", "_group", "_key", "_quotas", "spent_s")

    def __init__(
        self,
        quotas: Quotas,
        client: Client | None,
        group: GroupLimit | None,
        key: int,
        frame_bytes: int,
    ) -> None:
        self._quotas = quotas
        self._client = client
        self._group = group  # of a fetch, if its group has a quota
        self._key = key
        self._frame_bytes = frame_bytes
        self.spent_s = 0.0  # of the event loop

    def answered(self, reply: Any) -> float:
        """Note what was used; tell the client how long to wait, and return it in seconds. ``reply`` None:
        the client hears nothing, and waits all the same."""
        wait_s = 0.0
        quotas, client = self._quotas, self._client
        if self._key == FETCH and reply is not None:
            size = _records_bytes(reply)
            if client is not None and client.consumer is not None:
                wait_s = quotas.use(CONSUMER, client.consumer, size)
            if self._group is not None and self._group.consumer is not None:
                wait_s = max(wait_s, quotas.use(GROUP, self._group.consumer, size))
        elif self._key == PRODUCE and client is not None and client.producer is not None:
            wait_s = quotas.use(PRODUCER, client.producer, self._frame_bytes)
        if client is not None and client.request is not None:
            request_s = quotas.use(REQUEST, client.request, self.spent_s)
            if request_s > wait_s:
                wait_s = request_s
        if reply is not None and (
            self._key <= FETCH or "throttle_time_ms" in type(reply).__slots__
        ):
            if not (wait_s or reply.throttle_time_ms):
                return 0.0
            told_s = reply.throttle_time_ms / 1000  # a handler may have said so already
            wait_s = max(wait_s, told_s)
            if wait_s > told_s:
                reply.throttle_time_ms = max(1, round(wait_s * 1000))
        return wait_s


def metered(
    quotas: Quotas, context: Context, api: Api, request: Any, frame_bytes: int
) -> tuple[Meter | None, Api]:
    """What notes the use of a request, if any quota counts for it; and how it is to be handled."""
    client = quotas.client(context.session, context.client_id)
    group = None
    if api.key == FETCH:
        group = quotas.group(context.client_id, context.host)
        request.max_bytes = quotas.fetch_bytes_max(client, group, request.max_bytes)
    elif api.key in KINDS and client is not None and client.mutation is not None:
        api = api._replace(handle=limited(quotas, client.mutation, api.key, api.handle))
    if client is None and group is None:
        return None, api
    return Meter(quotas, client, group, api.key, frame_bytes), api


def _records_bytes(reply: Any) -> int:
    total = 0
    for topic in reply.responses:
        for part in topic.partitions:
            records = part.records
            if not records:
                continue
            total += sum(map(len, records)) if isinstance(records, list) else len(records)
    return total
