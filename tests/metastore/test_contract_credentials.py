"""What every engine promises about users, delegation tokens and listeners of brokers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from anabranch.metastore.api import DelegationToken, Endpoint, Metastore, ScramCredential
from anabranch.metastore.sqlite import SqliteMetastore

ALICE = ScramCredential("alice", "SCRAM-SHA-512", 8192, b"salt\0\xff", bytes(range(128)), False, 7)
TOKEN = DelegationToken("t-1", "User:alice", "User:ops", ("User:bob", "User:c:d"), 10, 20, 30)
ENDPOINTS = (
    Endpoint("INNER", "PLAINTEXT", "10.0.0.1", 9090),
    Endpoint("OUTER", "SASL_SSL", "kafka.example", 443),
)


async def test_a_credential_is_put_replaced_and_deleted(meta: Metastore) -> None:
    assert await meta.scram_credential("alice", "SCRAM-SHA-512") is None
    await meta.put_scram_credential(ALICE)
    other = replace(ALICE, mechanism="SCRAM-SHA-256", verifier=b"x" * 92, sealed=True)
    bob = replace(ALICE, user="bob")
    for one in (bob, other):
        await meta.put_scram_credential(one)
    assert await meta.scram_credential("alice", "SCRAM-SHA-512") == ALICE
    assert await meta.scram_credentials() == [other, ALICE, bob]
    assert await meta.scram_credentials("alice") == [other, ALICE]
    changed = replace(ALICE, iterations=4096, salt=b"", updated_ms=9)
    await meta.put_scram_credential(changed)
    assert await meta.scram_credential("alice", "SCRAM-SHA-512") == changed
    assert await meta.delete_scram_credential("alice", "SCRAM-SHA-512")
    assert not await meta.delete_scram_credential("alice", "SCRAM-SHA-512")
    assert await meta.scram_credentials() == [other, bob]


async def test_a_token_lives_until_its_expiry_and_never_beyond_its_maximum(
    meta: Metastore,
) -> None:
    later = replace(TOKEN, token_id="t-2", issued_ms=11, renewers=())
    for one in (later, TOKEN):
        await meta.put_delegation_token(one)
    assert await meta.delegation_tokens() == [TOKEN, later]
    assert await meta.set_token_expiry("t-1", 30)
    assert not await meta.set_token_expiry("t-1", 31)
    assert not await meta.set_token_expiry("t-9", 15)
    assert await meta.delegation_token("t-1") == replace(TOKEN, expires_ms=30)
    assert await meta.expire_delegation_tokens(19, 10) == 0
    assert await meta.expire_delegation_tokens(30, 1) == 1
    assert await meta.expire_delegation_tokens(30, 5) == 1
    assert await meta.delegation_tokens() == []
    assert not await meta.delete_delegation_token("t-1")


async def test_a_broker_has_endpoints_by_listener(meta: Metastore) -> None:
    row = await meta.register_broker(1, "a", 9092, 10, endpoints=ENDPOINTS)
    plain = await meta.register_broker(2, "b", 9092, 10)
    assert (row.endpoints, plain.endpoints) == (ENDPOINTS, ())
    assert await meta.brokers() == [row, plain]


async def test_all_brokers_of_a_cluster_share_one_secret(
    meta: Metastore, reopen: Callable[[], Metastore]
) -> None:
    assert await meta.inner_secret(b"first") == b"first"
    assert await reopen().inner_secret(b"second") == b"first"


async def test_I9_a_rebuild_brings_credentials_and_tokens_back(
    reopen: Callable[[], Metastore], tmp_path: Path
) -> None:
    source = SqliteMetastore.open(tmp_path / "s.db", now_ms=1, new_cluster_id=lambda: b"s" * 16)
    await source.put_scram_credential(ALICE)
    await source.put_delegation_token(TOKEN)
    source.close()
    meta = reopen()
    await meta.fill_from(tmp_path / "s.db")
    assert await meta.scram_credentials() == [ALICE]
    assert await meta.delegation_tokens() == [TOKEN]


def test_a_credential_is_never_spelled_out() -> None:
    assert "salt" not in repr(ALICE)
    assert str(list(range(3))) not in f"{ALICE}"


async def test_a_token_beyond_its_maximum_is_not_kept(meta: Metastore) -> None:
    with pytest.raises(Exception, match=r"(?i)check"):
        await meta.put_delegation_token(replace(TOKEN, expires_ms=31))
    assert await meta.delegation_tokens() == []
