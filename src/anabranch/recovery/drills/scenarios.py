"""What is rehearsed: each scenario damages the scratch cluster in one way, repairs it by the recovery plane, and judges.

A scenario returns an :class:`Outcome`; UserFault means that the recovery did not come off, which fails it with the
sentence. What is asserted of each is what an operator relies on: that the damage is *named* by the plan where it should be,
and that the output is what it was before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from msgspec import Struct, structs

from anabranch.errors import AnabranchError, ClientFault, UserFault
from anabranch.log.branch import BranchPoint
from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.log.opening import open_log
from anabranch.log.settings import LogSettings
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.recovery.capture import points
from anabranch.recovery.checks.verify import Verification
from anabranch.recovery.drills import live
from anabranch.recovery.drills.stage import Figures, Stage, append_rows
from anabranch.recovery.evidence.report import LATENCY_SAMPLES_MIN, Latency
from anabranch.recovery.plans.plan import Plan
from anabranch.recovery.promises import holds, runway
from anabranch.recovery.promotion import line_promotion
from anabranch.recovery.promotion.line_promotion import OffsetRule, Rules
from anabranch.recovery.replays.session import Progress, Sample

THROTTLED: Final = (
    "cold_bytes_per_second = 262144\ntrial_refused_percent = 25\ntrial_latency_ms = 20\n"
)
MERGED_SOON: Final = "merge_age_ms = 100\nbackground_interval_ms = 100\n"
WARM_SAMPLES: Final = 50
DAY_MS: Final = 86_400_000


class Outcome(Struct, frozen=True, kw_only=True):
    """What a scenario came to. ``lost``: records that the repaired output lacks; ``duplicates``: that it has twice."""

    sentence: str
    facts: tuple[tuple[str, str], ...] = ()
    records: int = 0
    bytes: int = 0
    replay_seconds: float = 0.0
    suppressed: int = 0
    duplicates: int = 0
    lost: int = 0
    exact: bool = True
    verifications: tuple[Verification, ...] = ()
    samples: tuple[Sample, ...] = ()
    latencies: tuple[Latency, ...] = ()
    skipped: bool = False

    @property
    def passed(self) -> bool:
        verified = all(each.passed for each in self.verifications)
        return verified and self.exact and not self.duplicates and not self.lost


def outcome_of(figures: Figures, sentence: str, *facts: tuple[str, str]) -> Outcome:
    """What a replay and its output came to."""
    session, judged = figures.session, figures.judged
    return Outcome(
        sentence=sentence
        if all(v.passed for v in figures.verifications)
        else "the output is not what it was",
        facts=(*facts, *figures.facts),
        records=session.total.records,
        bytes=session.total.bytes,
        replay_seconds=figures.seconds,
        suppressed=judged.suppressed,
        duplicates=judged.duplicates,
        lost=judged.lost,
        exact=judged.exact,
        verifications=figures.verifications,
        samples=session.samples,
    )


async def bad_deploy(stage: Stage) -> Outcome:
    async with stage.running():
        gone = await stage.copy.damage(stage)
        figures = await stage.recover(await stage.plan(stage.point))
    return outcome_of(
        figures,
        "Rebuilt from the recovery point, equal to what it was.",
        ("Rows damaged", f"{gone:,}"),
    )


async def poisoned_record(stage: Stage) -> Outcome:
    """The live processor meets it. Then a branch is cut in front of it and put in the topic's place."""
    name = stage.stream.inputs[0]
    log = await _writable(stage)
    try:
        topic = log.catalogue.topic(name)
        assert topic is not None
        middle = log.partition(topic, 0).next_offset
        poison = [Record(0, stage.now_ms(), b"poison", b"\xff\xfepoison", ())]
        await log.append(topic, 0, memoryview(bytearray(build_batch(poison))))
    finally:
        await log.close()
    async with stage.running():
        died = ""
        try:
            await stage.live(await stage.ends())
        except UserFault as fault:
            died = str(fault)
            await stage.left()  # a promotion needs a group without members
        beyond = stage.copy.met_poison(stage)
        topic = stage.log.catalogue.topic(name)
        assert topic is not None
        branch = await stage.log.branch(
            topic, f"{name}.corrected", BranchPoint(offsets={0: middle})
        )
        done = await line_promotion.promote(
            stage.log,
            topic,
            branch,
            identity="drill",
            creator="drill",
            now_ms=stage.now_ms(),
            rules=Rules(OffsetRule.REWIND),
        )
        row = await stage.metastore.partition(topic.no, 0)
        # The live line has dealt with a record that is no longer there: what it says of itself is of no use.
        figures = await stage.recover(await stage.plan(stage.point, with_sink=False))
    found = outcome_of(
        figures,
        "The record is out of the log, and the output equal to what it was.",
        ("Promotion of the corrected branch", done.id),
        ("What it did to the processor", died or "it went on"),
        *beyond,
    )
    exact = found.exact and row is not None and row.next_offset == middle
    return structs.replace(found, exact=exact)


