"""Effects outside of any database: a mail, a payment, a call. At most one per record, known or in doubt.

    refund = Effect("refund", receiver_keys=True, key_ttl_ms=24 * 3600_000)
    effects = HttpEffects.open("effects.db", [refund], sources)
    with effects.transaction() as tx:
        for message in batch:
            if tx.fresh(message.topic(), message.partition(), message.offset()):
                tx.perform("refund", message.topic(), message.partition(), message.offset(),
                           Request("POST", url, body=…), timestamp_ms=message.timestamp()[1])

Check, intent, perform, mark: before an effect the ledger is asked; the intent is durable before the request
leaves, and the answer is marked after it. A crash between effect and mark leaves an intent of unknown
outcome. It is resolved by the receiver if that knows idempotency keys and has not forgotten this one yet;
else by ``check``, if there is one; else it is listed as in doubt and never repeated by itself.

In a replay (``ANABRANCH_SESSION``) nothing is performed unless the effect was declared so: effects are
suppressed or staged, and counted; what the ledger holds already is suppressed in any case.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from anabranch.errors import StoreFault, UserFault
from anabranch.recovery.sinks.common import LIVE, Tally
from anabranch.recovery.sinks.http_send import NotSent, Request, Response, Unknown, send
from anabranch.recovery.sinks.ledger import (
    SETTLED,
    Count,
    Counter,
    EffectState,
    Entry,
    Ledger,
    effect_key,
    event_key,
)
from anabranch.recovery.sinks.source import Source
from anabranch.recovery.times import duration_text

KEY_HEADER = "Idempotency-Key"  # draft-ietf-httpapi-idempotency-key-header
SESSION_VARIABLE = "ANABRANCH_SESSION"
RECEIVER_VARIABLE = "ANABRANCH_RECEIVER"  # in a drill: a URL that takes every request instead
HAD_PATH = "/.had/"  # of that one: whether it has had an effect, by key
TIMEOUT_S = 10.0  # for one request, unless declared otherwise
ATTEMPTS = 4  # requests per turn; then the batch fails and the consumer's own retry takes over
PAUSE_S = 0.2  # before the second attempt, doubled before each further one
POLL_S = 0.1  # while another process may have the same effect in flight
STAGED_MAX = 100_000  # effects of a session released in one go; again for more
MARGIN_MS = 5_000  # a request in flight lasts no longer than its timeouts and this


class OnReplay(StrEnum):
    """What becomes, in a replay, of an effect that the ledger does not hold."""

    SUPPRESS = "suppress"
    STAGE = "stage"  # kept in the ledger with its request, to be released or not
    PERFORM = "perform"


Check = Callable[[str, Request], bool | None]
"""(key, request) → whether the receiver has had the effect; None if it cannot be told now."""


@dataclass(frozen=True)
class Effect:
    """What is known about one kind of effect and its receiver.

    ``receiver_keys``: the receiver performs one request per idempotency key, for ``key_ttl_ms`` after it
    saw the key first (None: for ever). ``check`` asks the receiver instead.
    """

    name: str
    on_replay: OnReplay = OnReplay.SUPPRESS
    receiver_keys: bool = False
    key_ttl_ms: int | None = None
    check: Check | None = None
    header: str = KEY_HEADER
    timeout_s: float = TIMEOUT_S
    attempts: int = ATTEMPTS

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.timeout_s <= 0:
            raise UserFault(f"effect “{self.name}” needs at least one attempt and some time for it")
        if self.key_ttl_ms is not None and not self.receiver_keys:
            raise UserFault(f"effect “{self.name}”: key_ttl_ms is of a receiver that keeps keys")

    @property
    def in_flight_ms(self) -> int:
        """After so long an intent that was not marked is nobody's any more."""
        pauses = PAUSE_S * ((1 << (self.attempts - 1)) - 1)
        return round((self.timeout_s * self.attempts + pauses) * 1000) + MARGIN_MS

    def knows(self, first_ms: int, now_ms: int) -> bool:
        """Whether the receiver surely remembers a key that it may have seen first at ``first_ms``."""
        if not self.receiver_keys:
            return False
        ttl = self.key_ttl_ms
        return ttl is None or now_ms - first_ms + round(self.timeout_s * 1000) < ttl


