"""Brokers that announced themselves, and leases."""

from __future__ import annotations

from sqlite3 import Connection

from anabranch.metastore.api import BrokerRow
from anabranch.metastore.counters import bump


def register_broker(tx: Connection, broker_id: int, host: str, port: int, now_ms: int) -> BrokerRow:
    row = BrokerRow(broker_id, bump(tx, "broker_epoch"), host, port, now_ms)
    tx.execute(
        "INSERT OR REPLACE INTO broker (broker_id, epoch, host, port, started_ms) "
        "VALUES (?, ?, ?, ?, ?)",
        (row.broker_id, row.epoch, row.host, row.port, row.started_ms),
    )
    return row


def brokers(tx: Connection) -> list[BrokerRow]:
    rows = tx.execute(
        "SELECT broker_id, epoch, host, port, started_ms FROM broker ORDER BY broker_id"
    )
    return [BrokerRow(*row) for row in rows]


def acquire_lease(tx: Connection, name: str, holder: str, ttl_ms: int, now_ms: int) -> bool:
    taken = tx.execute(
        "INSERT INTO lease (name, holder, expires_ms) VALUES (:name, :holder, :expires) "
        "ON CONFLICT (name) DO UPDATE SET holder = :holder, expires_ms = :expires "
        "WHERE holder = :holder OR expires_ms <= :now",
        {"name": name, "holder": holder, "expires": now_ms + ttl_ms, "now": now_ms},
    )
    return taken.rowcount == 1


def release_lease(tx: Connection, name: str, holder: str) -> None:
    tx.execute("DELETE FROM lease WHERE name = ? AND holder = ?", (name, holder))
