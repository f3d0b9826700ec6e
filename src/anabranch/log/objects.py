"""Writing an object that extents will name: its row first, then its bytes, then its index.

Whoever rewrites extents does it this way, so that a crash at any point leaves an object that collection
knows of, and never bytes that nobody does. The caller then swaps rows by compare-and-set; what a crash or
a lost race leaves behind is an object that nothing names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from typing import NamedTuple, TypeVar

from anabranch.metastore.api import Metastore, ObjectKind
from anabranch.storage.pack import PackIndexBuilder
from anabranch.storage.segment import (
    AbortedTransaction,
    SegmentIndex,
    SegmentIndexBuilder,
    index_key,
)
from anabranch.storage.store import Store

T = TypeVar("T")

AppendedBatches = Iterator[tuple[memoryview, int]]
"""Runs of whole batches with final offsets, each with the time at which it was appended."""


class Share(NamedTuple):
    """One partition's part of an object to be written; ``covers`` are the offsets that it stands for,
    ``aborted`` the transactions that were aborted in them."""

    batches: AppendedBatches
    builder: SegmentIndexBuilder
    covers: tuple[int, int]
    aborted: Sequence[AbortedTransaction] = ()


class Content(NamedTuple):
    """What became of a share: its description, and where in the object it begins."""

    described: SegmentIndex
    position: int


class WrittenObject(NamedTuple):
    """An object that is durable and named by no extent yet; one content for each share."""

    no: int
    length: int
    contents: list[Content]


class ObjectWriter:
    """Writes objects for one process. Everything raises StoreFault."""

    def __init__(
        self,
        metastore: Metastore,
        store: Store,
        threads: Executor,
        now_ms: Callable[[], int],
    ) -> None:
        self._metastore = metastore
        self._store = store
        self._threads = threads
        self._now_ms = now_ms

    async def write(
        self, key: str, kind: ObjectKind, shares: Callable[[], Iterable[Share]]
    ) -> WrittenObject:
        """A segment of one share or a pack of several, streamed. Raises what the shares' batches raise.

        ``shares`` is called, and its batches are read, on a thread, in the order of the object.
        """
        assert kind.final

        def put() -> list[Content]:
            pack = PackIndexBuilder(self._metastore.cluster_id)
            contents: list[Content] = []

            def batches() -> Iterator[memoryview]:
                for share in shares():
                    for data, appended_ms in share.batches:
                        share.builder.add(data, appended_at_ms=appended_ms)
                        yield data
                    index = share.builder.finish(
                        covers=share.covers, aborted_transactions=share.aborted
                    )
                    contents.append(Content(index, pack.add(index)))

            self._store.put(key, batches())
            described = pack.finish() if kind is ObjectKind.PACK else contents[0].described
            self._store.put(index_key(key), described.encode())
            return contents

        object_no, contents = await self._named(key, kind, put)
        assert kind is ObjectKind.PACK or len(contents) == 1
        length = sum(content.described.byte_length for content in contents)
        return WrittenObject(object_no, length, contents)

    async def write_raw(self, key: str, kind: ObjectKind, data: bytes, description: bytes) -> int:
        """Bytes as they are, with ``description`` beside them; returns the object's number."""

        def put() -> None:
            self._store.put(key, data)
            self._store.put(index_key(key), description)

        object_no, _ = await self._named(key, kind, put)
        return object_no

    async def _named(self, key: str, kind: ObjectKind, put: Callable[[], T]) -> tuple[int, T]:
        object_no = await self._metastore.create_object(key, kind, self._now_ms())
        return object_no, await asyncio.get_running_loop().run_in_executor(self._threads, put)
