"""The effects ledger: what left the house, what was about to, and what nobody can tell any more.

An effect outside of any database cannot commit together with an offset. So it is written down twice:
its *intent* before, its *mark* after. Between the two lies a window in which a crash leaves the intent
alone, and nothing here can know whether the effect took place; the ledger says so, instead of guessing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from anabranch.errors import UserFault
from anabranch.recovery.model import Checkpoint, SinkClass
from anabranch.recovery.sinks.common import LIVE, Counted, Line, Promotion, SinkOffset
from anabranch.recovery.sinks.ledger_database import Database, Row, Statements, open_database
from anabranch.recovery.sinks.source import Source

_SCHEMA = """
CREATE TABLE IF NOT EXISTS anabranch_effects (
    key TEXT PRIMARY KEY, effect TEXT NOT NULL,
    cluster_id TEXT NOT NULL, topic_id TEXT NOT NULL, topic TEXT NOT NULL,
    partition INTEGER NOT NULL, record_offset BIGINT NOT NULL, event_id TEXT NOT NULL,
    state TEXT NOT NULL,
    run TEXT NOT NULL,         -- 'live', or the replay session
    owner TEXT NOT NULL,       -- the process that wrote the intent
    attempts INTEGER NOT NULL,
    first_ms BIGINT NOT NULL,  -- when the receiver may have seen the key for the first time
    updated_ms BIGINT NOT NULL,
    status INTEGER NOT NULL,   -- the receiver's last answer; 0 if there was none
    detail TEXT NOT NULL,
    request TEXT NOT NULL      -- JSON, as long as somebody may have to send it
);
CREATE INDEX IF NOT EXISTS anabranch_effects_by_state ON anabranch_effects (state, updated_ms);
CREATE INDEX IF NOT EXISTS anabranch_effects_by_source
    ON anabranch_effects (cluster_id, topic_id, partition, record_offset);
