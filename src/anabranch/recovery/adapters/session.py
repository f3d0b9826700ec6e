"""What a process finds in its environment when ``anabranch replay`` runs it; nothing outside of one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import NamedTuple

from anabranch.recovery.sinks.source import Source, sources_from_environment

Offsets = Mapping[tuple[str, int], int]


class Surroundings(NamedTuple):
    """``topics`` are topic → what to read in its place; ``ends`` next offsets, by topic as read."""

    session: str | None
    bootstrap: str | None
    group: str | None
    topics: Mapping[str, str]
    ends: Offsets
    sources: Mapping[str, Source] | None
    sink: str | None
    line: str

    @classmethod
    def of(cls, environ: Mapping[str, str] = os.environ) -> Surroundings:
        """Of this process."""
        return cls(
            session=environ.get("ANABRANCH_SESSION"),
            bootstrap=environ.get("ANABRANCH_BOOTSTRAP"),
            group=environ.get("ANABRANCH_GROUP"),
            topics=json.loads(environ.get("ANABRANCH_TOPICS", "{}")),
            ends={
                (topic, int(partition)): end
                for topic, parts in json.loads(environ.get("ANABRANCH_END_OFFSETS", "{}")).items()
                for partition, end in parts.items()
            },
            sources=sources_from_environment(environ),
            sink=environ.get("ANABRANCH_SINK"),
            line=environ.get("ANABRANCH_STAGING", "live"),
        )

    def topic(self, name: str) -> str:
        """What to read in place of topic ``name``: its branch in a replay, itself otherwise."""
        return self.topics.get(name, name)
