"""The checkers can object: each test plants a bug in the core and expects a few seeds to show it.

A mutant is a part of the core with one safeguard taken out. If a change of the simulation or of its checkers
lets one live, what it stands for would no longer be found either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as changed
from sim.disk import SimDisk
from sim.store import SimStore
from sim.world import run_seed

from anabranch.errors import ErrorCode
from anabranch.groups.classic import ClassicGroup
from anabranch.groups.consumer import ConsumerGroup
from anabranch.groups.consumer_values import BeatCall, BeatResult
from anabranch.groups.coordinator import Coordinator
from anabranch.groups.values import CommitCall, SyncCall, SyncResult
from anabranch.log import compaction, compaction_filter, producers
from anabranch.log.compaction_filter import Built, CompactionFilter
from anabranch.log.journal import Journal
from anabranch.log.offset_map import OffsetMap
from anabranch.log.partition import PartitionLog
from anabranch.log.pipeline import AppendPipeline
from anabranch.log.reads import Reader
from anabranch.log.rebuild import wal_read
from anabranch.metastore import appends, extent_changes, purge, transaction_end
from anabranch.metastore.api import AppendOutcome, TransactionEnd
from anabranch.metastore.journal import JournalState
from anabranch.records.header import BatchHeader
from anabranch.records.record import iter_records

SEEDS_MAX = 100
# What there was not from the beginning makes lives longer.
PLAIN = {"consumer_protocol": False, "holds": False, "copies": False}


def objection(words: str, first: int = 1, **settings: Any) -> str:
    """The first failure that says ``words``, in a weather that makes the bug matter; ``first`` is a seed that
    did not take long to find it when this was written."""
    others = []
    settings = {**PLAIN, **settings}
    for seed in range(first, first + SEEDS_MAX):
        failure = run_seed(seed, short=True, settings=settings).failure
        if failure is not None:
            if words in failure:
                return f"seed {seed}: {failure}"
            others.append(f"seed {seed}: {failure.strip().splitlines()[-1]}")
    raise AssertionError(f"the mutant lives; other objections: {others}")


def test_I1_acknowledged_before_the_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimDisk, "sync_data", lambda self, fd: None)
    print(objection("a power loss now would lose", object_wal=False))


def test_I1_the_directory_is_never_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimDisk, "sync_directory", lambda self, path: None)
    print(objection("a power loss now would lose the file", object_wal=False))


def test_I1_a_file_is_written_on_after_a_failed_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """fsyncgate: the next sync succeeds, and the pages of the failed one are gone."""
    sync = SimDisk.sync_data

    def forgiving(disk: SimDisk, fd: int) -> None:
        try:
            sync(disk, fd)
        except OSError:
            sync(disk, fd)

    monkeypatch.setattr(SimDisk, "sync_data", forgiving)
    print(objection("a power loss now would lose", object_wal=False, disk_error=0.03))


def test_I1_a_lost_compare_and_set_is_taken_for_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    conclude = AppendPipeline._conclude

    def careless(pipeline: Any, flush: Any, plans: Any, outcomes: Sequence[AppendOutcome]) -> Any:
        return conclude(pipeline, flush, plans, [AppendOutcome(True) for _ in outcomes])

    monkeypatch.setattr(AppendPipeline, "_conclude", careless)
    print(objection("I"))


def test_I2_the_next_offset_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verb takes every commit for one that follows directly, whatever the partition's end is by now."""
    commit = appends.commit_appends

    def blind(tx: Any, object_key: str, commits: Any, now_ms: int) -> Any:
        for one in commits:
            tx.execute(
                "UPDATE partition SET next_offset = ? WHERE topic_no = ? AND partition = ?",
                (one.expected_next, one.topic_no, one.partition),
            )
        return commit(tx, object_key, commits, now_ms)

    blind.__name__ = commit.__name__
    monkeypatch.setattr(appends, "commit_appends", blind)
    monkeypatch.setattr("sim.metastore.commit_appends", blind)
    print(objection("I"))


