"""A broker's audit log: what is in it, and what happens where it cannot be written."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from anabranch.broker.audit import anchors, inbox
from anabranch.broker.audit.events import AuditEvent, Kind, Outcome, authentication
from anabranch.broker.audit.log import AuditLog
from anabranch.broker.audit.settings import AuditSettings
from anabranch.broker.audit.verify import verify_files, verify_lines
from anabranch.broker.authz.acl import Operation as O
from anabranch.broker.security.principal import Session
from anabranch.errors import ErrorCode as E
from anabranch.errors import StoreFault
from anabranch.log.audit_trail import list_files, parse
from anabranch.records.batch import scan
from anabranch.records.record import iter_records
from tests.broker.authz.people import GROUP, TOPIC, become, entry, guarded, set_acls
from tests.broker.authz.test_requests import commit
from tests.broker.conversation import Bench, batch, create_topics, metadata, run, talking


def lines(directory: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for file in list_files(directory)
        for line in file.path.read_bytes().splitlines()
    ]


async def noted(bench: Bench, data: Path, kind: Kind) -> list[dict[str, Any]]:
    """What is on disk of a kind."""
    assert bench.broker.audit_log is not None
    await bench.broker.audit_log.flush()
    return [line for line in lines(data / "audit") if line["kind"] == kind]


def test_a_brokers_life_in_lines(tmp_path: Path) -> None:
    async def scenario() -> None:
        audit = AuditSettings(log=True, topic="__audit")
        async with guarded(tmp_path, audit=audit) as bench:
            await bench.create("a", configs={"anabranch.audit.reads": "true"})
            await bench.call(create_topics("a"))
            for n in range(3):
                await bench.produce("a", batch(b"%d" % n))
            for offset in (0, 1, 2):
                await bench.fetch("a", offset)
            await bench.call(commit(2), 9)
            await bench.call(commit(1), 9)
            await set_acls(bench, entry(O.READ, GROUP, "g"), entry(O.READ, TOPIC, "a"))
            become(bench, "User:alice")
            await bench.call(commit(0), 9)
            for _ in range(5):
                await bench.call(metadata("b"))
            admin = await noted(bench, tmp_path, Kind.ADMIN)
            assert [(one["resource"], one.get("outcome", "ok")) for one in admin] == [
                ("TOPIC:a", "ok"),
                ("TOPIC:a", "failed"),
            ]
            assert admin[0]["principal"] == "User:admin" and admin[0]["host"] == "127.0.0.1"
            assert admin[0]["details"]["configs"] == {"anabranch.audit.reads": "true"}
            assert admin[1]["reason"].startswith("TOPIC_ALREADY_EXISTS")
            offsets = await noted(bench, tmp_path, Kind.OFFSETS)
            assert [one["details"]["changes"][0] for one in offsets] == [
                {"topic": "a", "partition": 0, "old": None, "new": 2},
                {"topic": "a", "partition": 0, "old": 2, "new": 1},
            ]
            denied = await noted(bench, tmp_path, Kind.DENIED)
            assert [(one["operation"], one["resource"]) for one in denied] == [
                ("REPLAY", "GROUP:g"),
                ("DESCRIBE", "TOPIC:b"),  # once, not five times
            ]
            bench.broker.audit.record(
                authentication(Session(host="10.0.0.9"), Outcome.FAILED, reason="no such user")
            )
            await inbox.tell(bench.broker.log.metastore, "anabranch acl add", "ACL:x", 5)
            assert bench.broker.audit_log is not None
            mine = inbox.Inbox(bench.broker.log.metastore, bench.broker.audit_log, lambda: True)
            assert await mine.take() <= 1  # the broker's own may have been quicker
            assert await bench.broker.log.metastore.documents(inbox.DOCUMENT_KIND) == []
        everything = lines(tmp_path / "audit")
        reads = [one for one in everything if one["kind"] == "read"]
        assert [(one["resource"], one["details"]) for one in reads] == [
            ("TOPIC:a", {"partition": 0, "first": 0, "last": 2})
        ]
        assert {"anabranch acl add", "CreateTopics", "OffsetCommit", "Metadata"} <= {
            one.get("api") for one in everything
        }
        assert [one["reason"] for one in everything if one["kind"] == "audit"] == ["begun", "ended"]
        async with talking(tmp_path, audit=audit) as bench:
            heads = await anchors.load_all(bench.broker.log.metastore)
            verified = verify_files(tmp_path / "audit", heads)
            assert verified.whole, verified
            assert verified.chains == 2
            # And the topic holds the same.
            copied = []
            while len(copied) < len(everything):
                answer = await bench.fetch("__audit", len(copied), max_wait_ms=1000)
                data = bytes(answer.records)
                copied += [
                    parse(record.value)
                    for header in scan(data)
                    for record in iter_records(data, header)
                    if record.value is not None and record.offset >= len(copied)
                ]
            assert len(copied) >= len(everything)
            topic = verify_lines(copied, heads)
            assert topic.whole, topic
            before = lines(tmp_path / "audit")[-1]
            assert before["reason"] == "begun" and before["details"]["before"]["chain"] in heads

    run(scenario)


def log_of(path: Path, metastore: Any, **changes: Any) -> AuditLog:
    return AuditLog(
        AuditSettings(log=True, **changes), path, metastore, 1, 7, lambda: 1_700_000_000_000
    )


EVENT = AuditEvent(Kind.ADMIN, principal="User:a", resource="TOPIC:t")


def test_files_turn_over_and_the_oldest_go_with_a_line(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path / "data") as bench:
            meta = bench.broker.log.metastore
            log = log_of(tmp_path / "audit", meta, file_bytes=600, files_max=3)
            await log.start()
            for _ in range(12):
                log.record(EVENT)
                await log.flush()
            await log.close()
            assert len(list_files(tmp_path / "audit")) == 3
            heads = await anchors.load_all(meta)
            assert heads[log.chain].closed and heads[log.chain].first_seq > 0
            verified = verify_files(tmp_path / "audit", heads)
            assert verified.whole, verified
            assert any(
                one["reason"] == "removed" for one in lines(tmp_path / "audit") if "reason" in one
            )

    run(scenario)


def test_I10_a_disk_that_says_no_never_blocks_and_the_loss_is_said(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path / "data") as bench:
            log = log_of(tmp_path / "audit", bench.broker.log.metastore, queue_max=5)
            await log.start()
            write, failing = log._writer.write, [True]

            def sometimes(data: bytes) -> bool:
                if failing[0]:
                    raise StoreFault("no space left on device")
                return write(data)

            log._writer.write = sometimes  # type: ignore[method-assign]
            for _ in range(12):
                log.record(EVENT)  # returns at once
            assert (log.queued, log.dropped) == (5, 7) and not log.refuses
            failing[0] = False
            await log.close()
            told = [one for one in lines(tmp_path / "audit") if one.get("reason") == "dropped"]
            assert [one["details"] for one in told] == [{"admin": 7}]
            heads = await anchors.load_all(bench.broker.log.metastore)
            assert verify_files(tmp_path / "audit", heads).whole

    run(scenario)


def test_where_configured_changes_are_refused_rather_than_not_noted(tmp_path: Path) -> None:
    async def scenario() -> None:
        audit = AuditSettings(log=True, queue_max=3, on_full="refuse")
        async with talking(tmp_path, audit=audit) as bench:
            await bench.create("a", configs={"anabranch.audit.reads": "true"})
            await bench.create("b")
            log = bench.broker.audit_log
            assert log is not None
            await log.flush()
            write = log._writer.write

            def full(data: bytes) -> bool:
                raise StoreFault("no space left on device")

            log._writer.write = full  # type: ignore[method-assign]
            for _ in range(3):
                log.record(EVENT)
            assert (await bench.produce("a", batch(b"v"))).error_code == 0
            assert (await bench.fetch("b")).error_code == 0
            assert (await bench.fetch("a")).error_code == E.KAFKA_STORAGE_ERROR
            bench.client.send(create_topics("c"), 7)
            assert await bench.client.closed()
            assert bench.broker.log.catalogue.topic("c") is None
            log._writer.write = write  # type: ignore[method-assign]
            await asyncio.wait_for(log.flush(), 60)

    run(scenario)


def test_a_directory_that_cannot_be_written_to_stops_the_start(tmp_path: Path) -> None:
    async def scenario() -> None:
        from anabranch.errors import UserFault

        (tmp_path / "file").write_text("")
        async with talking(tmp_path / "data") as bench:
            log = log_of(tmp_path / "file" / "audit", bench.broker.log.metastore)
            with pytest.raises(UserFault, match="audit log cannot be kept"):
                await log.start()
            await log.close()

    run(scenario)