CREATE TABLE IF NOT EXISTS anabranch_effect_offsets (
    run TEXT NOT NULL, cluster_id TEXT NOT NULL, topic_id TEXT NOT NULL, partition INTEGER NOT NULL,
    topic TEXT NOT NULL, next_offset BIGINT NOT NULL, skipped BIGINT NOT NULL,
    pruned_below BIGINT NOT NULL, updated_ms BIGINT NOT NULL,
    PRIMARY KEY (run, cluster_id, topic_id, partition)
);
CREATE TABLE IF NOT EXISTS anabranch_effect_counts (
    run TEXT NOT NULL, effect TEXT NOT NULL, cluster_id TEXT NOT NULL, topic_id TEXT NOT NULL,
    partition INTEGER NOT NULL, outcome TEXT NOT NULL, records BIGINT NOT NULL,
    PRIMARY KEY (run, effect, cluster_id, topic_id, partition, outcome)
);
"""
_COLUMNS = (
    "key, effect, cluster_id, topic_id, topic, partition, record_offset, event_id, state, run, owner,"
    " attempts, first_ms, updated_ms, status, detail, request"
)


class EffectState(StrEnum):
    """How far an effect is, as far as anybody knows."""

    INTENT = "intent"  # about to be performed, or the process died: which of them its age tells
    DONE = "done"  # the receiver said so, or a person did
    REFUSED = "refused"  # the receiver said no, for good: there was no effect
    IN_DOUBT = "in-doubt"  # nobody can tell; it is not repeated until somebody does
    STAGED = "staged"  # a replay would have performed it


SETTLED = (EffectState.DONE, EffectState.REFUSED)


class Counter(StrEnum):
    """What became of the effects that records asked for."""

    PERFORMED = "performed"
    SUPPRESSED = "suppressed"  # performed before, or not to be performed in a replay
    STAGED = "staged"
    REFUSED = "refused"
    IN_DOUBT = "in-doubt"
    REPEATED = "repeated"  # by a meter: had its effect once more


class Entry(NamedTuple):
    """One effect of one record; see the columns of ``anabranch_effects``."""

    key: str
    effect: str
    cluster_id: str
    topic_id: str
    topic: str
    partition: int
    offset: int
    event_id: str
    state: EffectState
    run: str
    owner: str
    attempts: int
    first_ms: int
    updated_ms: int
    status: int
    detail: str
    request: str


class Count(NamedTuple):
    """How many records of one partition ended in one way, for one effect in one run."""

    run: str
    effect: str
    cluster_id: str
    topic_id: str
    partition: int
    outcome: Counter
    records: int


def effect_key(source: Source, partition: int, offset: int, effect: str) -> str:
    """The idempotency key of a record's effect: the same after every crash, rewind and replay, and
    another one for every other record, of recreated topics and other clusters too."""
    parts = (source.cluster_id, source.topic_id, str(partition), str(offset), effect)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def event_key(event_id: str, effect: str) -> str:
    """The same for an event with a stable id of its own, wherever in whichever log it lies."""
    return hashlib.sha256("\0".join(("event", event_id, effect)).encode()).hexdigest()


class Ledger:
    """Small transactions on one database; processes may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.location = database.location

    @classmethod
    def open(cls, location: str, *, create: bool = True) -> Ledger:
        """A path (also ``sqlite:PATH``) or ``postgresql://…``. Raises UserFault, StoreFault."""
        return cls(open_database(location, _SCHEMA, create=create))

    def entry(self, key: str) -> Entry | None:
        """What is known of an effect."""
        with self._database.transaction() as run:
            rows, _ = run(f"SELECT {_COLUMNS} FROM anabranch_effects WHERE key = ?", (key,))
        return _entry(rows[0]) if rows else None

    def entries(
        self,
        *,
        states: Iterable[EffectState] = (),
        effect: str | None = None,
        run: str | None = None,
        limit: int = 1000,
    ) -> list[Entry]:
        """The newest entries that match, newest first."""
        wanted = list(states)
        conditions = [("effect = ?", effect), ("run = ?", run)]
        given = [(sql, value) for sql, value in conditions if value is not None]
        where = [sql for sql, _ in given]
        if wanted:
            where.append(f"state IN ({', '.join('?' * len(wanted))})")
        sql = f"SELECT {_COLUMNS} FROM anabranch_effects"
        if where:
            sql += f" WHERE {' AND '.join(where)}"
        sql += " ORDER BY updated_ms DESC, key LIMIT ?"
        with self._database.transaction() as execute:
            rows, _ = execute(sql, [*(value for _, value in given), *wanted, limit])
        return [_entry(row) for row in rows]

    def starting_with(self, prefix: str, limit: int = 2) -> list[Entry]:
        """Entries whose key begins so; keys are hexadecimal."""
        with self._database.transaction() as run:
            rows, _ = run(
                f"SELECT {_COLUMNS} FROM anabranch_effects WHERE key >= ? AND key < ?"
                " ORDER BY key LIMIT ?",
                (prefix, prefix + "g", limit),
            )
        return [_entry(row) for row in rows]

    def claim(self, entry: Entry, known: Entry | None) -> bool:
        """Write ``entry`` if what is known of it is still ``known``; durable when it returns True."""
        with self._database.transaction() as run:
            if known is None:
                marks = ", ".join("?" * len(entry))
                _, changed = run(
                    f"INSERT INTO anabranch_effects ({_COLUMNS}) VALUES ({marks})"
                    " ON CONFLICT (key) DO NOTHING",
                    entry,
                )
                return changed == 1
            return self._replace(run, entry, known)

    def mark(self, entry: Entry, known: Entry, counter: Counter | None) -> bool:
        """As :meth:`claim`, and count it in the same transaction."""
        with self._database.transaction() as run:
            if not self._replace(run, entry, known):
                return False
            if counter is not None:
                self._add(run, _count(entry, counter, 1))
            return True

    def forget(self, known: Entry) -> bool:
        """Take back an intent that certainly had no effect."""
        with self._database.transaction() as run:
            _, changed = run(
                "DELETE FROM anabranch_effects WHERE key = ? AND owner = ? AND updated_ms = ?"
                " AND state = ?",
                (known.key, known.owner, known.updated_ms, known.state),
            )
        return changed == 1

    def next_offset(self, run: str, source: Source, partition: int) -> tuple[int | None, int]:
        """Below it every effect is settled (or listed as in doubt); and below what the live entries were
        pruned."""
        sql = (
            "SELECT next_offset, pruned_below FROM anabranch_effect_offsets"
            " WHERE run = ? AND cluster_id = ? AND topic_id = ? AND partition = ?"
        )
        with self._database.transaction() as execute:
            own, _ = execute(sql, (run, *source[:2], partition))
            live, _ = execute(sql, (LIVE, *source[:2], partition))
        return (int(own[0][0]) if own else None), (int(live[0][1]) if live else 0)

    def advance(
        self, run: str, counted: Iterable[Counted], counts: Iterable[Count], now_ms: int
    ) -> None:
        """A batch has ended: its offsets and what was counted in it."""
        with self._database.transaction() as execute:
            for each in counted:
                execute(
                    "INSERT INTO anabranch_effect_offsets AS known (run, cluster_id, topic_id, partition,"
                    " topic, next_offset, skipped, pruned_below, updated_ms)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)"
                    " ON CONFLICT (run, cluster_id, topic_id, partition) DO UPDATE SET"
                    " next_offset = excluded.next_offset, skipped = known.skipped + excluded.skipped,"
                    " updated_ms = excluded.updated_ms WHERE known.next_offset < excluded.next_offset",
                    (
                        run, each.source.cluster_id, each.source.topic_id, each.partition,
                        each.source.topic, each.next_offset, each.skipped, now_ms,
                    ),
                )  # fmt: skip
            for count in counts:
                self._add(execute, count)

    def counts(self, run: str | None = None) -> list[Count]:
        """What was counted, of one run or of all."""
        sql = (
            "SELECT run, effect, cluster_id, topic_id, partition, outcome, records"
            " FROM anabranch_effect_counts"
        )
        with self._database.transaction() as execute:
            rows, _ = execute(sql + (" WHERE run = ?" if run else ""), (run,) if run else ())
        return sorted(Count._make((*row[:5], Counter(row[5]), int(row[6]))) for row in rows)

    def offsets(self, run: str) -> list[SinkOffset]:
        """Positions and counters of a run, as of any sink."""
        with self._database.transaction() as execute:
            rows, _ = execute(
                "SELECT cluster_id, topic_id, partition, topic, next_offset, skipped"
                " FROM anabranch_effect_offsets WHERE run = ?",
                (run,),
            )
        sums: dict[tuple[str, str, int, Counter], int] = {}
        for count in self.counts(run):
            key = (count.cluster_id, count.topic_id, count.partition, count.outcome)
            sums[key] = sums.get(key, 0) + count.records
        found = [
            SinkOffset._make(
                (
                    *row[:5],
                    sums.get((*row[:3], Counter.PERFORMED), 0),
                    sums.get((*row[:3], Counter.SUPPRESSED), 0)
                    + sums.get((*row[:3], Counter.STAGED), 0),
                    row[5],
                )
            )
            for row in rows
        ]
        return sorted(found, key=lambda row: (row.topic, row.topic_id, row.partition))

    def runs(self) -> list[str]:
        """``live`` and the sessions that have entries here."""
        with self._database.transaction() as execute:
            rows, _ = execute("SELECT DISTINCT run FROM anabranch_effect_offsets")
        return sorted(row[0] for row in rows)

    def prune(self, before_ms: int) -> int:
        """Forget settled effects older than ``before_ms`` of records that the live run has passed.

        What was forgotten is remembered as a range: it is never performed again, replay or not. Entries
        with an event id stay, since their record may come again elsewhere.
        """
        with self._database.transaction() as run:
            _, pruned = run(
                "DELETE FROM anabranch_effects WHERE state IN (?, ?) AND event_id = ''"
                " AND updated_ms < ? AND EXISTS (SELECT 1 FROM anabranch_effect_offsets o"
                " WHERE o.run = ? AND o.cluster_id = anabranch_effects.cluster_id"
                " AND o.topic_id = anabranch_effects.topic_id"
                " AND o.partition = anabranch_effects.partition AND record_offset < o.next_offset)",
                (*SETTLED, before_ms, LIVE),
            )
            if pruned:
                run(
                    "UPDATE anabranch_effect_offsets SET pruned_below = next_offset WHERE run = ?",
                    (LIVE,),
                )
        return pruned

    def close(self) -> None:
        self._database.close()

    def _replace(self, run: Statements, entry: Entry, known: Entry) -> bool:
        _, changed = run(
            "UPDATE anabranch_effects SET state = ?, run = ?, owner = ?, attempts = ?, first_ms = ?,"
            " updated_ms = ?, status = ?, detail = ?, request = ?"
            " WHERE key = ? AND state = ? AND owner = ? AND updated_ms = ? AND attempts = ?",
            (
                entry.state, entry.run, entry.owner, entry.attempts, entry.first_ms,
                entry.updated_ms, entry.status, entry.detail, entry.request,
                known.key, known.state, known.owner, known.updated_ms, known.attempts,
            ),
        )  # fmt: skip
        return changed == 1

    def _add(self, run: Statements, count: Count) -> None:
        if count.records:
            run(
                "INSERT INTO anabranch_effect_counts AS known VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (run, effect, cluster_id, topic_id, partition, outcome)"
                " DO UPDATE SET records = known.records + excluded.records",
                count,
            )


