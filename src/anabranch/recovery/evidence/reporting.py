"""A report on a replay session, put together from what is on record."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from anabranch import __version__
from anabranch.metastore.api import Metastore
from anabranch.recovery.capture import points
from anabranch.recovery.checks.verify import Verification
from anabranch.recovery.evidence import report
from anabranch.recovery.evidence.report import Comparison, Event, Report, SinkCount
from anabranch.recovery.plans import planning
from anabranch.recovery.promotion import promote
from anabranch.recovery.replays.session import Session
from anabranch.recovery.sinks import locations


async def report_on(
    metastore: Metastore,
    session: Session,
    verifications: Sequence[Verification] = (),
    *,
    scenario: str = "",
    creator: str,
    now_ms: int,
) -> Report:
    """The four questions about ``session``, answered from its plan, point, counters and promotion, and from comparisons.

    It follows the newest report that is stored (:func:`report.save` stores it). Raises UserFault if the session's plan or
    point is gone, StoreFault if its sink cannot be read.
    """
    plan = await planning.find(metastore, session.plan)
    point = None
    if plan.incident.point is not None:
        point = await points.find(metastore, plan.incident.point)
    earlier = await report.stored(metastore)
    events = [Event("replay prepared", session.created_ms)]
    for run in session.runs:
        events.append(Event("replay started", run.started_ms))
        if run.ended_ms is not None:
            events.append(Event(f"replay {session.status}", run.ended_ms))
    return report.assemble(
        scenario=scenario or plan.incident.description or f"Recovery of {session.live_group}",
        created_ms=now_ms,
        creator=creator,
        host=platform.node(),
        tool_version=__version__,
        plan=plan,
        point=point,
        session=session,
        handover=await promote.find(metastore, session.id),
        comparisons=[
            Comparison(f"{one.left} against {one.right}", True, one) for one in verifications
        ],
        latencies=(),
        sink_counts=_sink_counts(session),
        events=[*events, Event("plan made", plan.created_ms)],
        previous=(earlier[-1].id, earlier[-1].hash) if earlier else None,
    )


def _sink_counts(session: Session) -> list[SinkCount]:
    """The staging line's counters; after a promotion they have moved on with the live line."""
    if session.sink is None or not locations.present(session.sink.path):
        return []
    with locations.opened_lines(session.sink.path) as sink:
        rows = sink.offsets(session.sink.line)
    if not rows:
        return []
    return [
        SinkCount(
            sink.name,
            session.sink.line,
            sum(row.applied for row in rows),
            sum(row.suppressed for row in rows),
            sum(row.skipped for row in rows),
        )
    ]