async def corrupted_enrichment(stage: Stage) -> Outcome:
    if not stage.stream.enrichment:
        return Outcome(sentence="the stream declares no enrichment", skipped=True)
    log = await _writable(stage)
    try:
        for name in stage.stream.enrichment:
            topic = log.catalogue.topic(name)
            assert topic is not None
            wrong = [Record(n, stage.now_ms(), b"%d" % n, b"{}", ()) for n in range(10)]
            await log.append(topic, 0, memoryview(bytearray(build_batch(wrong))))
    finally:
        await log.close()
    async with stage.running():
        await stage.copy.damage(stage)
        figures = await stage.recover(await stage.plan(stage.point), also=stage.stream.enrichment)
    return outcome_of(figures, "Replayed with the tables as they were at the restart.")


async def downstream_restore(stage: Stage) -> Outcome:
    async with stage.running():
        await stage.copy.restore_older(stage)
        plan = await stage.plan(stage.point)
        # What a ledger forgot is staged, and was had: nobody who looks at it releases it.
        figures = await stage.recover(plan, finish=not stage.copy.is_effects)
    if stage.copy.is_effects:
        return outcome_of(figures, "The ledger forgot effects that took place; none was repeated.")
    return outcome_of(
        figures, "The sink was brought from its older copy to where the group stands."
    )


async def recreated_topic(stage: Stage) -> Outcome:
    """The old point must be refused; a rebuild from the first record of the new topic must come out right."""
    name = stage.stream.inputs[0]
    log = await _writable(stage)
    try:
        await _recreate(log, name)
    finally:
        await log.close()
    async with stage.running():
        plan = await stage.plan(stage.point)
        noticed = not plan.feasible
        if stage.copy.is_effects:
            return await _effects_of_a_recreated_topic(stage, plan)
        await stage.copy.clear(stage)
        await stage.live(await stage.ends())
        verified = await stage.copy.verify(stage, "", None)
    return Outcome(
        sentence="The old offsets were refused, and the new topic read from its first record."
        if noticed
        else "A plan would have used offsets of the topic that was deleted.",
        facts=(("Refused because", (plan.problems or ("-",))[0]),),
        exact=noticed,
        verifications=verified,
    )


async def _effects_of_a_recreated_topic(stage: Stage, refused: Plan) -> Outcome:
    """They were had once. The records have other identities now, so that only a replay that performs nothing by itself can
    read them again."""
    figures = await stage.recover(await stage.plan(None, with_sink=False), finish=False)
    found = outcome_of(
        figures,
        "The old offsets were refused, and what the new topic asked for once more was not performed.",
        ("Refused because", (refused.problems or ("-",))[0]),
        ("Effects staged or suppressed", f"{figures.judged.suppressed:,}"),
    )
    return structs.replace(found, exact=found.exact and not refused.feasible)


async def _recreate(log: Log, name: str) -> None:
    from anabranch.log.reader import plan_splits, read_splits

    topic = log.catalogue.topic(name)
    assert topic is not None
    kept = list(read_splits(await plan_splits(log, topic)))
    await log.delete_topic(topic, grace_ms=0)
    anew = await log.create_topic(name, topic.partitions, topic.configs)
    for batch in kept:
        await append_rows(log, anew, batch.to_pylist())


async def shortened_retention(stage: Stage) -> Outcome:
    """A hold on the point must refuse it, and the point be good for a restart all the same."""
    async with stage.running():
        await holds.create(
            stage.metastore,
            "drill",
            owner="drill",
            reason="rehearsal",
            now_ms=stage.now_ms(),
            lasts_ms=DAY_MS,
            point=stage.point,
        )
        topic = stage.log.catalogue.topic(stage.stream.inputs[0])
        assert topic is not None
        refused = ""
        try:
            await stage.log.set_configs(topic, {**topic.configs, "retention.ms": "1"})
        except ClientFault as fault:
            refused = str(fault)
        await stage.copy.damage(stage)
        figures = await stage.recover(await stage.plan(stage.point))
    found = outcome_of(
        figures,
        "Refused by the hold; the point still restarts."
        if refused
        else "Retention was shortened under a hold, and nothing said so.",
        ("Refused with", refused or "-"),
    )
    return structs.replace(found, exact=found.exact and bool(refused))


