"""Whether an engine's checkpoint is still what a point was taken from."""

from __future__ import annotations

import hashlib
from typing import Protocol

from anabranch.errors import AnabranchError


class Taken(Protocol):
    """A location and the SHA-256 of what lay there."""

    @property
    def location(self) -> str: ...

    @property
    def sha256(self) -> str: ...


def changed(engine: str, taken: Taken, moves: bool) -> str | None:
    """A sentence if the checkpoint at its location is gone or another; None if it is as it was. Blocks.

    What lies behind an engine's HTTP interface is not asked again: the answer moves with the engine.
    """
    if taken.location.startswith(("http://", "https://")):
        return None
    try:
        digest = _digest(engine, taken.location)
    except AnabranchError as error:
        return f"the checkpoint of {engine} cannot be read any more: {error}"
    if digest == taken.sha256:
        return None
    if moves:
        return f"{engine} has gone on since: {taken.location} holds a later state than the point's"
    return f"the checkpoint {taken.location} is not what was captured: its SHA-256 differs"


def _digest(engine: str, location: str) -> str:
    if engine == "bytewax":
        from anabranch.recovery.checkpoints import bytewax

        return bytewax.read(location).sha256
    from anabranch.recovery.checkpoints.places import place_and_name

    where, name = place_and_name(location)
    return hashlib.sha256(where.read(name)).hexdigest()
