"""The compiled index against Kafka's rules said plainly: scan everything."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.broker.authz import acl as acls
from anabranch.broker.authz.acl import (
    Acl,
    AclFilter,
    Operation,
    PatternType,
    Permission,
    ResourceType,
)
from anabranch.broker.authz.index import AclIndex
from anabranch.errors import ClientFault, Corrupt

NAMES = st.sampled_from(["a", "ab", "abc", "b", "ba", "*"])
PRINCIPALS = st.sampled_from(["User:alice", "User:bob", "User:*", "Group:alice"])
HOSTS = st.sampled_from(["*", "10.0.0.1", "10.0.0.2"])
OPERATIONS = st.sampled_from([one for one in Operation if one is not Operation.ANY])
ENTRIES = st.builds(
    Acl,
    st.sampled_from([ResourceType.TOPIC, ResourceType.GROUP]),
    NAMES,
    st.sampled_from([PatternType.LITERAL, PatternType.PREFIXED]),
    PRINCIPALS,
    HOSTS,
    OPERATIONS,
    st.sampled_from([Permission.ALLOW, Permission.DENY]),
)

_GRANTS_DESCRIBE = {"DESCRIBE", "READ", "WRITE", "DELETE", "ALTER"}
_GRANTS_DESCRIBE_CONFIGS = {"DESCRIBE_CONFIGS", "ALTER_CONFIGS"}


def covers(acl: Acl, kind: ResourceType, name: str) -> bool:
    if acl.resource_type != kind:
        return False
    if acl.pattern is PatternType.PREFIXED:
        return name.startswith(acl.name)
    return acl.name in ("*", name)


def oracle(entries: set[Acl], who: str, host: str, op: Operation, kind: ResourceType, name: str):
    """(allowed, whether anybody has an entry on it)."""
    on_it = [acl for acl in entries if covers(acl, kind, name)]
    allowed = False
    for acl in on_it:
        if acl.principal not in (who, "User:*") or acl.host not in (host, "*"):
            continue
        names = {acl.operation.name}
        if acl.permission is Permission.ALLOW:
            if op is Operation.DESCRIBE and acl.operation.name in _GRANTS_DESCRIBE:
                names.add("DESCRIBE")
            if op is Operation.DESCRIBE_CONFIGS and acl.operation.name in _GRANTS_DESCRIBE_CONFIGS:
                names.add("DESCRIBE_CONFIGS")
        if acl.operation is Operation.ALL:
            names.add(op.name)
        if op.name in names:
            if acl.permission is Permission.DENY:
                return False, True
            allowed = True
    return allowed, bool(on_it)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(ENTRIES, max_size=12),
    st.lists(ENTRIES, max_size=6),
    PRINCIPALS,
    st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
    OPERATIONS,
    NAMES,
)
def test_decisions_are_those_of_a_scan(
    added: list[Acl], removed: list[Acl], who: str, host: str, op: Operation, name: str
) -> None:
    index = AclIndex(added)
    for acl in removed:
        assert index.remove(acl) == (acl in added)
        if acl in added:
            added = [one for one in added if one != acl]
    kept = set(added)
    assert len(index) == len(kept) and set(index) == kept
    kind = ResourceType.TOPIC
    allowed, guarded = oracle(kept, who, host, op, kind, name)
    decision = index.decide(who, host, op, kind, name)
    assert (decision.allowed, decision.guarded) == (allowed, guarded)
    assert decision.acl is None or decision.acl in kept
    open_too = index.decide(who, host, op, kind, name, open_by_default=True)
    assert open_too.allowed == (allowed or not guarded)


@settings(max_examples=300, deadline=None)
@given(st.lists(ENTRIES, max_size=10), st.sampled_from([Operation.WRITE, Operation.READ]))
def test_somewhere_is_never_more_than_some_name(entries: list[Acl], op: Operation) -> None:
    """Whoever may somewhere has an entry that allows it (KIP-679 looks at patterns, not at names)."""
    index = AclIndex(entries)
    somewhere = index.somewhere("User:alice", "10.0.0.1", op, ResourceType.TOPIC)
    mine = [
        acl
        for acl in set(entries)
        if acl.resource_type is ResourceType.TOPIC
        and acl.principal in ("User:alice", "User:*")
        and acl.host in ("10.0.0.1", "*")
        and acl.operation in (op, Operation.ALL)
    ]
    denies = [acl for acl in mine if acl.permission is Permission.DENY]

    def dominated(allow: Acl) -> bool:
        for deny in denies:
            if deny.name == "*" and deny.pattern is PatternType.LITERAL:
                return True
            if allow.pattern is PatternType.LITERAL and allow.name == "*":
                continue
            if deny.pattern is PatternType.PREFIXED and allow.name.startswith(deny.name):
                return True
            if deny.pattern is allow.pattern is PatternType.LITERAL and deny.name == allow.name:
                return True
        return False

    allows = [acl for acl in mine if acl.permission is Permission.ALLOW]
    assert somewhere == any(not dominated(allow) for allow in allows)


@given(ENTRIES)
def test_an_entry_comes_back_as_it_was_stored(entry: Acl) -> None:
    assert acls.decode(entry.encode()) == entry


@given(st.lists(ENTRIES, unique=True, max_size=20), NAMES)
def test_match_filters_find_what_applies_to_a_name(entries: list[Acl], name: str) -> None:
    found = AclFilter(ResourceType.TOPIC, name, PatternType.MATCH)
    assert [acl for acl in entries if found.matches(acl)] == [
        acl for acl in entries if covers(acl, ResourceType.TOPIC, name)
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "empty resource name"),
        ({"pattern": PatternType.MATCH}, "patternType MATCH"),
        ({"operation": Operation.ANY}, "operation"),
        ({"operation": Operation.REPLAY}, "operation"),
        ({"permission": Permission.ANY}, "permissionType"),
        ({"principal": "alice"}, "no colon"),
        ({"principal": ":alice"}, "no colon"),
        ({"principal": "User:" + "x" * 600}, "512"),
        ({"host": ""}, "host"),
        ({"name": "x" * 2000}, "1024"),
        ({"resource_type": ResourceType.CLUSTER}, "kafka-cluster"),
    ],
)
def test_invalid_entries_are_named(change: dict[str, object], message: str) -> None:
    good = Acl(
        ResourceType.TOPIC,
        "a",
        PatternType.LITERAL,
        "User:alice",
        "*",
        Operation.READ,
        Permission.ALLOW,
    )
    acls.validate(good)
    acls.validate(good._replace(operation=Operation.REPLAY), own=True)
    with pytest.raises(ClientFault, match=message):
        acls.validate(good._replace(**change))


@pytest.mark.parametrize("body", [b"", b"[]", b'["TOPIC"]', b'["NO","a","b","c","d","e","f"]'])
def test_what_cannot_be_read_is_corrupt(body: bytes) -> None:
    with pytest.raises(Corrupt):
        acls.decode(body)


def test_I10_a_decision_does_not_scan_a_hundred_thousand_entries() -> None:
    """Counted in steps: patterns that are looked at, and entries of the principal on them."""
    index = AclIndex(
        Acl(
            ResourceType.TOPIC,
            "*" if n % 2 else f"t{n}",
            PatternType.LITERAL,
            f"User:u{n}",
            "*",
            Operation.READ,
            Permission.ALLOW,
        )
        for n in range(100_000)
    )
    assert len(index) == 100_000
    looked = sum(
        len(node.get(who, ()))
        for node in index._nodes(ResourceType.TOPIC, "t4")
        for who in ("User:u4", "User:*")
    )
    assert looked == 1
