"""``anabranch replay --function``: a Python function over Arrow, in this process or several."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anabranch.cli import _options
from anabranch.errors import UserFault

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.replays.filters import Filters
    from anabranch.recovery.replays.guards import Guards
    from anabranch.recovery.replays.session import Session

# Options that say how a command finds brokers mean nothing to a function that reads the bucket.
_OF_COMMANDS = ("bootstrap", "lane", "listener", "sink", "own_broker", "also", "event_slack")


def check(asked: dict[str, Any]) -> None:
    """Raises UserFault for options that do not go together."""
    if asked["function"] is None:
        if asked["processes"]:
            raise UserFault("--processes is of functions (--function MODULE:NAME)")
        return
    for name in _OF_COMMANDS:
        if asked[name]:
            raise UserFault(
                f"--{name.replace('_', '-')} is of commands: a function reads the bucket"
            )


def function_of(text: str) -> Callable[[Any], Any]:
    """``module:name``, found beside the working directory as well. Raises UserFault."""
    module, colon, name = text.partition(":")
    if not (module and colon and name):
        raise UserFault(f"“{text}” is not MODULE:NAME, as in rebuild:add_up")
    sys.path.insert(0, str(Path.cwd()))  # so that it is found here, and in other processes
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UserFault(f"--function {text}: {error}") from None
    if not callable(found):
        raise UserFault(f"--function {text}: {name} is no function")
    return found  # type: ignore[no-any-return]


def run(
    data: Location,
    plan: str | None,
    resume: str | None,
    asked: dict[str, Any],
    guards: Guards,
    filters: Filters | None,
    output: str,
) -> Session:
    """See it through. Raises UserFault; what the function raises, as a UserFault with its name."""
    from anabranch.cli._burndown import burndown
    from anabranch.errors import AnabranchError
    from anabranch.recovery.replays.function import replay_function
    from anabranch.recovery.replays.pacing import parse_pace
    from anabranch.recovery.times import parse_bytes

    function = function_of(asked["function"])
    pace = parse_pace(asked["pace"]) if asked["pace"] is not None else None
    if plan is not None:
        _options.run(_may(data, plan, asked["function"]))
    with burndown("replay", quiet=output == "json") as update:
        try:
            return replay_function(
                data, plan if resume is None else None, function,
                resume=resume,
                rate=parse_bytes(asked["rate"]) if asked["rate"] is not None else None,
                record_rate=asked["record_rate"],
                floor=parse_bytes(asked["floor"]) if asked["floor"] is not None else None,
                guards=guards if resume is None else None,
                processes=asked["processes"] or 0,
                in_event_order=asked["in_event_order"] or pace is not None,
                pace=pace,
                filters=filters,
                dead_letters=asked["dead_letters"],
                on_progress=update,
            )  # fmt: skip
        except (AnabranchError, OSError, KeyboardInterrupt):
            raise
        except Exception as error:
            notes = "; ".join(getattr(error, "__notes__", ()))
            raise UserFault(
                f"--function {asked['function']}: {type(error).__name__}: {error}"
                + (f" ({notes})" if notes else "")
            ) from error


async def _may(data: Location, plan: str, function: str) -> None:
    from anabranch.recovery.plans import planning

    async with _options.opened(data) as log:
        found = await planning.find(log.metastore, plan)
        await _options.require_replay(log, "replay", topics=found.incident.topics)
        await _options.audited(log, "replay", f"PLAN:{found.id}", function=function)
