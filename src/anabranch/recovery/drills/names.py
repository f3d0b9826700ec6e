"""The scenarios, in the order in which they are run."""

from __future__ import annotations

from typing import Final

SCENARIOS: Final = {
    "bad-deploy": "a version wrote wrong rows into the live tables; rebuilt from the recovery point",
    "poisoned-record": "a record that should not be there; the log is corrected on a branch that takes its place",
    "corrupted-enrichment": "a table that the processor looks things up in was overwritten; replayed with what it was",
    "downstream-restore": "the sink came back from an older copy while the group stands further on",
    "recreated-topic": "an input was deleted and created anew under its name; old offsets mean other records",
    "shortened-retention": "somebody shortens retention below what the recovery point needs",
    "broker-killed": "the broker is killed while the replay runs",
    "store-throttled": "the store gives little at a time",
    "missing-checkpoint": "the recovery point's copy of the state is gone, or only holds records in flight",
    "off-by-one": "the offsets of the recovery point are those of the last record, not of the next",
    "lagging-group": "retention is about to pass the position of a group that lags",
}
