"""SQL over topics: exact offsets, any number of scans, on record, faults told as what they are."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from anabranch.cli.main import cli as main
from anabranch.errors import Corrupt, UserFault
from anabranch.metastore.api import ObjectKind
from anabranch.recovery.capture import points
from anabranch.recovery.plans import planning
from anabranch.recovery.replays import sessions
from anabranch.recovery.replays.session import Session, Status
from anabranch.recovery.replays.sql import named, narrow, sql

from .scene import T0, Scene, scene
from .test_merging import batch

COUNT = "SELECT topic, count(*) AS n FROM flights GROUP BY topic"


@pytest.fixture
def data(play: Any) -> Path:
    found: list[Path] = []

    async def story(stage: Scene) -> None:
        topic = await stage.topic("flights")
        await stage.topic("odd.name-1", records=10)
        await stage.commit("view", topic, {0: 40, 1: 50}, T0 + 100)
        await points.capture(
            stage.metastore, token="aaaa", name="good", now_ms=T0 + 150, group="view"
        )
        found.append(stage.data)

    play(story)
    return found[0]


def stored(data: Path) -> list[Session]:
    async def look() -> list[Session]:
        async with scene(data) as stage:
            return await sessions.stored(stage.metastore)

    return asyncio.run(look())


def test_a_topic_is_a_table_that_can_be_scanned_any_number_of_times(data: Path) -> None:
    result = sql(data, COUNT)
    assert result.table.to_pylist() == [{"topic": "flights", "n": 200}]
    assert [(s.partition, s.start, s.end) for s in result.session.spans] == [
        (0, 0, 100),
        (1, 0, 100),
    ]
    assert result.session.status is Status.COMPLETED and result.session.kind == "sql"
    assert stored(data)[-1] == result.session
    shown = CliRunner(env={"ANABRANCH_DATA": str(data)}).invoke(main, ["replay", "--list"])
    assert "100%" in shown.output, shown.output
    shown = CliRunner(env={"ANABRANCH_DATA": str(data)}).invoke(
        main, ["replay", "--show", result.session.id]
    )
    assert "200 done" in shown.output and "count(*)" in shown.output, shown.output
    joined = sql(
        data,
        'SELECT count(*) AS n FROM flights a JOIN flights b USING (partition, "offset") '
        'JOIN "odd.name-1" c USING (partition, "offset")',
    )
    assert joined.table.to_pylist() == [{"n": 20}]
    assert {s.topic for s in joined.session.spans} == {"flights", "odd.name-1"}
    text = sql(
        data,
        'SELECT decode(value) v FROM flights WHERE "offset" = $1 AND partition = 1',
        parameters=[7],
    )
    assert text.table.to_pylist() == [{"v": "1/7"}]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SELECT 1 FROM orders", ["orders"]),
        ("SELECT 1 FROM ORDERS", ["orders"]),
        ('SELECT o.key FROM "orders-eu" AS o', ["orders-eu"]),
        ('FROM memory.main.orders, "orders.fixed"', ["orders", "orders.fixed"]),
        ("FROM View", ["View"]),
        ("FROM view", ["view"]),
        ("SELECT count(reorders) FROM nothing", []),
    ],
)
def test_only_topics_that_are_words_of_the_query_are_read(query: str, found: list[str]) -> None:
    """And so have to be allowed, and are on record as read."""
    topics = ["d", "or", "orders", "orders-eu", "orders.fixed", "view", "View"]
    assert named(query, topics) == found


def test_bounds_are_times_points_and_plans(data: Path) -> None:
    since = sql(data, COUNT, start="point:good")
    assert [(s.partition, s.start, s.end) for s in since.session.spans] == [
        (0, 40, 100),
        (1, 50, 100),
    ]
    assert since.table["n"].to_pylist() == [110]
    until = sql(data, COUNT, start="start", end="point:good")
    assert until.table["n"].to_pylist() == [90]

    async def planned() -> str:
        async with scene(data) as stage:
            point = await points.find(stage.metastore, "good")
            plan = await planning.plan_recovery(
                stage.metastore, group="view", now_ms=T0 + 400, creator="ana", point=point
            )
            topic = stage.log.catalogue.topic("flights")
            assert topic is not None
            await stage.produce(topic, 0, 30)
            return plan.id

    plan = asyncio.run(planned())
    assert sql(data, COUNT, plan=plan).table["n"].to_pylist() == [110]
    assert sql(data, COUNT).table["n"].to_pylist() == [230]
    with pytest.raises(UserFault, match="leave start and end out"):
        sql(data, COUNT, plan=plan, start="start")


def test_what_cannot_be_answered_is_a_sentence_and_kept(data: Path) -> None:
    for query, options, sentence in (
        ("SELECT 1", {}, "names no topic"),
        ("SELECT nothing FROM flights", {}, "DuckDB: "),
        (COUNT, {"start": "point:none"}, "no recovery point"),
        (COUNT, {"topics": ["none"]}, "there is no topic “none”"),
        ('SELECT * FROM "odd.name-1"', {"start": "point:good"}, "has no positions of topic"),
        (COUNT, {"start": "whenever"}, "whenever"),
    ):
        with pytest.raises(UserFault, match=sentence):
            sql(data, query, **options)  # type: ignore[arg-type]
    (failed,) = stored(data)
    assert failed.status is Status.FAILED and failed.error.startswith("DuckDB: ")


def test_damage_is_damage_and_not_a_wrong_query(data: Path) -> None:
    async def harm() -> None:
        async with scene(data) as stage:
            topic = stage.log.catalogue.topic("flights")
            assert topic is not None
            await stage.log.merger.merge_backlog(topic, 0)
            (extent, *_) = await stage.metastore.extents_from(topic.no, 0, 0, 10)
            assert extent.kind is ObjectKind.SEGMENT
            found = [p for p in data.rglob("*") if p.name == Path(extent.object_key).name]
            body = bytearray(found[0].read_bytes())
            body[len(body) // 2] ^= 0xFF
            found[0].chmod(0o600)
            found[0].write_bytes(body)

    asyncio.run(harm())
    with pytest.raises(Corrupt):
        sql(data, "SELECT sum(octet_length(value)) FROM flights")
    assert stored(data)[-1].status is Status.FAILED


def test_a_refused_topic_is_not_read(data: Path) -> None:
    async def nobody(_: Any, names: Any) -> None:
        raise UserFault(f"no right to {', '.join(names)}")

    with pytest.raises(UserFault, match="no right to flights"):
        sql(data, COUNT, allowed=nobody)
    assert stored(data) == []


def test_command(data: Path, tmp_path: Path) -> None:
    import json

    import pyarrow.parquet as pq

    run = CliRunner()
    query = "SELECT partition, decode(max(value)) AS newest FROM flights GROUP BY 1 ORDER BY 1"
    shown = run.invoke(main, ["sql", query, "--point", "good", "--data", str(data)])
    assert shown.exit_code == 0, shown.output
    assert "PARTITION  NEWEST" in shown.output and "0/99" in shown.output
    assert "Read 110 offsets of 2 partitions" in shown.output
    as_json = json.loads(
        run.invoke(main, ["sql", query, "--output", "json", "--data", str(data)]).output
    )
    assert as_json["rows"] == [
        {"partition": 0, "newest": "0/99"},
        {"partition": 1, "newest": "1/99"},
    ]
    out = tmp_path / "rows.parquet"
    assert run.invoke(main, ["sql", query, "--out", str(out), "--data", str(data)]).exit_code == 0
    assert pq.read_table(out).num_rows == 2
    for arguments, sentence in (
        (["sql", query, "--out", "x.txt"], "write to a .parquet"),
        (["sql", query, "--point", "good", "--from", "start"], "give one of them"),
    ):
        refused = run.invoke(main, [*arguments, "--data", str(data)])
        assert refused.exit_code == 1 and sentence in refused.output


def test_wide_batches_are_narrowed() -> None:
    wide = batch("t", 0, 0, [1, 2, 3], True)
    (found,) = narrow(wide)
    assert found.schema != wide.schema and found.num_rows == 3
