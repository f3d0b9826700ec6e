"""The recovery plane: horizons, points, explain, plans, replays, sinks, verification, promotion, drills.

:class:`Recovery` is all of it for a program that recovers something (docs/library.md). Underneath, planners are functions of
values (``model``); the shells that read the log and write documents are thin coroutines, one module a subject. Nothing
here needs a broker: the log and the metastore are opened beside it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anabranch.recovery.capture.capturing import Wish as Wish
    from anabranch.recovery.history.offset_plan import Aim as Aim
    from anabranch.recovery.history.offset_planning import Want as Want
    from anabranch.recovery.library import Recovery as Recovery
    from anabranch.recovery.promotion.line_promotion import OffsetRule as OffsetRule
    from anabranch.recovery.promotion.line_promotion import Rules as Rules
    from anabranch.recovery.replays.function import replay_function as replay_function
    from anabranch.recovery.replays.guards import Guards as Guards

_HOMES = {
    "Aim": "history.offset_plan",
    "Guards": "replays.guards",
    "OffsetRule": "promotion.line_promotion",
    "Recovery": "library",
    "Rules": "promotion.line_promotion",
    "Want": "history.offset_planning",
    "Wish": "capture.capturing",
    "replay_function": "replays.function",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    # Lazily: a broker or a sink must not pay for all of it.
    if name in _HOMES:
        return getattr(import_module(f"anabranch.recovery.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'anabranch.recovery' has no attribute {name!r}")