class LedgerLines:
    """A ledger as a sink at rest: positions and counters by run. There is nothing to stage or swap."""

    sink_class = SinkClass.LEDGER
    promotes = False
    stages = True

    def __init__(self, location: str) -> None:
        self._ledger = Ledger.open(location.removeprefix("http:"), create=False)
        self.location = f"http:{self._ledger.location}"
        shown = self._ledger.location
        self.name = f"http:{Path(shown).name}" if "://" not in shown else self.location

    def offsets(self, line: str = LIVE) -> list[SinkOffset]:
        return self._ledger.offsets(line)

    def lines(self) -> list[Line]:
        return [Line(run, -1, self._ledger.offsets(run)) for run in self._ledger.runs()]

    def take_checkpoint(self, target: Path) -> Checkpoint:
        raise UserFault(f"{self.name} holds effects: what left the house cannot be copied")

    def checkpoint_offsets(self, checkpoint: Path) -> list[SinkOffset]:
        raise UserFault(f"{self.name} takes no checkpoints")

    def stage(self, line: str, checkpoint: Path | None, now_ms: int) -> list[SinkOffset]:
        """A session's run begins by itself; its declaration says what becomes of its effects."""
        return self._ledger.offsets(line)

    def promote(self, line: str, now_ms: int) -> Promotion:
        raise UserFault(f"{self.name} holds effects: staged ones are released, not promoted")

    def undo(self, line: str, now_ms: int) -> Promotion:
        raise UserFault(f"{self.name} holds effects: what left the house cannot be undone")

    def drop(self, line: str) -> bool:
        return False

    def close(self) -> None:
        self._ledger.close()


def _entry(row: Row) -> Entry:
    return Entry._make((*row[:8], EffectState(row[8]), *row[9:]))


def _count(entry: Entry, counter: Counter, records: int) -> Count:
    return Count(
        entry.run, entry.effect, entry.cluster_id, entry.topic_id, entry.partition, counter, records
    )


def in_doubt(entries: Sequence[Entry], now_ms: int, in_flight_ms: int) -> list[Entry]:
    """Those that nobody can tell of: marked so, or an intent older than any request lasts."""
    return [
        entry
        for entry in entries
        if entry.state is EffectState.IN_DOUBT
        or (entry.state is EffectState.INTENT and now_ms - entry.updated_ms > in_flight_ms)
    ]
