"""A plan of offsets beside a live broker: who joins meanwhile wins, and clients see what was applied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import UserFault
from anabranch.recovery.history import offset_planning
from anabranch.recovery.history.offset_plan import Aim
from anabranch.recovery.history.offset_planning import Want
from anabranch.wire.messages.m13_leave_group import LeaveGroupRequest, MemberIdentity
from tests.broker.conversation import Bench, batch, now_ms, run, talking
from tests.broker.test_api_groups import commit, commit_request, committed, join, sync_request


async def _member(bench: Bench) -> Any:
    joined = await join(bench, 9)
    await bench.call(sync_request(joined), 5)
    return joined


async def _leave(bench: Bench, joined: Any) -> None:
    members = [MemberIdentity(member_id=joined.member_id)]
    await bench.call(LeaveGroupRequest(group_id="g", members=members), 5)


def test_I8_a_member_that_came_and_went_makes_a_plan_stale(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            metastore = bench.broker.log.metastore

            async def nothing(*_: Any) -> None:
                return None

            async def plan(number: int) -> Any:
                want = Want(aim=Aim.OFFSET, number=number)
                return await offset_planning.plan(
                    metastore, "g", want, creator="ana", now_ms=now_ms(), offset_at=nothing
                )

            async def apply(name: str) -> Any:
                return await offset_planning.apply(metastore, name, who="ana", now_ms=now_ms())

            await bench.create("t")
            await bench.produce("t", batch(*[b"x"] * 20))
            joined = await _member(bench)
            with pytest.raises(UserFault, match="stop its consumers first"):
                await plan(3)
            await commit(
                bench, commit_request({("t", 0): 12}, generation=1, member=joined.member_id)
            )
            await _leave(bench, joined)
            stale = await plan(3)
            # Another generation, which committed nothing: the positions alone would not tell.
            joined = await _member(bench)
            with pytest.raises(UserFault, match="stop its consumers first"):
                await apply(stale.id)
            await _leave(bench, joined)
            with pytest.raises(UserFault, match="had members since"):
                await apply(stale.id)
            assert (await committed(bench, {"t": [0]}))["t", 0][0] == 12
            await apply((await plan(4)).id)
            assert (await committed(bench, {"t": [0]}))["t", 0][0] == 4

    run(scenario)
