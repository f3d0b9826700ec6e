"""Names as the clients of one replay session call them: a job runs in it unchanged.

A checkpoint of Flink, Spark or Kafka Streams holds the names of topics; a job's configuration holds those of its
groups and transactions. A broker of a session (``lane.session``) therefore shows the session's branches
under the names of the topics they stand for (:class:`anabranch.log.catalogue.Catalogue` does that), and translates,
between the wire and the handlers, what a client calls a group or a transactional id:

======================  ======================================
called by the client    stored
======================  ======================================
group ``G``             ``replay.SESSION.G``; the live group that the session replays: ``replay.SESSION``
transactional id ``T``  ``replay.SESSION.T``
======================  ======================================

So nothing that runs in a session can move a production group's offsets or fence a production
producer (I7). A name that begins with ``replay.SESSION`` stands for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from anabranch.wire.codec import Message

_GROUP_KEY: Final = 0  # key types of FindCoordinator
_TRANSACTION_KEY: Final = 1

Translate = Callable[[str], str]


class _Places(NamedTuple):
    """Where names stand in a message: paths of attributes, through lists, the last one a string or a list
    of strings."""

    groups: tuple[str, ...] = ()
    transactions: tuple[str, ...] = ()


_REQUESTS: Final[Mapping[int, _Places]] = MappingProxyType(
    {
        0: _Places(transactions=("transactional_id",)),
        8: _Places(("group_id",)),
        9: _Places(("group_id", "groups.group_id")),
        11: _Places(("group_id",)),
        12: _Places(("group_id",)),
        13: _Places(("group_id",)),
        14: _Places(("group_id",)),
        15: _Places(("groups",)),
        22: _Places(transactions=("transactional_id",)),
        24: _Places(
            transactions=("v3_and_below_transactional_id", "transactions.transactional_id")
        ),
        25: _Places(("group_id",), ("transactional_id",)),
        26: _Places(transactions=("transactional_id",)),
        28: _Places(("group_id",), ("transactional_id",)),
        42: _Places(("groups_names",)),
        47: _Places(("group_id",)),
        65: _Places(transactions=("transactional_ids",)),
        68: _Places(("group_id",)),
        69: _Places(("group_ids",)),
        76: _Places(("group_id",)),
        77: _Places(("group_ids",)),
        78: _Places(("group_id",)),
        79: _Places(("group_id",)),
        90: _Places(("groups.group_id",)),
        91: _Places(("group_id",)),
        92: _Places(("group_id",)),
    }
)
_RESPONSES: Final[Mapping[int, _Places]] = MappingProxyType(
    {
        9: _Places(("groups.group_id",)),
        15: _Places(("groups.group_id",)),
        16: _Places(("groups.group_id",)),
        24: _Places(transactions=("results_by_transaction.transactional_id",)),
        42: _Places(("results.group_id",)),
        65: _Places(transactions=("transaction_states.transactional_id",)),
        66: _Places(transactions=("transaction_states.transactional_id",)),
        69: _Places(("groups.group_id",)),
        77: _Places(("groups.group_id",)),
        90: _Places(("groups.group_id",)),
    }
)
_FIND_COORDINATOR: Final = 10
_LISTS: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {16: ("groups", "group_id"), 66: ("transaction_states", "transactional_id")}
)  # only the session's own are listed


def topic_suffix(session: str) -> str:
    """How the names of a session's branches end."""
    return f".{session}"


class SessionNames:
    """The names of one session. ``live_group``: the group that it replays."""

    def __init__(self, session: str, live_group: str) -> None:
        self._own = f"replay.{session}"
        self._live_group = live_group

    def group(self, called: str) -> str:
        """The group as it is stored."""
        if called in ("", self._live_group):
            return self._own if called else called
        return self._prefixed(called)

    def shown_group(self, stored: str) -> str:
        """The group as the client calls it."""
        return self._live_group if stored == self._own else self.shown_transaction(stored)

    def transaction(self, called: str) -> str:
        """The transactional id as it is stored."""
        return self._prefixed(called) if called else called

    def shown_transaction(self, stored: str) -> str:
        """The transactional id as the client calls it."""
        return stored.removeprefix(f"{self._own}.")

    def _prefixed(self, called: str) -> str:
        if called == self._own or called.startswith(f"{self._own}."):
            return called
        return f"{self._own}.{called}"

    def inward(self, key: int, request: Any) -> None:
        """Translate a request of API ``key`` in place."""
        if key == _FIND_COORDINATOR:
            by_type = {_GROUP_KEY: self.group, _TRANSACTION_KEY: self.transaction}
            if translate := by_type.get(request.key_type):
                _translate(request, ("key", "coordinator_keys"), translate)
        elif places := _REQUESTS.get(key):
            _translate(request, places.groups, self.group)
            _translate(request, places.transactions, self.transaction)

    def outward(self, key: int, asked: Any, reply: Message) -> None:
        """Translate the answer to a request in place."""
        if key == _FIND_COORDINATOR:
            by_type = {_GROUP_KEY: self.shown_group, _TRANSACTION_KEY: self.shown_transaction}
            if translate := by_type.get(asked.key_type):
                _translate(reply, ("coordinators.key",), translate)
            return
        if key in _LISTS:
            rows, name = _LISTS[key]
            own = [row for row in getattr(reply, rows) if self._is_own(getattr(row, name))]
            setattr(reply, rows, own)
        if places := _RESPONSES.get(key):
            _translate(reply, places.groups, self.shown_group)
            _translate(reply, places.transactions, self.shown_transaction)

    def _is_own(self, stored: str) -> bool:
        return stored == self._own or stored.startswith(f"{self._own}.")


def _translate(message: Any, paths: Iterable[str], translate: Translate) -> None:
    for path in paths:
        _translate_path(message, path.split("."), translate)


def _translate_path(message: Any, path: list[str], translate: Translate) -> None:
    name, *rest = path
    found = getattr(message, name)
    if found is None:
        return
    if rest:
        for each in found:
            _translate_path(each, rest, translate)
    elif isinstance(found, str):
        setattr(message, name, translate(found))
    else:
        setattr(message, name, [translate(each) for each in found])