class Outcome(NamedTuple):
    """What became of it. ``status`` is the receiver's answer (0: none, now or when it was performed)."""

    counter: Counter
    key: str
    status: int


class HttpEffects:
    """One process's way to have effects; the others that share its ledger have ways of their own."""

    def __init__(
        self,
        ledger: Ledger,
        effects: Sequence[Effect],
        sources: Mapping[str, Source],
        *,
        run: str,
        owner: str,
        send: Callable[[Request, float], Response],
        clock_ms: Callable[[], int],
        sleep: Callable[[float], None],
    ) -> None:
        self.ledger = ledger
        self.effects = {effect.name: effect for effect in effects}
        self.sources = dict(sources)
        self.run = run
        self.owner = owner
        self.send = send
        self.clock_ms = clock_ms
        self.sleep = sleep

    @classmethod
    def open(
        cls,
        ledger: str,
        effects: Sequence[Effect],
        sources: Mapping[str, Source],
        *,
        environ: Mapping[str, str] = os.environ,
        send: Callable[[Request, float], Response] = send,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        sleep: Callable[[float], None] = time.sleep,
    ) -> HttpEffects:
        """Open the ledger at a path or ``postgresql://…``, creating it. Raises UserFault, StoreFault.

        ``sources`` are the identities of the topics as the consumer names them; ``environ`` tells
        whether this is a replay, and in a drill where all requests go instead of to their URLs.
        """
        receiver = environ.get(RECEIVER_VARIABLE)
        if receiver:
            effects = [_rehearsed(effect, receiver, send) for effect in effects]
            send = _redirected(receiver, send)
        return cls(
            Ledger.open(ledger.removeprefix("http:")),
            effects,
            sources,
            run=environ.get(SESSION_VARIABLE) or LIVE,
            owner=f"{os.getpid()}-{secrets.token_hex(4)}",
            send=send,
            clock_ms=clock_ms,
            sleep=sleep,
        )

    @contextmanager
    def transaction(self) -> Iterator[HttpTransaction]:
        """A batch of records. Its effects take place one by one; its offsets are kept when it ends well."""
        transaction = HttpTransaction(self)
        try:
            yield transaction
        except BaseException:
            self.ledger.advance(self.run, (), transaction.counts(), self.clock_ms())
            raise
        self.ledger.advance(
            self.run, transaction.tally.counted(), transaction.counts(), self.clock_ms()
        )

    def position(self, topic: str, partition: int) -> int | None:
        """The next offset whose effects are not settled; None if the partition never had any."""
        return self.ledger.next_offset(self.run, self.sources[topic], partition)[0]

    def release(self, session: str) -> list[Outcome]:
        """Perform what a replay staged and nobody has performed since, oldest record first.

        Raises StoreFault where the receiver cannot be reached: what is staged then stays so.
        """
        staged = self.ledger.entries(states=[EffectState.STAGED], run=session, limit=STAGED_MAX)
        staged.sort(key=lambda entry: (entry.topic_id, entry.partition, entry.offset, entry.effect))
        outcomes = []
        for known in staged:
            now_ms = self.clock_ms()
            entry = known._replace(
                state=EffectState.INTENT, owner=self.owner, attempts=0, first_ms=now_ms
            )
            request = Request.from_json(known.request)
            outcomes.append(self.conclude(self._declared(known), entry, known, request))
        return outcomes

    def in_flight(self, known: Entry) -> bool:
        """Whether another process may be at it right now."""
        return self._in_flight(self._declared(known), known)

    def repeat(self, known: Entry, request: Request) -> Outcome | None:
        """Perform an effect by the decision of a person, with its key. None: it changed meanwhile."""
        now_ms = self.clock_ms()
        claim = known._replace(
            state=EffectState.INTENT,
            owner=self.owner,
            attempts=known.attempts + 1,
            updated_ms=now_ms,
        )
        if not self.ledger.claim(claim, known):
            return None
        return self._perform(self._declared(known), claim, known, request)

    def close(self) -> None:
        self.ledger.close()

    def effect(self, name: str) -> Effect:
        """Raises UserFault for one that was not declared."""
        if name not in self.effects:
            raise UserFault(f"effect “{name}” was not declared; declared are {list(self.effects)}")
        return self.effects[name]

    def conclude(
        self, effect: Effect, entry: Entry, known: Entry | None, request: Request
    ) -> Outcome:
        """Bring an effect to its end, whatever is known of it: perform it, or find out, or doubt."""
        while True:
            if known is not None and known.state in SETTLED:
                return Outcome(Counter.SUPPRESSED, known.key, known.status)
            if known is None or known.state is EffectState.STAGED:
                claim = entry
            else:
                if self._in_flight(effect, known):
                    self.sleep(POLL_S)
                    known = self.ledger.entry(entry.key)
                    continue
                answer = self._find_out(effect, entry, known, request)
                if isinstance(answer, Outcome):
                    return answer
                claim = answer
            now_ms = self.clock_ms()
            claim = claim._replace(updated_ms=now_ms, attempts=claim.attempts + 1)
            if self.ledger.claim(claim, known):
                outcome = self._perform(effect, claim, known, request)
                if outcome is not None:
                    return outcome
            known = self.ledger.entry(entry.key)

    def _declared(self, known: Entry) -> Effect:
        """By hand (`anabranch effects`) nothing is known of a receiver: it is trusted with nothing."""
        return self.effects.get(known.effect) or Effect(known.effect)

    def _in_flight(self, effect: Effect, known: Entry) -> bool:
        """Whether another process may be at it right now."""
        return (
            known.state is EffectState.INTENT
            and known.owner != self.owner
            and self.clock_ms() - known.updated_ms <= effect.in_flight_ms
        )

    def _find_out(
        self, effect: Effect, entry: Entry, known: Entry, request: Request
    ) -> Outcome | Entry:
        """An intent that was not marked: what the receiver says, or a claim to ask it by its key."""
        now_ms = self.clock_ms()
        if effect.check is not None:
            had = effect.check(known.key, request)
            if had:
                done = known._replace(
                    state=EffectState.DONE, updated_ms=now_ms, detail="found by check", request=""
                )
                self.ledger.mark(done, known, Counter.PERFORMED)
                return Outcome(Counter.SUPPRESSED, known.key, known.status)
            if had is not None:
                return known._replace(
                    state=EffectState.INTENT, run=self.run, owner=self.owner, first_ms=now_ms
                )
        if effect.knows(known.first_ms, now_ms):
            return known._replace(state=EffectState.INTENT, run=self.run, owner=self.owner)
        if known.state is not EffectState.IN_DOUBT:
            why = "no answer, and nobody to ask"
            if effect.receiver_keys:
                why = "no answer, and the receiver has forgotten the key by now"
            doubt = known._replace(state=EffectState.IN_DOUBT, updated_ms=now_ms, detail=why)
            self.ledger.mark(doubt, known, None)
        return Outcome(Counter.IN_DOUBT, known.key, known.status)

    def _perform(
        self, effect: Effect, claim: Entry, before: Entry | None, request: Request
    ) -> Outcome | None:
        """Send until there is an answer. None: our claim grew too old meanwhile; look again."""
        keyed = request.with_header(effect.header, claim.key)
        certain = claim.attempts == 1  # that the receiver has not seen it
        for attempt in range(effect.attempts):
            if attempt:
                self.sleep(PAUSE_S * (1 << (attempt - 1)))
            if self.clock_ms() - claim.updated_ms > effect.in_flight_ms - 1000 * effect.timeout_s:
                return None  # paused: somebody else may have claimed it
            try:
                answer = self.send(keyed, effect.timeout_s)
            except UserFault:
                self._take_back(claim, before, certain)
                raise
            except NotSent as error:
                fault: StoreFault = error
                continue
            except Unknown as error:
                fault, certain = error, False
                if not effect.receiver_keys:
                    return self._lost(effect, claim, request, str(error), 0)
                continue
            if 200 <= answer.status < 300:
                return self._settle(claim, EffectState.DONE, Counter.PERFORMED, answer.status)
            fault = StoreFault(f"the receiver of “{effect.name}” answered {answer.status}")
            if answer.status == 429:
                continue  # not now: it did nothing
            if answer.status == 409 and effect.receiver_keys:
                certain = False  # it is at an earlier request of this key
                continue
            if answer.status < 500:
                return self._settle(claim, EffectState.REFUSED, Counter.REFUSED, answer.status)
            certain = False
            if not effect.receiver_keys:
                return self._lost(effect, claim, request, str(fault), answer.status)
        self._take_back(claim, before, certain)
        raise fault

    def _take_back(self, claim: Entry, before: Entry | None, certain: bool) -> None:
        """The claim of an effect that the receiver has certainly not seen."""
        if certain and before is not None:
            self.ledger.mark(before, claim, None)  # staged still
        elif certain:
            self.ledger.forget(claim)

    def _settle(self, claim: Entry, state: EffectState, counter: Counter, status: int) -> Outcome:
        settled = claim._replace(
            state=state, updated_ms=self.clock_ms(), status=status, request="", detail=""
        )
        if not self.ledger.mark(settled, claim, counter):
            # It took so long that somebody else had to doubt it. We know.
            there = self.ledger.entry(claim.key)
            if there is not None and there.state not in SETTLED:
                self.ledger.mark(settled, there, counter)
        return Outcome(counter, claim.key, status)

    def _lost(
        self, effect: Effect, claim: Entry, request: Request, why: str, status: int
    ) -> Outcome | None:
        """It left and nobody answered: ask once, else it is in doubt."""
        if effect.check is not None:
            had = effect.check(claim.key, request)
            if had:
                return self._settle(claim, EffectState.DONE, Counter.PERFORMED, status)
        doubt = claim._replace(
            state=EffectState.IN_DOUBT, updated_ms=self.clock_ms(), status=status, detail=why
        )
        self.ledger.mark(doubt, claim, None)
        return Outcome(Counter.IN_DOUBT, claim.key, status)


