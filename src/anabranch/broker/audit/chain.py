"""Lines that hang together: each names the hash of the one before, and its own.

A line is a JSON object whose last field is ``hash``: SHA-256 of the bytes before it, among them ``prev``,
the hash of the line before. So a line cannot be changed, left out or moved without every later hash being
another. A chain is one start of one broker; its head is kept in the metastore
(:mod:`anabranch.broker.audit.anchors`), so that its end cannot be cut off unseen either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from anabranch.broker.audit.events import AuditEvent
from anabranch.log.audit_trail import Line, sealed

LINE_BYTES_MAX: Final = 64 * 1024  # longer details are cut: a request may name very many things

_encode = msgspec.json.Encoder(enc_hook=str).encode


def genesis(chain: str) -> str:
    """What a chain's first line has for the hash of the one before."""
    return hashlib.sha256(f"anabranch audit {chain}".encode()).hexdigest()


class Chain:
    """Makes the lines of one chain. ``seq`` is the next line's number, ``head`` the last one's hash."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seq = 0
        self.head = genesis(name)

    def line(self, event: AuditEvent, at_ms: int) -> bytes:
        """The next line, with its end."""
        body = self._body(msgspec.to_builtins(event, enc_hook=str), at_ms)
        if len(body) > LINE_BYTES_MAX:
            short = msgspec.structs.replace(
                event, details={"cut": f"{len(body)} bytes", **_fitting(event.details)}
            )
            body = self._body(msgspec.to_builtins(short, enc_hook=str), at_ms)
        line, self.head = sealed(body)
        self.seq += 1
        return line

    def _body(self, event: dict[str, Any], at_ms: int) -> bytes:
        at = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        fields = {"chain": self.name, "seq": self.seq, "at": at, **event, "prev": self.head}
        return _encode(fields)[:-1]


def _fitting(details: Any) -> dict[str, Any]:
    """As much of the details as surely fits: the first entries of lists."""
    kept: dict[str, Any] = {}
    room = LINE_BYTES_MAX // 2
    for name, value in details.items():
        items = value if isinstance(value, list) else [value]
        fit = []
        for item in items:
            room -= len(_encode(item)) + 1
            if room < 0:
                break
            fit.append(item)
        if isinstance(value, list):
            kept[name] = fit
        elif fit:
            kept[name] = value
    return kept


class Finding(NamedTuple):
    """Something wrong with a chain, at a line (-1: as a whole)."""

    chain: str
    seq: int
    what: str


class Walk:
    """Goes along the lines of one chain. ``anchored`` are hashes that the metastore knows, by number."""

    def __init__(self, chain: str, anchored: dict[int, str], *, first_seq: int = 0) -> None:
        self.chain = chain
        self._anchored = dict(anchored)
        self._first_seq = first_seq  # what came before was removed by retention
        self._next: int | None = None
        self._head: str | None = None
        self.lines = 0
        self.findings: list[Finding] = []

    def take(self, line: Line) -> None:
        """The next line that there is of this chain; its own hash is right."""
        assert line.chain == self.chain
        self.lines += 1
        if self._next is None:
            if line.seq > self._first_seq:
                self._find(
                    self._first_seq, f"lines {self._first_seq} to {line.seq - 1} are missing"
                )
            if line.seq == 0 and line.prev != genesis(self.chain):
                self._find(0, "it does not begin the chain")
        elif line.seq == self._next - 1 and line.hash == self._head:
            return  # the same line twice: a topic may have it so
        elif line.seq > self._next:
            self._find(self._next, f"lines {self._next} to {line.seq - 1} are missing")
        elif line.seq < self._next:
            self._find(line.seq, f"it stands behind line {self._next - 1}")
        elif line.prev != self._head:
            self._find(line.seq, "it does not follow the line before: one of the two was replaced")
        expected = self._anchored.pop(line.seq, None)
        if expected is not None and expected != line.hash:
            self._find(line.seq, "the metastore knows another line here")
        self._next, self._head = line.seq + 1, line.hash

    def end(self) -> list[Finding]:
        """What is wrong with the chain, now that there are no more lines."""
        for seq in sorted(self._anchored):
            if self._next is None or seq >= self._next:
                first = self._first_seq if self._next is None else self._next
                self._find(first, f"lines {first} to {seq} are missing at the end")
        return self.findings

    def _find(self, seq: int, what: str) -> None:
        self.findings.append(Finding(self.chain, seq, what))


def walk(lines: Iterable[Line], chain: str, anchored: dict[int, str]) -> list[Finding]:
    """What is wrong with all of a chain's lines."""
    going = Walk(chain, anchored)
    for line in lines:
        going.take(line)
    return going.end()
