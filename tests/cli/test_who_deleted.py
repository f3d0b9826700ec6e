"""A plan names who deleted a topic that was recreated, by the audit log of a real broker."""

from __future__ import annotations

from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from anabranch.broker.audit.settings import AuditSettings
from anabranch.cli._who_deleted import who_deleted
from anabranch.log.location import Location
from tests.support.broker import BrokerThread


def test_who_deleted_a_topic_is_in_the_audit_log(tmp_path: Path) -> None:
    with BrokerThread(tmp_path, audit=AuditSettings(log=True)) as node:
        admin = AdminClient({"bootstrap.servers": node.address, "client.id": "cleaner"})
        for name in ("flights", "others"):
            admin.create_topics([NewTopic(name, 1, 1)])[name].result()
        admin.delete_topics(["flights"])["flights"].result()
        (deleted,) = node.run(node.broker.log.metastore.deleted_topics())
        node.run(node.broker.audit_log.flush())
    asked = who_deleted(Location.of(tmp_path))
    said = "User:ANONYMOUS (cleaner, 127.0.0.1)"
    assert asked("flights", deleted.deleted_ms) == asked("flights", None) == said
    assert asked("flights", deleted.deleted_ms - 3_600_000) == "" == asked("others", None)
    assert who_deleted(Location.of(tmp_path / "elsewhere"))("flights", None) == ""
