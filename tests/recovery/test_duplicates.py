"""Declared sinks in plans; duplicates forecast, and duplicates counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from anabranch.errors import UserFault
from anabranch.log.reader import plan_splits, read_splits
from anabranch.metastore.api import Identity, Transactional
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.recovery.model import SinkClass, SinkState, topic_id_text
from anabranch.recovery.plans import planning
from anabranch.recovery.plans.plan import Plan, Repeats, check_hash, forecast_sink
from anabranch.recovery.plans.runbook import runbook
from anabranch.recovery.replays import replay
from anabranch.recovery.replays.session import left
from anabranch.recovery.sinks import registry
from anabranch.recovery.sinks.compare import compare
from anabranch.recovery.sinks.locations import open_lines, read_sink
from anabranch.recovery.sinks.meter import Meter
from anabranch.recovery.sinks.registry import DeclaredSink
from anabranch.recovery.sinks.source import Source

from .kinds import FLIGHTS, SOURCES, Sqlite, apply
from .scene import T0, Scene


def metered(ledger: str, sink_class: SinkClass, session: str = "", **options: Any) -> Meter:
    environ = {"ANABRANCH_SESSION": session} if session else {}
    sources = {"flights": FLIGHTS, "flights.r1": FLIGHTS}
    return Meter.open(ledger, "rows", sink_class, sources, environ=environ, **options)


def offer(meter: Meter, offsets: range, topic: str = "flights") -> list[bool]:
    with meter.batch() as batch:
        return [batch.offer(topic, 0, offset) for offset in offsets]


def test_a_meter_counts_what_comes_again_and_turns_nothing_away(tmp_path: Path) -> None:
    ledger = f"{tmp_path}/l.db"
    meter = metered(ledger, SinkClass.APPEND)
    assert offer(meter, range(5)) == [True] * 5
    assert offer(meter, range(3, 7)) == [False, False, True, True]
    with pytest.raises(ZeroDivisionError), meter.batch() as batch:
        batch.offer("flights", 0, 7)
        _ = 1 / 0
    sink = open_lines(f"meter:{ledger}#rows")
    assert sink.sink_class is SinkClass.APPEND
    state = read_sink(f"meter:{ledger}#rows")
    assert state.positions[0].offset == 7 and state.counts is not None
    assert (state.counts.applied, state.counts.repeated) == (9, 2)


@pytest.mark.parametrize(("own_output", "again"), [(False, 5), (True, 0)])
def test_a_replay_repeats_what_the_live_run_wrote_unless_it_writes_elsewhere(
    tmp_path: Path, own_output: bool, again: int
) -> None:
    ledger = f"{tmp_path}/l.db"
    offer(metered(ledger, SinkClass.APPEND), range(10))
    replay = metered(ledger, SinkClass.APPEND, session="r1", own_output=own_output)
    offer(replay, range(5, 12), "flights.r1")
    sink = open_lines(f"meter:{ledger}#rows")
    assert [line.name for line in sink.lines()] == ["live", "r1"]
    assert sink.repeated("r1") == again and sink.repeated() == 0  # type: ignore[attr-defined]


def test_meters_are_named_and_opened_in_a_sentence(tmp_path: Path) -> None:
    ledger = f"{tmp_path}/l.db"
    with pytest.raises(UserFault, match="leave / and # out"):
        Meter.open(ledger, "a/b", SinkClass.APPEND, SOURCES)
    with pytest.raises(UserFault, match="counts by itself"):
        Meter.open(ledger, "a", SinkClass.TRANSACTIONAL, SOURCES)
    metered(ledger, SinkClass.APPEND)
    with pytest.raises(UserFault, match="holds no meter"):
        open_lines(f"meter:{ledger}#rows")
    with pytest.raises(UserFault, match="write meter:LEDGER#NAME"):
        open_lines(f"meter:{ledger}")


def test_what_is_declared_is_in_the_plans_of_its_group(play: Any, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        meta = scene.metastore
        flights = await scene.topic("flights", partitions=1)
        await scene.commit("view", flights, {0: 80}, T0)
        await scene.commit("view", flights, {0: 100}, T0 + 1000)
        kind = Sqlite(f"sqlite:{tmp_path}/view.db")
        source = Source(topic_id_text(meta.cluster_id), topic_id_text(flights.id), "flights")
        apply(kind, kind.open(sources={"flights": source}), list(range(100)))
        for sink in (
            DeclaredSink(name="invoices", sink_class=SinkClass.APPEND, group="view"),
            DeclaredSink(name="other", sink_class=SinkClass.APPEND, group="another"),
            DeclaredSink(
                name="table", sink_class=SinkClass.TRANSACTIONAL, group="view",
                location=kind.location,
            ),
        ):  # fmt: skip
            await registry.declare(meta, sink)
        states = await registry.states(meta, ["append-only:files", "other"], "view")
        assert [s.name for s in states] == ["files", "other", "invoices", "sqlite:view.db"]
        (given,) = await registry.states(meta, [kind.location], None)
        both = await registry.states(meta, [kind.location], "view")
        assert [s.name for s in both].count(given.name) == 1  # once, though named and declared
        plan = await planning.plan_recovery(
            meta, group="view", now_ms=T0 + 2000, creator="ana", since_ms=T0 + 500, sinks=states
        )
        told = {f.name: f.in_place for f in plan.forecasts}
        # A sink without offsets is taken to reach as far as its group has committed.
        assert told["invoices"] == told["files"] == Repeats(20, 20, 0)
        assert told["sqlite:view.db"] == Repeats(20, 0, 20)
        await registry.forget(meta, "table")
        with pytest.raises(UserFault, match="was declared"):
            await registry.forget(meta, "table")
        assert [s.name for s in await registry.stored(meta, "view")] == ["invoices"]

    play(story)


def test_contradictions_in_a_declaration_are_refused(play: Any, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        wrong = [
            (DeclaredSink(name="a:b", sink_class=SinkClass.APPEND), "colons"),
            (DeclaredSink(name="a", sink_class=SinkClass.APPEND, ttl_ms=5), "needs one"),
            (DeclaredSink(name="a", sink_class=SinkClass.WINDOW), "needs one"),
            (DeclaredSink(name="a", sink_class=SinkClass.LEDGER), "say where it is"),
            (
                DeclaredSink(name="a", sink_class=SinkClass.APPEND, location="mysql:x"),
                "does not name a sink",
            ),
        ]
        for sink, sentence in wrong:
            with pytest.raises(UserFault, match=sentence):
                await registry.declare(scene.metastore, sink)
        kind = Sqlite(f"sqlite:{tmp_path}/view.db")
        kind.open()
        mismatch = DeclaredSink(
            name="a", sink_class=SinkClass.APPEND, location=kind.location, group="view"
        )
        with pytest.raises(UserFault, match="is not of class"):
            await registry.declare(scene.metastore, mismatch)
        gone = DeclaredSink(
            name="a", sink_class=SinkClass.TRANSACTIONAL, location=kind.location, group="view"
        )
        await registry.declare(scene.metastore, gone)
        (tmp_path / "view.db").unlink()
        with pytest.raises(UserFault, match="declared for group “view”, cannot be read"):
            await registry.states(scene.metastore, [], "view")

    play(story)


def test_a_window_recognises_what_is_young_enough(play: Any) -> None:
    async def story(scene: Scene) -> None:
        meta = scene.metastore
        flights = await scene.topic("flights", partitions=1, records=50)
        first = await meta.extents_from(flights.no, 0, 0, 100)
        middle_ms = max(extent.appended_ms for extent in first) + 1
        while scene.log.now_ms() < middle_ms:
            pass
        await scene.produce(flights, 0, 50)
        now_ms = scene.log.now_ms()
        await scene.commit("view", flights, {0: 90}, now_ms)
        sinks = [
            SinkState("mails", SinkClass.WINDOW, ttl_ms=now_ms - middle_ms),
            SinkState("young", SinkClass.WINDOW, ttl_ms=0),
            SinkState("old", SinkClass.WINDOW, ttl_ms=now_ms),
        ]
        plan = await planning.plan_recovery(
            meta, group="view", now_ms=now_ms, creator="ana", from_start=True, sinks=sinks
        )
        told = {f.name: f.on_branch for f in plan.forecasts if f.who == "sink"}
        assert told["mails"] == Repeats(90, 50, 40)
        assert told["young"].duplicates >= 90 - 10  # by whole extents
        assert told["old"] == Repeats(90, 0, 90)
        (part,) = plan.partitions
        unknown = forecast_sink(
            SinkState("w", SinkClass.WINDOW), None, [part], plan_positions(plan)
        )
        assert unknown.in_place == Repeats(90, 90, 0)

    play(story)


def plan_positions(plan: Any) -> Any:
    from anabranch.recovery.model import Position

    (part,) = plan.partitions
    return [Position("flights", part.topic_id, 0, 90)]


def test_forecast_and_measured_side_by_side(play: Any, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        meta = scene.metastore
        flights = await scene.topic("flights", partitions=1)
        await scene.commit("view", flights, {0: 60}, T0)
        await scene.commit("view", flights, {0: 100}, T0 + 1000)
        source = Source(topic_id_text(meta.cluster_id), topic_id_text(flights.id), "flights")
        sources = {"flights": source, "f.r1": source}
        ledger = f"{tmp_path}/l.db"
        rows = Meter.open(ledger, "rows", SinkClass.APPEND, sources, environ={})
        keyed = Meter.open(ledger, "keyed", SinkClass.UPSERT, sources, environ={})
        kind = Sqlite(f"sqlite:{tmp_path}/view.db")
        view = kind.open(sources=sources)
        for start, end in ((0, 90), (80, 100)):  # an earlier accident, before the plan
            for meter in (rows, keyed):
                offer(meter, range(start, end))
            apply(kind, view, list(range(start, end)))
        names = [f"meter:{ledger}#rows", f"meter:{ledger}#keyed", kind.location]
        plan = await planning.plan_recovery(
            meta, group="view", now_ms=T0 + 2000, creator="ana", since_ms=T0 + 500,
            sinks=[read_sink(name) for name in names],
        )  # fmt: skip
        for meter in (rows, keyed):  # the group is rewound in place
            offer(meter, range(60, 100))
        apply(kind, view, list(range(60, 100)))
        environ = {"ANABRANCH_SESSION": "r1"}  # and a replay appends to the same files
        replay = Meter.open(ledger, "rows", SinkClass.APPEND, sources, environ=environ)
        offer(replay, range(60, 99), "f.r1")
        found = {(c.sink, c.line): c for c in compare(plan, ["r1", "r2"])}
        assert found.keys() == {
            ("rows", "live"), ("rows", "r1"), ("keyed", "live"), ("sqlite:view.db", "live")
        }  # fmt: skip
        appended = found["rows", "live"]
        assert appended.measured == appended.forecast == Repeats(40, 40, 0) and appended.off == 0
        assert found["keyed", "live"].measured == Repeats(40, 0, 0)
        assert found["keyed", "live"].forecast == Repeats(40, 0, 0)
        assert found["sqlite:view.db", "live"].measured == Repeats(40, 0, 40)
        replayed = found["rows", "r1"]
        assert (replayed.forecast.duplicates, replayed.measured) == (40, Repeats(39, 39, 0))
        assert replayed.off == pytest.approx(1 / 39)
        (tmp_path / "view.db").unlink()
        (gone,) = [c for c in compare(plan, []) if c.sink == "sqlite:view.db"]
        assert gone.measured is None and "there is no sink" in gone.problem

    play(story)


async def in_transactions(scene: Scene, topic: Any, values: int, *, abort_every: int = 4) -> None:
    """Two records of a transaction, its marker, and so on; every fourth is aborted."""
    transactions = scene.log.transactions
    assert transactions is not None
    row = await transactions.init("tx", 60_000)
    identity = Identity(row.producer_id, row.epoch)
    for number in range(values // 2):
        batch = build_batch(
            [Record(n, T0 + n, b"k", b"v", ()) for n in range(2)],
            producer_id=identity.producer_id,
            producer_epoch=identity.epoch,
            base_sequence=0,
            transactional=True,
        )
        await scene.log.append(topic, 0, memoryview(bytearray(batch)), Transactional("tx", True))
        commit = number % abort_every != 0
        identity = await transactions.end("tx", identity, commit=commit, bumps=True)


def test_markers_and_aborted_records_are_no_duplicates(play: Any, tmp_path: Path) -> None:
    """I6: three offsets of a transaction are two records, or none; all of it is counted so."""

    async def story(scene: Scene) -> None:
        meta = scene.metastore
        topic = await scene.log.create_topic("paid", 1, {"retention.ms": "-1"})
        await in_transactions(scene, topic, 80)
        there: list[int] = []
        for batch in read_splits(await plan_splits(scene.log, topic)):
            there += batch.column("offset").to_pylist()
        end, reached = there[-1] + 2, there[-9] + 1
        assert len(there) == 60 and end == 120
        await scene.commit("view", topic, {0: 31}, T0)
        await scene.commit("view", topic, {0: reached}, T0 + 1000)
        source = Source(topic_id_text(meta.cluster_id), topic_id_text(topic.id), "paid")
        ledger = f"{tmp_path}/l.db"
        for name, kind in (("rows", SinkClass.APPEND), ("keyed", SinkClass.UPSERT)):
            meter = Meter.open(ledger, name, kind, {"paid": source}, environ={})
            with meter.batch() as seen:
                for offset in there[:-8]:
                    seen.offer("paid", 0, offset)

        async def planned(**how: Any) -> Plan:
            return await planning.plan_recovery(
                meta, group="view", now_ms=T0 + 2000, creator="ana", since_ms=T0 + 500,
                sinks=[read_sink(f"meter:{ledger}#{name}") for name in ("rows", "keyed")], **how,
            )  # fmt: skip

        plan = await planned(extents=scene.log.extents)
        again = sum(31 <= offset < reached for offset in there)
        told = {f.name: f.in_place for f in plan.forecasts}
        assert told == {
            "view": Repeats(again, again, 0),
            "rows": Repeats(again, again, 0),
            "keyed": Repeats(again, 0, 0),
        }
        assert plan.volume.records == sum(offset >= 31 for offset in there)
        assert not plan.at_most and not any(f.at_most for f in plan.forecasts)
        for name, kind in (("rows", SinkClass.APPEND), ("keyed", SinkClass.UPSERT)):
            meter = Meter.open(ledger, name, kind, {"paid": source}, environ={})
            with meter.batch() as seen:
                for offset in there[:-8]:
                    if offset >= 31:
                        seen.offer("paid", 0, offset)
        assert [c.off for c in compare(plan, [])] == [0.0, 0.0]
        session = await replay.prepare(
            scene.log, plan, token="a", now_ms=T0 + 3000, command=["x"], bootstrap="h:1",
            creator="ana",
        )  # fmt: skip
        assert session.total.records == plan.volume.records
        assert left(session.spans, session.ends).records == 0
        before_last_marker = [structs.replace(p, offset=p.offset - 1) for p in session.ends]
        assert left(session.spans, before_last_marker).records == 1  # not done yet
        by_offsets = await planned()
        assert by_offsets.volume.records == 120 - 31

    play(story)


def test_a_forecast_that_is_an_upper_bound_says_so(play: Any) -> None:
    async def story(scene: Scene) -> None:
        topic = await scene.topic("paid", partitions=1, records=10)
        transactions = scene.log.transactions
        assert transactions is not None
        row = await transactions.init("tx", 60_000)
        batch = build_batch(
            [Record(0, T0, b"k", b"v", ())],
            producer_id=row.producer_id,
            producer_epoch=row.epoch,
            base_sequence=0,
            transactional=True,
        )
        await scene.log.append(topic, 0, memoryview(bytearray(batch)), Transactional("tx", True))
        await scene.commit("view", topic, {0: 11}, T0)

        async def planned() -> Plan:
            return await planning.plan_recovery(
                scene.metastore, group="view", now_ms=T0 + 2000, creator="ana", from_start=True,
                sinks=[SinkState("rows", SinkClass.APPEND)], extents=scene.log.extents,
            )  # fmt: skip

        plan = await planned()
        assert plan.at_most and all(f.at_most for f in plan.forecasts)
        assert [f.in_place.duplicates for f in plan.forecasts] == [11, 11]
        assert "upper bound" in plan.notes[0] and "at most 11" in runbook(plan)
        assert check_hash(await planning.find(scene.metastore, plan.id))
        await transactions.end("tx", Identity(row.producer_id, row.epoch), commit=False, bumps=True)
        plan = await planned()
        assert not plan.at_most and [f.in_place.duplicates for f in plan.forecasts] == [10, 10]
        assert b"at_most" not in msgspec.json.encode(plan)

    play(story)
