"""The verbs about damage, for every engine."""

from __future__ import annotations

from collections.abc import Sequence

from anabranch.metastore import damage, maintenance, skips
from anabranch.metastore.document_verbs import SqlDocumentVerbs
from anabranch.metastore.values import Damage, DamageSkip, Health, SkippedExtent


class SqlDamageVerbs(SqlDocumentVerbs):
    """See :class:`anabranch.metastore.contract.damage.DamageVerbs`."""

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
