"""Entries arranged so that a decision looks at those of one principal on matching patterns only.

The rules are Kafka's (``StandardAuthorizer``): an entry that denies beats all that allow; entries of the
principal itself and of ``User:*`` count, with their host or ``*``; a resource on which nobody has an entry
may be open to everyone, by configuration. Patterns that match are the literal name, the wildcard ``*``, and
every prefix.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from anabranch.broker.authz.acl import (
    EVERYONE,
    IMPLIED_BY,
    WILDCARD,
    Acl,
    Operation,
    PatternType,
    Permission,
    ResourceType,
)

Node = dict[str, dict[Acl, None]]
"""Of one pattern: the entries by principal. Never empty, nor is any of its dicts."""


class Decision(NamedTuple):
    """``acl`` decided it; None: no entry did. ``guarded``: somebody has an entry on the resource."""

    allowed: bool
    acl: Acl | None
    guarded: bool


class AclIndex:
    """A set of entries. Invariant: ``len(self)`` is the number of entries over all nodes."""

    def __init__(self, acls: Iterable[Acl] = ()) -> None:
        self._literal: dict[tuple[ResourceType, str], Node] = {}
        self._prefixed: dict[tuple[ResourceType, str], Node] = {}
        # How many prefixed patterns of each length there are, by kind: these are the prefixes to try.
        self._lengths: dict[ResourceType, Counter[int]] = {}
        self._of: dict[tuple[ResourceType, str], dict[Acl, None]] = {}  # by kind and principal
        self._count = 0
        for acl in acls:
            self.add(acl)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, acl: Acl) -> bool:
        return acl in self._of.get((acl.resource_type, acl.principal), ())

    def __iter__(self) -> Iterator[Acl]:
        for acls in self._of.values():
            yield from acls

    def add(self, acl: Acl) -> bool:
        """False: it was there."""
        if acl in self:
            return False
        key = acl.resource_type, acl.name
        literal = acl.pattern is PatternType.LITERAL
        nodes = self._literal if literal else self._prefixed
        if key not in nodes:
            nodes[key] = {}
            if not literal:
                self._lengths.setdefault(acl.resource_type, Counter())[len(acl.name)] += 1
        nodes[key].setdefault(acl.principal, {})[acl] = None
        self._of.setdefault((acl.resource_type, acl.principal), {})[acl] = None
        self._count += 1
        return True

    def remove(self, acl: Acl) -> bool:
        """False: it was not there."""
        if acl not in self:
            return False
        key = acl.resource_type, acl.name
        literal = acl.pattern is PatternType.LITERAL
        nodes = self._literal if literal else self._prefixed
        node = nodes[key]
        del node[acl.principal][acl]
        if not node[acl.principal]:
            del node[acl.principal]
        if not node:
            del nodes[key]
            if not literal:
                lengths = self._lengths[acl.resource_type]
                lengths[len(acl.name)] -= 1
                if not lengths[len(acl.name)]:
                    del lengths[len(acl.name)]
        mine = self._of[acl.resource_type, acl.principal]
        del mine[acl]
        if not mine:
            del self._of[acl.resource_type, acl.principal]
        self._count -= 1
        return True

    def _nodes(self, kind: ResourceType, name: str) -> Iterator[Node]:
        for literal in (name, WILDCARD) if name != WILDCARD else (WILDCARD,):
            node = self._literal.get((kind, literal))
            if node is not None:
                yield node
        for length in self._lengths.get(kind, ()):
            if length <= len(name):
                node = self._prefixed.get((kind, name[:length]))
                if node is not None:
                    yield node

    def decide(
        self,
        principal: str,
        host: str,
        operation: Operation,
        kind: ResourceType,
        name: str,
        *,
        open_by_default: bool = False,
    ) -> Decision:
        """Whether ``principal`` from ``host`` may do it. ``open_by_default``: resources on which nobody
        has any entry are open to everyone."""
        allowing: Acl | None = None
        guarded = False
        principals = (principal, EVERYONE) if principal != EVERYONE else (EVERYONE,)
        for node in self._nodes(kind, name):
            guarded = True
            for one in principals:
                for acl in node.get(one, ()):
                    if not _applies(acl, host, operation):
                        continue
                    if acl.permission is Permission.DENY:
                        return Decision(False, acl, True)
                    allowing = allowing or acl
        if allowing is not None:
            return Decision(True, allowing, True)
        return Decision(open_by_default and not guarded, None, guarded)

    def somewhere(
        self, principal: str, host: str, operation: Operation, kind: ResourceType
    ) -> bool:
        """Whether there is any resource of a kind on which it is allowed (KIP-679): an entry that allows
        it and that no entry which denies covers as a whole. Implications do not count, as in Kafka."""
        allows: list[Acl] = []
        denied_names: set[str] = set()
        denied_prefixes: set[str] = set()
        for one in (principal, EVERYONE):
            for acl in self._of.get((kind, one), ()):
                if acl.operation not in (operation, Operation.ALL) or acl.host not in (
                    host,
                    WILDCARD,
                ):
                    continue
                if acl.permission is Permission.ALLOW:
                    allows.append(acl)
                elif acl.pattern is PatternType.PREFIXED:
                    denied_prefixes.add(acl.name)
                elif acl.name == WILDCARD:
                    return False
                else:
                    denied_names.add(acl.name)
        for acl in allows:
            if acl.pattern is PatternType.LITERAL and acl.name == WILDCARD:
                return True
            if acl.pattern is PatternType.LITERAL and acl.name in denied_names:
                continue
            if any(acl.name[:n] in denied_prefixes for n in range(1, len(acl.name) + 1)):
                continue
            return True
        return False


def _applies(acl: Acl, host: str, operation: Operation) -> bool:
    if acl.host != host and acl.host != WILDCARD:
        return False
    if acl.operation is operation or acl.operation is Operation.ALL:
        return True
    if acl.permission is Permission.DENY:
        return False
    return acl.operation in IMPLIED_BY.get(operation, ())