async def broker_killed(stage: Stage) -> Outcome:
    killed = 0
    tasks: list[asyncio.Task[None]] = []

    async def kill_and_start() -> None:
        await stage.broker.kill()
        await stage.broker.start()

    def look(progress: Progress) -> None:
        nonlocal killed
        if not killed and (progress.done_share > 0 or progress.elapsed_s > 1):
            killed += 1
            tasks.append(asyncio.ensure_future(kill_and_start()))

    async with stage.running():
        await stage.copy.damage(stage)
        figures = await stage.recover(await stage.plan(stage.point), on_progress=look)
        await asyncio.gather(*tasks)
    return outcome_of(
        figures, "The replay went on once the broker was back.", ("Brokers killed", str(killed))
    )


async def live_traffic(stage: Stage) -> Outcome:
    """What a producer on the same broker waits, before the replay and beside it."""
    async with stage.running():
        await stage.log.create_topic(live.TOPIC, 1, {"retention.ms": "-1"})
        await stage.copy.damage(stage)
        plan = await stage.plan(stage.point)
        async with live.traffic(stage.broker.address, stage.now_ms()) as beside:
            await beside.settle(WARM_SAMPLES)  # connections and caches are new
            beside.phase("warm")
            await beside.settle(WARM_SAMPLES + LATENCY_SAMPLES_MIN)
            before = beside.phase("before")
            during: list[Latency] = []
            figures = await stage.recover(
                plan, on_done=lambda: during.append(beside.phase("during"))
            )
    found = outcome_of(
        figures,
        "Complete, beside live traffic that was measured.",
        ("Live produce p99 before", f"{before.p99_ms:,.1f} ms of {before.samples:,} requests"),
        *(
            ("Live produce p99 beside the replay", f"{one.p99_ms:,.1f} ms of {one.samples:,}")
            for one in during
        ),
    )
    return structs.replace(found, latencies=(before, *during))


async def store_throttled(stage: Stage) -> Outcome:
    """What is read comes from the store, late, in small amounts, and often not before it was asked for again."""
    stage.configure(MERGED_SOON)
    async with stage.running():
        await _merged(stage)  # the write-ahead log is not what is slow
    stage.strain(THROTTLED)
    async with stage.running():
        await stage.copy.damage(stage)
        figures = await stage.recover(await stage.plan(stage.point))
    refused = stage.refused()
    found = outcome_of(
        figures,
        "Slower, and complete."
        if refused
        else "The store was never asked, so that nothing was rehearsed.",
        ("Requests that were answered 503 SlowDown", refused or "none"),
        ("The store gives", "256 KiB/s"),
    )
    return structs.replace(found, exact=found.exact and bool(refused))


async def _merged(stage: Stage) -> None:
    """Until the inputs lie in the store: the WAL is not what is slow."""
    for name in stage.stream.inputs:
        topic = stage.log.catalogue.topic(name)
        assert topic is not None
        for partition in range(topic.partitions):
            while await stage.metastore.wal_extents(topic.no, partition, 1):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def missing_checkpoint(stage: Stage) -> Outcome:
    """Named, and refused; an all-new rebuild is the way that is left."""
    if not stage.copy.takes_checkpoints:
        return Outcome(sentence="the sink holds effects, and takes no checkpoints", skipped=True)
    async with stage.running():
        stage.checkpoint_path.unlink()
        plan = await stage.plan(stage.point)
        gone = bool(points.examine_checkpoints(stage.point)) and bool(plan.problems)
        refused = False
        try:
            await stage.recover(plan)
        except UserFault:
            refused = True
        figures = await stage.recover(await stage.plan(None, with_sink=False))
    found = outcome_of(
        figures,
        "The missing copy was named and refused; rebuilt from the first record."
        if gone and refused
        else "A replay would have started from a state that is not there.",
        ("Problem named", (plan.problems or ("-",))[0]),
    )
    return structs.replace(found, exact=found.exact and gone and refused)


async def unaligned_checkpoint(stage: Stage) -> Outcome:
    """The newest point was taken while records were in flight, and no copy holds them: its offsets alone would leave
    them out. The plan has to say so; the one before it is the way back."""
    async with stage.running():
        unaligned = await stage.take_point("unaligned", in_flight=True, checkpoint=False)
        plan = await stage.plan(unaligned)
        said = [text for text in (*plan.problems, *plan.notes) if "in flight" in text]
        found = await stage.plan(stage.point)
        clean = not any("in flight" in text for text in (*found.problems, *found.notes))
        await stage.copy.damage(stage)
        figures = await stage.recover(found)
    outcome = outcome_of(
        figures,
        "Records in flight were named; recovered from the point before, which holds all of its state."
        if said and clean
        else "A plan would have left out records that were in flight.",
        ("Named as", said[0] if said else "not named"),
        ("Recovered from", stage.point.id),
    )
    return structs.replace(outcome, exact=outcome.exact and bool(said) and clean)


