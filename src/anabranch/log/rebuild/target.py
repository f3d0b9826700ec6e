"""A restored partition to which a rebuild appends: batches are judged as the broker judged them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, islice

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log import producers
from anabranch.log.planning import join_extents
from anabranch.log.rebuild.awaited import lowest_first
from anabranch.log.rebuild.claims import offsets_of
from anabranch.log.rebuild.order import Number, note_transactions
from anabranch.log.rebuild.report import Kind, Report
from anabranch.log.rebuild.tables import Tables
from anabranch.log.rebuild.wal_read import Read
from anabranch.metastore import appends
from anabranch.metastore.api import AppendCommit, NewExtent, Partition, ProducerState
from anabranch.records.batch import BatchHeader

CHOICES_MAX = 1_000  # of which batches of a part were accepted: a part holds a few appends
LIKELY_MAX = 16  # of them that are tried with what follows


class Target:
    """One partition. ``holes``: acknowledged batches may be missing in front of what is appended."""

    def __init__(
        self, tables: Tables, row: Partition, name: str, at_ms: int, report: Report, *, holes: bool
    ) -> None:
        self._tables = tables
        self._row = row
        self._name = name
        self._at_ms = at_ms  # the journal's end: nothing that is recovered was committed before
        self._report = report
        self.holes = holes
        self.next_offset = row.next_offset
        self.leader_epoch = row.leader_epoch
        self._states = tables.producers(row.topic_no, row.partition)
        self.writing: set[int] = tables.writing(row.topic_no, row.partition)

    # -- judging -----------------------------------------------------------------------------------
    def count(self, reads: Iterable[Read]) -> int:
        """Offsets that these would take, one after the other."""
        ahead: dict[int, ProducerState] = {}
        return sum(
            header.last_offset_delta + 1
            for read in reads
            for header in self._accepted(read.headers, ahead)
        )

    def _accepted(
        self,
        headers: Sequence[BatchHeader],
        ahead: dict[int, ProducerState],
        *,
        all_known: bool = False,
    ) -> list[BatchHeader]:
        """``all_known``: what follows nothing is refused, as if nothing were missing."""
        accepted = []
        for header in headers:
            if header.is_control:
                known = ahead.get(header.producer_id, self._states.get(header.producer_id))
                ahead[header.producer_id] = producers.after_marker(known, header, 0)
            elif header.producer_id >= 0:
                state = ahead.get(header.producer_id, self._states.get(header.producer_id))
                try:
                    if producers.check(state, header) is not None:
                        continue
                except ClientFault as fault:
                    if all_known or not self._is_kept(fault, state, header):
                        continue
                ahead[header.producer_id] = producers.advance(state, header, 0, 0)
            accepted.append(header)
        return accepted

    def _is_kept(
        self, fault: ClientFault, state: ProducerState | None, header: BatchHeader
    ) -> bool:
        """What does not follow was refused then as it is now, unless what it followed is missing: then its
        number is ahead. One that lies behind is a retry that nobody remembers."""
        if not self.holes or fault.code is not ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
            return False
        if state is None or state.epoch != header.producer_epoch or not state.batches:
            return True
        ahead = (header.base_sequence - state.batches[-1].last_sequence) % (
            producers.SEQUENCE_MAX + 1
        )
        return ahead < producers.SEQUENCE_MAX // 2

    def fits(self, read: Read) -> bool:
        """Whether no batch is out of order; retries and batches of fenced producers may come at any time."""
        ahead: dict[int, ProducerState] = {}
        for header in read.headers:
            if header.producer_id < 0 or header.is_control:
                continue
            state = ahead.get(header.producer_id, self._states.get(header.producer_id))
            try:
                if producers.check(state, header) is None:
                    ahead[header.producer_id] = producers.advance(state, header, 0, 0)
            except ClientFault as fault:
                if fault.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
                    return False
        return True

    def reached(self, producer_id: int) -> Number | None:
        """The epoch and first sequence of its newest batch; None if nothing is known of it."""
        state = self._states.get(producer_id)
        if state is None:
            return None
        return state.epoch, state.batches[-1].base_sequence if state.batches else -1

    def arranged(self, stream: Sequence[Read]) -> list[Read]:
        """See :mod:`anabranch.log.rebuild.awaited`."""
        return lowest_first(stream, self._states, holes=self.holes)

    # -- changing ----------------------------------------------------------------------------------
    def append(self, read: Read, size: int | None = None) -> bool:
        """Commit what is new of a part's batches; False if nothing is.

        ``size``: the offsets that it got, if that is told. Then what was accepted is no question where it
        is all; otherwise what the broker refused is, if it can be, what would be refused now.
        """
        headers: Sequence[BatchHeader] = read.headers
        told = size is not None and offsets_of(headers) == size
        if size is not None and not told:
            headers = self.choices(read, size)[0].headers
        extents: list[NewExtent] = []
        kept: list[BatchHeader] = []
        changed: dict[int, ProducerState] = {}
        end = self.next_offset
        for header in headers:
            if header.producer_id >= 0:
                state = self._states.get(header.producer_id)
                at_ms = self._appended_ms(header)
                if header.is_control:
                    state = producers.after_marker(state, header, at_ms)
                elif told or self._judge(state, header, end):
                    state = producers.advance(state, header, end, at_ms)
                else:
                    continue
                self._states[header.producer_id] = changed[header.producer_id] = state
            count = header.last_offset_delta + 1
            kept.append(header)
            extents.append(
                NewExtent(
                    base_offset=end,
                    last_offset=end + header.last_offset_delta,
                    position=read.part.position + header.position,
                    length=header.size,
                    records=count,
                    max_timestamp=header.max_timestamp,
                    appended_ms=self._appended_ms(header),
                    leader_epoch=self.leader_epoch,
                )
            )
            end += count
        if not extents:
            return False
        commit = AppendCommit(
            topic_no=self._row.topic_no,
            partition=self._row.partition,
            expected_next=self.next_offset,
            next_offset=end,
            extents=tuple(join_extents(extents)),
            producers=tuple(changed.values()),
        )
        (outcome,) = appends.commit_appends(
            self._tables.tx, read.part.object_key, [commit], self._tables.now_ms
        )
        assert outcome.committed
        self.next_offset = end
        note_transactions(kept, self.writing)
        return True

    def choices(self, read: Read, size: int) -> list[Read]:
        """The ways in which batches of the read take ``size`` offsets, the likeliest first; the read itself if no
        few left out make it so.

        What an unknown producer sent behind a batch that failed was refused, and what had no transaction. What is
        plain was not, nor what follows a batch that was taken. Left out first is what would be refused now, or
        does not follow what is there; then what is oldest, for that is more likely a retry.
        """
        headers = read.headers
        if offsets_of(headers) == size or offsets_of(self._accepted(headers, {})) == size:
            return [read]
        fitting = self._accepted(headers, {}, all_known=True)
        following = {id(header) for header in fitting if header.producer_id in self._states}

        def likelihood(chosen: Sequence[BatchHeader]) -> tuple[bool, int, int, int, int]:
            there = {id(header) for header in chosen}
            taken = {_behind(header) for header in chosen if header.producer_id >= 0}
            out = [header for header in headers if id(header) not in there]
            plain = sum(header.producer_id < 0 for header in out)
            torn = sum(_sequence(header) in taken for header in out)
            newest = max((header.max_timestamp for header in out), default=0)
            is_accepted = offsets_of(self._accepted(chosen, {})) == size
            return not is_accepted, plain, torn, -len(there & following), newest

        for omitted in range(1, len(headers)):
            fits = [
                chosen
                for chosen in islice(combinations(headers, len(headers) - omitted), CHOICES_MAX)
                if offsets_of(chosen) == size
            ]
            if fits:
                likely = sorted(fits, key=likelihood)[:LIKELY_MAX]
                return [read._replace(headers=list(chosen)) for chosen in likely]
        return [read]

    def _judge(self, state: ProducerState | None, header: BatchHeader, end: int) -> bool:
        """Whether it is new; what is kept in spite of its number is reported."""
        try:
            return producers.check(state, header) is None
        except ClientFault as fault:
            if not self._is_kept(fault, state, header):
                return False
            self._report.add(
                Kind.PRODUCER,
                self._name,
                f"{fault}: what it sent before is missing; this is kept at offset {end}",
            )
            return True

    def _appended_ms(self, header: BatchHeader) -> int:
        """The WAL does not say when: not before the journal's end, and hardly before its last record."""
        return max(self._at_ms, min(header.max_timestamp, self._tables.now_ms))

    def skip_to(self, end: int) -> None:
        """``next_offset … end - 1`` are nowhere; what follows may refer to what was there."""
        present = self._tables.partition(self._row.topic_no, self._row.partition)
        assert present is not None
        self._tables.skip(present, self.next_offset, end, "nothing has them")
        self.next_offset = end
        self.holes = True

    def begin_epoch(self) -> None:
        """From here on offsets may be others than they were."""
        present = self._tables.partition(self._row.topic_no, self._row.partition)
        assert present is not None
        self.leader_epoch = self._tables.begin_epoch(present, self.next_offset)


def _sequence(header: BatchHeader) -> tuple[int, int, int]:
    return header.producer_id, header.producer_epoch, header.base_sequence


def _behind(header: BatchHeader) -> tuple[int, int, int]:
    """Of which sequence the next batch of its producer is."""
    return header.producer_id, header.producer_epoch, header.last_sequence + 1
