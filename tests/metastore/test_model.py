"""Random conversations with an engine, compared with a model after every word (I2, I3, I7, I8)."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from anabranch.metastore.api import (
    AppendCommit,
    BranchOrigin,
    Committed,
    ExtentName,
    GapCause,
    NewExtent,
    ObjectKind,
    OffsetAction,
)

from .conftest import ENGINES
from .model import Model, ModelExtent, ModelPartition, ModelTopic
from .support import ADMIN, MEMBER, topic_id

T = TypeVar("T")
PARTITIONS = 2
GROUPS = ("g", "h")

fractions = st.floats(0, 1)
partition_numbers = st.integers(0, PARTITIONS - 1)


class Conversation(RuleBasedStateMachine):
    """``now_ms`` moves with every word; topics, objects and extents are numbered as they come."""

    engine = ""

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        self.meta = ENGINES[self.engine](Path(self._directory.name))
        self.runner = asyncio.Runner()
        self.model = Model()
        self.now_ms = 1_000
        self.serial = 0
        self.collected: set[str] = set()

    def teardown(self) -> None:
        self.meta.close()
        self.runner.close()
        self._directory.cleanup()

    def run(self, verb: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(verb)

    def next_serial(self) -> int:
        self.serial += 1
        return self.serial

    def a_topic(self, fraction: float) -> tuple[int, ModelTopic]:
        numbers = sorted(self.model.topics)
        number = numbers[min(int(fraction * len(numbers)), len(numbers) - 1)]
        return number, self.model.topics[number]

    # -- topics ------------------------------------------------------------------------------------
    @precondition(lambda self: len(self.model.topics) < 4)
    @rule()
    def create_topic(self) -> None:
        serial = self.next_serial()
        topic = self.run(
            self.meta.create_topic(f"t{serial}", topic_id(serial), PARTITIONS, {}, self.now_ms)
        )
        assert topic.no not in self.model.topics
        self.model.topics[topic.no] = ModelTopic(
            topic.name, [ModelPartition() for _ in range(PARTITIONS)]
        )

    @precondition(lambda self: len(self.model.topics) > 1)
    @rule(which=fractions)
    def delete_topic(self, which: float) -> None:
        number, _ = self.a_topic(which)
        assert self.run(self.meta.delete_topic(number, self.now_ms))
        del self.model.topics[number]
        for key in sorted(self.model.committed):
            if key[1] == number:
                self.model.change_offset(key, None, "delete", self.now_ms)

    @precondition(lambda self: self.model.topics)
    @rule(which=fractions)
    def delete_with_grace(self, which: float) -> None:
        """Its objects stay named and its committed offsets stay, out of sight."""
        number, topic = self.a_topic(which)
        assert self.run(self.meta.delete_topic(number, self.now_ms, grace_ms=10**9))
        self.model.deleted[number] = topic
        del self.model.topics[number]

    @precondition(lambda self: self.model.deleted)
    @rule(which=fractions, renamed=st.booleans())
    def undelete(self, which: float, renamed: bool) -> None:
        numbers = sorted(self.model.deleted)
        number = numbers[min(int(which * len(numbers)), len(numbers) - 1)]
        topic = self.model.deleted.pop(number)
        if renamed:
            topic.name = f"u{self.next_serial()}"
        back = self.run(
            self.meta.undelete_topic(number, topic.name if renamed else None, self.now_ms)
        )
        assert (back.no, back.name) == (number, topic.name)
        self.model.topics[number] = topic

    @precondition(lambda self: 0 < len(self.model.topics) < 4)
    @rule(which=fractions, where=st.tuples(fractions, fractions))
    def branch(self, which: float, where: tuple[float, float]) -> None:
        number, source = self.a_topic(which)
        serial = self.next_serial()
        ends, pieces, parts = [], {}, []
        for p, (part, fraction) in enumerate(zip(source.partitions, where, strict=True)):
            end = part.log_start + round(fraction * (part.next_offset - part.log_start))
            ends.append(end)
            key = f"branch/{serial}-{p}"
            past = part.up_to(end, key)
            parts.append(past)
            if past.extents and past.extents[-1].key == key:
                object_no = self.run(self.meta.create_object(key, ObjectKind.SEGMENT, self.now_ms))
                self.model.objects.add(key)
                pieces[p] = [(object_no, past.extents[-1].as_new())]
        topic = self.run(self.meta.topic_by_no(number))
        assert topic is not None
        origin = BranchOrigin(topic.id, topic.name, tuple(ends), "offsets")
        branch = self.run(
            self.meta.create_branch(
                number, f"b{serial}", topic_id(serial), origin, pieces, self.now_ms
            )
        )
        self.model.topics[branch.no] = ModelTopic(branch.name, parts)

    # -- extents -----------------------------------------------------------------------------------
    @precondition(lambda self: self.model.topics)
    @rule(
        which=fractions,
        batches=st.lists(
            st.tuples(partition_numbers, st.integers(1, 9), st.integers(-1, 99)),
            min_size=1,
            max_size=5,
        ),
        stale=st.booleans(),
        clock=st.integers(-200, 0),
        file=st.integers(1, 3),
    )
    def append(
        self,
        which: float,
        batches: list[tuple[int, int, int]],
        stale: bool,
        clock: int,
        file: int,
    ) -> None:
        """One flush; ``stale`` makes the first partition's expectation wrong."""
        number, topic = self.a_topic(which)
        key = f"wal/{self.serial // 10}-{file}"
        if key in self.collected:
            return  # refused: test_i3_a_collected_key_never_comes_back
        commits = []
        expected = []
        for p in sorted({p for p, _, _ in batches}):
            part = topic.partitions[p]
            offset = part.next_offset + (1 if stale and not commits else 0)
            extents = []
            for _, records, timestamp in [batch for batch in batches if batch[0] == p]:
                extents.append(
                    NewExtent(
                        offset,
                        offset + records - 1,
                        self.next_serial() * 1_000,
                        records * 10,
                        records,
                        timestamp,
                        self.now_ms + clock,
                        0,
                    )
                )
                offset += records
            lost = stale and not commits
            commits.append(AppendCommit(number, p, extents[0].base_offset, offset, tuple(extents)))
            expected.append(not lost)
            if not lost:
                for e in extents:
                    part.appended_mark = max(part.appended_mark, e.appended_ms)
                    part.extents.append(
                        ModelExtent(
                            e.base_offset,
                            e.last_offset,
                            key,
                            e.position,
                            e.length,
                            e.records,
                            e.max_timestamp,
                            part.appended_mark,
                        )
                    )
                part.next_offset = offset
        outcomes = self.run(self.meta.commit_appends(key, commits, self.now_ms))
        assert [outcome.committed for outcome in outcomes] == expected
        self.model.objects.add(key)

    @precondition(lambda self: self.model.topics)
    @rule(which=fractions, p=partition_numbers, where=fractions, count=st.integers(1, 4))
    def merge(self, which: float, p: int, where: float, count: int) -> None:
        number, topic = self.a_topic(which)
        part = topic.partitions[p]
        start = int(where * len(part.extents))
        run = part.extents[start : start + count]
        if not run:
            return
        there = self.run(self.meta.extents_from(number, p, run[0].base, len(run)))
        key = f"seg/{self.next_serial()}"
        object_no = self.run(self.meta.create_object(key, ObjectKind.SEGMENT, self.now_ms))
        merged = ModelExtent(
            run[0].base,
            run[-1].last,
            key,
            0,
            sum(extent.length for extent in run),
            sum(extent.records for extent in run),
            max(extent.timestamp for extent in run),
            run[0].appended,
        )
        replaced = self.run(
            self.meta.replace_extents(
                number,
                p,
                [ExtentName(e.base_offset, e.object_no, e.position) for e in there],
                object_no,
                merged.length,
                [merged.as_new()],
                self.now_ms,
            )
        )
        assert replaced
        self.model.objects.add(key)
        part.extents[start : start + count] = [merged]

    @precondition(lambda self: self.model.topics)
    @rule(
        which=fractions,
        p=partition_numbers,
        where=fractions,
        cause=st.sampled_from([GapCause.RETENTION_TIME, GapCause.DELETE_RECORDS]),
    )
    def advance(self, which: float, p: int, where: float, cause: GapCause) -> None:
        number, topic = self.a_topic(which)
        part = topic.partitions[p]
        to = round(where * (part.next_offset + 2))
        row = self.run(self.meta.advance_log_start(number, p, to, cause, "", self.now_ms))
        part.advance(to, cause.value)
        assert row is not None and row.log_start == part.log_start

    @rule(keep=st.booleans())
    def collect(self, keep: bool) -> None:
        """I3: exactly the objects that nothing names are offered."""
        self.run(self.meta.purge_deleted(10_000, self.now_ms))
        offered = self.run(self.meta.objects_without_extents(self.now_ms, 10**9, 1_000))
        assert {row.key for row in offered} == self.model.objects - self.model.named()
        for row in offered if not keep else []:
            assert self.run(self.meta.forget_object(row.no, "test", self.now_ms))
            self.model.objects.remove(row.key)
            self.collected.add(row.key)

    # -- offsets -----------------------------------------------------------------------------------
    @precondition(lambda self: self.model.topics)
    @rule(
        group=st.sampled_from(GROUPS),
        which=fractions,
        offsets=st.lists(st.tuples(partition_numbers, st.integers(0, 50)), max_size=3),
        action=st.sampled_from([OffsetAction.COMMIT, OffsetAction.RESET]),
    )
    def commit(
        self, group: str, which: float, offsets: list[tuple[int, int]], action: OffsetAction
    ) -> None:
        number, _ = self.a_topic(which)
        rows = [Committed(number, p, offset, 0, "", self.now_ms) for p, offset in offsets]
        self.run(self.meta.commit_offsets(group, rows, action, MEMBER, self.now_ms))
        for p, offset in offsets:
            self.model.change_offset((group, number, p), offset, action.value, self.now_ms)

    @precondition(lambda self: self.model.topics)
    @rule(group=st.sampled_from(GROUPS), which=fractions, p=partition_numbers)
    def forget_offset(self, group: str, which: float, p: int) -> None:
        number, _ = self.a_topic(which)
        action = OffsetAction.EXPIRE
        self.run(self.meta.delete_offsets(group, [(number, p)], action, ADMIN, self.now_ms))
        self.model.change_offset((group, number, p), None, action.value, self.now_ms)

    @rule(group=st.sampled_from(GROUPS))
    def delete_group(self, group: str) -> None:
        self.run(self.meta.delete_group(group, ADMIN, self.now_ms))
        for key in sorted(self.model.committed):
            if key[0] == group:
                self.model.change_offset(key, None, "delete", self.now_ms)

    # -- what must hold after every word -------------------------------------------------------------
    @invariant()
    def time_passes(self) -> None:
        self.now_ms += 10

    @invariant()
    def tables_are_sound(self) -> None:
        assert self.run(self.meta.check()) == []

    @invariant()
    def topics_are_the_models(self) -> None:
        """I2, and I7: a word about one topic changes no other."""
        assert {t.no for t in self.run(self.meta.topics())} == set(self.model.topics)
        for number, topic in self.model.topics.items():
            for p, part in enumerate(topic.partitions):
                row = self.run(self.meta.partition(number, p))
                assert row is not None
                assert (row.next_offset, row.log_start) == (part.next_offset, part.log_start)
                extents = self.run(self.meta.extents_from(number, p, 0, 10_000))
                assert [
                    (
                        e.base_offset,
                        e.last_offset,
                        e.object_key,
                        e.position,
                        e.length,
                        e.records,
                        e.max_timestamp,
                        e.appended_ms,
                    )
                    for e in extents
                ] == [tuple(vars(extent).values()) for extent in part.extents]
                gaps = self.run(self.meta.gaps(number, p))
                assert [(g.first_offset, g.last_offset, g.cause.value) for g in gaps] == part.gaps

    @precondition(lambda self: self.model.topics)
    @rule(which=fractions, p=partition_numbers, value=st.integers(-1, 100), offset=fractions)
    def search(self, which: float, p: int, value: int, offset: float) -> None:
        """Reads by offset and time against a plain scan of the model."""
        number, topic = self.a_topic(which)
        part = topic.partitions[p]
        start = round(offset * (part.next_offset + 1))
        rest = [e for e in part.extents if e.last >= start]
        found = self.run(self.meta.extents_from(number, p, start, 2))
        assert [e.base_offset for e in found] == [e.base for e in rest[:2]]
        hit = self.run(self.meta.extent_by_timestamp(number, p, value, start))
        expected = next((e.base for e in rest if e.timestamp >= value), None)
        assert (hit.base_offset if hit else None) == expected
        ms = 1_000 + (self.now_ms - 1_000) * value // 100
        hit = self.run(self.meta.extent_by_append_time(number, p, ms))
        expected = next((e.base for e in part.extents if e.appended >= ms), None)
        assert (hit.base_offset if hit else None) == expected
        hit = self.run(self.meta.extent_of_max_timestamp(number, p, start))
        best = max(rest, key=lambda e: e.timestamp, default=None)
        assert (hit.base_offset if hit else None) == (best.base if best else None)
        wal = self.run(self.meta.wal_extents(number, p, 10_000))
        in_wal = [e.base for e in part.extents if e.key.startswith("wal/")]
        assert [e.base_offset for e in wal] == in_wal

    @invariant()
    def i8_offsets_and_their_history_are_the_models(self) -> None:
        for group in GROUPS:
            rows = self.run(self.meta.committed(group))
            assert {(group, row.topic_no, row.partition): row.offset for row in rows} == {
                key: offset
                for key, offset in self.model.committed.items()
                if key[0] == group and key[1] not in self.model.deleted
            }
            lines = self.run(self.meta.offset_history(group, limit=10_000, newest_first=False))
            found: dict[tuple[str, int, int], list[tuple[str, int | None, int | None]]] = {}
            for line in lines:
                found.setdefault((group, line.topic_no, line.partition), []).append(
                    (line.action.value, line.old, line.new)
                )
            assert found == {
                key: [(line.action, line.old, line.new) for line in told]
                for key, told in self.model.history.items()
                if key[0] == group
            }

    @rule(group=st.sampled_from(GROUPS), when=fractions)
    def positions(self, group: str, when: float) -> None:
        at_ms = 1_000 + round(when * (self.now_ms - 1_000))
        expected = {}
        for key, told in self.model.history.items():
            past = [line for line in told if line.at_ms <= at_ms]
            if key[0] == group and past:
                expected[key[1:]] = past[-1].new
        found = self.run(self.meta.positions_at(group, at_ms))
        assert {(line.topic_no, line.partition): line.new for line in found} == expected


@pytest.mark.timeout(600)  # what fails is shrunk first
@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_i2_i3_i7_i8_an_engine_behaves_like_the_model(engine: str) -> None:
    machine = type("Conversation", (Conversation,), {"engine": engine})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25 if engine == "sqlite" else 8,  # round trips take their time
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
