"""Comparison by key, window and tolerance; what was expected; topics, PostgreSQL, schemas."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import UserFault
from anabranch.log.log import Log
from anabranch.log.settings import LogSettings
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.recovery.checks import expectations
from anabranch.recovery.checks.avro import decoder_of
from anabranch.recovery.checks.comparing import compare_named, parse_window
from anabranch.recovery.checks.relations import open_relation
from anabranch.recovery.checks.topic_relation import topic_relation
from anabranch.recovery.checks.verify import (
    Expectation,
    Relation,
    Verification,
    Window,
    checksum,
    compare,
)
from tests.log.conftest import Bench
from tests.support.postgres import postgres_url

HOUR = 3_600_000
COLUMNS = ("k", "at", "n", "s")


def rows(name: str, *found: tuple[object, ...]) -> Relation:
    return Relation(name, COLUMNS, found)


def test_only_what_nobody_expected_counts() -> None:
    left = rows("l", ("a", 0, 1, "x"), ("b", 0, 2, "x"), ("c", 0, 3, "x"), ("d", 0, 4, "x"))
    right = rows("r", ("a", 0, 1, "x"), ("b", 0, 9, "x"), ("c", 0, 9, "x"))
    where = expectations.parse("keys where k = 'b' OR right_n IS NULL", ["k"])
    named = Expectation("by name", frozenset({("b",), ("a",), ("z",)}))
    found = compare(left, right, key=["k"], expected=[where, named])
    assert (found.differing, found.expected, found.unexplained) == (3, 2, 1)
    assert not found.passed
    assert [(each.key, each.expected) for each in found.differences] == [
        (("c",), ""),
        (("b",), "keys where k = 'b' OR right_n IS NULL"),
        (("d",), "keys where k = 'b' OR right_n IS NULL"),
    ]
    first, second = found.explained
    assert (first.keys, first.differ, first.unmet) == (2, 2, 0)
    assert (second.keys, second.differ, second.unmet) == (3, 1, 1)  # a is equal, z is nowhere
    everything = expectations.parse("keys where true", ["k"])
    left = rows("l", ("a", 0, 1, "x"), ("b", 0, 2, "x"))
    assert compare(left, rows("r"), key=["k"], expected=[everything]).passed


@pytest.mark.parametrize(
    "condition",
    [
        "k = 'b'); DROP TABLE differing; --",
        "nope = 1",
        "load_extension('x') IS NULL",
        "",
        "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c) = 0",
    ],
)
def test_a_condition_can_only_look_and_not_for_ever(
    condition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expectations, "STEPS_MAX", 1_000_000)
    with pytest.raises(UserFault, match="keys where"):
        where = expectations.parse(f"keys where {condition}", ["k"])
        compare(rows("l", ("b", 0, 1, "x")), rows("r"), key=["k"], expected=[where])


def test_files_of_keys(tmp_path: Path) -> None:
    left = rows("l", ("a", 0, 1, "x"), ("b", 0, 2, "x"))
    for name, body in (
        ("keys.json", '[{"k": "a", "other": 1}, {"k": "b"}]'),
        ("plain.json", '["a", ["b"]]'),
        ("keys.csv", "k,why\na,1\nb,2\n"),
    ):
        path = tmp_path / name
        path.write_text(body)
        expected = expectations.parse(str(path), ["k"])
        left = rows("l", ("a", 0, 1, "x"), ("b", 0, 2, "x"))
        assert compare(left, rows("r"), key=["k"], expected=[expected]).passed, name
    for body in ("{}", "[", '[["a", "b"]]', '[{"x": 1}]'):
        path = tmp_path / "bad.json"
        path.write_text(body)
        with pytest.raises(UserFault, match=r"bad\.json"):
            expectations.parse(str(path), ["k"])


def test_windows_compare_what_falls_into_them_together() -> None:
    left = rows(
        "l", ("a", 10, 1, "x"), ("a", 20, 2, "y"), ("a", HOUR + 5, 3, "x"), ("b", 0, 1.5, "x")
    )
    right = rows(
        "r", ("a", 30, 2, "y"), ("a", 40, 1, "x"), ("a", HOUR + 9, 4, "x"), ("b", 0, 1.5, "x")
    )
    found = compare(left, right, key=["k"], window=Window("at", HOUR))
    assert found.key == ("k", "at from") and found.columns == ("rows", "sum(n)", "s")
    assert (found.equal, found.changed) == (2, 1)
    (one,) = found.differences
    assert (one.key, one.column, one.left, one.right) == (
        ("a", "1970-01-01T01:00:00Z"),
        "sum(n)",
        3,
        4,
    )
    more = rows("m", ("a", 10, 1, "x"), ("a", 20, 2, "x"), ("b", "1970-01-01T00:30:00Z", 1, "z"))
    less = rows("n", ("a", 10, 3, "x"), ("b", "1970-01-01", 1, "z"))
    found = compare(more, less, key=["k"], window=Window("at", HOUR))
    assert [(each.column, each.left, each.right) for each in found.differences] == [("rows", 2, 1)]
    with pytest.raises(UserFault, match="is no time"):
        compare(rows("l", ("a", "soon", 1, "x")), less, key=["k"], window=Window("at", HOUR))
    for text in ("at", "=1h", "at=0s", "at=soon"):
        with pytest.raises(UserFault):
            parse_window(text)


def test_a_window_that_one_side_is_still_filling_is_left_out() -> None:
    live = rows("l", *(("a", hour * HOUR, 1, "x") for hour in range(5)))
    shadow = rows("r", *(("a", hour * HOUR, 1, "x") for hour in range(3)))
    found = compare(live, shadow, key=["k"], window=Window("at", HOUR, closed=True))
    assert found.passed and found.rows_left == found.rows_right == 2
    assert compare(live, rows("r"), key=["k"], window=Window("at", HOUR, closed=True)).equal == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 5 * HOUR), st.integers(-9, 9), st.text("xy")),
        max_size=20,
    ),
    st.randoms(),
)
def test_windows_do_not_care_about_order_within(found: list[tuple[Any, ...]], rng: Any) -> None:
    shuffled = list(found)
    rng.shuffle(shuffled)
    result = compare(rows("l", *found), rows("r", *shuffled), key=["k"], window=Window("at", HOUR))
    assert result.passed and result.checksum_left == result.checksum_right


def test_checksums_and_samples_say_what_was_compared() -> None:
    many = [(f"k{n}", 0, n, "x") for n in range(50)]
    one = compare(rows("l", *many), rows("r", *reversed(many)), key=["k"])
    assert (
        one.checksum_left
        == one.checksum_right
        == checksum({(k,): (0, n, "x") for k, _, n, _ in many})
    )
    two = compare(rows("l", *many[1:]), rows("r", *many), key=["k"])
    assert two.checksum_left != two.checksum_right == one.checksum_right
    assert (
        len(one.samples) == 5
        and one.samples == compare(rows("l", *many), rows("r", *many), key=["k"]).samples
    )
    assert all(sample.left == sample.right for sample in one.samples)


# -- topics --------------------------------------------------------------------------------------------
async def appended(bench: Bench, name: str, found: list[tuple[bytes | None, bytes | None]]) -> None:
    topic = await bench.log.create_topic(name, 1, {})
    records = [
        Record(n, bench.clock.ms + n, key, value, ()) for n, (key, value) in enumerate(found)
    ]
    await bench.log.append(topic, 0, memoryview(bytearray(build_batch(records))))


def with_log(tmp_path: Path, scenario: Callable[[Bench], Any]) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, LogSettings(background=False, wal_file_bytes=1 << 20))
        await bench.start()
        try:
            await scenario(bench)
        finally:
            await bench.log.close()

    asyncio.run(main())


def opener(log: Log) -> Any:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Log]:
        yield log

    return opened


def test_a_topic_is_the_last_record_of_each_key_or_all_of_them(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        await appended(
            bench,
            "t",
            [
                (b'{"k": "a"}', b'{"n": 1, "s": "x"}'),
                (b'{"k": "b"}', b'{"n": 2}'),
                (b'{"k": "a"}', b'{"n": 3, "s": "y"}'),
                (b'{"k": "b"}', None),
            ],
        )
        last = await topic_relation(bench.log, "topic:t")
        assert list(last.columns) == ["n", "s", "k", "_partition", "_offset", "_timestamp"]
        assert [list(row)[:3] for row in last.rows] == [[3, "y", "a"]]
        every = await topic_relation(bench.log, "topic:t?take=all")
        assert len(list(every.rows)) == 4
        texts = await topic_relation(bench.log, "topic:t?key=text&value=hex&take=all")
        assert list(next(iter(texts.rows)))[:2] == [b'{"n": 1, "s": "x"}'.hex(), '{"k": "a"}']
        for text in ("topic:none", "topic:t?keys=json", "topic:t?take=first", "topic:t?key=x"):
            with pytest.raises(UserFault):
                await topic_relation(bench.log, text)
        with pytest.raises(UserFault, match="t:0=0 cannot be decoded"):
            await topic_relation(bench.log, "topic:t?value=int64&take=all")

    with_log(tmp_path, scenario)


def test_a_topic_is_compared_with_live_and_what_records_touch_is_expected(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        live = [(b'"%d"' % n, b'{"n": %d}' % n) for n in range(6)]
        fixed = [(b'"%d"' % n, b'{"n": %d}' % (n + (n in (1, 4)))) for n in range(6)]
        await appended(bench, "live", live)
        await appended(bench, "fixed", fixed)

        async def verified(*expected: str) -> Verification:
            return await compare_named(
                "topic:live",
                "topic:fixed",
                key="key",
                columns="n",
                expected=expected,
                opened=opener(bench.log),
            )

        plain = await verified()
        assert (plain.changed, plain.unexplained, plain.passed) == (2, 2, False)
        half = await verified("records:live:0=4")
        assert (half.expected, half.unexplained) == (1, 1)
        assert half.explained[0].reason == "touched by records:live:0=4"
        assert (await verified("records:live:0=1", "records:live:0=4-5")).passed
        for text in ("records:live", "records:live:0=5-1", "records:live:0=99", "plan:none"):
            with pytest.raises(UserFault):
                await verified(text)

    with_log(tmp_path, scenario)


# -- PostgreSQL ----------------------------------------------------------------------------------------
def test_postgresql_tables_views_and_queries(tmp_path: Path) -> None:
    psycopg = pytest.importorskip("psycopg")
    url = postgres_url()
    from anabranch.recovery.sinks.postgres_server import place

    where = place(url)
    with psycopg.connect(where.url, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{where.schema}"')
        connection.execute(
            f"CREATE TABLE {where.table('daily')} (k TEXT, n NUMERIC, at TIMESTAMPTZ)"
        )
        connection.execute(
            f"INSERT INTO {where.table('daily')} "
            "SELECT 'k' || i, i, to_timestamp(i * 60) FROM generate_series(1, 6000) AS i"
        )
    found = open_relation(f"{url}#daily")
    assert list(found.columns) == ["k", "n", "at"] and len(list(found.rows)) == 6000
    query = open_relation(f"{url}#SELECT k, n FROM {where.table('daily')} WHERE n < 3")
    assert [row[0] for row in query.rows] == ["k1", "k2"]
    by_hour = compare(
        open_relation(f"{url}#daily"),
        open_relation(f"{url}#daily"),
        key=["k"],
        window=Window("at", HOUR),
    )
    assert by_hour.passed and by_hour.rows_left == 6000
    for text in (f"{url}#nope", url, f"{url}#SELECT nope"):
        with pytest.raises(UserFault):
            open_relation(text)


# -- Avro --------------------------------------------------------------------------------------------
def zigzag(number: int) -> bytes:
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


SCHEMA = json.dumps(
    {
        "type": "record",
        "name": "Flight",
        "namespace": "x",
        "fields": [
            {"name": "id", "type": "long"},
            {"name": "delay", "type": ["null", "double"]},
            {"name": "tags", "type": {"type": "array", "items": "string"}},
            {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
            {"name": "next", "type": ["null", "x.Flight"]},
        ],
    }
)


def flight(one: dict[str, Any]) -> bytes:
    body = zigzag(one["id"])
    body += zigzag(0) if one["delay"] is None else zigzag(1) + pack("<d", one["delay"])
    if one["tags"]:
        body += zigzag(len(one["tags"]))
        body += b"".join(zigzag(len(t.encode())) + t.encode() for t in one["tags"])
    body += zigzag(0) + zigzag("AB".index(one["kind"]))
    return body + (zigzag(0) if one["next"] is None else zigzag(1) + flight(one["next"]))


flights = st.recursive(
    st.none(),
    lambda inner: st.fixed_dictionaries(
        {
            "id": st.integers(-(2**63), 2**63 - 1),
            "delay": st.none() | st.floats(allow_nan=False),
            "tags": st.lists(st.text(max_size=5), max_size=3),
            "kind": st.sampled_from("AB"),
            "next": inner,
        }
    ),
    max_leaves=4,
).filter(lambda one: one is not None)


@given(flights)
def test_avro_with_and_without_a_registry_id(one: dict[str, Any]) -> None:
    decode = decoder_of(SCHEMA, "flight.avsc")
    assert decode(flight(one)) == one
    assert decode(b"\0\0\0\0\7" + flight(one)) == one


@given(st.binary(max_size=60))
def test_avro_never_ends_in_anything_but_a_value_or_a_sentence(data: bytes) -> None:
    try:
        decoder_of(SCHEMA, "flight.avsc")(data)
    except ValueError:
        pass


@pytest.mark.parametrize("text", ["{", '{"type": "record"}', "[1]", '{"type": "array"}'])
def test_what_is_no_schema_says_so(text: str) -> None:
    with pytest.raises(UserFault, match="no Avro schema"):
        decoder_of(text, "f.avsc")
