"""A restored metastore moves into an empty one of any engine, and into no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from anabranch.errors import UserFault
from anabranch.metastore.api import Metastore, OffsetAction
from anabranch.metastore.sqlite import SqliteMetastore
from tests.metastore.shadow import contents
from tests.metastore.support import MEMBER, a_topic, append, at, commit, new, producer


def test_I9_everything_moves_and_numbering_goes_on(
    reopen: Callable[[], Metastore], tmp_path: Path
) -> None:
    source = tmp_path / "source.db"

    async def fill() -> dict[str, list[tuple[object, ...]]]:
        meta = SqliteMetastore.open(source, now_ms=1, new_cluster_id=lambda: b"s" * 16)
        try:
            topic = await a_topic(meta, "flights", 2)
            await append(meta, topic, new(0, 9), new(10, 19, position=100))
            await meta.commit_appends(
                "wal/2", [commit(topic, 1, new(0, 9), producers=[producer(7, 0)])], 5
            )
            await meta.commit_offsets("g", [at(topic, 0, 5)], OffsetAction.COMMIT, MEMBER, 7)
            await meta.commit_offsets("g", [at(topic, 0, 6)], OffsetAction.COMMIT, MEMBER, 8)
            await meta.put_document("point", "p-1", b"{}", 9)
            return await contents(meta)
        finally:
            meta.close()

    async def move(expected: dict[str, list[tuple[object, ...]]]) -> None:
        meta = reopen()
        await meta.refuse_unless_empty()
        await meta.fill_from(source)
        assert await contents(meta) == expected
        assert await meta.check() == []
        topic = await a_topic(meta, "later", number=9)
        assert topic.no == 2, "numbers go on"
        await append(meta, topic, new(0, 9), key="wal/3")
        with pytest.raises(UserFault, match="not empty"):
            await meta.refuse_unless_empty()
        with pytest.raises(UserFault, match="not empty"):
            await meta.fill_from(source)

    asyncio.run(move(asyncio.run(fill())))
