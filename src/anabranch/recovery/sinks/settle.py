"""What a person decides about effects that nobody can tell of."""

from __future__ import annotations

from enum import StrEnum

from anabranch.errors import UserFault
from anabranch.recovery.sinks.http import HttpEffects
from anabranch.recovery.sinks.http_send import Request
from anabranch.recovery.sinks.ledger import SETTLED, Counter, EffectState, Entry, Ledger


class Verdict(StrEnum):
    """What became of the effect, or is to become of it."""

    DONE = "done"  # it took place
    NEVER = "never"  # it did not, and is not to
    PERFORM = "perform"  # it did not: perform it now, by the request in the ledger and its key


def find(ledger: Ledger, key: str) -> Entry:
    """By its key or the beginning of it. Raises UserFault."""
    entry = ledger.entry(key)
    if entry is not None:
        return entry
    matching = ledger.starting_with(key)
    if len(matching) != 1:
        few = "no effect" if not matching else "several effects"
        raise UserFault(f"{few} in the ledger whose key begins with “{key}”")
    return matching[0]


def settle(effects: HttpEffects, known: Entry, verdict: Verdict, reason: str) -> Entry:
    """Settle an effect that is in doubt, staged, or an intent that was left behind.

    Raises UserFault if it is settled, or changes meanwhile; StoreFault where the receiver does not answer.
    """
    if known.state in SETTLED:
        raise UserFault(f"effect {known.key[:12]} is settled: {known.state}")
    if effects.in_flight(known):
        raise UserFault(
            f"effect {known.key[:12]} may be in flight right now; look again in a minute"
        )
    now_ms = effects.clock_ms()
    if verdict is Verdict.PERFORM:
        outcome = effects.repeat(known, Request.from_json(known.request))
        after = effects.ledger.entry(known.key)
        if outcome is None or after is None:
            raise UserFault(f"effect {known.key[:12]} changed meanwhile; look again")
        return after
    state = EffectState.DONE if verdict is Verdict.DONE else EffectState.REFUSED
    counter = Counter.PERFORMED if verdict is Verdict.DONE else Counter.REFUSED
    settled = known._replace(state=state, updated_ms=now_ms, detail=reason, request="")
    if not effects.ledger.mark(settled, known, counter):
        raise UserFault(f"effect {known.key[:12]} changed meanwhile; look again")
    return settled
