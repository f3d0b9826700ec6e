"""Which broker starts may still commit appends: none of before the cluster moved to another WAL.

A broker that is silent for long gives its WAL's place away (``anabranch.log.places``): it may be paused,
or it left and still serves who has not heard of it. What it wrote afterwards would be committed and
acknowledged, and lie where nobody reads. So the move, in its own transaction, says under which epoch the
new WAL's first broker writes, and no commit names an object of an earlier one any more (I1).
"""

from __future__ import annotations

from typing import NamedTuple

from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.metastore.journal_notes import note
from anabranch.metastore.tx import Tx, lock_objects

NAME = "wal_floor"  # a counter; no row: the cluster never moved
_NEVER = (1 << 63) - 1  # nobody's epoch: of an object whose key tells none


class Alone(NamedTuple):
    """On what terms the cluster moves to a broker's WAL: no other broker was registered or beat for so long.
    Then their registrations are gone, and no start of before commits an append any more."""

    broker_id: int  # the broker that moves it, which has to be registered
    silent_ms: int
    empty: bool = False  # and only while nothing is known to lie in the WAL of before


def epoch_of(object_key: str) -> int:
    """Broker id and epoch come first in the key of either kind of WAL."""
    digits = object_key.removeprefix("wal/").replace("/", "-").split("-")
    return int(digits[1]) if len(digits) > 2 and digits[1].isdigit() else _NEVER


def _floor(tx: Tx) -> int:
    row = tx.execute("SELECT value FROM counter WHERE name = ?", (NAME,)).fetchone()
    return 0 if row is None else int(row[0])


def check_object(tx: Tx, object_key: str) -> None:
    """Raises StoreFault: the WAL that it lies in is not the cluster's any more."""
    if epoch_of(object_key) < _floor(tx):
        raise StoreFault(
            f"{object_key} lies in a WAL that is not the cluster's any more: this broker was silent, and "
            "others moved to another one",
            retryable=False,
        )


def check_start(tx: Tx, wal_epoch: int) -> None:
    """Raises ClientFault(STALE_BROKER_EPOCH): likewise, of a broker that announces itself once more."""
    if wal_epoch < _floor(tx):
        raise ClientFault(
            ErrorCode.STALE_BROKER_EPOCH,
            "the cluster moved to another WAL while this broker was silent",
        )


def move(tx: Tx, alone: Alone, now_ms: int) -> bool:
    """From now on only the starts from this broker's on commit. False, and nothing happens, if another broker
    beat lately, or if that must not be and something is known to lie in the WAL."""
    lock_objects(tx)
    rows = tx.execute(
        "SELECT broker_id, coalesce(wal_epoch, epoch), started_ms, heartbeat_ms FROM broker"
    ).fetchall()
    mine = [epoch for broker_id, epoch, _, _ in rows if broker_id == alone.broker_id]
    others = [row for row in rows if row[0] != alone.broker_id]
    if not mine or any(max(row[2:]) + alone.silent_ms > now_ms for row in others):
        return False
    if alone.empty and tx.execute("SELECT 1 FROM object WHERE kind = 1 LIMIT 1").fetchone():
        return False
    for broker_id, *_ in others:  # its next beat tells it that it was given up
        tx.execute("DELETE FROM broker WHERE broker_id = ?", (broker_id,))
        note(tx, ("broker", (broker_id,)))
    tx.execute(
        "INSERT INTO counter (name, value) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = max(counter.value, excluded.value)",
        (NAME, mine[0]),
    )
    return True


def forget(tx: Tx) -> None:
    """Of a metastore that is made anew: no start of before commits to it, and it puts there what they wrote."""
    tx.execute("DELETE FROM counter WHERE name = ?", (NAME,))
