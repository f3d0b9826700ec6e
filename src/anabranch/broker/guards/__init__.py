"""Who may use each API, and for what: one guard per API, beside the handlers and not in them.

A guard takes a request before its handler does, hands on what the client may ask for, and answers the rest
as Kafka's brokers do. So the rules can be read apart from what is done, and cost nothing where there are
none. The same place sees what was changed and tells the audit log. ``tests/broker/authz/test_apis.py`` holds
that every API that is served has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from anabranch.broker.guards import (
    catalogue,
    cluster,
    configs,
    groups,
    offsets,
    records,
    share,
    transactions,
)
from anabranch.broker.guards.parts import Guard

GUARDS: Final[Mapping[int, Guard]] = MappingProxyType(
    {
        key: guard
        for room in (catalogue, cluster, configs, groups, offsets, records, share, transactions)
        for key, guard in room.GUARDS.items()
    }
)
"""By API key."""
