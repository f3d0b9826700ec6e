"""I9: from the bucket and the WAL alone, a metastore is made anew and compared with the one that lives.

At random moments nobody knows what the journal has not shipped yet, so what has to hold is this: whatever
was acknowledged is there, at its offset unless the report says that an order is not known; nothing is there
that was refused, nothing twice; names, groups and origins are what they were at some time. In the end, when
everything is shipped, all that the journal tells is equal, and the report calls it exact.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import closing
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from anabranch.errors import Corrupt
from anabranch.log import leaving
from anabranch.log.rebuild.report import Figures, Kind, Report, quiet
from anabranch.log.rebuild.run import restore_metastore
from anabranch.metastore.api import Extent, ObjectKind
from anabranch.metastore.check import check
from anabranch.metastore.connections import SqliteTx
from anabranch.metastore.extents import extents_from
from anabranch.metastore.partitions import partition as partition_row
from anabranch.metastore.restore import told
from anabranch.metastore.topics import DELETED, topics
from anabranch.records.batch import place, scan
from anabranch.records.record import iter_records
from anabranch.storage.store import NotFound
from anabranch.storage.wal import WalReader
from sim.copier import GROUP, Copier
from sim.history import TopicStory, Violation, identity_of
from sim.transactions import PREFIX, Transactional
from sim.weather import is_quiet

if TYPE_CHECKING:
    from sim.world import World

T = TypeVar("T")
EXTENTS_MAX = 1 << 30
# What a rebuild changes on purpose: brokers announce themselves anew, numbers go on higher.
NEW = ("broker", "counter")
# Where the report says one of these of a partition, its offsets need not be those that were given.
SURE = (Kind.RECOVERED, Kind.LEFT_ASIDE, Kind.UNTOLD)  # it runs on, so there may be more
HOLES = (Kind.JOURNAL_HOLE, Kind.JOURNAL_LOST)
UNCERTAIN = (Kind.ORDER, Kind.DOUBT)


class Inline(Executor):
    """Whoever asks does it."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Rebuilding:
    """Rebuilds beside the world: no virtual time passes, and nothing of it is changed."""

    def __init__(self, world: World) -> None:
        self._world = world

    def look(self, *, power_loss: bool) -> None:
        """At any moment. ``power_loss``: from what the platters would hold. Raises Violation."""
        wal = self._world.wal_reader(
            Random(self._world.rng.random()) if power_loss else None  # of a world that ends here
        )
        with closing(_Rebuilt(self._world, wal)) as rebuilt:
            rebuilt.check_tables()
            rebuilt.check_groups()
            if rebuilt.has_hole:  # listed: what was changed then may be as it was earlier
                self._world.weather.saw("rebuilds over a hole in the journal")
                return
            for story in self._world.history.topics.values():
                if not story.deletion_asked:
                    rebuilt.check_topic(story)
            for producer in self._world.transactional:
                rebuilt.check_transactions(producer)
            for copier in self._world.copiers[:1]:
                rebuilt.check_copies(copier)
        self._world.weather.saw("rebuilds compared")

    def difference(self) -> str | None:
        """What is not equal, once everything is shipped; None if nothing is."""
        with closing(_Rebuilt(self._world, self._world.wal_reader(None))) as rebuilt:
            doubts = [each for each in rebuilt.report.findings if each.kind not in SURE]
            if any(each.kind not in UNCERTAIN for each in doubts):
                return f"inexact: {doubts}"
            if (
                doubts
            ):  # where retention or compaction took the last flush, nobody knows that it did
                self._world.weather.saw("rebuilds in doubt at the end")
                return None
            if rebuilt.report.findings and not is_quiet(self._world.weather.settings):
                return None  # a broker's last flush, which failed after it became durable; late objects
            live, made = told(self._world.database.connection), told(rebuilt.tx)
        for table in sorted({*live, *made} - {*NEW}):
            ours, theirs = live.get(table, []), made.get(table, [])
            if table == "document":  # who died while it was leaving is left behind
                ours = [row for row in ours if leaving.KIND not in row]
            if ours != theirs:
                lost = [row for row in ours if row not in theirs][:3]
                added = [row for row in theirs if row not in ours][:3]
                return f"{table}: lost {lost}, added {added}"
        return None


