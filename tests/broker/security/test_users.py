"""Users with passwords: Kafka's APIs, our commands, and what the metastore and its journal hold."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from anabranch.broker.security.secret import Secret
from anabranch.broker.security.settings import SaslSettings
from anabranch.broker.security.users import Users
from anabranch.cli.main import cli
from anabranch.errors import ErrorCode, UserFault
from anabranch.metastore.sqlite import SqliteMetastore
from anabranch.wire.messages.m50_describe_user_scram_credentials import (
    DescribeUserScramCredentialsRequest,
    UserName,
)
from anabranch.wire.messages.m51_alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    ScramCredentialDeletion,
    ScramCredentialUpsertion,
)
from tests.broker.security.sasl import connect, scram, secured
from tests.support.broker import WireClient, running_broker

KEY = base64.b64encode(b"k" * 32).decode()


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))  # type: ignore[arg-type]


def upsertion(
    name: str, *, code: int = 2, iterations: int = 4096, salt: bytes = b"salt", size: int = 0
) -> ScramCredentialUpsertion:
    digest = {1: "sha256", 2: "sha512"}.get(code, "sha256")
    salted = hashlib.pbkdf2_hmac(digest, b"secret", salt, iterations)
    return ScramCredentialUpsertion(
        name=name,
        mechanism=code,
        iterations=iterations,
        salt=salt,
        salted_password=salted[:size] if size else salted,
    )


async def alter(client: WireClient, *changes: object) -> dict[str, int]:
    request = AlterUserScramCredentialsRequest(
        deletions=[one for one in changes if isinstance(one, ScramCredentialDeletion)],
        upsertions=[one for one in changes if isinstance(one, ScramCredentialUpsertion)],
    )
    answer = await client.call(request, 0)
    return {one.user: one.error_code for one in answer.results}


async def described(client: WireClient, *users: str) -> dict[str, object]:
    names = [UserName(name=user) for user in users] or None
    answer = await client.call(DescribeUserScramCredentialsRequest(users=names), 0)
    return {
        one.user: [(info.mechanism, info.iterations) for info in one.credential_infos]
        or ErrorCode(one.error_code)
        for one in answer.results
    }


def test_users_are_altered_described_and_let_in(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with secured(tmp_path, users={"admin": "a"}) as broker:
            client = await connect(broker)
            await scram(client, "admin", "a")
            changes = (upsertion("u"), upsertion("u", code=1, iterations=8192), upsertion("v"))
            assert await alter(client, *changes) == {"u": 0, "v": 0}
            assert await described(client, "u", "w") == {
                "u": [(1, 8192), (2, 4096)],
                "w": ErrorCode.RESOURCE_NOT_FOUND,
            }
            assert set(await described(client)) == {"admin", "u", "v"}
            assert await described(client, "u", "u") == {"u": ErrorCode.DUPLICATE_RESOURCE}
            other = await connect(broker)
            assert (await scram(other, "u", "secret", "SCRAM-SHA-256")).error_code == 0
            gone = ScramCredentialDeletion(name="u", mechanism=1)
            assert await alter(client, gone) == {"u": 0}
            assert await alter(client, gone) == {"u": ErrorCode.RESOURCE_NOT_FOUND}
            other = await connect(broker)
            failed = await scram(other, "u", "secret", "SCRAM-SHA-256")
            assert failed.error_code == ErrorCode.SASL_AUTHENTICATION_FAILED

    run(scenario)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (upsertion(""), ErrorCode.UNACCEPTABLE_CREDENTIAL),
        (upsertion("x" * 600), ErrorCode.UNACCEPTABLE_CREDENTIAL),
        (upsertion("u", iterations=4095), ErrorCode.UNACCEPTABLE_CREDENTIAL),
        (upsertion("u", iterations=16385), ErrorCode.UNACCEPTABLE_CREDENTIAL),
        (upsertion("u", salt=b""), ErrorCode.UNACCEPTABLE_CREDENTIAL),
        (upsertion("u", size=63), ErrorCode.UNACCEPTABLE_CREDENTIAL),
        (upsertion("u", code=3), ErrorCode.UNSUPPORTED_SASL_MECHANISM),
        (ScramCredentialDeletion(name="u", mechanism=0), ErrorCode.UNSUPPORTED_SASL_MECHANISM),
        (ScramCredentialDeletion(name="u", mechanism=1), ErrorCode.RESOURCE_NOT_FOUND),
    ],
)
def test_a_user_is_changed_wholly_or_not_at_all(
    tmp_path: Path, change: ScramCredentialUpsertion, code: ErrorCode
) -> None:
    async def scenario() -> None:
        async with running_broker(tmp_path) as broker, WireClient.connected(broker) as client:
            good = upsertion(change.name, code=2 if change.mechanism == 1 else 1)
            assert await alter(client, good, change) == {change.name: code}
            twice = await alter(client, upsertion("t"), upsertion("t"))
            assert twice == {"t": ErrorCode.DUPLICATE_RESOURCE}
            assert await described(client) == {}

    run(scenario)


# -- encryption ------------------------------------------------------------------------------------
def test_verifiers_are_encrypted_with_the_key_and_bound_to_their_user(tmp_path: Path) -> None:
    async def scenario() -> None:
        meta = SqliteMetastore.open(tmp_path / "m.db", now_ms=1, new_cluster_id=lambda: b"c" * 16)
        users = Users(meta, Secret(KEY), secrets.token_bytes)
        keys = users.new_keys("SCRAM-SHA-256", "secret")
        await users.put("alice", "SCRAM-SHA-256", keys, 1)
        assert await users.keys("alice", "SCRAM-SHA-256") == keys
        (kept,) = await meta.scram_credentials()
        assert kept.sealed
        for part in (keys.stored_key, keys.server_key):
            assert part not in kept.verifier
            assert part not in (tmp_path / "m.db-wal").read_bytes()
        import msgspec

        await meta.put_scram_credential(msgspec.structs.replace(kept, user="bob"))
        with pytest.raises(UserFault, match="does not open"):
            await users.keys("bob", "SCRAM-SHA-256")
        blind = Users(meta, None, secrets.token_bytes)
        with pytest.raises(UserFault, match=r"set sasl\.credentials_key"):
            await blind.keys("alice", "SCRAM-SHA-256")
        with pytest.raises(UserFault, match="give the key"):
            await blind.put("carol", "SCRAM-SHA-256", keys, 1)
        meta.close()

    run(scenario)


@pytest.mark.parametrize("key", ["", "short", base64.b64encode(b"k" * 16).decode()])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(UserFault, match="32 bytes in base64"):
        Users(None, Secret(key), secrets.token_bytes)  # type: ignore[arg-type]


# -- commands --------------------------------------------------------------------------------------
def command(data: Path, *arguments: str, said: str = "") -> str:
    result = CliRunner().invoke(cli, ["user", *arguments, "--data", str(data)], input=said)
    return result.output if result.exit_code == 0 else f"Error {result.exit_code}: {result.output}"


def test_the_commands_add_list_change_and_delete(tmp_path: Path) -> None:
    async def lets_in(password: str) -> bool:
        async with secured(tmp_path, sasl=SaslSettings(failed_delay_ms=0)) as broker:
            answer = await scram(await connect(broker), "alice", password)
            return answer.error_code == 0

    asyncio.run(lets_in(""))  # makes the cluster
    from_stdin = ("--password-file", "-")
    assert "No user" in command(tmp_path, "list")
    assert "can log in" in command(tmp_path, "add", "alice", *from_stdin, said="first\n")
    assert "there is a user alice" in command(tmp_path, "add", "alice", *from_stdin, said="x")
    assert command(tmp_path, "list").count("alice") == 2
    assert asyncio.run(lets_in("first"))
    assert "another" in command(tmp_path, "password", "alice", *from_stdin, said="second")
    assert not asyncio.run(lets_in("first"))
    assert asyncio.run(lets_in("second"))
    assert "there is no user bob" in command(tmp_path, "password", "bob", *from_stdin, said="x")
    assert "cannot log in" in command(tmp_path, "delete", "alice")
    assert "there is no such user" in command(tmp_path, "delete", "alice")
    assert not asyncio.run(lets_in("second"))


@pytest.mark.parametrize(
    ("arguments", "said", "expected"),
    [
        (("add", "a\nb", "--password-file", "-"), "x", "characters that can be printed"),
        (("add", "alice", "--password-file", "-"), "\n", "the password is empty"),
        (("add", "alice", "--password-file", "-"), "x" * 2000, "longer than 1024"),
        (("add", "alice"), "x", "--password-file"),
        (("add", "alice", "--iterations", "10", "--password-file", "-"), "x", "10 is not in"),
    ],
)
def test_what_cannot_be_a_user_is_refused_with_a_sentence(
    tmp_path: Path, arguments: tuple[str, ...], said: str, expected: str
) -> None:
    assert expected in command(tmp_path, *arguments, said=said)
