"""A plan names who deleted a topic that was recreated, by the audit logs of a real broker: files, or the topic with a copy."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from anabranch.broker.audit.settings import AuditSettings
from anabranch.errors import StoreFault
from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.log.opening import open_log
from anabranch.recovery.history import deletions
from anabranch.recovery.history.deletions import who_deleted
from tests.support.broker import BrokerThread

SAID = "User:ANONYMOUS (cleaner, 127.0.0.1)"
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    "kept", ["files", "files elsewhere", "topic", "topic, newest only", "neither"]
)
def test_who_deleted_a_topic_is_in_an_audit_log(
    tmp_path: Path, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    audit = AuditSettings(
        log=True,
        topic=None if "files" in kept else "__audit",
        directory=elsewhere if "elsewhere" in kept else None,
    )
    with BrokerThread(data, audit=audit) as node:
        admin = AdminClient({"bootstrap.servers": node.address, "client.id": "cleaner"})
        for name in ("flights", "others"):
            admin.create_topics([NewTopic(name, 1, 1)])[name].result()
        admin.delete_topics(["flights"])["flights"].result()
        (deleted,) = node.run(node.broker.log.metastore.deleted_topics())
        node.run(node.broker.audit_log.flush())
    if "files" not in kept:
        shutil.rmtree(data / "audit")
    if kept == "topic, newest only":  # the last line is not the deletion
        monkeypatch.setattr(deletions, "LINES_MAX", 1)

    async def look(log: Log) -> None:
        if kept == "neither":
            topic = log.catalogue.topic("__audit")
            assert topic is not None
            await log.delete_topic(topic)
        asked = who_deleted(log, Location.of(data))
        known = deleted.deleted_ms
        last = await asked("flights", None)
        assert last == (SAID if kept in ("files", "files elsewhere", "topic") else "")
        if kept != "topic, newest only":
            assert await asked("flights", known) == last
        assert await asked("flights", known - HOUR_MS) == "" == await asked("others", None)

    async def main() -> None:
        log = await open_log(Location.of(data), broker_id=None)
        try:
            await look(log)
        finally:
            await log.close()

    asyncio.run(main())


def test_an_audit_log_that_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(directory: Path) -> list[object]:
        raise StoreFault("cannot read it")

    monkeypatch.setattr(deletions, "list_files", unreadable)

    async def main() -> None:
        log = await open_log(tmp_path / "data", broker_id=1, port=9092, create=True)
        try:
            asked = who_deleted(log, Location.of(tmp_path / "data"))
            assert await asked("t", 5) == "somebody (the audit log cannot be read: cannot read it)"
        finally:
            await log.close()

    asyncio.run(main())
