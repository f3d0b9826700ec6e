"""Who reads which topic, by what brokers saw of their fetches: also those that commit nothing.

A consumer that uses ``assign()`` keeps its position to itself, so no group, no lag and no plan knows it. The
brokers write about every five seconds who fetched what (:mod:`anabranch.groups.readers`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from anabranch.groups.readers import DOCUMENT_KIND, Reader, decode
from anabranch.groups.stored import stored_members
from anabranch.metastore.api import Metastore, OffsetAction, Topic
from anabranch.recovery import observe
from anabranch.recovery.model import topic_id_text

COMMITS_LATER_MS: Final = 60_000  # than the last fetch: what was read is worked on first
LINES_MAX: Final = 100  # of a partition's history, before that
LOOKED_MAX: Final = 1_000  # histories of partitions in one answer; readers beyond count as unseen


class TopicReader(Struct, frozen=True, kw_only=True):
    """A client at a partition; offsets are next offsets. ``commits_as``: groups whose newest commit of the
    partition came from this client, or one about when it read. ``member_of``: groups that have a member of its client id and host
    and offsets of the topic. Neither: it reads for itself, by ``assign()``."""

    client_id: str
    principal: str
    host: str
    topic: str
    topic_id: str
    partition: int
    offset: int
    log_start: int
    log_end: int
    lag: int
    at_ms: int
    commits_as: tuple[str, ...]
    member_of: tuple[str, ...]

    @property
    def is_unseen(self) -> bool:
        """Whether no group shows where it is."""
        return not (self.commits_as or self.member_of)


async def readers(
    metastore: Metastore, *, now_ms: int, within_ms: int, topics: Sequence[str] | None = None
) -> list[TopicReader]:
    """Clients that fetched within the last ``within_ms``, by topic. Raises UserFault for a topic that is missing."""
    if topics is None:
        live = {topic.no: topic for topic in await metastore.topics()}
    else:
        live = {topic.no: topic for topic in await observe.topics_named(metastore, topics)}
    newest: dict[tuple[str, str, str, int, int], Reader] = {}
    for document in await metastore.documents(DOCUMENT_KIND):
        for one in decode(document.body):
            if one.topic_no not in live or one.at_ms < now_ms - within_ms:
                continue
            known = newest.get(one.key)
            if known is None or known.at_ms < one.at_ms:
                newest[one.key] = one
    if not newest:
        return []
    commits, members, holding = await _groups(
        metastore, {one.topic_no for one in newest.values()}, now_ms
    )
    found = []
    looked = 0
    for one in newest.values():
        topic = live[one.topic_no]
        state = await metastore.partition(topic.no, one.partition)
        if state is None:
            continue
        client = (one.client_id, one.host)
        as_groups = commits.get((one.topic_no, one.partition, *client), set())
        if not as_groups and not members.get((one.topic_no, *client)) and looked < LOOKED_MAX:
            asked = holding.get(one.topic_no, set())
            looked += len(asked)
            as_groups = await _committed_while_reading(metastore, asked, one)
        found.append(
            TopicReader(
                client_id=one.client_id,
                principal=one.principal,
                host=one.host,
                topic=topic.name,
                topic_id=topic_id_text(topic.id),
                partition=one.partition,
                offset=one.offset,
                log_start=state.log_start,
                log_end=state.next_offset,
                lag=max(0, state.next_offset - max(one.offset, state.log_start)),
                at_ms=one.at_ms,
                commits_as=tuple(sorted(as_groups)),
                member_of=tuple(sorted(members.get((one.topic_no, *client), set()) - as_groups)),
            )
        )
    return sorted(found, key=lambda one: (one.topic, one.partition, one.client_id, one.host))


async def unseen_on(
    metastore: Metastore, topics: Iterable[Topic], *, now_ms: int, within_ms: int
) -> list[TopicReader]:
    """Of :func:`readers` those that no group shows: a plan cannot move them, and must name them."""
    names = [topic.name for topic in topics]
    found = await readers(metastore, now_ms=now_ms, within_ms=within_ms, topics=names)
    return [one for one in found if one.is_unseen]


async def _groups(
    metastore: Metastore, topic_nos: set[int], now_ms: int
) -> tuple[
    dict[tuple[int, int, str, str], set[str]],
    dict[tuple[int, str, str], set[str]],
    dict[int, set[str]],
]:
    """By (topic, partition, client id, host) the groups that it commits as, by (topic, client id, host)
    those that it may be a member of, and by topic those that have an offset of it."""
    holding: dict[int, set[str]] = {}
    commits: dict[tuple[int, int, str, str], set[str]] = {}
    members: dict[tuple[int, str, str], set[str]] = {}
    for row in await metastore.groups():
        touched = set()
        for change in await metastore.positions_at(row.group_id, now_ms):
            if change.topic_no in topic_nos:
                touched.add(change.topic_no)
                holding.setdefault(change.topic_no, set()).add(row.group_id)
                actor = change.actor
                key = (change.topic_no, change.partition, actor.client_id, actor.host)
                commits.setdefault(key, set()).add(row.group_id)
        stored = await metastore.stored_group(row.group_id) if touched else None
        for member in stored_members(stored) if stored is not None else ():
            for topic_no in touched:
                client = (topic_no, member.client_id, member.client_host.lstrip("/"))
                members.setdefault(client, set()).add(row.group_id)
    return commits, members, holding


async def _committed_while_reading(
    metastore: Metastore, groups: Iterable[str], one: Reader
) -> set[str]:
    """Of ``groups`` those that the reader committed as about when it last read: a reset, an undo or the next
    owner of the partition may have had the last word since, and it is no reader without a group for that."""
    found = set()
    for group_id in groups:
        lines = await metastore.offset_history(
            group_id,
            topic_no=one.topic_no,
            partition=one.partition,
            until_ms=one.at_ms + COMMITS_LATER_MS,
            limit=LINES_MAX,
        )
        for line in lines:
            same = (line.actor.client_id, line.actor.host) == (one.client_id, one.host)
            if same and line.action is OffsetAction.COMMIT:
                found.add(group_id)
    return found