def test_I3_objects_are_deleted_that_an_extent_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Collection that takes age alone for a reason: what was merged is deleted a moment later."""
    put = SimStore.put

    def short_lived(store: Any, key: str, data: Any, **options: Any) -> int:
        size = put(store, key, data, **options)
        if key.startswith(("topics/", "packs/")):
            store._later(lambda: store._bucket.delete(key))
        return size

    monkeypatch.setattr(SimStore, "put", short_lived)
    print(objection("is not in the bucket"))


def test_I5_nobody_looks_for_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producers, "check", lambda state, batch, awaited=None: None)
    print(objection("I5"))


def test_I2_the_tail_is_kept_when_another_broker_appended(monkeypatch: pytest.MonkeyPatch) -> None:
    apply = PartitionLog.apply

    def keeping(log: PartitionLog, row: Any) -> None:
        tail = log.tail
        log.tail = type(tail)()
        apply(log, row)
        log.tail = tail

    monkeypatch.setattr(PartitionLog, "apply", keeping)
    print(objection(""))


def test_I4_offsets_are_acknowledged_and_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Coordinator.commit
    count = 0

    async def forgetful(groups: Any, group_id: str, call: CommitCall) -> list[ErrorCode]:
        nonlocal count
        count += 1
        if count % 5 == 0:
            return [ErrorCode.NONE] * len(call.offsets)
        return await commit(groups, group_id, call)

    monkeypatch.setattr(Coordinator, "commit", forgetful)
    print(objection("I4", 18))


# -- compaction and deletion -----------------------------------------------------------------------------


def test_I2_compaction_takes_the_newest_record_of_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A map that says of one key that there is a newer record, where there is none."""
    build = compaction.build_map

    def careless(*arguments: Any) -> Built:
        built = build(*arguments)
        newest = built.newest.get(b"k3")
        if newest >= 0:
            offsets = built.newest.table.offsets
            offsets[offsets.index(newest)] += 1
        return built

    monkeypatch.setattr(compaction, "build_map", careless)
    print(objection("is the newest of", 16))


def test_I2_delete_markers_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction_filter, "horizon_of", lambda header: 0)
    print(objection("the delete marker", 5, chaos_s=1e9, crash_point=0.0, brokers=1))


def test_I2_what_is_too_young_is_compacted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "cleanable_end", lambda stable, merged, young: merged)
    print(objection("ms old", 47))


def test_I2_a_marker_goes_while_what_it_deletes_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass that takes all keys for known, and forgets half of what is older."""
    judge = CompactionFilter._judge
    nothing = OffsetMap(1)

    def careless(self: Any, data: memoryview, header: BatchHeader) -> memoryview | None:
        newest = self._newest
        if any(one.key == b"k1" and one.value is not None for one in iter_records(data, header)):
            self._newest = nothing
        judged = judge(self, data, header)
        self._newest = newest
        return judged

    monkeypatch.setattr(CompactionFilter, "_judge", careless)
    print(objection("k1'", 29))


def test_I3_a_deleted_topic_has_no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    delete = purge.delete_topic

    def at_once(tx: Any, topic_no: int, now_ms: int, grace_ms: int, *more: Any) -> bool:
        return delete(tx, topic_no, now_ms, 0, *more)

    monkeypatch.setattr(purge, "delete_topic", at_once)
    print(objection("within its grace", 42, chaos_s=1e9))


def test_I3_what_was_held_a_moment_before_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever removes something goes by the holds that there were when it looked."""
    for module in (extent_changes, purge):
        monkeypatch.setattr(module, "check_guard", lambda tx, guard: None)
    short_lived = ({"retention.bytes": "1000", "retention.ms": "-1"}, {"retention.ms": "500"})
    compacted = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01"}
    monkeypatch.setattr("sim.actors.CONFIGS", (*short_lived, compacted))
    calm = {"chaos_s": 1e9, "crash_point": 0.0, "damage": False, "transactions": False}
    slow = {"remote_metastore": True, "latency_s": 0.02, "length_s": 8.0}
    print(objection("holds", 22, holds=True, **calm, **slow))


# -- rebuilds --------------------------------------------------------------------------------------------


def test_I9_flushes_newer_than_the_journal_are_left_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal_read, "_had_ended", lambda start, known: True)
    monkeypatch.setattr(wal_read._Outcomes, "went_on", lambda self, fresh: False)
    print(objection("I9", transactions=False, damage=False))


