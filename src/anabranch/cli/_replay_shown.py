"""Replay sessions shown to people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from anabranch.cli._output import Part, Table

if TYPE_CHECKING:
    from anabranch.recovery.replays.session import Progress, Session


def list_parts(sessions: list[Session], now_ms: int) -> Iterator[Part]:
    """One line each."""
    from anabranch.recovery.replays.session import last_progress
    from anabranch.recovery.times import bytes_text, duration_text, time_text

    if not sessions:
        yield "No replays yet."
        return
    rows = []
    for session in sessions:
        progress = last_progress(session, now_ms)
        moving = session.status.value == "running"
        rows.append(
            (
                session.id,
                session.status.value,
                session.live_group,
                session.plan,
                session.total.records,
                _done_text(session, progress),
                f"{bytes_text(progress.bytes_per_second)}/s" if moving else None,
                duration_text(progress.eta_s) if moving else None,
                len(session.runs),
                time_text(session.created_ms),
            )
        )
    yield Table(
        (
            "replay",
            "status",
            "for group",
            "plan",
            ">records",
            ">done",
            ">rate",
            ">ETA",
            ">runs",
            "created",
        ),
        rows,
    )


def _done_text(session: Session, progress: Progress) -> str | None:
    """What reads the bucket itself (SQL, splits) reports no progress: it is all done, or nobody knows."""
    if session.branches:
        return f"{progress.done_share:.0%}"
    return "100%" if session.status.value == "completed" else None


def parts(session: Session, now_ms: int) -> Iterator[Part]:
    """One session, whole."""
    from anabranch.recovery.replays.session import last_progress
    from anabranch.recovery.times import bytes_text, duration_text, time_text

    yield f"Replay {session.id}: {session.status.value}"
    if session.error:
        yield f"  {session.error}"
    total = session.total
    limit = f"at most {bytes_text(session.rate)}/s" if session.branches else session.kind
    if session.record_rate is not None:
        limit += f" and {session.record_rate:,} records/s"
    yield f"  {total.records:,} records, {bytes_text(total.bytes)}, {limit}"
    if session.event_slack_ms is not None:
        yield f"  inputs together in event time, to {duration_text(session.event_slack_ms / 1000)}"
    if session.event_speed is not None:
        yield f"  event time passes {session.event_speed:g} times as fast as recorded, at most"
    progress = last_progress(session, now_ms)
    if session.status.value in ("running", "paused"):
        eta = "not at this rate" if progress.eta_s is None else duration_text(progress.eta_s)
        yield (
            f"  {progress.done_share:.0%} done, now at most {bytes_text(session.allowed)}/s, ETA {eta}"
        )
    if session.active_ms:
        if session.branches:
            done = total.records - progress.records_left
        else:
            done = total.records if session.status.value == "completed" else 0
        runs = f"{len(session.runs)} run{'s' if len(session.runs) != 1 else ''}"
        yield f"  {done:,} done in {duration_text(session.active_ms / 1000)} ({runs})"
    if session.branches:
        yield Table(
            ("topic", "branch", "group", "staging"),
            [
                (b.topic, b.branch, session.group, session.sink.line if session.sink else None)
                for b in session.branches
            ],
        )
    else:
        yield f"  {' '.join(session.command)}"
        yield Table(
            ("topic", ">partition", ">from", ">up to"),
            [(span.topic, span.partition, span.start, span.end) for span in session.spans],
        )
    if session.filtered is not None:
        out = session.filtered
        yield (
            f"  {out.skipped:,} records left out, {out.fixed:,} mended ({bytes_text(out.rewritten_bytes)} "
            f"written anew); as they were, with reasons: {out.dead_letters}"
        )
    if session.decisions:
        yield "Rate"
        yield Table(
            ("from", "until", ">bytes/s before", ">after", "cause"),
            [
                (
                    time_text(one.at_ms),
                    time_text(one.until_ms),
                    bytes_text(one.source),
                    bytes_text(one.target),
                    one.cause,
                )
                for one in session.decisions[-SHOWN_MAX:]
            ],
        )
    if session.milestones:
        yield "ETA"
        yield Table(
            (">done", ">estimated", ">took", ">error"),
            [
                (
                    f"{one.percent} %",
                    duration_text(one.eta_s),
                    duration_text(one.actual_s),
                    None if one.error is None else f"{one.error:+.1%}",
                )
                for one in session.milestones
            ],
        )
    if session.saturation:
        yield f"Saturation (1 is what is allowed, or usual): {saturation_text(session)}"
    if session.status.value in ("failed", "interrupted"):
        yield f"Go on with: anabranch replay --resume {session.id}"
    elif session.status.value == "completed" and session.sink is not None:
        yield f"Next: anabranch verify …, then anabranch promote {session.id}"


SHOWN_MAX = 20  # changes of the rate, the newest; --output json has all that are kept


def saturation_text(session: Session) -> str:
    """The last look at broker, store and sink, as far as known."""
    if not session.saturation:
        return ""
    last = session.saturation[-1]
    named = (("broker", last.broker), ("store", last.store), ("sink", last.sink))
    return ", ".join(f"{name} {value:.2f}" for name, value in named if value is not None)
