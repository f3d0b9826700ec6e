"""Poisoned records are left out or mended on the branch alone, and put aside with the reason."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import AnabranchError, UserFault
from anabranch.log.reader import plan_splits, read_splits
from anabranch.records.batch import parse_header
from anabranch.records.builder import build_batch
from anabranch.records.record import Record, iter_records
from anabranch.recovery.replays import replay
from anabranch.recovery.replays.dead_letters import Letter
from anabranch.recovery.replays.filters import Decision, Event, Filters, Judge, _rebuilt, parse_key
from anabranch.recovery.replays.function import replay_function
from anabranch.recovery.replays.session import Session, Status
from anabranch.recovery.sinks import kafka, kafka_positions
from tests.support.broker import BrokerThread

from .scene import T0, Scene
from .test_replay import Bench


async def values(stage: Scene, name: str) -> dict[tuple[int, int], bytes]:
    topic = stage.log.catalogue.topic(name)
    assert topic is not None
    splits = await plan_splits(stage.log, topic)
    return {
        (p, o): v
        for batch in read_splits(splits)
        for p, o, v in zip(
            batch["partition"].to_pylist(),
            batch["offset"].to_pylist(),
            batch["value"].to_pylist(),
            strict=True,
        )
    }


async def prepared(
    stage: Scene, bench: Bench, filters: Filters, aside: Path | str, *, token: str = "dddd",
    bootstrap: str = "",
) -> Session:  # fmt: skip
    return await replay.prepare(
        stage.log, bench.plan, token=token, now_ms=T0 + 500, command=("true",), bootstrap=bootstrap,
        creator="ana", filters=filters, dead_letters=aside,
    )  # fmt: skip


def letters(session: Session) -> list[dict[str, Any]]:
    assert session.filtered is not None
    path = Path(session.filtered.dead_letters)
    return [json.loads(line) for line in path.read_text().splitlines()]


def objects(stage: Scene) -> set[str]:
    return {str(path) for path in (stage.data / "store").rglob("*.log")}


def test_I7_I3_named_records_are_holes_on_the_branch_and_the_source_is_untouched(
    play: Any, tmp_path: Path
) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        for partition in (0, 1):
            await stage.log.merger.merge_backlog(bench.topic, partition)
        before = await values(stage, "flights")
        extents = await stage.metastore.extents_from(bench.topic.no, 1, 0, 10)
        skipped = (("flights", 0, 44), ("flights", 0, 60))
        session = await prepared(stage, bench, Filters(skip=skipped), tmp_path)
        (name,) = [branch.branch for branch in session.branches]
        found = await values(stage, name)
        assert found == {k: v for k, v in before.items() if k not in {(0, 44), (0, 60)}}
        assert await values(stage, "flights") == before
        branch = stage.log.catalogue.topic(name)
        assert branch is not None
        shared = await stage.metastore.extents_from(branch.no, 1, 0, 10)
        assert [e.object_no for e in shared] == [e.object_no for e in extents]  # not copied
        ((first, second), outcome) = letters(session), session.filtered
        assert (first["topic"], first["partition"], first["offset"]) == ("flights", 0, 44)
        assert base64.b64decode(second["value"]) == b"0/60" and second["action"] == "skipped"
        assert outcome is not None and (outcome.skipped, outcome.fixed) == (2, 0)
        assert [(s.partition, s.start, s.end) for s in session.spans] == [
            (0, 40, 100),
            (1, 50, 100),
        ]

    play(story)


def test_conditions_and_transforms_skip_fix_and_put_aside_what_they_fail_on(
    play: Any, tmp_path: Path
) -> None:
    program = tmp_path / "mend.py"
    program.write_text(
        "def transform(event):\n"
        "    if event.partition == 1 and event.offset == 70:\n"
        "        return event.replace(value={'mended': event.value.decode()}, headers=[('was', b'1')])\n"
        "    if event.partition == 1 and event.offset == 71:\n"
        "        return None\n"
        "    if event.partition == 1 and event.offset == 72:\n"
        "        return event.replace(value=int(event.value))\n"
        "    return event\n"
    )

    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        before = await values(stage, "flights")
        filters = Filters(
            skip_if=("text.endswith('/55') and any(k == key for k in [b'k'])", "offset == 99"),
            transform=str(program),
        )
        session = await prepared(stage, bench, filters, tmp_path / "aside.jsonl")
        (name,) = [branch.branch for branch in session.branches]
        found = await values(stage, name)
        gone = {(0, 55), (1, 55), (0, 99), (1, 99), (1, 71), (1, 72)}
        assert found.keys() == before.keys() - gone
        assert json.loads(found.pop((1, 70))) == {"mended": "1/70"}
        assert all(before[key] == value for key, value in found.items())
        reasons = {(each["partition"], each["offset"]): each["reason"] for each in letters(session)}
        assert reasons[0, 55].startswith("text.endswith")
        assert reasons[1, 71] == "transform returned None"
        assert reasons[1, 72].startswith("transform: ValueError: invalid literal for int()")
        assert reasons[1, 70] == "mended by transform"
        assert session.filtered is not None and session.filtered.skipped == 6
        assert len(session.filtered.transform_sha256) == 64
        # The last records are left out: nobody would ever commit what is behind them.
        assert [(s.partition, s.start, s.end) for s in session.spans] == [(0, 40, 99), (1, 50, 99)]

    play(story)


def test_a_function_sees_the_filtered_branch_and_completes(play: Any, tmp_path: Path) -> None:
    made: list[Bench] = []

    async def story(stage: Scene) -> None:
        made.append(await Bench.make(stage))

    play(story)
    (bench,) = made
    seen: list[int] = []
    filters = Filters(skip_if=("offset % 10 == 9", "offset > 89"))
    session = replay_function(
        bench.stage.data, bench.plan.id, lambda b: seen.extend(b["offset"].to_pylist()),
        filters=filters,
    )  # fmt: skip
    assert session.status is Status.COMPLETED and session.samples[-1].records_left == 0
    assert sorted(seen) == sorted(
        [o for o in range(40, 90) if o % 10 != 9] + [o for o in range(50, 90) if o % 10 != 9]
    )
    assert session.filtered is not None
    assert Path(session.filtered.dead_letters).parent == (bench.stage.data / "replays").absolute()


def test_filters_that_make_no_sense_are_refused_and_leave_nothing(
    play: Any, tmp_path: Path
) -> None:
    broken, empty, wrong = (tmp_path / f"{name}.py" for name in ("broken", "empty", "wrong"))
    broken.write_text("def transform(")
    empty.write_text("x = 1")
    wrong.write_text("def transform(event):\n    return 7")

    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        for filters, sentence in (
            (Filters(skip_if=("offset ==",)), "is no Python expression"),
            (Filters(transform=str(broken)), "SyntaxError"),
            (Filters(transform=str(empty)), "defines no transform"),
            (Filters(transform=str(wrong)), "transform returned int for flights:0@40"),
            (Filters(skip=(("other", 0, 1),)), "reads no topic “other”"),
            (Filters(skip=(("flights", 0, 50), ("flights", 0, 5_000))), "0@5000 cannot be skipped"),
            (Filters(skip=(("flights", 9, 50),)), "the plan reads nothing"),
        ):
            with pytest.raises(UserFault, match=sentence):
                await prepared(stage, bench, filters, tmp_path)
            assert [topic.name for topic in stage.log.catalogue.topics()] == ["flights"]
        with pytest.raises(UserFault, match="say where"):
            await prepared(stage, bench, Filters(skip=(("flights", 0, 50),)), None)  # type: ignore[arg-type]

    play(story)
    for text in ("flights:3", "flights@3", "f:x@1", ":1@1"):
        with pytest.raises(UserFault, match="is not TOPIC:PARTITION@OFFSET"):
            parse_key(text)
    assert parse_key("a:b:3@12") == ("a:b", 3, 12)


def test_expressions_see_the_record_and_little_else() -> None:
    record = Record(5, 77, b"k", b'{"a": [1, 2]}', (("h", b"x"),))

    def reason(text: str) -> str | None:
        found = Judge(Filters(skip_if=(text,))).decide("t", 3, record)
        return None if found is None else found.reason

    for text in (
        "json['a'] == [1, 2]", "headers['h'] == b'x'", "timestamp == 77 and topic == 't'",
        "sum(n for n in json['a'] if n in json['a']) == 3", "'a' in text", "len(key) == 1",
    ):  # fmt: skip
        assert reason(text) == text
    assert reason("offset > 5") is None
    for text in ("open('/etc/passwd')", "__import__('os')", "nothing"):
        assert "NameError" in (reason(text) or "")
    assert "KeyError" in (reason("json['b']") or "")
    event = Event("t", 0, 1, 2, b"k", b"v", ())
    assert event.replace(value="text").value == b"text" and event.replace().value == b"v"
    assert event.replace(value=None).value is None


@given(
    st.lists(st.binary(max_size=20), min_size=1, max_size=12),
    st.sets(st.integers(0, 11)),
    st.sets(st.integers(0, 11)),
    st.sampled_from([0, 1, 3, 4]),
)
def test_I2_a_rebuilt_batch_covers_what_it_did(
    bodies: list[bytes], skipped: set[int], fixed: set[int], codec: int
) -> None:
    records = [Record(n, T0 + n, None, body, ()) for n, body in enumerate(bodies)]
    batch = build_batch(
        records, base_offset=1000, codec=codec, producer_id=7, producer_epoch=2, base_sequence=40
    )
    decisions = {}
    for n in skipped:
        decisions[1000 + n] = Decision("", None), records[0]
    for n in fixed - skipped:
        decisions[1000 + n] = (
            Decision("", Record(1000 + n, T0 + n, None, b"mended", ())),
            records[0],
        )
    made = _rebuilt(memoryview(batch), parse_header(batch), decisions)
    before, after = parse_header(batch), parse_header(made)
    for name in ("base_offset", "last_offset", "producer_id", "producer_epoch", "base_sequence"):
        assert getattr(before, name) == getattr(after, name)
    expected = [
        (1000 + n, b"mended" if n in fixed else body)
        for n, body in enumerate(bodies)
        if n not in skipped
    ]
    assert [(r.offset, r.value) for r in iter_records(made, after)] == expected


def test_a_branch_that_is_merged_meanwhile_is_filtered_all_the_same(
    play: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        write, lost = stage.log.rewriter.write_object, 2

        async def loses(group: Any) -> Any:
            nonlocal lost
            done = await write(group) if not lost else None
            if done is None:
                lost -= 1
                done = [each._replace(replaced=False) for each in await _unplaced(group)]
            return done

        async def _unplaced(group: Any) -> Any:
            from anabranch.log.rewriting import Written

            return [Written(each, None, 0) for each in group]  # type: ignore[arg-type]

        monkeypatch.setattr(stage.log.rewriter, "write_object", loses)
        session = await prepared(stage, bench, Filters(skip=(("flights", 0, 50),)), tmp_path)
        (name,) = [branch.branch for branch in session.branches]
        assert (0, 50) not in await values(stage, name) and lost == 0
        assert len(letters(session)) == 1

    play(story)


def in_topic(address: str, topic: str) -> list[Any]:
    """What a reader of committed records finds in a topic of one partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": "letters",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = []
    try:
        while True:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error() is not None:
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error().str()
                return found
            found.append(message)
    finally:
        consumer.close()


