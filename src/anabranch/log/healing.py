"""Ranges that could not be read and can be again: restored from versioning, or a bucket that came to its senses."""

from __future__ import annotations

import logging

from anabranch.errors import AnabranchError
from anabranch.log.skipping import Skipper
from anabranch.metastore.api import Metastore

logger = logging.getLogger(__name__)

LOOKED_AT_PER_PASS = 4  # each is read whole; ten thousand ranges take some two days


class Healer:
    """Looks at known damage in turn, a few ranges a pass, and forgets what reads well."""

    def __init__(self, metastore: Metastore, skipper: Skipper) -> None:
        self._metastore = metastore
        self._skipper = skipper
        self._after = (-1, -1, -1)  # topic, partition and first offset of the last one looked at

    async def run_once(self) -> int:
        """How many were forgotten. Raises StoreFault if the metastore does not answer."""
        known = await self._metastore.damages()
        places = [(each.topic_no, each.partition, each.first_offset) for each in known]
        order = sorted(
            zip(places, known, strict=True), key=lambda one: (one[0] <= self._after, one[0])
        )
        healed = 0
        for place, damage in order[:LOOKED_AT_PER_PASS]:
            self._after = place
            try:
                if await self._skipper.still_damaged(damage):
                    continue
            except AnabranchError as fault:
                logger.info(
                    "whether damage in %s is over is not known: %s", damage.object_key, fault
                )
                continue
            if await self._metastore.forget_damage(*place):
                healed += 1
                logger.warning(
                    "offsets %d to %d in %s read well again",
                    damage.first_offset,
                    damage.last_offset,
                    damage.object_key,
                )
        return healed
