"""The verbs about damage, for every engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from anabranch.metastore import damage, maintenance, skips
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import Damage, DamageSkip, Health, SkippedExtent

P = ParamSpec("P")
T = TypeVar("T")


class SqlDamageVerbs(ABC):
    """See :class:`anabranch.metastore.contract.damage.DamageVerbs`."""

    @abstractmethod
    async def _read(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...

    @abstractmethod
    def _write(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]: ...

    @abstractmethod
    async def _read_aside(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...

    async def note_damage(self, found: Sequence[Damage]) -> int:
        return await self._write(damage.note_damage, found)

    async def damages(self, topic_no: int | None = None) -> list[Damage]:
        return await self._read(damage.damages, topic_no)

    async def forget_damage(self, topic_no: int, partition: int, first_offset: int) -> bool:
        return await self._write(damage.forget_damage, topic_no, partition, first_offset)

    async def skip_damage(self, skipped: SkippedExtent, skip: DamageSkip) -> bool:
        return await self._write(skips.skip_damage, skipped, skip)

    async def damage_skips(self, topic_no: int | None = None) -> list[DamageSkip]:
        return await self._read(skips.damage_skips, topic_no)

    async def health(self) -> Health:
        return await self._read_aside(maintenance.health)