async def off_by_one(stage: Stage) -> Outcome:
    """Offsets of the last record instead of the next: the sink's own offsets decide, and nothing acts twice."""
    middle = {(p.topic, p.partition): p.offset for p in stage.point.positions}
    explicit = [(topic, p, max(0, offset - 1)) for (topic, p), offset in middle.items()]
    async with stage.running():
        wrong = await points.capture(
            stage.metastore,
            token="0ff1",
            name="off-by-one",
            now_ms=stage.now_ms(),
            group=stage.stream.group,
            explicit=explicit,
            sinks=stage.point.sinks,
            checkpoint=stage.point.checkpoint,
            creator="drill",
        )
        await stage.copy.damage(stage)
        figures = await stage.recover(await stage.plan(wrong))
    shifted = sum(offset > 0 for offset in middle.values())
    again = figures.judged.suppressed
    # Of effects, all of the range were had; of tables, the point's copy lacks what comes after it. A processor that
    # begins where its sink stands does not ask for the repeats.
    joined = again >= shifted if stage.copy.is_effects else again <= shifted
    sentence = f"{again:,} records came again and were turned away"
    if again < shifted:
        sentence += f", {shifted - again:,} were not read again, as the processor goes by its sink"
    found = outcome_of(
        figures,
        f"{sentence}; none acted twice.",
        ("Offsets wrong by one", f"{shifted:,}"),
    )
    return structs.replace(found, exact=found.exact and joined)


async def lagging_group(stage: Stage) -> Outcome:
    """The runway must say so, and a hold on the group keep what it has not read."""
    async with stage.running():
        topic = stage.log.catalogue.topic(stage.stream.inputs[0])
        assert topic is not None
        lag = [
            one
            for one in await runway.runways(
                stage.metastore, now_ms=stage.now_ms(), groups=[stage.stream.group]
            )
            if one.topic == topic.name
        ]
        await holds.create(
            stage.metastore,
            "lagging",
            owner="drill",
            reason="rehearsal",
            now_ms=stage.now_ms(),
            lasts_ms=DAY_MS,
            point=stage.point,
        )
        kept = True
        for one in stage.point.positions:
            named = stage.log.catalogue.topic(one.topic)
            assert named is not None
            end = stage.log.partition(named, one.partition).next_offset
            if one.offset >= end:
                continue
            try:
                await stage.log.delete_records(named, one.partition, end)
                kept = False
            except ClientFault:
                pass
        await stage.copy.damage(stage)
        figures = await stage.recover(await stage.plan(stage.point))
    found = outcome_of(
        figures,
        "What the group needs was held against its removal."
        if kept
        else "Records that the group needs were removed under a hold.",
        ("Partitions with a runway", f"{len(lag):,}"),
    )
    return structs.replace(found, exact=found.exact and kept and bool(lag))


async def _writable(stage: Stage) -> Log:
    """The scratch cluster as a broker would open it: nothing else runs on it now."""
    return await open_log(
        Location(data=stage.data),
        broker_id=1,
        host="127.0.0.1",
        port=1,
        settings=LogSettings(background=False),
    )


Scenario = Callable[[Stage], Awaitable[Outcome]]
RUN: Final[Mapping[str, Scenario]] = {
    "bad-deploy": bad_deploy,
    "poisoned-record": poisoned_record,
    "corrupted-enrichment": corrupted_enrichment,
    "downstream-restore": downstream_restore,
    "recreated-topic": recreated_topic,
    "shortened-retention": shortened_retention,
    "broker-killed": broker_killed,
    "live-traffic": live_traffic,
    "store-throttled": store_throttled,
    "missing-checkpoint": missing_checkpoint,
    "unaligned-checkpoint": unaligned_checkpoint,
    "off-by-one": off_by_one,
    "lagging-group": lagging_group,
}


async def timed(name: str, stage: Stage) -> tuple[Outcome, float]:
    """Run one on a stage as it was filled; with the seconds that it took."""
    stage.reset()
    began = time.monotonic()
    try:
        outcome = await RUN[name](stage)
    except TimeoutError:
        outcome = Outcome(sentence="it did not come off within its time", exact=False)
    except AnabranchError as fault:
        outcome = Outcome(sentence=f"it did not come off: {fault}", exact=False)
    return outcome, time.monotonic() - began
