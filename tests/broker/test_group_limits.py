"""Catching up limited by group: which fetches count for it, and that a change is in force everywhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from anabranch.broker.group_limits import SPOKEN_S, GroupLimits, group_in
from anabranch.errors import ClientFault, ErrorCode
from anabranch.groups import configs
from anabranch.groups.snapshot import GroupSnapshot, MemberSnapshot
from anabranch.groups.values import GroupState
from anabranch.metastore.api import GroupRow
from anabranch.metastore.sqlite import SqliteMetastore
from tests.broker.conversation import Bench, batch, fetch_request, run, talking
from tests.broker.test_api_configs import DELETE, GROUP, SET, describe, incremental
from tests.broker.test_api_groups import join, sync_request

RATE = configs.CATCHUP_RATE


def opened(path: Path) -> SqliteMetastore:
    return SqliteMetastore.open(path / "metastore.db", now_ms=0, new_cluster_id=lambda: b"c" * 16)


async def with_members(meta: SqliteMetastore, group_id: str, *clients: tuple[str, str]) -> None:
    members = tuple(
        MemberSnapshot(f"m{number}", None, client_id, host, 1, 1, (), b"")
        for number, (client_id, host) in enumerate(clients)
    )
    snapshot = GroupSnapshot(group_id, GroupState.STABLE, 0, 1, "consumer", "range", "m0", members)
    await meta.save_group(
        GroupRow(group_id, "consumer", "Stable", 1, snapshot.encode(), 0), expected=None
    )


async def test_a_fetch_counts_for_the_group_that_has_such_a_member(tmp_path: Path) -> None:
    meta = opened(tmp_path)
    await with_members(meta, "slow", ("app-1", "10.0.0.1"), ("shared", "10.0.0.1"))
    await with_members(meta, "slower", ("shared", "10.0.0.1"))
    await with_members(meta, "free", ("app-2", "10.0.0.1"))
    limits = GroupLimits(meta)
    assert limits.of("app-1", "10.0.0.1") is None  # nobody is limited
    await configs.save(meta, "slow", {RATE: "1000"}, 0)
    await configs.save(meta, "slower", {RATE: "10"}, 0)
    await limits.refresh()

    def group(client_id: str, host: str = "10.0.0.1") -> str | None:
        found = limits.of(client_id, host)
        return None if found is None else found.group_id

    assert group("app-1") == "slow"
    assert group("app-1", "10.0.0.2") is None  # another machine's client of the same name
    assert group("app-2") is None
    assert group("shared") == "slow"  # cannot be told apart: the more generous one
    assert group("group=slower,app-1") == "slower"  # says so itself
    assert group("group=free;app-1") is None
    await configs.save(meta, "slow", {}, 0)
    await limits.refresh()
    assert group("app-1") is None and group("shared") == "slower"
    assert limits.configured == ["slower"]
    meta.close()


async def test_a_consumer_without_membership_is_known_by_its_commits(tmp_path: Path) -> None:
    meta = opened(tmp_path)
    await configs.save(meta, "slow", {RATE: "1000"}, 0)
    limits = GroupLimits(meta)
    await limits.refresh()
    limits.spoke("slow", "app", "h")
    limits.spoke("other", "else", "h")
    found = limits.of("app", "h")
    assert found is not None and found.group_id == "slow"
    assert limits.of("else", "h") is None
    group_id, at_s = limits._spoken["app", "h"]
    limits._spoken["app", "h"] = group_id, at_s - SPOKEN_S
    assert limits.of("app", "h") is None  # long ago
    meta.close()


@pytest.mark.parametrize(
    ("client_id", "group"),
    [
        ("group=g", "g"),
        ("zone=a, group=g ;x", "g"),
        ("group=", None),
        ("agroup=g", None),
        ("group", None),
        ("", None),
    ],
)
def test_a_client_id_may_name_the_group(client_id: str, group: str | None) -> None:
    assert group_in(client_id) == group


async def test_what_is_set_is_checked_bounded_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta = opened(tmp_path)
    for wrong in ({RATE: "0"}, {RATE: "fast"}, {"retention.ms": "1"}):
        with pytest.raises(ClientFault) as refused:
            await configs.save(meta, "g", wrong, 0)
        assert refused.value.code is ErrorCode.INVALID_CONFIG
    with pytest.raises(ClientFault):
        await configs.save(meta, "", {RATE: "5"}, 0)
    await configs.save(meta, "g", {RATE: "5"}, 0)
    assert await configs.load(meta, "g") == {RATE: "5"}
    assert configs.catchup_rate({RATE: "-1"}) == configs.catchup_rate({}) == 0
    monkeypatch.setattr(configs, "CONFIGURED_MAX", 1)
    await configs.save(meta, "g", {RATE: "6"}, 0)
    with pytest.raises(ClientFault) as full:
        await configs.save(meta, "h", {RATE: "6"}, 0)
    assert full.value.code is ErrorCode.POLICY_VIOLATION
    # A later release's configs, or nonsense, are no reason to fail.
    assert configs.known(b'{"later": "x", "catchup.bytes.per.second": "7"}') == {RATE: "7"}
    assert configs.known(b"nonsense") == configs.known(b'{"catchup.bytes.per.second": "x"}') == {}
    meta.close()


def test_kafkas_own_requests_set_and_show_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            one, *_ = (await describe(bench, GROUP, "g", [RATE])).configs
            assert (one.name, one.value, one.config_source) == (RATE, "-1", 5)
            result = await incremental(bench, GROUP, "g", (RATE, SET, "1000"))
            assert result.error_code == ErrorCode.NONE
            one, *_ = (await describe(bench, GROUP, "g", [RATE])).configs
            assert (one.value, one.config_source) == ("1000", 8)
            assert bench.broker.group_limits.limits["g"].rate == 1000
            assert (await incremental(bench, GROUP, "g", (RATE, SET, "0"))).error_code != 0
            await incremental(bench, GROUP, "g", (RATE, DELETE, None))
            assert bench.broker.group_limits.limits == {}

    run(scenario)


def test_a_limited_groups_members_are_slowed_below_the_tail_and_nobody_else(
    tmp_path: Path,
) -> None:
    """A little is given at once; with a wait of zero the next answer is empty."""

    async def served(bench: Bench, client_id: str, offset: int) -> int:
        request = fetch_request("t", offset, max_wait_ms=0, partition_max_bytes=40_000)
        answer = await bench.client.receive(bench.client.send(request, 12, client_id=client_id))
        part = answer.responses[0].partitions[0]
        assert part.error_code == ErrorCode.NONE
        return len(part.records or b"")

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t")
            for _ in range(12):
                assert (await bench.produce("t", batch(bytes(30_000)))).error_code == 0
            topic = bench.broker.log.catalogue.topic("t")
            assert topic is not None
            await bench.broker.log.merger.merge_backlog(topic, 0)
        async with talking(tmp_path) as bench:
            member = await join(bench, 9, "slow")  # as "wire-test"
            await bench.call(sync_request(member, "slow"))
            await configs.save(bench.broker.log.metastore, "slow", {RATE: "1000"}, 0)
            async with asyncio.timeout(60):
                while bench.broker.group_limits.of("wire-test", "127.0.0.1") is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)  # noticed without a restart
            slow = [await served(bench, "wire-test", offset) for offset in range(12)]
            fast = [await served(bench, "another", offset) for offset in range(12)]
            assert slow[0] > 0 and 0 in slow
            assert all(fast)

    run(scenario)
