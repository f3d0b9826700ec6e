"""Ranges that cannot be read, and how they are given up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from anabranch.metastore.values import Damage, DamageSkip, Health, SkippedExtent


class DamageVerbs(Protocol):
    """Verbs about damage. A deleted topic has none in sight."""

    async def note_damage(self, found: Sequence[Damage]) -> int:
        """Remember ranges that somebody could not read, up to a bound; returns how many were new."""

    async def damages(self, topic_no: int | None = None) -> list[Damage]:
        """What is known, by partition and offset; of one topic if given."""

    async def forget_damage(self, topic_no: int, partition: int, first_offset: int) -> bool:
        """The range that begins there reads well again."""

    async def skip_damage(self, skipped: SkippedExtent, skip: DamageSkip) -> bool:
        """Put ``skipped.empty`` in place of the damaged part of an extent, for good.

        In one transaction: the extent is divided, the gap recorded with its cause (I2), the audit line
        written, the range no longer listed. False, and nothing done, if the extent is another by now.
        """

    async def damage_skips(self, topic_no: int | None = None) -> list[DamageSkip]:
        """The audit history of :meth:`skip_damage`, oldest first."""

    async def health(self) -> Health:
        """Counts over everything: for one broker, about every minute."""
