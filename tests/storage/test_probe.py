from __future__ import annotations

from collections.abc import Iterable

import pytest

from anabranch.errors import StoreFault, UserFault
from anabranch.storage.memory import MemoryStore
from anabranch.storage.probe import probe_create
from anabranch.storage.store import AlreadyExists, Buffer, Store


def test_honest_stores_pass_and_nothing_stays(store: Store) -> None:
    for nonce in ("1f", "2f"):
        probe_create(store, nonce)
    assert list(store.list("")) == []


class IgnoresCondition(MemoryStore):
    """As some S3 servers do: a conditional creation simply replaces."""

    def put(
        self,
        key: str,
        data: Buffer | Iterable[Buffer],
        *,
        create: bool = True,
        put_id: str | None = None,
    ) -> int:
        return super().put(key, data, create=False)


class RefusesAfterReplacing(IgnoresCondition):
    """Answers correctly, acts wrongly."""

    def put(
        self,
        key: str,
        data: Buffer | Iterable[Buffer],
        *,
        create: bool = True,
        put_id: str | None = None,
    ) -> int:
        existed = key in self._objects
        size = super().put(key, data)
        if existed:
            raise AlreadyExists(key)
        return size


class KeepsFirstButClaimsSuccess(MemoryStore):
    """Silently drops the second creation: its writer would believe that it won."""

    def put(
        self,
        key: str,
        data: Buffer | Iterable[Buffer],
        *,
        create: bool = True,
        put_id: str | None = None,
    ) -> int:
        try:
            return super().put(key, data, create=create, put_id=put_id)
        except AlreadyExists:
            return 1


@pytest.mark.parametrize(
    "liar", [IgnoresCondition, RefusesAfterReplacing, KeepsFirstButClaimsSuccess]
)
def test_lying_stores_are_refused(liar: type[MemoryStore]) -> None:
    store = liar()
    with pytest.raises(UserFault, match="does not support conditional creation"):
        probe_create(store, "1f")
    assert list(store.list("")) == []


def test_a_store_that_answers_for_another_is_refused() -> None:
    class AlwaysThere(MemoryStore):
        def put(
            self,
            key: str,
            data: Buffer | Iterable[Buffer],
            *,
            create: bool = True,
            put_id: str | None = None,
        ) -> int:
            raise AlreadyExists(key)

    with pytest.raises(UserFault, match="check the URL"):
        probe_create(AlwaysThere(), "1f")


def test_a_store_out_of_reach_says_so() -> None:
    class Down(MemoryStore):
        def put(
            self,
            key: str,
            data: Buffer | Iterable[Buffer],
            *,
            create: bool = True,
            put_id: str | None = None,
        ) -> int:
            raise StoreFault("connection refused")

    with pytest.raises(StoreFault, match="connection refused"):
        probe_create(Down(), "1f")
