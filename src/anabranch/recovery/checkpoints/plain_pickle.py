"""Pickles of plain values and of nothing else: None, numbers, strings, lists, tuples, dictionaries.

A pickle is a program. Only the opcodes that make such values are run, by an interpreter of our own: there
is nothing in it that imports, calls or builds an object, so there is nothing to be misled into doing so.
Protocols 0 to 5 (PEP 307, PEP 3154, PEP 574).
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any, Final

from anabranch.errors import Corrupt

PICKLE_BYTES_MAX: Final = 1 << 20  # a position is a handful of bytes
VALUES_MAX: Final = 100_000  # on the stack and remembered, at a time

_MARK: Final = object()
_CONSTANTS: Final[dict[str, Any]] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES: Final = frozenset(
    (
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    )
)
_EMPTY: Final[dict[str, Callable[[], Any]]] = {
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}
_TUPLES: Final = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def loads(data: bytes, where: str) -> Any:
    """The value in ``data``. Raises Corrupt for anything but plain values, with ``where`` and position."""
    if len(data) > PICKLE_BYTES_MAX:
        raise Corrupt(f"{where}: a pickle of {len(data):,} bytes")
    stack: list[Any] = []
    known: dict[int, Any] = {}
    at = 0
    try:
        for opcode, argument, position in pickletools.genops(data):
            at = position or 0
            name = opcode.name
            if len(stack) > VALUES_MAX or len(known) > VALUES_MAX:
                raise Corrupt(f"{where}: byte {at:,}: more than {VALUES_MAX:,} values")
            if name == "STOP":
                if at + 1 != len(data) or len(stack) != 1 or stack[0] is _MARK:
                    raise Corrupt(f"{where}: byte {at:,}: it ends with {len(stack)} values")
                return stack[0]
            _step(name, argument, stack, known)
    except Corrupt:
        raise
    except _Refused as refused:
        raise Corrupt(
            f"{where}: byte {at:,}: {refused} in a pickle, which plain values do not need: not opened"
        ) from None
    except (
        Exception
    ) as error:  # whatever genops stumbles over, it raises; and so do _step's look-ups
        raise Corrupt(f"{where}: byte {at:,}: not a pickle: {error}") from None
    raise Corrupt(f"{where}: byte {at:,}: the pickle does not end")


class _Refused(Exception):
    """An opcode that does more than make a plain value."""


def _step(name: str, argument: Any, stack: list[Any], known: dict[int, Any]) -> None:
    if name in ("PROTO", "FRAME"):
        return
    if name == "MARK":
        stack.append(_MARK)
    elif name in _CONSTANTS:
        stack.append(_CONSTANTS[name])
    elif name in _VALUES:
        stack.append(argument)
    elif name in _EMPTY:
        stack.append(_EMPTY[name]())
    elif name in _TUPLES:
        _plain(stack[-1:])
        count = _TUPLES[name]
        taken = stack[len(stack) - count :]
        if len(taken) != count:
            raise ValueError("a tuple of what is not there")
        stack[len(stack) - count :] = [tuple(_plain(taken))]
    elif name in ("TUPLE", "LIST", "DICT"):
        taken = _to_mark(stack)
        stack.append(
            tuple(taken) if name == "TUPLE" else taken if name == "LIST" else _pairs(taken)
        )
    elif name == "APPEND":
        _list(stack[-2]).append(_plain([stack.pop()])[0])
    elif name == "APPENDS":
        taken = _to_mark(stack)
        _list(stack[-1]).extend(taken)
    elif name == "SETITEM":
        value, key = stack.pop(), stack.pop()
        _dictionary(stack[-1]).update(_pairs([key, value]))
    elif name == "SETITEMS":
        taken = _to_mark(stack)
        _dictionary(stack[-1]).update(_pairs(taken))
    elif name == "POP":
        stack.pop()
    elif name in ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"):
        known[len(known) if argument is None else argument] = _plain(stack[-1:])[0]
    elif name in ("GET", "BINGET", "LONG_BINGET"):
        stack.append(known[argument])
    else:
        raise _Refused(name)


def _plain(values: list[Any]) -> list[Any]:
    if not values or any(value is _MARK for value in values):
        raise ValueError("a mark where a value belongs")
    return values


def _to_mark(stack: list[Any]) -> list[Any]:
    for place in range(len(stack) - 1, -1, -1):
        if stack[place] is _MARK:
            taken = stack[place + 1 :]
            del stack[place:]
            return taken
    raise ValueError("no mark")


def _pairs(values: list[Any]) -> dict[Any, Any]:
    if len(values) % 2:
        raise ValueError("a key without a value")
    return dict(zip(_plain(values)[::2], values[1::2], strict=True)) if values else {}


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise ValueError("not a list")
    return value


def _dictionary(value: Any) -> dict[Any, Any]:
    if type(value) is not dict:
        raise ValueError("not a dictionary")
    return value
