"""Brokers that announced themselves, and leases."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import msgspec

from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore import wal_floor
from anabranch.metastore.counters import bump
from anabranch.metastore.credential_values import Endpoint
from anabranch.metastore.journal_notes import note
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import BrokerRow

_COLUMNS = (
    "broker_id, epoch, host, port, started_ms, lane, rack, heartbeat_ms, wal_epoch, late_percent, "
    "cold_bytes_per_second, endpoints"
)
_endpoints = msgspec.json.Decoder(tuple[Endpoint, ...])


def register_broker(
    tx: Tx,
    broker_id: int | None,
    host: str,
    port: int,
    now_ms: int,
    lane: str,
    rack: str | None,
    silent_ms: int,
    wal_epoch: int | None = None,
    endpoints: Sequence[Endpoint] = (),
) -> BrokerRow:
    if wal_epoch is not None:
        wal_floor.check_start(tx, wal_epoch)
    known = brokers(tx)
    # Whoever listens on an address now has outlived whoever listened there before.
    former = [row.broker_id for row in known if (row.host, row.port) == (host, port)]
    living = {
        row.broker_id: row
        for row in known
        if max(row.started_ms, row.heartbeat_ms) + silent_ms > now_ms
        and row.broker_id not in former
    }
    if broker_id is None:
        free = (number for number in count(1) if number not in living)
        broker_id = min(former) if former else next(free)
    elif broker_id in living:
        other = living[broker_id]
        raise ClientFault(
            ErrorCode.DUPLICATE_BROKER_REGISTRATION,
            f"a broker with node id {broker_id} runs at {other.host}:{other.port}",
        )
    epoch = bump(tx, "broker_epoch")
    row = BrokerRow(
        *(broker_id, epoch, host, port, now_ms, lane, rack, 0, wal_epoch),
        endpoints=tuple(endpoints),
    )
    tx.execute("DELETE FROM broker WHERE broker_id = ?", (broker_id,))
    tx.execute(
        f"INSERT INTO broker ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?)",
        (
            *(row.broker_id, epoch, host, port, row.started_ms, lane, rack, row.heartbeat_ms),
            *(wal_epoch, msgspec.json.encode(row.endpoints).decode()),
        ),
    )
    note(tx, ("broker", (broker_id,)))
    return row


def beat_broker(
    tx: Tx,
    broker_id: int,
    epoch: int,
    now_ms: int,
    late_percent: int = 0,
    cold_bytes_per_second: int = 0,
) -> bool:
    which = (broker_id, epoch)
    before = tx.execute(
        "SELECT heartbeat_ms FROM broker WHERE broker_id = ? AND epoch = ?", which
    ).fetchone()
    beaten = tx.execute(
        "UPDATE broker SET heartbeat_ms = ?, late_percent = ?, cold_bytes_per_second = ? "
        "WHERE broker_id = ? AND epoch = ?",
        (now_ms, late_percent, cold_bytes_per_second, *which),
    )
    if before == (0,):
        tx.changed.brokers = True  # it serves from now on: news, unlike the beats that follow
    return beaten.rowcount == 1


def remove_broker(tx: Tx, broker_id: int, epoch: int | None) -> bool:
    if epoch is None:
        gone = tx.execute("DELETE FROM broker WHERE broker_id = ?", (broker_id,))
    else:
        gone = tx.execute(
            "DELETE FROM broker WHERE broker_id = ? AND epoch = ?", (broker_id, epoch)
        )
    note(tx, ("broker", (broker_id,)))
    return gone.rowcount == 1


def brokers(tx: Tx) -> list[BrokerRow]:
    rows = tx.execute(f"SELECT {_COLUMNS} FROM broker ORDER BY broker_id")
    return [BrokerRow(*(*row[:-1], _endpoints.decode(row[-1]))) for row in rows]


def acquire_lease(tx: Tx, name: str, holder: str, ttl_ms: int, now_ms: int) -> bool:
    taken = tx.execute(
        "INSERT INTO lease (name, holder, expires_ms) VALUES (:name, :holder, :expires) "
        "ON CONFLICT (name) DO UPDATE SET holder = :holder, expires_ms = :expires "
        "WHERE lease.holder = :holder OR lease.expires_ms <= :now",
        {"name": name, "holder": holder, "expires": now_ms + ttl_ms, "now": now_ms},
    )
    return taken.rowcount == 1


def release_lease(tx: Tx, name: str, holder: str) -> None:
    tx.execute("DELETE FROM lease WHERE name = ? AND holder = ?", (name, holder))
