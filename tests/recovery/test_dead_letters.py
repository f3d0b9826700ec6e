"""Dead letters name sessions that are there, each once, wherever a preparation is killed."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import UnknownOutcome, UserFault
from anabranch.metastore.api import Metastore
from anabranch.records.record import Record
from anabranch.recovery.replays import giving, replay, sessions
from anabranch.recovery.replays.dead_letters import Letter, LetterFile, LetterTopic
from anabranch.recovery.replays.filters import Filters
from anabranch.recovery.replays.session import Session, Status
from anabranch.recovery.sinks.locations import opened_lines
from tests.support.broker import BrokerThread

from .letters_killed import LETTERS, STEPS
from .scene import T0, Scene
from .test_filters import in_topic, prepared
from .test_replay import Bench

ROOT = Path(__file__).parents[2]
ONE = Filters(skip=(("flights", 0, 44),))


def letter(session: str, offset: int) -> Letter:
    return Letter(session, "flights", 0, "skipped", "why", Record(offset, T0, b"k", b"v", ()))


async def kill_at(stage: Scene, bench: Bench, place: str, step: str) -> None:
    """A process of its own prepares the plan, and is killed."""
    words = (str(stage.data), bench.plan.id, place, "eeee", step, f"sqlite:{bench.sink}")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.recovery.letters_killed", *words, cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == -signal.SIGKILL, said.decode()


async def found_in(place: str, address: str) -> Counter[tuple[str, int, int]]:
    """Whose letter of which record is there, for a reader of committed ones."""
    if not place.startswith("kafka:"):
        path = Path(place)
        told = (
            [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
        )
        return Counter((one["session"], one["partition"], one["offset"]) for one in told)
    messages = await asyncio.to_thread(in_topic, address, "letters")
    found: Counter[tuple[str, int, int]] = Counter()
    for message in messages:
        headers = {name: value.decode() for name, value in message.headers()}
        named = (
            headers[f"anabranch.dead-letter.{each}"] for each in ("session", "partition", "offset")
        )
        session, partition, offset = named
        found[session, int(partition), int(offset)] += 1
    return found


async def release(metastore: Metastore, session: Session) -> None:
    """As when the lease of who was killed is over."""
    await metastore.release_lease(f"replay:{session.id}", f"prepare-{session.id}")


async def killed_and_settled(stage: Scene, place: str, address: str, step: str) -> None:
    bench = await Bench.make(stage)
    await kill_at(stage, bench, place, step)
    known = await sessions.stored(stage.metastore)
    if step == "before the session":
        assert known == []
        assert not await found_in(place, address)
        return
    (session,) = known
    if step == "after all of it":
        assert session.status is Status.PREPARED
    else:
        assert session.status is Status.PREPARING
        with pytest.raises(UserFault, match="settle it before"):
            await replay.Runner(stage.metastore, session, output=Path(), environ={}).run()
        with pytest.raises(UserFault, match="its runner died within the last"):
            await replay.settle(stage.log, session, T0 + 600)
    await release(stage.metastore, session)
    if STEPS[step]:
        for _ in range(2):
            session = await replay.settle(stage.log, session, T0 + 600)
            assert session == await sessions.find(stage.metastore, session.id)
        assert session.status is Status.PREPARED
        expected = Counter((session.id, partition, offset) for partition, offset in LETTERS)
        assert await found_in(place, address) == expected
        return
    with pytest.raises(UserFault, match=f"replay {session.id} is cancelled: its preparation was"):
        await replay.settle(stage.log, session, T0 + 600)
    assert (await sessions.find(stage.metastore, session.id)).status is Status.CANCELLED
    assert not await found_in(place, address)
    assert {topic.name for topic in await stage.metastore.topics()} == {"flights"}
    with opened_lines(f"sqlite:{bench.sink}") as lines:
        assert session.id not in {line.name for line in lines.lines()}
    again = await prepared(stage, bench, ONE, place, token="ffff")
    assert set(await found_in(place, address)) == {(again.id, 0, 44)}


def settle_story(play: Any, tmp_path: Path, kind: str, step: str) -> None:
    """With a file, or a topic of another cluster."""
    if kind == "file":
        play(lambda stage: killed_and_settled(stage, str(tmp_path / "letters.jsonl"), "", step))
        return
    with BrokerThread(tmp_path / "elsewhere") as broker:
        place = f"kafka:{broker.address}/letters"
        play(lambda stage: killed_and_settled(stage, place, broker.address, step))


@pytest.mark.parametrize("kind", ["file", "topic"])
@pytest.mark.parametrize("step", ["in the letters", "before it is prepared"])
def test_I4_a_preparation_is_killed_beside_its_letters(
    play: Any, tmp_path: Path, kind: str, step: str
) -> None:
    """All steps: tests/faults/test_dead_letters.py."""
    settle_story(play, tmp_path, kind, step)


def test_whether_letters_are_there_is_not_known_until_somebody_resumes(
    play: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        place = tmp_path / "letters.jsonl"
        publish = LetterFile.publish

        async def lost(self: LetterFile) -> None:
            await publish(self)
            raise UnknownOutcome("the answer was lost")

        monkeypatch.setattr(LetterFile, "publish", lost)
        with pytest.raises(UnknownOutcome, match=r"replay --resume r-\S+` finds out"):
            await prepared(stage, bench, ONE, place)
        (session,) = await sessions.stored(stage.metastore)
        session = await replay.settle(stage.log, session, T0 + 600)  # its lease was given back
        assert session.status is Status.PREPARED
        assert set(await found_in(str(place), "")) == {(session.id, 0, 44)}

        # Refused for good: neither is there.
        async def refused(self: LetterFile) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(LetterFile, "publish", refused)
        with pytest.raises(OSError, match="No space"):
            await prepared(stage, bench, ONE, place, token="aaaa")
        assert [one.id for one in await sessions.stored(stage.metastore)] == [session.id]
        assert len([t for t in await stage.metastore.topics() if t.origin is not None]) == 1

    play(story)


def test_a_preparation_that_takes_long_keeps_its_lease(
    play: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who would settle it meanwhile would take its letters away from it."""

    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        publish = LetterFile.publish
        seen: list[str] = []
        kept: list[int] = []
        renewed = asyncio.Event()
        take = sessions.take_lease

        async def counted(*arguments: Any) -> bool:
            kept.append(1)
            if len(kept) == 4:
                renewed.set()
            return await take(*arguments)

        async def slow(self: LetterFile) -> None:
            (session,) = await sessions.stored(stage.metastore)
            await renewed.wait()
            try:
                await giving.settle(stage.log, session, T0 + 600)
            except UserFault as fault:
                seen.append(str(fault))
            await publish(self)

        monkeypatch.setattr(giving, "KEEP_S", 0.01)
        monkeypatch.setattr(sessions, "take_lease", counted)
        monkeypatch.setattr(LetterFile, "publish", slow)
        session = await prepared(stage, bench, ONE, tmp_path / "letters.jsonl")
        assert session.status is Status.PREPARED
        assert len(seen) == 1 and "running already" in seen[0]

    play(story)


