"""What every engine promises about promotion: a branch and its topic change places (I2, I5, I8, I9)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.epochs import end_of_epoch
from anabranch.metastore.api import (
    Actor,
    Conflict,
    Enlisted,
    Extent,
    ExtentName,
    GapCause,
    LeaderEpoch,
    LineMove,
    LineSwap,
    Metastore,
    NewExtent,
    ObjectKind,
    OffsetAction,
    ShareKey,
    Topic,
)

from .support import (
    ADMIN,
    MEMBER,
    a_topic,
    append,
    at,
    commit,
    merge,
    names,
    new,
    producer,
    spans,
    topic_id,
)
from .test_contract_branch import origin


async def a_fork(meta: Metastore) -> tuple[Topic, Topic]:
    """``flights`` 0 to 99 in extents of ten, epoch 0; ``fix`` parts from it at 60 and goes on to 79."""
    topic = await a_topic(meta)
    for i in range(10):
        await append(meta, topic, new(10 * i, 10 * i + 9, position=100 * i, appended=50 + i))
    branch = await meta.create_branch(topic.no, "fix", topic_id(2), origin(topic, 60), {}, 80)
    for i in range(6, 8):
        extent = new(10 * i, 10 * i + 9, position=100 * i, appended=90)
        await append(meta, branch, extent, key="wal/2")
    return topic, branch


def swap_of(topic: Topic, branch: Topic, **given: object) -> LineSwap:
    assert branch.origin is not None
    return LineSwap(topic.no, branch.no, branch.origin.ends, "flights.before", "before 1", **given)  # type: ignore[arg-type]


async def lines(meta: Metastore, topic: Topic) -> list[tuple[int, int, str]]:
    found: list[Extent] = await meta.extents_from(topic.no, 0, 0, 100)
    return [(each.base_offset, each.leader_epoch, each.object_key) for each in found]


async def test_I2_a_promoted_branch_stands_in_its_topics_place(meta: Metastore) -> None:
    topic, branch = await a_fork(meta)
    before = await lines(meta, topic)
    promoted, displaced = await meta.swap_lines(swap_of(topic, branch), ADMIN, 100)
    assert (promoted.no, promoted.id, promoted.name) == (topic.no, topic.id, "flights")
    assert promoted.configs == topic.configs and promoted.origin is None
    assert (displaced.no, displaced.id, displaced.name) == (branch.no, branch.id, "flights.before")
    assert displaced.configs == {"retention.ms": "-1", "retention.bytes": "-1"}
    assert displaced.origin is not None
    assert (displaced.origin.topic_id, displaced.origin.ends) == (topic.id, (60,))
    live, aside = await meta.partition(topic.no, 0), await meta.partition(branch.no, 0)
    assert live is not None and (live.next_offset, live.leader_epoch) == (80, 1)
    assert aside is not None and (aside.next_offset, aside.leader_epoch) == (100, 1)
    now = await lines(meta, topic)
    assert now == [*before[:6], (60, 1, "wal/2"), (70, 1, "wal/2")]
    assert [each[0] for each in await lines(meta, displaced)] == [each[0] for each in before]
    assert [each.name for each in await meta.topics()] == ["flights", "flights.before"]


async def test_the_epochs_say_where_the_lines_part_whichever_way_one_comes(meta: Metastore) -> None:
    topic, branch = await a_fork(meta)
    assert await meta.leader_epochs(topic.no, 0) == [LeaderEpoch(0, 0)]
    _, displaced = await meta.swap_lines(swap_of(topic, branch), ADMIN, 100)
    epochs = await meta.leader_epochs(topic.no, 0)
    assert epochs == [LeaderEpoch(0, 0), LeaderEpoch(1, 60)]
    assert end_of_epoch(epochs, 80, 0) == (0, 60)  # who read the old line, up to 100, hears 60
    await append(meta, topic, new(80, 89, position=800, appended=99, epoch=1), key="wal/2")
    undo = LineSwap(topic.no, displaced.no, (60,), "fix", "undone")
    await meta.swap_lines(undo, ADMIN, 110)
    epochs = await meta.leader_epochs(topic.no, 0)
    assert epochs == [LeaderEpoch(0, 0), LeaderEpoch(2, 60)]
    for earlier in (0, 1):  # who never noticed the promotion, and who read on in the branch
        assert end_of_epoch(epochs, 100, earlier) == (0, 60)
    assert end_of_epoch(epochs, 100, 2) == (2, 100)
    assert {each.name: each.no for each in await meta.topics()} == {
        "fix": branch.no,
        "flights": topic.no,
    }
    again = await meta.partition(branch.no, 0)
    assert again is not None and (again.next_offset, again.leader_epoch) == (90, 2)


async def test_lines_that_are_alike_part_nowhere(meta: Metastore) -> None:
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 9))
    branch = await meta.create_branch(topic.no, "fix", topic_id(2), origin(topic, 10), {}, 80)
    await meta.swap_lines(swap_of(topic, branch), ADMIN, 100)
    assert await meta.leader_epochs(topic.no, 0) == [LeaderEpoch(0, 0), LeaderEpoch(1, 10)]
    empty = await a_topic(meta, "empty", number=7)
    other = await meta.create_branch(empty.no, "e2", topic_id(8), origin(empty, 0), {}, 80)
    await meta.swap_lines(LineSwap(empty.no, other.no, (0,), "empty.before", "x"), ADMIN, 100)
    assert await meta.leader_epochs(empty.no, 0) == [LeaderEpoch(1, 0)]


async def test_I4_an_append_that_was_made_for_the_line_before_loses(meta: Metastore) -> None:
    """Also where the new line ends at the very same offset."""
    topic, branch = await a_fork(meta)
    for i in range(8, 10):
        extent = new(10 * i, 10 * i + 9, position=100 * i, appended=95)
        await append(meta, branch, extent, key="wal/2")
    await meta.swap_lines(swap_of(topic, branch), ADMIN, 100)
    late = commit(topic, 0, new(100, 109, position=2000, appended=120))
    (outcome,) = await meta.commit_appends("wal/1", [late], 6_000)
    assert not outcome.committed and outcome.partition is not None
    assert (outcome.partition.next_offset, outcome.partition.leader_epoch) == (100, 1)
    again = commit(topic, 0, new(100, 109, position=2000, appended=120, epoch=1))
    (outcome,) = await meta.commit_appends("wal/1", [again], 6_000)
    assert outcome.committed


async def test_I3_a_merge_of_the_line_before_loses(meta: Metastore) -> None:
    topic, branch = await a_fork(meta)
    own = (await meta.extents_from(topic.no, 0, 60, 4))[:4]
    await meta.swap_lines(swap_of(topic, branch), ADMIN, 100)
    assert not await merge(meta, topic, own, key="seg/late")
    shared = (await meta.extents_from(topic.no, 0, 0, 6))[:6]
    assert await merge(meta, topic, shared, key="seg/shared")


async def test_I3_a_part_of_an_extent_is_not_taken_for_the_whole(meta: Metastore) -> None:
    """A branch that was cut within an extent names the same object, place and first offset, and less of it."""
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 9))
    object_no = await meta.create_object("seg/1", ObjectKind.SEGMENT, 5)
    whole = NewExtent(0, 9, 0, 100, 10, -1, 0, 0)
    there = await meta.extents_from(topic.no, 0, 0, 9)
    assert await meta.replace_extents(topic.no, 0, names(there), object_no, 100, [whole], 6)
    cut = NewExtent(0, 3, 0, 40, 4, -1, 0, 0)
    branch = await meta.create_branch(
        topic.no, "fix", topic_id(2), origin(topic, 4), {0: [(object_no, cut)]}, 80
    )
    name = [ExtentName(0, object_no, 0, 3)]  # as a merge of the branch would know it
    await meta.swap_lines(swap_of(topic, branch), ADMIN, 100)
    assert spans(await meta.extents_from(branch.no, 0, 0, 9)) == [(0, 9)]
    other = await meta.create_object("seg/2", ObjectKind.SEGMENT, 5)
    assert not await meta.replace_extents(branch.no, 0, name, other, 100, [cut], 110)
    assert spans(await meta.extents_from(branch.no, 0, 0, 9)) == [(0, 9)]


async def test_I2_compaction_and_retention_of_the_line_before_lose(meta: Metastore) -> None:
    topic, branch = await a_fork(meta)
    assert await meta.begin_compaction(topic.no, 0, 100, 90, 0) is not None
    await meta.swap_lines(swap_of(topic, branch), ADMIN, 100)
    assert await meta.begin_compaction(topic.no, 0, 80, 110, 0) is None
    assert await meta.compaction(topic.no, 0) is None  # it went with its line
    state = await meta.compaction(branch.no, 0)
    assert state is not None and state.gap_end == 100
    assert not await meta.finish_compaction(branch.no, 0, 100, 0, None, 120, 0)
    row = await meta.advance_log_start(topic.no, 0, 70, GapCause.RETENTION_TIME, "", 120, 0)
    assert row is not None and row.log_start == 0
    row = await meta.advance_log_start(topic.no, 0, 70, GapCause.RETENTION_TIME, "", 120, 1)
    assert row is not None and row.log_start == 70


async def test_I5_producers_go_with_their_line_but_for_those_of_what_both_hold(
    meta: Metastore,
) -> None:
    topic = await a_topic(meta)
    for i, states in enumerate([[producer(1, 0)], [producer(2, 10)], [producer(3, 20)]]):
        extent = new(10 * i, 10 * i + 9, position=100 * i)
        share = commit(topic, 0, extent, producers=states)
        (outcome,) = await meta.commit_appends("wal/1", [share], 5_000)
        assert outcome.committed
    branch = await meta.create_branch(topic.no, "fix", topic_id(2), origin(topic, 20), {}, 80)
    own = commit(branch, 0, new(20, 29, position=0), producers=[producer(2, 20), producer(9, 20)])
    (outcome,) = await meta.commit_appends("wal/2", [own], 5_000)
    assert outcome.committed
    await meta.swap_lines(swap_of(topic, branch), ADMIN, 100)
    states = {each.producer_id: each for each in await meta.producer_states(topic.no, 0)}
    assert sorted(states) == [1, 2, 9]  # 3 wrote behind the point: its numbers mean another line
    assert states[2].batches[-1].base_offset == 20  # the branch's own word counts
    assert [each.producer_id for each in await meta.producer_states(branch.no, 0)] == [1, 2, 3]


async def test_I8_groups_beyond_are_settled_in_the_same_transaction(meta: Metastore) -> None:
    topic, branch = await a_fork(meta)
    for group, offset in (("ahead", 90), ("behind", 60), ("told", 75)):
        await meta.commit_offsets(group, [at(topic, 0, offset)], OffsetAction.COMMIT, MEMBER, 90)
    beyond, shares = await meta.standing_beyond(topic.no, (60,))
    assert [(each.group_id, each.offset, each.leader_epoch) for each in beyond] == [
        ("ahead", 90, 0),
        ("told", 75, 0),
    ]
    assert shares == []
    with pytest.raises(Conflict, match="ahead"):
        await meta.swap_lines(swap_of(topic, branch, kept=frozenset({"told"})), ADMIN, 100)
    wrong = {"ahead": LineMove(7, (at(topic, 0, 60),))}
    with pytest.raises(Conflict, match="fence"):
        await meta.swap_lines(
            swap_of(topic, branch, kept=frozenset({"told"}), moves=wrong), ADMIN, 100
        )
    assert [each.name for each in await meta.topics()] == ["fix", "flights"]  # all or nothing
    moves = {"ahead": LineMove(0, (at(topic, 0, 60),))}
    actor = Actor("User:ana", "anabranch", "", api="promote", reason="promotion")
    swap = swap_of(topic, branch, kept=frozenset({"told"}), moves=moves)
    await meta.swap_lines(swap, actor, 100)
    assert [each.offset for each in await meta.committed("ahead")] == [60]
    assert [each.offset for each in await meta.committed("told")] == [75]
    line = (await meta.offset_history("ahead"))[0]
    assert (line.action, line.old, line.new) == (OffsetAction.PROMOTE, 90, 60)
    assert line.actor.reason == "promotion"


async def test_who_read_the_branch_is_put_back_to_what_is_left_of_it(meta: Metastore) -> None:
    topic, branch = await a_fork(meta)
    await meta.commit_offsets("shadow", [at(branch, 0, 78)], OffsetAction.COMMIT, MEMBER, 90)
    await meta.commit_offsets("early", [at(branch, 0, 60)], OffsetAction.COMMIT, MEMBER, 90)
    await meta.swap_lines(swap_of(topic, branch), ADMIN, 100)
    for group in ("shadow", "early"):
        assert [(c.topic_no, c.offset) for c in await meta.committed(group)] == [(branch.no, 60)]
    assert (await meta.offset_history("shadow"))[0].action is OffsetAction.PROMOTE


async def test_a_share_group_beyond_is_refused(meta: Metastore) -> None:
    topic, branch = await a_fork(meta)
    await meta.claim_share(ShareKey("workers", topic.no, 0), 70, b"")
    with pytest.raises(ClientFault, match="share group 'workers'") as refused:
        await meta.swap_lines(swap_of(topic, branch), ADMIN, 100)
    assert refused.value.code is ErrorCode.NON_EMPTY_GROUP
    await meta.set_share(ShareKey("workers", topic.no, 0), 60, b"")
    await meta.swap_lines(swap_of(topic, branch), ADMIN, 100)


async def test_I6_an_open_transaction_is_refused(meta: Metastore) -> None:
    topic, branch = await a_fork(meta)
    row = await meta.init_transactional_id("tx", 1_000, None, 10)
    share = commit(topic, 0, new(100, 109, position=2000))
    enlisted = Enlisted(row.name, row.producer_id, row.epoch, 100, True, 20)
    (outcome,) = await meta.commit_appends("wal/1", [replace(share, transactions=(enlisted,))], 10)
    assert outcome.committed
    with pytest.raises(ClientFault, match="transaction of") as refused:
        await meta.swap_lines(swap_of(topic, branch), ADMIN, 100)
    assert refused.value.code is ErrorCode.CONCURRENT_TRANSACTIONS


async def test_what_is_not_a_branch_of_the_topic_as_it_was_seen_is_a_conflict(
    meta: Metastore,
) -> None:
    topic, branch = await a_fork(meta)
    other = await a_topic(meta, "other", number=5)
    for swap in (
        LineSwap(topic.no, branch.no, (59,), "flights.before", ""),
        LineSwap(topic.no, other.no, (60,), "flights.before", ""),
        LineSwap(other.no, branch.no, (60,), "flights.before", ""),
    ):
        with pytest.raises(Conflict):
            await meta.swap_lines(swap, ADMIN, 100)
    with pytest.raises(ClientFault, match="already exists"):
        await meta.swap_lines(LineSwap(topic.no, branch.no, (60,), "other", ""), ADMIN, 100)
    await meta.create_partitions(topic.no, 2, 90)
    with pytest.raises(Conflict, match="partitions"):
        await meta.swap_lines(swap_of(topic, branch), ADMIN, 100)


async def test_other_branches_know_how_far_they_still_agree(meta: Metastore) -> None:
    topic, branch = await a_fork(meta)
    early = await meta.create_branch(topic.no, "early", topic_id(3), origin(topic, 40), {}, 80)
    late = await meta.create_branch(topic.no, "late", topic_id(4), origin(topic, 90), {}, 80)
    of_fix = await meta.create_branch(branch.no, "of-fix", topic_id(5), origin(branch, 70), {}, 80)
    await meta.swap_lines(swap_of(topic, branch), ADMIN, 100)
    found = {}
    for each in (early, late, of_fix):
        now = await meta.topic_by_no(each.no)
        assert now is not None and now.origin is not None and now.origin.topic_id == topic.id
        found[each.name] = now.origin.ends
    assert found == {"early": (40,), "late": (60,), "of-fix": (70,)}
    after = await meta.topic_by_no(late.no)
    assert after is not None
    late_swap = LineSwap(topic.no, late.no, (60,), "flights.second", "x")
    await meta.swap_lines(late_swap, ADMIN, 120)
    epochs = await meta.leader_epochs(topic.no, 0)
    assert epochs == [LeaderEpoch(0, 0), LeaderEpoch(2, 60)]