def test_I9_the_journal_does_not_tell_of_committed_offsets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries alone are compared: the next snapshot would tell of them."""

    def only_the_first(journal: Journal, state: JournalState, now_ms: int) -> None:
        if not state.sound:
            want(journal, state, now_ms)

    want = Journal._want_snapshot
    monkeypatch.setattr(Journal, "_want_snapshot", only_the_first)
    monkeypatch.setattr("anabranch.metastore.offsets.note", lambda tx, *spans: None)
    print(objection("a rebuild differs", 2))


# -- what only shows between brokers, or where nothing else goes wrong -----------------------------------


def test_wal_files_are_recycled_while_a_commit_that_names_them_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The metastore refuses the commit, so nothing is lost: but producers are told of a failure."""
    commit = AppendPipeline._commit

    async def slowly(pipeline: Any, flush: Any) -> None:
        await flush.written
        await asyncio.sleep(0.5)
        await commit(pipeline, flush)

    monkeypatch.setattr(AppendPipeline, "_plan_ahead", lambda self, shares: None)
    monkeypatch.setattr(AppendPipeline, "_commit", slowly)
    monkeypatch.setattr(AppendPipeline, "uses", lambda self, key: self._wal.is_active(key))
    calm = {"disk_error": 0.0, "store_trouble": 0.0, "metastore_trouble": 0.0}
    slow = {"remote_metastore": True, "latency_s": 0.02, "object_wal": False}
    print(objection("nothing failed", 40, **calm, **slow))


def test_I5_log_end_and_producers_are_read_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def in_two_steps(self: Any, log: PartitionLog) -> None:
        states = await self._metastore.producer_states(log.topic.no, log.partition)
        row = await self._metastore.partition(log.topic.no, log.partition)
        if row is None:
            log.gone()
            return
        log.apply(row)
        log.set_producers(states)

    monkeypatch.setattr(AppendPipeline, "_reload", in_two_steps)
    print(objection("I5", brokers=3, remote_metastore=True, latency_s=0.01))


# -- members of groups -------------------------------------------------------------------------------------


def test_I4_a_commit_of_an_old_generation_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ClassicGroup, "check_commit", lambda *_, **more: ErrorCode.NONE)
    print(objection("had begun", length_s=12.0))


def test_every_member_owns_what_the_first_one_owns(monkeypatch: pytest.MonkeyPatch) -> None:
    sync = Coordinator.sync
    first: dict[tuple[str, int], bytes] = {}

    async def confused(self: Any, group_id: str, call: SyncCall) -> SyncResult:
        result = await sync(self, group_id, call)
        if result.error is not ErrorCode.NONE:
            return result
        assignment = first.setdefault((group_id, call.generation), result.assignment)
        return replace(result, assignment=assignment)

    monkeypatch.setattr(Coordinator, "sync", confused)
    print(objection("generation", length_s=12.0))


def test_a_member_is_given_what_another_one_has_not_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take_part = ConsumerGroup._take_part

    def at_once(group: ConsumerGroup, now_ms: int, fresh_id: str, call: BeatCall) -> BeatResult:
        result = take_part(group, now_ms, fresh_id, call)
        if result.assignment is None:
            return result
        return replace(result, assignment=group.members[result.member_id].target)

    monkeypatch.setattr(ConsumerGroup, "_take_part", at_once)
    print(objection("has not given up", length_s=12.0, consumer_protocol=True))


def test_I4_who_was_fenced_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConsumerGroup, "check_commit", lambda *_, **more: ErrorCode.NONE)
    print(objection("was given before", length_s=12.0, consumer_protocol=True))


# -- transactions --------------------------------------------------------------------------------------------


def test_I6_nobody_says_what_was_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(self: Any, wants: Any, parts: Any) -> Any:
        return list(parts)

    monkeypatch.setattr(Reader, "_name_aborted", silent)
    print(objection("I6", transactions=True))


def test_I6_offsets_of_an_aborted_transaction_count(monkeypatch: pytest.MonkeyPatch) -> None:
    carry = transaction_end.carry_offsets

    def always(tx: Any, row: Any, end: TransactionEnd, now_ms: int) -> None:
        carry(tx, row, changed(end, commit=True), now_ms)

    monkeypatch.setattr(transaction_end, "carry_offsets", always)
    print(objection("the copies of", 11, transactions=True, copies=True, length_s=8.0))
