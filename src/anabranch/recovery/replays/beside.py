"""Topics that a session gets beside its inputs: outputs and changelogs, as they were at the restart.

A job that goes on from a checkpoint finds its changelog topics and what it had written as they were when that was
taken, may write to them, and touches nobody else's (I7). A branch of an output topic that the session has written to
holds what was right before and what was made anew behind it: it can be promoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from anabranch.errors import UserFault
from anabranch.log.branch import BranchPoint
from anabranch.log.log import Log
from anabranch.metastore.api import Metastore, Topic
from anabranch.recovery.capture import points
from anabranch.recovery.model import topic_id_text
from anabranch.recovery.plans.plan import Basis, Plan
from anabranch.recovery.replays.session import Branch

TOPICS_MAX: Final = 1000  # that patterns may name: more is a typing error


async def choose(
    metastore: Metastore, patterns: Sequence[str], inputs: Sequence[str]
) -> list[Topic]:
    """Topics of these names or patterns (``*`` and ``?``), by name; never inputs or branches.

    Raises UserFault: a pattern matches none, or too many.
    """
    topics = [one for one in await metastore.topics() if one.origin is None]
    found: dict[str, Topic] = {}
    for pattern in patterns:
        matched = [
            one for one in topics if fnmatchcase(one.name, pattern) and one.name not in inputs
        ]
        if not matched:
            raise UserFault(f"“{pattern}” names no topic besides the replay's inputs")
        found |= {one.name: one for one in matched}
    if len(found) > TOPICS_MAX:
        raise UserFault(f"{len(found):,} topics beside the inputs are more than {TOPICS_MAX:,}")
    return [found[name] for name in sorted(found)]


async def cut(
    log: Log, plan: Plan, topics: Sequence[Topic], session_id: str, made: list[Topic]
) -> list[Branch]:
    """Branch them as they were at the plan's restart; from nothing where state is rebuilt from nothing.

    What was made is appended to ``made`` at once, so that it can be taken back.
    """
    branches = []
    for topic in topics:
        point = await _restart(log.metastore, plan, topic)
        branch = await log.branch(topic, f"{topic.name}.{session_id}", point)
        made.append(branch)
        kept = {**branch.configs, "retention.ms": "-1", "retention.bytes": "-1"}
        await log.set_configs(branch, kept)
        branches.append(
            Branch(topic.name, topic_id_text(topic.id), branch.name, topic_id_text(branch.id))
        )
    return branches


async def _restart(metastore: Metastore, plan: Plan, topic: Topic) -> BranchPoint:
    if plan.incident.basis is Basis.LOG_START:
        starts = {row.partition: row.log_start for row in await metastore.partitions(topic.no)}
        return BranchPoint(offsets=starts, label=plan.id)
    if plan.incident.point is not None:
        at_ms = (await points.find(metastore, plan.incident.point)).at_ms
    else:
        assert plan.incident.since_ms is not None, "a plan without a point has a time"
        at_ms = plan.incident.since_ms
    return BranchPoint(append_time_ms=at_ms, label=plan.id)
