"""Topic classes: how long a class of topics must stay replayable, and the retention that follows from it.

A class has objectives: how long it takes until damage is *detected*, *diagnosed*, *fixed*, and until the fixed
processor has *replayed*. Their sum is the class's horizon: records younger than that must be there when a recovery begins.
Topics belong to a class by name or pattern; their ``retention.ms`` is kept equal to the horizon, and every change of
it is previewed first and recorded after.

Classes are documents in the metastore. A file says the same in TOML::

    [class.view-source]
    detect = "6h"
    diagnose = "12h"
    fix = "1d"
    replay = "12h"
    topics = ["orders", "flights.*"]
    price_gb_month = 0.023
    approvals = 1
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from anabranch.errors import ClientFault, UserFault
from anabranch.log import holds
from anabranch.log.config import effective
from anabranch.metastore.api import Metastore, Topic
from anabranch.recovery.model import NOTHING, Volume
from anabranch.recovery.observe import volume
from anabranch.recovery.times import parse_duration

KIND: Final = "topic-class"
CHANGE_KIND: Final = "topic-class-change"
CLASSES_MAX: Final = 100
APPROVALS_MAX: Final = 5
OBJECTIVES: Final = ("detect", "diagnose", "fix", "replay")

RETENTION: Final = "retention.ms"


class TopicClass(Struct, frozen=True, kw_only=True):
    """A class. Durations in milliseconds; ``price_gb_month`` in whatever currency the reader thinks in, per GB
    (10^9 bytes) and month, None if it is not known. ``approvals``: so many others must approve a plan that changes
    committed offsets of its topics (:mod:`anabranch.recovery.history.offset_planning`)."""

    name: str
    detect_ms: int
    diagnose_ms: int
    fix_ms: int
    replay_ms: int
    topics: tuple[str, ...] = ()
    price_gb_month: float | None = None
    description: str = ""
    approvals: int = 0

    @property
    def horizon_ms(self) -> int:
        """How far back a recovery must be able to begin."""
        return self.detect_ms + self.diagnose_ms + self.fix_ms + self.replay_ms


class RetentionChange(Struct, frozen=True, kw_only=True):
    """A topic whose retention follows its class. ``old_ms`` -1: for ever. ``lost`` is what would be removed at once.

    ``refused``: what a hold says against it, as a sentence; :func:`apply` refuses while there is one.
    """

    topic: str
    topic_no: int
    cls: str
    old_ms: int
    new_ms: int
    lost: Volume
    refused: str = ""


class ClassChange(Struct, frozen=True, kw_only=True):
    """What was changed, by whom and when: kept for ever. ``joined``: no class was changed, a new topic came into one."""

    at_ms: int
    who: str
    reason: str
    classes: tuple[TopicClass, ...]
    removed: tuple[str, ...]
    retention: tuple[RetentionChange, ...]
    joined: bool = False


class Preview(Struct, frozen=True, kw_only=True):
    """What applying would do."""

    classes: tuple[TopicClass, ...]  # all that there are afterwards
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    retention: tuple[RetentionChange, ...]

    @property
    def is_nothing(self) -> bool:
        return not (self.changed or self.removed or self.retention)

    @property
    def is_refused(self) -> bool:
        """Whether holds forbid a part of it, and so all of it."""
        return any(one.refused for one in self.retention)


def read_file(path: Path) -> list[TopicClass]:
    """The classes of a TOML file. Raises UserFault with the place of what is wrong."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserFault(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserFault(f"{path} is not TOML: {error}") from None
    sections = document.pop("class", {})
    if document or not isinstance(sections, dict):
        raise UserFault(f"{path}: only [class.NAME] sections are known")
    return [
        parse_class(name, section, f"{path}: class.{name}") for name, section in sections.items()
    ]


def parse_class(name: str, values: Mapping[str, Any], where: str) -> TopicClass:
    """A class of its parts, durations as text. Raises UserFault."""
    known = (*OBJECTIVES, "topics", "price_gb_month", "description", "approvals")
    for key in values:
        if key not in known:
            raise UserFault(f"{where}.{key} is not known; these are: {', '.join(known)}")
    missing = [key for key in OBJECTIVES if key not in values]
    if missing:
        raise UserFault(f"{where} lacks {', '.join(missing)}")
    if not name or any(character.isspace() or character == "/" for character in name):
        raise UserFault(f"“{name}” is not a name for a class: use a word, as view-source")
    topics, price = values.get("topics", ()), values.get("price_gb_month")
    if isinstance(topics, str) or not all(isinstance(one, str) and one for one in topics):
        raise UserFault(f'{where}.topics has to be a list of names and patterns, as ["flights.*"]')
    if price is not None and (
        isinstance(price, bool) or not isinstance(price, (int, float)) or price < 0
    ):
        raise UserFault(f"{where}.price_gb_month has to be a number, as 0.023")
    approvals = values.get("approvals", 0)
    if (
        isinstance(approvals, bool)
        or not isinstance(approvals, int)
        or not 0 <= approvals <= APPROVALS_MAX
    ):
        raise UserFault(f"{where}.approvals has to be a number from 0 to {APPROVALS_MAX}")
    durations = {
        f"{key}_ms": parse_duration(str(values[key]), f"{where}.{key}") for key in OBJECTIVES
    }
    return TopicClass(
        name=name,
        **durations,
        topics=tuple(topics),
        price_gb_month=None if price is None else float(price),
        description=str(values.get("description", "")),
        approvals=approvals,
    )


