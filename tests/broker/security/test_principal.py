"""Principals, and what a handler is told of its client."""

from __future__ import annotations

import pytest

from anabranch.broker.context import Context
from anabranch.broker.security.principal import ANONYMOUS, Principal, Session
from anabranch.errors import UserFault


def test_a_principal_is_a_type_and_a_name_that_may_hold_colons() -> None:
    for text in ("User:alice", "User:CN=a,O=b:c", "Group:ops"):
        assert str(Principal.parse(text)) == text
    assert str(ANONYMOUS) == "User:ANONYMOUS"


@pytest.mark.parametrize("text", ["", "alice", "User:", ":alice", ":"])
def test_what_is_no_principal_is_refused(text: str) -> None:
    with pytest.raises(UserFault, match="is not a principal"):
        Principal.parse(text)


def test_I8_what_a_request_changes_is_noted_under_its_principal() -> None:
    session = Session(Principal("User", "alice"), "10.0.0.7", "OUTER", "SASL_SSL", "PLAIN")
    context = Context(None, 3, "app-1", session)  # type: ignore[arg-type]
    actor = context.actor("OffsetCommit")
    assert (actor.principal, actor.client_id, actor.host) == ("User:alice", "app-1", "10.0.0.7")
