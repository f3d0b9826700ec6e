"""Topics: creation, growth, configs, deletion and the purge that follows it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore.counters import catalogue_changed
from anabranch.metastore.journal_notes import note, note_topic
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import BranchOrigin, Topic

COLUMNS = ("no", "id", "name", "partitions", "configs", "created_ms", "origin")
_COLUMNS = ", ".join(COLUMNS)
DELETED, PURGED = 1, 2  # values of the state column; 0 is live


def topic_of(row: Sequence[Any]) -> Topic:
    """From a row of ``COLUMNS``."""
    no, topic_id, name, partitions, configs, created_ms, origin = row
    return Topic(
        no,
        topic_id,
        name,
        partitions,
        msgspec.json.decode(configs, type=dict[str, str]),
        created_ms,
        None if origin is None else msgspec.json.decode(origin, type=BranchOrigin),
    )


def _encode(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def topics(tx: Tx) -> list[Topic]:
    rows = tx.execute(f"SELECT {_COLUMNS} FROM topic WHERE state = 0 ORDER BY name")
    return [topic_of(row) for row in rows]


def topic_by_no(tx: Tx, topic_no: int) -> Topic | None:
    row = tx.execute(f"SELECT {_COLUMNS} FROM topic WHERE no = ?", (topic_no,)).fetchone()
    return topic_of(row) if row else None


def some_topics(tx: Tx, topic_nos: Sequence[int]) -> list[Topic]:
    """Those of them that live."""
    found = []
    for topic_no in topic_nos:
        row = tx.execute(
            f"SELECT {_COLUMNS} FROM topic WHERE no = ? AND state = 0", (topic_no,)
        ).fetchone()
        found += [topic_of(row)] if row else []
    return found


def find_topics(tx: Tx, names: Collection[str], ids: Collection[bytes]) -> list[int]:
    """Numbers of the live topics that have one of the names or ids."""
    rows = [
        tx.execute("SELECT no FROM topic WHERE name = ? AND state = 0", (name,)).fetchone()
        for name in names
    ]
    rows += [
        tx.execute("SELECT no FROM topic WHERE id = ? AND state = 0", (topic_id,)).fetchone()
        for topic_id in ids
    ]
    return [row[0] for row in rows if row is not None]


def keeps_offsets(tx: Tx, topic_no: int) -> bool:
    """Whether the topic lives, or is deleted and may come back: a group's broker may not have heard of its
    deletion and acknowledge what is committed, so that has to wait with the rest."""
    row = tx.execute(
        "SELECT 1 FROM topic WHERE no = ? AND state <> ?", (topic_no, PURGED)
    ).fetchone()
    return row is not None


def live_topic(tx: Tx, topic_no: int) -> Topic:
    """Raises ClientFault(UNKNOWN_TOPIC_OR_PARTITION)."""
    row = tx.execute(
        f"SELECT {_COLUMNS} FROM topic WHERE no = ? AND state = 0", (topic_no,)
    ).fetchone()
    if row is None:
        raise ClientFault(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "this topic does not exist")
    return topic_of(row)


def refuse_taken(tx: Tx, name: str, topic_id: bytes | None = None) -> None:
    """Raises ClientFault(TOPIC_ALREADY_EXISTS). Names are free once deleted, ids are given only once."""
    clash = tx.execute(
        "SELECT 1 FROM topic WHERE name = ? AND state = 0 UNION ALL SELECT 1 FROM topic WHERE id = ?",
        (name, topic_id),
    ).fetchone()
    if clash:
        raise ClientFault(ErrorCode.TOPIC_ALREADY_EXISTS, f"topic '{name}' already exists")


def insert_topic(
    tx: Tx,
    name: str,
    topic_id: bytes,
    partitions: int,
    configs: Mapping[str, str],
    origin: BranchOrigin | None,
    now_ms: int,
) -> Topic:
    """The topic's row alone. Raises ClientFault(TOPIC_ALREADY_EXISTS)."""
    assert len(topic_id) == 16 and partitions > 0
    refuse_taken(tx, name, topic_id)
    row = tx.execute(
        "INSERT INTO topic (id, name, partitions, configs, created_ms, origin) "
        f"VALUES (?, ?, ?, ?, ?, ?) RETURNING {_COLUMNS}",
        (
            topic_id,
            name,
            partitions,
            _encode(dict(configs)),
            now_ms,
            None if origin is None else _encode(origin),
        ),
    ).fetchone()
    catalogue_changed(tx)
    return topic_of(row)


def _add_partitions(tx: Tx, topic_no: int, start: int, end: int) -> None:
    numbers = [(topic_no, partition) for partition in range(start, end)]
    tx.executemany("INSERT INTO partition (topic_no, partition) VALUES (?, ?)", numbers)
    tx.executemany(
        "INSERT INTO leader_epoch (topic_no, partition, epoch, start_offset) VALUES (?, ?, 0, 0)",
        numbers,
    )


def create_topic(
    tx: Tx,
    name: str,
    topic_id: bytes,
    partitions: int,
    configs: Mapping[str, str],
    now_ms: int,
) -> Topic:
    topic = insert_topic(tx, name, topic_id, partitions, configs, None, now_ms)
    _add_partitions(tx, topic.no, 0, partitions)
    note_topic(tx, topic.no, "partition", "leader_epoch")
    return topic


def create_partitions(tx: Tx, topic_no: int, total: int, now_ms: int) -> Topic:
    topic = live_topic(tx, topic_no)
    if total <= topic.partitions:
        raise ClientFault(
            ErrorCode.INVALID_PARTITIONS,
            f"topic '{topic.name}' has {topic.partitions} partitions and can only grow",
        )
    tx.execute("UPDATE topic SET partitions = ? WHERE no = ?", (total, topic_no))
    _add_partitions(tx, topic_no, topic.partitions, total)
    catalogue_changed(tx)
    note_topic(tx, topic_no, "partition", "leader_epoch")
    return live_topic(tx, topic_no)


def set_topic_configs(tx: Tx, topic_no: int, configs: Mapping[str, str], now_ms: int) -> Topic:
    live_topic(tx, topic_no)
    tx.execute("UPDATE topic SET configs = ? WHERE no = ?", (_encode(dict(configs)), topic_no))
    catalogue_changed(tx)
    note_topic(tx, topic_no)
    return live_topic(tx, topic_no)


def forget_purged(tx: Tx, before_ms: int) -> None:
    """Drop the rows of topics deleted before ``before_ms``, and who skipped what of them; their history is
    pruned already."""
    gone = tx.execute(
        "DELETE FROM topic WHERE state = ? AND deleted_ms < ? RETURNING no", (PURGED, before_ms)
    ).fetchall()
    for (no,) in gone:
        tx.execute("DELETE FROM damage_skip WHERE topic_no = ?", (no,))
        note(tx, ("topic", (no,)), ("damage_skip", (no,)))
