"""Batches that a new producer had sent behind one that failed: they were refused, and are durable.

A producer that a partition does not know may begin with any number. Where its first batch failed, the broker
remembered which one it was and refused those behind it until it came again (KAFKA-14359). The WAL holds
no word of that: in it the second batch comes first, then the first one, then mostly the second one again.
Were they judged in that order, the first one, which was acknowledged, would be refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anabranch.errors import ClientFault
from anabranch.log import producers
from anabranch.log.rebuild.wal_read import Part, Read
from anabranch.metastore.api import ProducerState
from anabranch.records.batch import BatchHeader

_Sender = tuple[int, int]  # producer id and epoch
_Place = tuple[int, int]  # which read of the stream, which batch of it


def lowest_first(
    stream: Sequence[Read], states: Mapping[int, ProducerState], *, holes: bool
) -> list[Read]:
    """One broker's reads, in its order, but for what unknown producers sent before a lower number. Where
    ``holes`` may hold what is missing in front of it, a known producer's is taken without it, too: then the same
    goes for what that one sent beyond what is there.

    Those batches come behind the others of their producer, or not at all if they came again: nothing that
    may have been acknowledged is left out. Where they would not follow there, the order stays.
    """
    sent: dict[_Sender, list[_Place]] = {}
    for number, read in enumerate(stream):
        for index, header in enumerate(read.headers):
            if header.producer_id < 0 or header.is_control:
                continue
            state = states.get(header.producer_id)
            if state is None or (holes and _is_ahead(state, header)):
                sender = header.producer_id, header.producer_epoch
                sent.setdefault(sender, []).append((number, index))
    taken: set[_Place] = set()
    behind: dict[int, list[tuple[Part, BatchHeader]]] = {}  # by the read that they come behind
    for places in sent.values():
        headers = [stream[number].headers[index] for number, index in places]
        lowest = min(range(len(headers)), key=lambda n: headers[n].base_sequence)
        moved = _moved(headers[:lowest], headers[lowest:])
        if moved is None:
            continue
        taken.update(places[:lowest])
        for n in moved:
            number, _ = places[n]
            behind.setdefault(places[-1][0], []).append((stream[number].part, headers[n]))
    arranged: list[Read] = []
    for number, read in enumerate(stream):
        left = [header for index, header in enumerate(read.headers) if (number, index) not in taken]
        if left or not read.headers:
            arranged.append(Read(read.part, left))
        arranged += [Read(part, [header]) for part, header in behind.get(number, ())]
    return arranged


def _is_ahead(state: ProducerState, header: BatchHeader) -> bool:
    if state.epoch != header.producer_epoch or not state.batches:
        return False
    return header.base_sequence > state.batches[-1].last_sequence


def _moved(early: Sequence[BatchHeader], later: Sequence[BatchHeader]) -> list[int] | None:
    """Which of ``early`` are not in ``later`` too; None if they cannot follow it."""
    state: ProducerState | None = None
    there: set[int] = set()
    for header in later:
        try:
            if producers.check(state, header) is None:
                state = producers.advance(state, header, 0, 0)
                there.add(header.base_sequence)
        except ClientFault:
            continue  # refused then as it is now
    moved = []
    for number, header in enumerate(early):
        if header.base_sequence in there:
            continue
        try:
            producers.check(state, header)
        except ClientFault:
            return None
        state = producers.advance(state, header, 0, 0)
        there.add(header.base_sequence)
        moved.append(number)
    return moved
