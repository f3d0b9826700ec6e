"""Sinks that were declared: what a repeat does to them, for how long, and whose they are.

A plan forecasts duplicates for them without being told again; commands take their name for ``--sink``.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct, structs

from anabranch.errors import AnabranchError, UserFault
from anabranch.metastore.api import Metastore
from anabranch.recovery.model import SinkClass, SinkState
from anabranch.recovery.sinks.locations import opened_lines, read_sink
from anabranch.recovery.sinks.locations import state_of as state_at

KIND = "sink"


class DeclaredSink(Struct, frozen=True, kw_only=True):
    """A sink by declaration. ``key`` says, for people, what a repeat is recognised by; ``ttl_ms`` for how
    long (None: for ever); ``location`` is read for its positions; ``group`` is who fills it."""

    name: str
    sink_class: SinkClass
    key: str = ""
    ttl_ms: int | None = None
    group: str | None = None
    location: str = ""
    note: str = ""
    creator: str = ""
    declared_ms: int = 0
    schema_version: int = 1


def describe(
    name: str,
    sink_class: str | None = None,
    *,
    location: str = "",
    key: str = "",
    ttl_ms: int | None = None,
    group: str | None = None,
    note: str = "",
    creator: str = "",
    now_ms: int = 0,
) -> DeclaredSink:
    """A sink to :func:`declare`; where it is read at ``location``, that tells its class. Raises UserFault, StoreFault."""
    choices = [each.value for each in SinkClass]
    if sink_class is not None and sink_class not in choices:
        raise UserFault(f"“{sink_class}” is no class of sinks: one of {', '.join(choices)}")
    state = read_sink(location) if location else None
    if sink_class is not None:
        declared = SinkClass(sink_class)
    elif state is not None:
        declared = state.sink_class
    else:
        raise UserFault("say its --class, or where it is (--at)")
    return DeclaredSink(
        name=name,
        sink_class=declared,
        key=key,
        ttl_ms=ttl_ms,
        group=group,
        location=state.location if state is not None else "",
        note=note,
        creator=creator,
        declared_ms=now_ms,
    )


async def declare(metastore: Metastore, sink: DeclaredSink) -> None:
    """Store it, in place of an earlier one of its name. Raises UserFault if it contradicts itself."""
    if ":" in sink.name or not sink.name.strip():
        raise UserFault(f"“{sink.name}” cannot be a sink's name: colons are for locations")
    if (sink.ttl_ms is not None) != (sink.sink_class is SinkClass.WINDOW):
        raise UserFault(
            "a time for which a receiver recognises repeats (--ttl) belongs to the class "
            f"{SinkClass.WINDOW}, and that class needs one"
        )
    if sink.sink_class.keeps_offsets and not sink.location:
        raise UserFault(f"a sink of class {sink.sink_class} is read: say where it is (--at)")
    if sink.location and _at(sink.location).sink_class is not sink.sink_class:
        raise UserFault(f"{sink.location} is not of class {sink.sink_class}")
    body = msgspec.json.encode(sink)
    await metastore.put_document(KIND, sink.name, body, sink.declared_ms)


async def stored(metastore: Metastore, group: str | None = None) -> list[DeclaredSink]:
    """Every declared sink, or those that ``group`` fills, by name."""
    found = [
        msgspec.json.decode(document.body, type=DeclaredSink)
        for document in await metastore.documents(KIND)
    ]
    wanted = [sink for sink in found if group is None or sink.group == group]
    return sorted(wanted, key=lambda sink: sink.name)


async def forget(metastore: Metastore, name: str) -> None:
    """Raises UserFault if there is none of this name."""
    if not await metastore.delete_document(KIND, name):
        raise UserFault(f"no sink “{name}” was declared; `anabranch sink list` shows which were")


async def states(
    metastore: Metastore, texts: Sequence[str], group: str | None = None
) -> list[SinkState]:
    """Sinks as they stand: each of ``texts`` a location, ``CLASS:NAME`` or a declared name, and those that
    were declared for ``group``. Raises UserFault, StoreFault."""
    declared = {sink.name: sink for sink in await stored(metastore)}
    found = [
        state_of(declared[text]) if text in declared else read_sink(text)
        for text in dict.fromkeys(texts)
    ]
    known = {(state.name, state.location) for state in found}
    for sink in declared.values():
        if group is not None and sink.group == group:
            try:
                state = state_of(sink)
            except AnabranchError as error:
                raise UserFault(
                    f"sink “{sink.name}”, declared for group “{group}”, cannot be read: {error} "
                    f"(`anabranch sink forget {sink.name}` leaves it out)"
                ) from error
            if (state.name, state.location) not in known:
                found.append(state)
    return found


def state_of(sink: DeclaredSink) -> SinkState:
    """A declared sink with its positions, where it says."""
    if sink.location:
        return structs.replace(_at(sink.location), ttl_ms=sink.ttl_ms)
    return SinkState(sink.name, sink.sink_class, ttl_ms=sink.ttl_ms)


def _at(location: str) -> SinkState:
    with opened_lines(location) as sink:
        return state_at(sink)
