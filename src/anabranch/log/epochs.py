"""Leader epochs (KIP-101, KIP-320): where a line of the log was cut, told in the client's terms."""

from __future__ import annotations

from collections.abc import Sequence

from anabranch.metastore.api import LeaderEpoch

UNDEFINED = (-1, -1)


def end_of_epoch(epochs: Sequence[LeaderEpoch], next_offset: int, epoch: int) -> tuple[int, int]:
    """The largest known epoch not above ``epoch`` and its end offset (OffsetForLeaderEpoch).

    ``epochs`` ascend. The end of the current epoch is ``next_offset``; UNDEFINED if ``epoch`` is negative,
    in the future, or older than everything known.
    """
    if epoch < 0 or not epochs or epoch > epochs[-1].epoch:
        return UNDEFINED
    found = UNDEFINED
    for index, entry in enumerate(epochs):
        if entry.epoch > epoch:
            break
        end = epochs[index + 1].start_offset if index + 1 < len(epochs) else next_offset
        found = (entry.epoch, end)
    return found


def diverging_end(
    epochs: Sequence[LeaderEpoch], next_offset: int, last_fetched_epoch: int, fetch_offset: int
) -> tuple[int, int] | None:
    """What a fetch must be told if its past is not ours (KIP-595's DivergingEpoch), else None."""
    epoch, end = end_of_epoch(epochs, next_offset, last_fetched_epoch)
    if (epoch, end) == UNDEFINED or epoch < last_fetched_epoch or end < fetch_offset:
        return (epoch, end)
    return None
