"""Cluster features (KIP-584): which levels this broker supports, and which level the cluster is at.

Every feature is finalized at its highest level from the start. A level says what clients may rely on, and no
stored format here depends on one, so there is nothing that an upgrade would unlock; and a client that does not
know a feature does without it by itself. UpdateFeatures therefore takes only the level that is already there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Feature(NamedTuple):
    """The levels of one feature, both inclusive. The cluster is at ``max_level``."""

    min_level: int
    max_level: int


FEATURES: Final[Mapping[str, Feature]] = MappingProxyType(
    {
        "group.version": Feature(0, 1),  # the consumer protocol (KIP-848)
        "share.version": Feature(0, 1),  # share groups (KIP-932)
        "transaction.version": Feature(0, 2),
    }
)
"""Every feature that is supported and finalized, by Kafka's name."""

EPOCH: Final = 0
"""The epoch of the finalized features: they never change while a cluster lives."""