async def load(metastore: Metastore) -> list[TopicClass]:
    """Every class, by name."""
    found = [
        msgspec.json.decode(document.body, type=TopicClass)
        for document in await metastore.documents(KIND)
    ]
    return sorted(found, key=lambda one: one.name)


def class_of(classes: Iterable[TopicClass], topic: str) -> TopicClass | None:
    """The class that names ``topic``, else the one of whose patterns the longest matches it.

    Raises UserFault if two classes claim it alike.
    """
    best: list[tuple[tuple[bool, int], TopicClass]] = []
    for one in classes:
        ranks = [
            (pattern == topic, len(pattern))
            for pattern in one.topics
            if pattern == topic or fnmatchcase(topic, pattern)
        ]
        if ranks:
            best.append((max(ranks), one))
    if not best:
        return None
    rank = max(found for found, _ in best)
    winners = [one for found, one in best if found == rank]
    if len(winners) > 1:
        names = " and ".join(one.name for one in winners)
        raise UserFault(f"topic {topic} would be of classes {names}: let one of them name it")
    return winners[0]


async def preview(
    metastore: Metastore, wanted: Sequence[TopicClass], *, now_ms: int, replace: bool
) -> Preview:
    """What it would change to have the ``wanted`` classes; with ``replace`` no others. Raises UserFault."""
    names = [one.name for one in wanted]
    if len(set(names)) < len(names):
        raise UserFault("a class is given twice")
    present = {one.name: one for one in await load(metastore)}
    after = {**({} if replace else present), **{one.name: one for one in wanted}}
    if len(after) > CLASSES_MAX:
        raise UserFault(f"there can be {CLASSES_MAX} classes at most")
    classes = tuple(after[name] for name in sorted(after))
    changes = []
    for topic in await metastore.topics():
        one = class_of(classes, topic.name)
        if one is not None:
            change = await _retention(metastore, topic, one, now_ms)
            if change is not None:
                changes.append(change)
    return Preview(
        classes=classes,
        changed=tuple(name for name in sorted(after) if after[name] != present.get(name)),
        removed=tuple(sorted(present.keys() - after.keys())),
        retention=tuple(changes),
    )


async def _retention(
    metastore: Metastore, topic: Topic, one: TopicClass, now_ms: int
) -> RetentionChange | None:
    old_ms = effective(topic.configs).retention_ms
    if old_ms == one.horizon_ms:
        return None
    lost = NOTHING
    if effective(topic.configs).deletes and (old_ms < 0 or one.horizon_ms < old_ms):
        for partition in await metastore.partitions(topic.no):
            kept = await metastore.extent_by_append_time(
                topic.no, partition.partition, now_ms - one.horizon_ms
            )
            end = partition.next_offset if kept is None else kept.base_offset
            lost += await volume(metastore, topic.no, partition.partition, partition.log_start, end)
    refused = ""
    try:
        configs = {**topic.configs, RETENTION: str(one.horizon_ms)}
        await holds.check_configs(metastore, topic, configs, now_ms)
    except ClientFault as fault:
        refused = str(fault)
    return RetentionChange(
        topic=topic.name,
        topic_no=topic.no,
        cls=one.name,
        old_ms=old_ms,
        new_ms=one.horizon_ms,
        lost=lost,
        refused=refused,
    )


async def apply(
    metastore: Metastore, shown: Preview, *, now_ms: int, who: str, reason: str
) -> ClassChange:
    """Do what was previewed, and record it. Topics that are gone by now are passed over.

    Raises ClientFault(POLICY_VIOLATION) if a hold forbids a shorter retention, before anything is changed.
    """
    topics = {topic.no: topic for topic in await metastore.topics()}
    for change in shown.retention:
        topic = topics.get(change.topic_no)
        if topic is not None:
            configs = {**topic.configs, RETENTION: str(change.new_ms)}
            await holds.check_configs(metastore, topic, configs, now_ms)
    for name in shown.removed:
        await metastore.delete_document(KIND, name)
    for one in shown.classes:
        if one.name in shown.changed:
            await metastore.put_document(KIND, one.name, msgspec.json.encode(one), now_ms)
    for change in shown.retention:
        topic = topics.get(change.topic_no)
        if topic is not None:
            configs = {**topic.configs, RETENTION: str(change.new_ms)}
            await metastore.set_topic_configs(topic.no, configs, now_ms)
    done = ClassChange(
        at_ms=now_ms,
        who=who,
        reason=reason,
        classes=tuple(one for one in shown.classes if one.name in shown.changed),
        removed=shown.removed,
        retention=shown.retention,
    )
    await metastore.put_document(
        CHANGE_KIND, f"{now_ms:015d}-{who}", msgspec.json.encode(done), now_ms
    )
    return done


async def history(metastore: Metastore) -> list[ClassChange]:
    """Every change that was applied, the newest first."""
    found = [
        msgspec.json.decode(document.body, type=ClassChange)
        for document in await metastore.documents(CHANGE_KIND)
    ]
    return sorted(found, key=lambda one: -one.at_ms)