def test_I6_dead_letters_are_in_a_topic_once_or_not_at_all(
    play: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a session that is there every letter is there once; of one that failed on its way, none."""
    filters = Filters(skip=(("flights", 0, 44), ("flights", 1, 60)), skip_if=("offset == 77",))
    with BrokerThread(tmp_path / "elsewhere") as broker:

        async def story(stage: Scene) -> None:
            bench = await Bench.make(stage)
            place = f"kafka:{broker.address}/letters"
            save = replay._commit_starts

            async def fails(*_: Any) -> None:
                raise UserFault("killed before the session was there")

            monkeypatch.setattr(replay, "_commit_starts", fails)
            with pytest.raises(UserFault, match="killed before"):
                await prepared(stage, bench, filters, place)
            monkeypatch.setattr(replay, "_commit_starts", save)
            commit = kafka.KafkaSink._commit

            def dies(
                self: Any,
            ) -> None:  # with everything produced; its transaction is ended by nobody
                self._producer.flush()
                raise KeyboardInterrupt

            monkeypatch.setattr(kafka.KafkaSink, "_commit", dies)
            with pytest.raises(KeyboardInterrupt):
                await prepared(stage, bench, filters, place, token="aaaa")
            assert await asyncio.to_thread(in_topic, broker.address, "letters") == []
            monkeypatch.setattr(kafka.KafkaSink, "_commit", commit)
            # Each session's branches are its own: `topic:` means the cluster of the brokers that it is told.
            session = await prepared(
                stage, bench, filters, "topic:others", token="bbbb", bootstrap=broker.address
            )
            assert session.filtered is not None
            assert (session.filtered.dead_letters, session.filtered.skipped) == ("topic:others", 4)
            found = await asyncio.to_thread(in_topic, broker.address, "others")
            told = [{name: value.decode() for name, value in m.headers()} for m in found]
            assert [
                (t["anabranch.dead-letter.partition"], t["anabranch.dead-letter.offset"])
                for t in told
            ] == [("0", "44"), ("0", "77"), ("1", "60"), ("1", "77")]
            first, message = told[0], found[0]
            assert (message.key(), message.value()) == (b"k", b"0/44")
            assert message.timestamp()[1] > T0 + 10**9, "its append's: retention goes by it"
            assert first == {
                "anabranch.dead-letter.session": session.id,
                "anabranch.dead-letter.topic": "flights",
                "anabranch.dead-letter.partition": "0",
                "anabranch.dead-letter.offset": "44",
                "anabranch.dead-letter.timestamp": str(T0 + 44),
                "anabranch.dead-letter.action": "skipped",
                "anabranch.dead-letter.reason": "left out by name",
            }
            assert told[1]["anabranch.dead-letter.reason"] == "offset == 77"
            with pytest.raises(UserFault, match="is what the replay reads"):
                await prepared(stage, bench, filters, "topic:flights", bootstrap=broker.address)
            with pytest.raises(UserFault, match="is not kafka:HOST:PORT/TOPIC"):
                await prepared(stage, bench, filters, "kafka:nowhere")

        play(story)


@given(
    st.none() | st.binary(max_size=9),
    st.none() | st.binary(max_size=9),
    st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=3),
    st.text(),
)
def test_a_letter_is_read_back_as_it_was(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]], reason: str
) -> None:
    letter = Letter("r-1", "t", 3, "skipped", reason, Record(5, 7, key, value, tuple(headers)))
    line = letter.to_json()
    assert "\n" not in line and Letter.from_json(line) == letter
    assert letter.headers[: len(headers)] == headers


def test_a_function_s_dead_letters_go_to_a_topic_by_the_brokers_that_run(play: Any) -> None:
    made: list[Bench] = []

    async def story(stage: Scene) -> None:
        made.append(await Bench.make(stage))

    play(story)
    (bench,) = made
    seen: list[int] = []
    arguments = (bench.stage.data, bench.plan.id, lambda b: seen.extend(b["offset"].to_pylist()))
    filters = Filters(skip=(("flights", 0, 50), ("flights", 1, 51)))
    with BrokerThread(bench.stage.data) as broker:
        session = replay_function(*arguments, filters=filters, dead_letters="topic:dead")
        found = in_topic(broker.address, "dead")
    assert session.status is Status.COMPLETED and len(seen) == 60 + 50 - 2
    assert [message.value() for message in found] == [b"0/50", b"1/51"]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(AnabranchError) as nobody:
        patch.setattr(kafka_positions, "ADMIN_S_MAX", 0.5)
        replay_function(*arguments, filters=filters, dead_letters="topic:dead")
    assert str(nobody.value).startswith(("dead letters: ", "no broker runs"))
