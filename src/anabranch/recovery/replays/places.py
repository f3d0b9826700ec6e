"""Where a replay's command is to connect: to the brokers of a lane, or to one of its own."""

from __future__ import annotations

from typing import Final, NamedTuple

from anabranch.errors import UserFault
from anabranch.metastore.api import BrokerRow, Endpoint, Metastore
from anabranch.recovery.replays.signals import LIVE, living

RECOVERY_LANE: Final = "recovery"  # the brokers that replays use if there are any
OPEN: Final = "PLAINTEXT"  # who connects by this protocol is not asked who they are
BOOTSTRAP_MAX: Final = 3  # brokers named to a command; from one of them it learns the others


class Place(NamedTuple):
    """A comma-separated list of addresses, as clients take it; by which protocol; of which lane."""

    bootstrap: str
    protocol: str
    lane: str


async def choose(
    metastore: Metastore, now_ms: int, listener: str | None = None, lane: str | None = None
) -> Place:
    """Where the command is to connect: to ``lane``'s brokers; without one, to the recovery lane's if it has
    any, else to the live ones. At ``listener``; without one, at the first that they have.

    ``now_ms`` is the metastore's. Raises UserFault if no broker is registered, or none of the lane runs, or none has the
    listener.
    """
    brokers = await metastore.brokers()
    if not brokers:
        raise UserFault("no broker runs on this data: start `anabranch up`, or give --bootstrap")
    found = living(brokers, now_ms)
    if lane is not None:
        chosen = [one for one in found if one.lane == lane]
        if not chosen:
            lanes = sorted({one.lane for one in found})
            there = f"there are brokers of lane {', '.join(lanes)}" if lanes else "no broker beats"
            raise UserFault(f"no broker of lane {lane} runs; {there}")
    else:
        apart = [one for one in found if one.lane == RECOVERY_LANE]
        newest = max(brokers, key=lambda broker: broker.started_ms)
        chosen = apart or [one for one in found if one.lane == LIVE] or found or [newest]
    chosen = chosen[:BOOTSTRAP_MAX]
    places = [place for broker in chosen if (place := _endpoint(broker, listener)) is not None]
    if not places:
        known = sorted({one.listener for broker in chosen for one in broker.endpoints})
        raise UserFault(f"no broker has a listener {listener}; there are {', '.join(known)}")
    return Place(",".join(map(_address, places)), places[0].protocol, chosen[0].lane)


async def shared(
    metastore: Metastore,
    now_ms: int,
    listener: str | None = None,
    lane: str | None = None,
    *,
    together: bool = False,
) -> Place | None:
    """The brokers that a session is to share with others, or None: it is to have a broker of its own.

    What passes through live brokers live traffic feels, so they are shared only where that is said (``lane``, ``listener``)
    or where every client has to say who it is: a session's own broker asks nobody. Those of the recovery lane are there to be
    shared, unless inputs are kept ``together`` in event time, which one broker alone can do. ``now_ms`` is the metastore's.
    Raises UserFault as :func:`choose` does.
    """
    if lane is None and listener is None:
        if together:
            return None
        found = living(await metastore.brokers(), now_ms)
        if not any(one.lane == RECOVERY_LANE or _asks_everybody(one) for one in found):
            return None
    return await choose(metastore, now_ms, listener, lane)


def _asks_everybody(broker: BrokerRow) -> bool:
    return bool(broker.endpoints) and all(one.protocol != OPEN for one in broker.endpoints)


async def default_bootstrap(
    metastore: Metastore, now_ms: int, listener: str | None = None
) -> tuple[str, str]:
    """The addresses and the protocol of :func:`choose`."""
    place = await choose(metastore, now_ms, listener)
    return place.bootstrap, place.protocol


def _endpoint(broker: BrokerRow, listener: str | None) -> Endpoint | None:
    if not broker.endpoints:
        return Endpoint(OPEN, OPEN, broker.host, broker.port)
    wanted = broker.endpoints[0].listener if listener is None else listener
    return next((one for one in broker.endpoints if one.listener == wanted), None)


def _address(place: Endpoint) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(place.host, place.host)
    return f"[{host}]:{place.port}" if ":" in host else f"{host}:{place.port}"
