"""I8: what happened to a group between two instants, who did it, and taking it back."""

from __future__ import annotations

from typing import Any

import pytest

from anabranch.errors import UserFault
from anabranch.metastore.api import Actor, GroupRow, OffsetAction
from anabranch.recovery.history import undo
from anabranch.recovery.history.difference import difference

from .scene import ADMIN, MEMBER, T0, Scene


async def _story(stage: Scene) -> Any:
    """Going forward, a reset by hand of both partitions, and on."""
    flights = await stage.topic("flights")
    await stage.commit("view", flights, {0: 10, 1: 20}, T0 + 100)
    await stage.commit("view", flights, {0: 60}, T0 + 200)
    await stage.commit(
        "view", flights, {0: 5, 1: 30}, T0 + 300, action=OffsetAction.RESET, actor=ADMIN
    )
    return flights


def test_I8_between_two_instants_every_turn_is_marked(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _story(stage)
        await stage.commit("view", flights, {0: 90}, T0 + 400)
        await stage.commit("view", flights, {0: 80}, T0 + 500)  # the consumer itself went back
        found = await difference(stage.metastore, "view", from_ms=T0 + 100, to_ms=T0 + 600)
        assert [(p.partition, p.old, p.new, p.moved) for p in found.partitions] == [
            (0, 10, 80, 70),
            (1, 20, 30, 10),
        ]
        assert [p.by and p.by.actor for p in found.partitions] == [MEMBER, ADMIN]
        assert [
            (t.kind, t.partition, t.change.old, t.change.new, t.change.action, t.change.who)
            for t in found.turns
        ] == [
            ("rewind", 0, 90, 80, "commit", "User:ANONYMOUS view-app@/10.0.0.7"),
            ("jump", 1, 20, 30, "reset", "User:ana kafka-consumer-groups@/10.0.0.9"),
            ("rewind", 0, 60, 5, "reset", "User:ana kafka-consumer-groups@/10.0.0.9"),
        ]
        assert found.turns_complete and found.commits_complete
        # Backwards is the same; and where nothing happened, nothing is shown.
        again = await difference(stage.metastore, "view", from_ms=T0 + 600, to_ms=T0 + 100)
        assert again == found
        calm = await difference(stage.metastore, "view", from_ms=T0 + 600, to_ms=T0 + 700)
        assert calm.partitions == calm.turns == ()
        with pytest.raises(UserFault, match="committed nothing"):
            await difference(stage.metastore, "view", from_ms=0, to_ms=1)

    play(story)


def test_a_seek_forward_by_the_consumer_is_a_jump_and_a_batch_is_not(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await stage.topic("flights", records=0)
        offset = 0
        for n in range(10):
            offset += 100 if n != 7 else 50_000
            await stage.commit("view", flights, {0: offset, 1: n * 2000}, T0 + n)
        found = await difference(stage.metastore, "view", from_ms=T0, to_ms=T0 + 99)
        assert [(t.kind, t.partition, t.change.new) for t in found.turns] == [("jump", 0, 50_700)]

    play(story)


def test_I8_a_reset_is_undone_whole_and_the_undoing_is_in_the_history(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _story(stage)
        shown = await undo.prepare(stage.metastore, "view")
        assert [(one.partition, one.now, one.back_to) for one in shown.moves] == [
            (0, 5, 60),
            (1, 30, 20),
        ]
        assert (shown.by, shown.why, shown.action) == ("User:ana", "fix", "reset")
        await undo.undo(stage.metastore, shown, who="bob", reason="OPS-7", now_ms=T0 + 400)
        assert await stage.metastore.positions("view", [(flights.no, 0), (flights.no, 1)]) == {
            (flights.no, 0): 60,
            (flights.no, 1): 20,
        }
        line = (await stage.metastore.offset_history("view", limit=1))[0]
        assert line.actor == Actor(
            "User:bob", "anabranch", "", api="group undo", reason=f"undo of {shown.id}: OPS-7"
        )
        # The undoing is the newest change now, and can be undone as any other.
        again = await undo.prepare(stage.metastore, "view")
        assert [(one.partition, one.back_to) for one in again.moves] == [(0, 5), (1, 30)]
        with pytest.raises(UserFault, match="moved since"):
            await undo.prepare(stage.metastore, "view", change=shown.id)

    play(story)


def test_undo_is_refused_when_somebody_moved_or_joined(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _story(stage)
        shown = await undo.prepare(stage.metastore, "view")
        await stage.commit("view", flights, {1: 33}, T0 + 400)
        with pytest.raises(UserFault, match="nothing was changed"):
            await undo.undo(stage.metastore, shown, who="bob", reason="", now_ms=T0 + 500)
        assert await stage.metastore.positions("view", [(flights.no, 0)]) == {(flights.no, 0): 5}
        with pytest.raises(UserFault, match="stands at 33 now"):
            await undo.prepare(stage.metastore, "view")
        with pytest.raises(UserFault, match="stands at 5 now"):  # a consumer's commit, since reset
            await undo.prepare(stage.metastore, "view", change=f"{T0 + 200}-3")

    play(story)


def test_undo_waits_for_an_empty_group_and_brings_a_deleted_one_back(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _story(stage)
        row = GroupRow("view", "consumer", "Stable", 4, b"s", T0 + 350, fence=9)
        await stage.metastore.save_group(row)
        with pytest.raises(UserFault, match="is Stable: stop its consumers"):
            await undo.prepare(stage.metastore, "view")
        await stage.metastore.delete_group("view", ADMIN, T0 + 500)
        shown = await undo.prepare(stage.metastore, "view")
        assert (shown.action, [one.back_to for one in shown.moves]) == ("delete", [5, 30])
        await undo.undo(stage.metastore, shown, who="bob", reason="", now_ms=T0 + 600)
        assert [one.offset for one in await stage.metastore.committed("view")] == [5, 30]
        with pytest.raises(UserFault, match="is not a change's id"):
            await undo.prepare(stage.metastore, "view", change="yesterday")
        with pytest.raises(UserFault, match="has no change"):
            await undo.prepare(stage.metastore, "view", change=f"{T0}-1")
        await stage.log.delete_topic(flights)
        with pytest.raises(UserFault, match="topic is gone"):
            await undo.prepare(stage.metastore, "view")
        await stage.commit("other", await stage.topic("more"), {0: 1}, T0)
        with pytest.raises(UserFault, match="nobody but consumers"):
            await undo.prepare(stage.metastore, "other")

    play(story)


def test_what_was_pruned_is_known_by_what_it_was_replaced_with(play: Any) -> None:
    async def story(stage: Scene) -> None:
        await _story(stage)
        assert await stage.metastore.prune_offset_history(T0 + 150, 100) == 2
        found = await difference(stage.metastore, "view", from_ms=T0 + 110, to_ms=T0 + 600)
        assert [(p.partition, p.old, p.new) for p in found.partitions] == [(0, 10, 5), (1, 20, 30)]
        assert found.begins_ms == T0 + 200

    play(story)