class _Rebuilt:
    """One rebuilt metastore, in a file that goes with it."""

    def __init__(self, world: World, wal: WalReader) -> None:
        self._world = world
        self._wal = wal
        self.report = Report(figures=Figures())
        with tempfile.TemporaryDirectory(prefix="anabranch-sim-") as directory:
            path = Path(directory) / "metastore.db"
            restore_metastore(
                world.bucket,
                wal,
                path,
                pool=Inline(),
                cluster_id=world.database.cluster_id,
                incarnation=bytes(16),
                now_ms=world.now_ms,
                report=self.report,
                show=quiet,
            )
            self.tx = sqlite3.connect(":memory:", isolation_level=None, factory=SqliteTx)
            with closing(sqlite3.connect(path)) as made:
                made.backup(self.tx)
        self.topics = {topic.id: topic for topic in topics(self.tx)}

    def close(self) -> None:
        self.tx.close()

    @property
    def has_hole(self) -> bool:
        return any(finding.kind in HOLES for finding in self.report.findings)

    def waits_for_undelete(self, topic_id: bytes) -> bool:
        """Whether it was rebuilt as deleted: that it came back was not told yet."""
        row = self.tx.execute("SELECT state FROM topic WHERE id = ?", (topic_id,)).fetchone()
        return row is not None and row[0] == DELETED

    def _says(self, kinds: tuple[Kind, ...], subject: str) -> bool:
        return any(
            finding.kind in kinds and finding.subject == subject for finding in self.report.findings
        )

    def _objection(self, what: str) -> Violation:
        findings = "; ".join(
            f"{finding.kind} {finding.subject}: {finding.detail}"
            for finding in self.report.findings
        )
        return Violation(f"I9: {what} (the report: {findings or 'nothing'})")

    # -- what is there -----------------------------------------------------------------------------
    def check_tables(self) -> None:
        found = check(self.tx)
        if found and not self.has_hole:
            raise self._objection("the rebuilt metastore's own check: " + "; ".join(found))
        known = self._world.history.topics
        live = topics(self._world.database.connection)
        transactional = {topic.id for topic in live if topic.name.startswith(PREFIX)}
        for topic in self.topics.values():
            story = known.get(topic.id)
            if topic.id in transactional:
                continue
            if story is None and self._says((Kind.GUESSED,), topic.name):
                continue  # a branch that was begun, and never made
            if story is None:
                raise self._objection(f"nobody ever made {topic.name} {topic.id.hex()}")
            if topic.name == story.topic.name:
                known_configs = story.configs
                if story.source is not None and self._says((Kind.GUESSED,), topic.name):
                    # Told by an object that was written when the branch was made, by a broker that may not have
                    # heard yet what had become of its source's.
                    known_configs = known_configs + story.source.configs
                if topic.configs not in known_configs:
                    raise self._objection(f"{story} never had the configs {topic.configs}")
            elif not self._says((Kind.NAME, Kind.GUESSED), topic.name):
                raise self._objection(f"{story} is called {topic.name}")

    def check_topic(self, story: TopicStory) -> None:
        """What was acknowledged to it is there."""
        made = self.topics.get(story.id)
        if story.turns and self.waits_for_undelete(story.id):
            return
        for number in range(story.topic.partitions):
            live = partition_row(self._world.database.connection, story.topic.no, number)
            if live is None:
                return  # deleted by somebody who did not hear of it
            wanted = self._acknowledged(story, number, live.log_start)
            if made is None or number >= made.partitions:
                if wanted:
                    raise self._objection(f"{story}/{number} is gone, with {wanted}")
                continue
            self._check_partition(story, number, made.no, f"{made.name}/{number}", wanted)

    def _acknowledged(
        self, story: TopicStory, partition: int, log_start: int
    ) -> dict[tuple[str, int], int]:
        """Records that clients may rely on, and where they are."""
        line = story.line(partition)
        return {
            (attempt.uid, number): attempt.acked + number
            for attempt in self._world.history.attempts_of(story, partition)
            if attempt.acked is not None
            for number in range(attempt.count)
            if attempt.acked + number >= log_start and attempt.acked + number not in line.gone
        }

    def _check_partition(
        self,
        story: TopicStory,
        number: int,
        topic_no: int,
        name: str,
        wanted: dict[tuple[str, int], int],
    ) -> None:
        if self._says((Kind.GUESSED,), name) or self._says(
            (Kind.GUESSED,), self.topics[story.id].name
        ):
            # Segments that the journal did not know, and flushes beside them: listed as guesses.
            self._world.weather.saw("rebuilt partitions that were guessed")
            return
        there = self._records(topic_no, number, name)
        sure = not self._says(UNCERTAIN, name)
        if self._says((Kind.NAME,), self.topics[story.id].name):
            sure = False  # nobody knows where it began
        line = story.line(number)
        for here, offset in there.items():
            attempt = self._world.history.attempts[here[0]]
            if attempt.refused:
                raise self._objection(f"{name}: {here} was refused, and is at {offset}")
            known = line.base.get(attempt.uid)
            if sure and known is not None and offset != known + here[1]:
                raise self._objection(f"{name}: {here} is at {offset}, not at {known + here[1]}")
        lost = {here: offset for here, offset in wanted.items() if here not in there}
        if lost:
            raise self._objection(f"{name}: lost {lost}")

    def _records(self, topic_no: int, number: int, name: str) -> dict[tuple[str, int], int]:
        row = partition_row(self.tx, topic_no, number)
        assert row is not None
        there: dict[tuple[str, int], int] = {}
        at = row.log_start
        for extent in extents_from(self.tx, topic_no, number, row.log_start, EXTENTS_MAX):
            if extent.base_offset > at and not self._says((Kind.OFFSETS_MISSING,), name):
                raise self._objection(f"{name}: nothing at {at} to {extent.base_offset - 1}")
            at = extent.last_offset + 1
            for here, offset in self._records_of(extent):
                if there.setdefault(here, offset) != offset:
                    raise self._objection(f"{name}: {here} is at {offset} and at {there[here]}")
        if at < row.next_offset and not self._says((Kind.OFFSETS_MISSING,), name):
            raise self._objection(f"{name}: ends at {at}, not at {row.next_offset}")
        return there

    def _records_of(self, extent: Extent) -> list[tuple[tuple[str, int], int]]:
        view = self._placed(extent)
        return [
            (identity_of(record), record.offset)
            for header in scan(view)
            for record in iter_records(view, header)
        ]

    def _placed(self, extent: Extent) -> memoryview:
        """Its batches under the offsets that they have."""
        try:
            if extent.kind is ObjectKind.WAL:
                data = self._wal.read(extent.object_key, extent.position, extent.length)
            else:
                data = self._world.bucket.get(extent.object_key, extent.position, extent.length)
        except (NotFound, Corrupt) as fault:
            if not self._says((Kind.OBJECT_MISSING,), extent.object_key):
                raise self._objection(f"{extent}: {fault}, which nobody says") from None
            return memoryview(b"")
        view = memoryview(bytearray(data))
        if extent.kind is ObjectKind.WAL:
            at = extent.base_offset
            for header in scan(view):
                place(view, header.position, at, extent.leader_epoch)
                at += header.last_offset_delta + 1
        return view

    # -- transactions ------------------------------------------------------------------------------
    def check_transactions(self, producer: Transactional) -> None:
        """I6: also of what is rebuilt a read_committed consumer sees whole transactions."""
        made = None if producer.topic is None else self.topics.get(producer.topic.id)
        if made is None:
            if any(transaction.acked for transaction in producer.done):
                raise self._objection(f"the topic of {producer.name} is gone")
            return
        seen: dict[bytes, tuple[int, int]] = {}
        sure = True
        for number in range(made.partitions):
            sure = sure and not self._says(UNCERTAIN, f"{made.name}/{number}")
            for offset, value in self._committed_values(made.no, number):
                if value in seen:
                    raise self._objection(f"{value!r} is at {seen[value]} and at {offset}")
                seen[value] = number, offset
        objection = producer.objection(seen, moved=not sure)
        if objection is not None:
            raise self._objection(objection)
        self._world.weather.saw("rebuilt transactions compared")

    def check_copies(self, copier: Copier) -> None:
        """I6: where nothing is in doubt, offsets and records of a transaction are there together or not at all."""
        if self.report.findings or copier.topic is None or copier.source.topic is None:
            return
        source = self.topics.get(copier.source.topic.id)
        target = self.topics.get(copier.topic.id)
        if source is None or target is None:
            return
        for number in range(source.partitions):
            row = self.tx.execute(
                'SELECT c."offset" FROM committed c JOIN consumer_group g ON g.no = c.group_no '
                "WHERE g.group_id = ? AND c.topic_no = ? AND c.partition = ?",
                (GROUP, source.no, number),
            ).fetchone()
            objection = copier.objection_to_copies(
                number,
                0 if row is None else row[0],
                self._committed_values(source.no, number),
                self._committed_values(target.no, number),
            )
            if objection is not None:
                raise self._objection(objection)
        self._world.weather.saw("rebuilt copies compared")

    def _committed_values(self, topic_no: int, number: int) -> list[tuple[int, bytes]]:
        """(offset, value) of what is below the last stable offset and not aborted."""
        row = partition_row(self.tx, topic_no, number)
        assert row is not None
        stable = row.next_offset if row.unstable < 0 else row.unstable
        aborted = self.tx.execute(
            "SELECT producer_id, first_offset, last_offset FROM aborted_transaction "
            "WHERE topic_no = ? AND partition = ?",
            (topic_no, number),
        ).fetchall()
        found = []
        for extent in extents_from(self.tx, topic_no, number, row.log_start, EXTENTS_MAX):
            view = self._placed(extent)
            for header in scan(view):
                gone = any(
                    producer == header.producer_id and first <= header.base_offset <= last
                    for producer, first, last in aborted
                )
                if not header.is_control and not gone and header.last_offset < stable:
                    records = iter_records(view, header)
                    found += [(record.offset, record.value or b"") for record in records]
        return found

    # -- groups ------------------------------------------------------------------------------------
    def check_groups(self) -> None:
        """Every committed offset is one that was committed."""
        live = self._world.database.connection
        rows = self.tx.execute(
            'SELECT g.group_id, t.id, c.partition, c."offset" FROM committed c '
            "JOIN consumer_group g ON g.no = c.group_no JOIN topic t ON t.no = c.topic_no"
        ).fetchall()
        for group, topic_id, number, offset in rows:
            known = live.execute(
                "SELECT 1 FROM consumer_group g JOIN topic t ON t.id = ?2 WHERE g.group_id = ?1 AND ("
                "EXISTS (SELECT 1 FROM committed c WHERE c.group_no = g.no AND c.topic_no = t.no "
                'AND c.partition = ?3 AND c."offset" = ?4) OR '
                "EXISTS (SELECT 1 FROM offset_history h WHERE h.group_no = g.no AND h.topic_no = t.no "
                "AND h.partition = ?3 AND h.new_offset = ?4))",
                (group, topic_id, number, offset),
            ).fetchone()
            if known is None:
                raise self._objection(
                    f"{group} never committed {offset} of {topic_id.hex()}/{number}"
                )