def test_a_file_that_sessions_share_gives_each_its_own(tmp_path: Path) -> None:
    path = tmp_path / "letters.jsonl"

    async def main() -> None:
        path.write_bytes(b'{"torn')  # somebody was killed there
        other = LetterFile(path, "r-2")
        one = LetterFile(path, "r-1")
        one.put([letter("r-1", n) for n in range(3)])
        behind = await one.begin()
        assert not await LetterFile(path, "r-1").settle(behind, 3)
        await one.publish()
        assert await LetterFile(path, "r-1").settle(behind, 3)
        other.put([letter("r-2", 9)])
        await other.begin()
        await other.publish()
        assert await LetterFile(path, "r-1").settle(behind, 3)
        # Another's letters are not taken away with what is not complete.
        assert not await LetterFile(path, "r-1").settle(behind, 4)
        lines = path.read_bytes().splitlines()
        assert lines[0] == b'{"torn'
        assert [Letter.from_json(line).session for line in lines[1:]] == ["r-1"] * 3 + ["r-2"]

    asyncio.run(main())


def test_letters_behind_somebodys_open_transaction_are_not_taken_for_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from confluent_kafka import Producer

    from anabranch.errors import StoreFault
    from anabranch.recovery.sinks import kafka_positions

    with BrokerThread(tmp_path / "data") as broker:
        place = kafka_positions.place(f"kafka:{broker.address}/letters")

        async def main() -> None:
            def of(session: str) -> LetterTopic:
                return LetterTopic(place, "x", session)

            one = of("r-1")
            one.put([letter("r-1", n) for n in range(3)])
            behind = await one.begin()
            other = Producer({"bootstrap.servers": broker.address, "transactional.id": "somebody"})
            other.init_transactions(30)
            other.begin_transaction()
            other.produce("letters", b"theirs")
            other.flush()
            await one.publish()
            monkeypatch.setattr(kafka_positions, "READ_S_MAX", 1.0)
            with pytest.raises(StoreFault, match="somebody's transaction may be open"):
                await of("r-1").settle(behind, 3)
            other.abort_transaction(30)
            monkeypatch.undo()
            assert await of("r-1").settle(behind, 3)
            assert not await of("r-2").settle(behind, 3)

        asyncio.run(main())
