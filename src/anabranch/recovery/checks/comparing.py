"""From what a person names to a comparison: relations, windows, expectations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from anabranch.errors import UserFault
from anabranch.log.log import Log
from anabranch.recovery.checks import expectations
from anabranch.recovery.checks.relations import open_relation
from anabranch.recovery.checks.topic_relation import parse as parse_topic
from anabranch.recovery.checks.topic_relation import topic_relation
from anabranch.recovery.checks.verify import Condition, Relation, Verification, Window, compare
from anabranch.recovery.times import parse_duration

OpenLog = Callable[[], AbstractAsyncContextManager[Log]]
RECORDS_MAX = 100_000  # named one by one in expectations


async def compare_named(
    left: str,
    right: str,
    *,
    key: str,
    columns: str | None = None,
    window: str | None = None,
    tolerance: float = 0.0,
    expected: Sequence[str] = (),
    closed: bool = False,
    opened: OpenLog,
) -> Verification:
    """Compare what two texts name. ``opened`` opens the cluster, if a topic or a plan is named.

    Raises UserFault for what cannot be compared, and what reading it raises.
    """
    keys = _names(key)
    if not keys:
        raise UserFault("say which columns are the --key")
    async with AsyncExitStack() as stack:
        log: Log | None = None

        async def cluster() -> Log:
            nonlocal log
            if log is None:
                log = await stack.enter_async_context(opened())
            return log

        async def relation(text: str) -> Relation:
            if text.startswith("topic:"):
                return await topic_relation(await cluster(), text)
            if text.startswith("kafka:"):
                from anabranch.recovery.checks.kafka_relation import kafka_relation

                return await asyncio.to_thread(kafka_relation, text)
            return open_relation(text)

        conditions: list[Condition] = []
        for text in expected:
            if text.startswith(("plan:", "records:")):
                schema = next((t for t in (left, right) if t.startswith("topic:")), "")
                conditions.append(await _touched(await cluster(), text, keys, schema))
            else:
                conditions.append(expectations.parse(text, keys))
        return compare(
            await relation(left),
            await relation(right),
            key=keys,
            columns=_names(columns) if columns else None,
            tolerance=tolerance,
            window=None if window is None else parse_window(window)._replace(closed=closed),
            expected=conditions,
        )


def parse_window(text: str) -> Window:
    """``at=1h``. Raises UserFault."""
    column, _, length = text.rpartition("=")
    if not column or not length:
        raise UserFault(f"“{text}” is not COLUMN=TIME, as in at=1h")
    length_ms = parse_duration(length, "--window")
    if length_ms <= 0:
        raise UserFault(f"a window of {length} is none")
    return Window(column, length_ms)


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


async def _touched(log: Log, text: str, keys: Sequence[str], schema: str) -> Condition:
    """The keys of records: those that a plan calls poisoned, or that are named. Read from the log, decoded as the
    topic of the comparison is (``schema``), or as JSON."""
    kind, _, rest = text.partition(":")
    records: dict[str, set[tuple[int, int]]] = {}
    if kind == "plan":
        from anabranch.recovery.plans import planning

        plan = await planning.find(log.metastore, rest)
        for one in plan.incident.poisoned:
            records.setdefault(one.topic, set()).add((one.partition, one.offset))
        if not records:
            raise UserFault(f"plan {plan.id} names no poisoned record: nothing is expected of it")
    else:
        where, _, span = rest.rpartition("=")
        topic, _, partition = where.rpartition(":")
        first, _, last = span.partition("-")
        if not (topic and partition.isdigit() and first.isdigit() and (last or first).isdigit()):
            raise UserFault(f"“{text}” is not records:TOPIC:PARTITION=OFFSET[-LAST]")
        offsets = range(int(first), int(last or first) + 1)
        if not 0 < len(offsets) <= RECORDS_MAX:
            raise UserFault(f"“{text}” names {len(offsets):,} records; at most {RECORDS_MAX:,}")
        records[topic] = {(int(partition), offset) for offset in offsets}
    found: list[Relation] = []
    for topic, wanted in records.items():
        named = f"topic:{topic}"
        if schema and parse_topic(schema).topic != topic:
            named += schema[schema.find("?") :] if "?" in schema else ""
        elif schema:
            named = schema
        found.append(await topic_relation(log, named, records=wanted))
    columns = list(dict.fromkeys(column for each in found for column in each.columns))
    rows = [
        [dict(zip(each.columns, row, strict=True)).get(column) for column in columns]
        for each in found
        for row in each.rows
    ]
    if not rows:
        raise UserFault(f"{text}: none of these records is left to be looked at")
    return expectations.of_relation(f"touched by {text}", Relation(text, columns, rows), keys)
