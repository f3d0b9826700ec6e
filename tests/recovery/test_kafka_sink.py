"""A Kafka sink on a broker in this process; everything else about it: tests/clients/test_kafka_sink.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from anabranch.recovery.sinks.common import Fenced
from anabranch.recovery.sinks.locations import read_sink
from tests.support.broker import BrokerThread

from .kinds import Kafka, apply


def test_outputs_and_positions_are_one_transaction(tmp_path: Path) -> None:
    with BrokerThread(tmp_path) as broker:
        kind = Kafka(f"kafka:{broker.address}/totals.positions")
        old = kind.open()
        with pytest.raises(ZeroDivisionError), old.transaction() as tx:
            assert tx.fresh("flights", 0, 0)
            kind.effect(tx, 0, 0)
            _ = 1 / 0
        assert kind.effects() == []
        assert apply(kind, old, [0, 1]) == 2
        new = kind.open()
        with pytest.raises(Fenced):
            apply(kind, old, [2])
        assert apply(kind, new, [1, 2]) == 1
        assert kind.effects() == [(0, 0), (0, 1), (0, 2)]
        state = read_sink(kind.location)
        assert [p.offset for p in state.positions] == [3] and state.counts is not None
        assert (state.counts.applied, state.counts.suppressed) == (3, 1)
