"""`anabranch acl`, `quota` and `audit`, beside a running broker and alone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from anabranch.broker.audit import inbox
from anabranch.broker.audit.settings import AuditSettings
from anabranch.broker.authz.settings import AuthorizationSettings
from anabranch.cli.main import cli
from anabranch.errors import ErrorCode
from anabranch.log.audit_trail import list_files
from anabranch.log.log import Log
from tests.broker.conversation import batch, talking


class Shell:
    def __init__(self, data: Path) -> None:
        self.data = data

    def __call__(self, line: str, *, status: int = 0) -> str:
        result = CliRunner(env={"ANABRANCH_DATA": str(self.data)}).invoke(cli, line.split())
        assert result.exit_code == status, result.output
        return result.output

    def json(self, line: str, *, status: int = 0) -> Any:
        return json.loads(self(f"{line} --output json", status=status))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """On a cluster whose broker enforces ACLs and keeps an audit log, and has stopped."""

    async def scenario() -> None:
        async with talking(
            tmp_path,
            authorization=AuthorizationSettings(acls=True, super_users=("User:ANONYMOUS",)),
            audit=AuditSettings(log=True, topic="__audit"),
        ) as bench:
            await bench.create("flights")
            await bench.produce("flights", batch(b"v"))

    asyncio.run(scenario())
    return Shell(tmp_path)


def test_acls_by_hand(shell: Shell) -> None:
    shell("acl add --principal User:alice --operation read --topic flights")
    shell("acl add --principal User:* --operation describe --topic fli --prefixed")
    shell(
        "acl add --principal User:alice --operation describe --topic flights --deny --host 10.0.0.9"
    )
    assert "already" in shell("acl add --principal User:alice --operation read --topic flights")
    assert len(shell.json("acl list")) == 3
    assert len(shell.json("acl list --topic flights --principal User:*")) == 1
    assert "allowed" in shell("acl check --principal User:bob --operation describe --topic flights")
    refused = shell.json(
        "acl check --principal User:alice --operation describe --topic flights --host 10.0.0.9",
        status=1,
    )
    assert refused[0]["why"].startswith("DENY User:alice DESCRIBE on TOPIC flights")
    nobody = shell.json("acl check --principal User:bob --operation read --topic other", status=1)
    assert nobody[0]["why"] == "nobody has an entry on it"
    assert "super user" in shell("acl check --principal User:ANONYMOUS --operation alter --cluster")
    assert "1 removed" in shell("acl remove --principal User:* --topic fli --yes")
    assert "principal" in shell("acl add --principal bob --operation read --topic x", status=1)
    assert "REPLAY is a right" in shell(
        "acl add --principal User:b --operation replay --cluster", status=1
    )


def test_replaying_needs_the_right_and_leaves_word(shell: Shell) -> None:
    denied = shell("branch create flights flights.trial", status=1)
    assert "has no right to replay topic “flights”" in denied
    assert "no right" in shell("point create p --offset flights:0=1", status=1)
    shell(f"acl add --principal {inbox.user()} --operation replay --topic flights --prefixed")
    shell("branch create flights flights.trial")
    shell("point create p --offset flights:0=1")

    async def scenario() -> None:
        async with talking(shell.data, audit=AuditSettings(log=True, topic="__audit")) as bench:
            log = bench.broker.audit_log
            assert log is not None
            while await bench.broker.log.metastore.documents(inbox.DOCUMENT_KIND):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    asyncio.run(scenario())
    told = [(v["api"], v["kind"]) for v in shell.json("audit tail -n 100") if "api" in v]
    assert ("anabranch branch create", "authorization") in told
    assert ("anabranch branch create", "admin") in told
    assert ("anabranch acl add", "admin") in told


def test_an_audit_log_is_verified_and_a_change_is_found(shell: Shell) -> None:
    assert "Whole" in shell("audit verify")
    assert "Whole" in shell("audit verify --topic __audit")
    lines = shell.json("audit tail --kind admin --topic __audit")
    assert [one["resource"] for one in lines] == ["TOPIC:flights"]
    (file,) = list_files(shell.data / "audit")
    data = file.path.read_bytes()
    file.path.write_bytes(data.replace(b"TOPIC:flights", b"TOPIC:fligths"))
    found = shell("audit verify", status=1)
    assert "it was altered" in found
    file.path.write_bytes(b"".join(data.splitlines(keepends=True)[:-1]))
    assert "missing at the end" in shell("audit verify", status=1)
    file.path.unlink()
    assert "no file of it is there" in shell("audit verify", status=1)


def test_quotas_by_hand(shell: Shell) -> None:
    assert "No quotas" in shell("quota list")
    shell(
        "quota set --user alice --client-id-default producer_byte_rate=1000 request_percentage=50"
    )
    shell("quota set --group g consumer_byte_rate=5000 catchup_byte_rate=100")
    shell("quota set --replays read_byte_rate=7000")
    shell("quota set --ip-default connection_creation_rate=3")
    assert {(v["of"], v["key"], v["value"]) for v in shell.json("quota list")} == {
        ("client-id=<default>, user=alice", "producer_byte_rate", 1000),
        ("client-id=<default>, user=alice", "request_percentage", 50),
        ("ip=<default>", "connection_creation_rate", 3),
        ("group=g", "consumer_byte_rate", 5000),
        ("group=g", "catchup_byte_rate", 100),
        ("each replay session", "read_byte_rate", 7000),
    }
    shell("quota set --user alice --client-id-default producer_byte_rate=none")
    shell("quota set --replays read_byte_rate=none")
    assert len(shell.json("quota list")) == 4
    assert "say whose" in shell("quota set producer_byte_rate=1", status=1)
    assert "none of" not in shell("quota set --user a nonsense=1", status=1)
    assert "number" in shell("quota set --user a producer_byte_rate=x", status=1)
    assert "greater than 0" in shell("quota set --user a producer_byte_rate=-1", status=1)


def test_users_and_acls_can_be_there_before_the_first_start(tmp_path: Path) -> None:
    """Whoever enforces them from the start has to be able to log in at the start."""
    password = tmp_path / "password"
    password.write_text("secret\n")
    for name, words in (
        ("user", ("user", "add", "alice", "--password-file", str(password))),
        ("acl", ("acl", "add", "--principal", "User:alice", "--topic", "t", "--operation", "read")),
    ):
        runner = CliRunner(env={"ANABRANCH_DATA": str(tmp_path / name)})
        made = runner.invoke(cli, list(words))
        assert made.exit_code == 0, made.output
        assert "alice" in runner.invoke(cli, [name, "list"]).output


def test_a_topic_that_cannot_be_read_is_not_called_whole(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Log.fetch

    async def fetch(log: Log, wants: Any, **more: Any) -> Any:
        parts = await real(log, wants, **more)
        return [part._replace(error=ErrorCode.KAFKA_STORAGE_ERROR, buffers=[]) for part in parts]

    monkeypatch.setattr(Log, "fetch", fetch)
    said = shell("audit verify --topic __audit", status=2)
    assert "__audit:0 cannot be read at offset 0: KAFKA_STORAGE_ERROR" in said
