"""What every engine promises about what share groups have delivered (KIP-932)."""

from __future__ import annotations

import pytest

from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore.api import GroupRow, Metastore, ShareKey
from tests.metastore.support import ADMIN, a_topic

KEY = ShareKey("queue", 1, 0)


async def test_who_claims_last_owns_the_state(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=2)
    key = KEY._replace(topic_no=topic.no)
    first = await meta.claim_share(key, 7, b"seven")
    assert first == (key, 1, 7, b"seven")
    assert await meta.save_shares([first._replace(start_offset=9, state=b"nine")]) == [True]
    second = await meta.claim_share(key, 0, b"other")
    assert second == (key, 2, 9, b"nine")  # what was there stays
    other = await meta.claim_share(key._replace(partition=1), 3, b"")
    late = first._replace(start_offset=11, state=b"late")
    assert await meta.save_shares([late, other._replace(start_offset=4)]) == [False, True]
    assert await meta.shares("queue") == [second, other._replace(start_offset=4)]
    await meta.set_share(key, 2, b"two")
    assert await meta.save_shares([second]) == [False]
    assert (await meta.shares("queue"))[0][2:] == (2, b"two")


async def test_states_end_with_their_group_and_their_topic(meta: Metastore) -> None:
    one, two = await a_topic(meta, "one"), await a_topic(meta, "two", number=2)
    for topic in (one, two):
        await meta.claim_share(KEY._replace(topic_no=topic.no), 0, b"x")
        await meta.claim_share(ShareKey("other", topic.no, 0), 0, b"x")
    assert await meta.delete_shares("queue", one.no) == 1
    assert [state.key.topic_no for state in await meta.shares("queue")] == [two.no]
    assert await meta.delete_shares("queue") == 1
    await meta.delete_topic(one.no, 5, 0)
    assert [state.key.topic_no for state in await meta.shares("other")] == [two.no]
    with pytest.raises(ClientFault) as caught:
        await meta.claim_share(KEY._replace(topic_no=one.no), 0, b"")
    assert caught.value.code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    await meta.save_group(GroupRow("other", "share", "Empty", 0, b"", 8))
    assert await meta.delete_group("other", ADMIN, 9)
    assert await meta.shares("other") == []