def _redirected(
    receiver: str, send: Callable[[Request, float], Response]
) -> Callable[[Request, float], Response]:
    """Every request goes to ``receiver``, with its path: nothing reaches whom its URL names."""

    def sent(request: Request, timeout_s: float) -> Response:
        parts = urlsplit(request.url)
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        url = receiver.rstrip("/") + target
        return send(msgspec.structs.replace(request, url=url), timeout_s)

    return sent


def _rehearsed(effect: Effect, receiver: str, send: Callable[[Request, float], Response]) -> Effect:
    """What asks the receiver of production asks the drill's instead."""
    if effect.check is None:
        return replace(effect, header=KEY_HEADER)

    def check(key: str, _: Request) -> bool | None:
        asked = Request("GET", f"{receiver.rstrip('/')}{HAD_PATH}{key}")
        return send(asked, effect.timeout_s).status == 200

    return replace(effect, header=KEY_HEADER, check=check)


class HttpTransaction:
    """One batch; see :meth:`HttpEffects.transaction`."""

    def __init__(self, effects: HttpEffects) -> None:
        self._effects = effects
        self._pruned: dict[tuple[Source, int], int] = {}
        self._counts: dict[tuple[str, str, str, int, Counter], int] = {}
        self.tally = Tally(effects.sources, self._load)

    def fresh(self, topic: str, partition: int, offset: int) -> bool:
        """False if this run has passed the record. A record of which it is True may still have had its
        effects; ``perform`` asks the ledger about each."""
        fresh = self.tally.fresh(topic, partition, offset)
        if not fresh:
            self._count("", self.tally.source(topic), partition, Counter.SUPPRESSED)
        return fresh

    def perform(
        self,
        name: str,
        topic: str,
        partition: int,
        offset: int,
        request: Request,
        *,
        event_id: str | None = None,
        timestamp_ms: int | None = None,
    ) -> Outcome:
        """Have effect ``name`` of this record, unless it was had.

        ``event_id``: a stable id of the event, which then is the key instead of where it lies in the log.
        ``timestamp_ms`` is the record's own; needed where a replay performs effects on a receiver that
        forgets keys. Raises UserFault where that has forgotten, StoreFault where there is no answer.
        """
        effects = self._effects
        effect = effects.effect(name)
        source = self.tally.source(topic)
        key = (
            effect_key(source, partition, offset, name)
            if event_id is None
            else event_key(event_id, name)
        )
        now_ms = effects.clock_ms()
        entry = Entry(
            key=key, effect=name, cluster_id=source.cluster_id, topic_id=source.topic_id,
            topic=source.topic, partition=partition, offset=offset, event_id=event_id or "",
            state=EffectState.INTENT, run=effects.run, owner=effects.owner, attempts=0,
            first_ms=now_ms, updated_ms=now_ms, status=0, detail="", request=request.to_json(),
        )  # fmt: skip
        known = effects.ledger.entry(key)
        if effects.run != LIVE:
            outcome = self._replayed(effect, entry, known, timestamp_ms)
        else:
            outcome = None
        if outcome is None:
            outcome = effects.conclude(effect, entry, known, request)
        if outcome.counter in (Counter.SUPPRESSED, Counter.STAGED, Counter.IN_DOUBT):
            self._count(name, source, partition, outcome.counter)
        return outcome

    def counts(self) -> list[Count]:
        """What was counted and is not in the ledger yet."""
        return [
            Count(self._effects.run, *where, records) for where, records in self._counts.items()
        ]

    def _replayed(
        self, effect: Effect, entry: Entry, known: Entry | None, timestamp_ms: int | None
    ) -> Outcome | None:
        """None: perform it in this replay."""
        ledger = self._effects.ledger
        if known is not None and known.state is EffectState.IN_DOUBT:
            return Outcome(Counter.IN_DOUBT, entry.key, known.status)
        # Also a live intent: the live processor, which goes on meanwhile, is at it or will resolve it.
        if known is not None and (
            known.state in SETTLED or (known.state is EffectState.INTENT and known.run == LIVE)
        ):
            return Outcome(Counter.SUPPRESSED, entry.key, known.status)
        source = Source(entry.cluster_id, entry.topic_id, entry.topic)
        self._load(source, entry.partition)
        pruned = not entry.event_id and entry.offset < self._pruned[source, entry.partition]
        if effect.on_replay is OnReplay.SUPPRESS or pruned:
            return Outcome(Counter.SUPPRESSED, entry.key, 0)
        if effect.on_replay is OnReplay.STAGE:
            staged = entry._replace(state=EffectState.STAGED)
            if ledger.claim(staged, known):
                return Outcome(Counter.STAGED, entry.key, 0)
            return Outcome(
                Counter.SUPPRESSED, entry.key, 0
            )  # performed this instant, by the live one
        self._require_memory(effect, entry, timestamp_ms)
        return None

    def _require_memory(self, effect: Effect, entry: Entry, timestamp_ms: int | None) -> None:
        if effect.key_ttl_ms is None:
            return
        where = f"{entry.topic}:{entry.partition} offset {entry.offset:,}"
        ttl = duration_text(effect.key_ttl_ms / 1000)
        if timestamp_ms is None:
            raise UserFault(
                f"effect “{effect.name}” of {where}: its receiver forgets keys after {ttl}; pass the "
                "record's timestamp_ms, so that a replay can tell what it has forgotten"
            )
        age_ms = entry.updated_ms - timestamp_ms
        if not effect.knows(timestamp_ms, entry.updated_ms):
            raise UserFault(
                f"effect “{effect.name}” of {where} is refused: the record is "
                f"{duration_text(age_ms / 1000)} old and the receiver forgets keys after {ttl}, so "
                "that an effect which took place would take place again; declare it as staged or "
                "suppressed in a replay"
            )

    def _load(self, source: Source, partition: int) -> int | None:
        next_offset, pruned = self._effects.ledger.next_offset(self._effects.run, source, partition)
        self._pruned[source, partition] = pruned
        return next_offset

    def _count(self, effect: str, source: Source, partition: int, counter: Counter) -> None:
        where = (effect, source.cluster_id, source.topic_id, partition, counter)
        self._counts[where] = self._counts.get(where, 0) + 1
