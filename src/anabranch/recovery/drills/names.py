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
    "live-traffic": "a producer goes on beside the replay, on the same broker; what it waits is measured",
    "store-throttled": "the store gives little at a time, late, and answers many requests with 503 SlowDown",
    "missing-checkpoint": "the recovery point's copy of the state is gone",
    "unaligned-checkpoint": "the newest recovery point was taken with records in flight that no copy holds",
    "off-by-one": "the offsets of the recovery point are those of the last record, not of the next",
    "lagging-group": "retention is about to pass the position of a group that lags",
}
