"""What the rest of the system may ask of the metastore: the judge of every offset.

Two families of verbs. *Reads* answer from one consistent snapshot and cost O(result). *Writes* are
queued to a writer that commits everything pending in one transaction with a savepoint each (group
commit); when a write returns, it is durable. All verbs are coroutines, so that an engine behind a
network is no different from one behind a function call.

Times are milliseconds since the epoch and always come from the caller. Topic ids are 16 raw bytes.
The verbs stand in ``contract/``, what they take and give in ``values.py``; other rooms import both from
here, the door of this one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from anabranch.metastore.changes import Changed
from anabranch.metastore.contract.catalogue import CatalogueVerbs
from anabranch.metastore.contract.credentials import CredentialVerbs
from anabranch.metastore.contract.damage import DamageVerbs
from anabranch.metastore.contract.documents import DocumentVerbs
from anabranch.metastore.contract.groups import GroupVerbs
from anabranch.metastore.contract.journal import JournalVerbs
from anabranch.metastore.contract.log import LogVerbs
from anabranch.metastore.contract.shares import ShareVerbs
from anabranch.metastore.contract.transactions import TransactionVerbs
from anabranch.metastore.credential_values import DelegationToken, Endpoint, ScramCredential
from anabranch.metastore.handover import Handover
from anabranch.metastore.share_values import ShareKey, ShareState
from anabranch.metastore.transaction_end import EndOutcome
from anabranch.metastore.transaction_rules import Identity
from anabranch.metastore.transaction_values import (
    Aborted,
    Enlisted,
    Marker,
    OpenTransaction,
    Refused,
    Transaction,
    Transactional,
    TransactionalId,
    TransactionEnd,
    TransactionState,
)
from anabranch.metastore.values import (
    ALL_SHARDS,
    NO_TIMESTAMP,
    SHARDS,
    Actor,
    AppendCommit,
    AppendOutcome,
    Backlog,
    BranchOrigin,
    BrokerRow,
    Committed,
    Compaction,
    CompactionCandidate,
    Conflict,
    Damage,
    DamageSkip,
    DeletedTopic,
    Document,
    DocumentChange,
    Extent,
    ExtentName,
    FlushCommit,
    Gap,
    GapCause,
    GroupMemberRow,
    GroupRow,
    Guard,
    Health,
    LeaderEpoch,
    LineMove,
    LineSwap,
    NewExtent,
    ObjectCounts,
    ObjectKind,
    ObjectRow,
    OffsetAction,
    OffsetChange,
    OffsetMove,
    OldestExtent,
    PackUsage,
    Partition,
    PartitionSize,
    PlacedExtent,
    ProducerBatch,
    ProducerState,
    Replacement,
    SkippedExtent,
    StandingBeyond,
    StoredGroup,
    Topic,
    guard_of,
    shard_of,
)

__all__ = [
    "ALL_SHARDS",
    "Aborted",
    "Actor",
    "AppendCommit",
    "AppendOutcome",
    "Backlog",
    "BranchOrigin",
    "BrokerRow",
    "Committed",
    "Compaction",
    "CompactionCandidate",
    "Conflict",
    "Damage",
    "DamageSkip",
    "DelegationToken",
    "DeletedTopic",
    "Document",
    "Guard",
    "guard_of",
    "DocumentChange",
    "EndOutcome",
    "Endpoint",
    "Enlisted",
    "Extent",
    "ExtentName",
    "FlushCommit",
    "Gap",
    "GapCause",
    "GroupMemberRow",
    "GroupRow",
    "Handover",
    "Health",
    "Identity",
    "LeaderEpoch",
    "LineMove",
    "LineSwap",
    "Marker",
    "Metastore",
    "NO_TIMESTAMP",
    "NewExtent",
    "ObjectCounts",
    "ObjectKind",
    "ObjectRow",
    "OffsetAction",
    "OffsetChange",
    "OffsetMove",
    "OldestExtent",
    "OpenTransaction",
    "PackUsage",
    "Partition",
    "PartitionSize",
    "PlacedExtent",
    "ProducerBatch",
    "ProducerState",
    "Refused",
    "Replacement",
    "SHARDS",
    "ScramCredential",
    "ShareKey",
    "ShareState",
    "SkippedExtent",
    "StandingBeyond",
    "StoredGroup",
    "Topic",
    "Transaction",
    "TransactionEnd",
    "TransactionState",
    "Transactional",
    "TransactionalId",
    "shard_of",
]


class Metastore(
    CatalogueVerbs,
    DocumentVerbs,
    LogVerbs,
    DamageVerbs,
    GroupVerbs,
    CredentialVerbs,
    ShareVerbs,
    JournalVerbs,
    TransactionVerbs,
    Protocol,
):
    """The verbs. Every name that is not found is None or an empty list; nothing raises for absence."""

    @property
    def cluster_id(self) -> bytes:
        """16 bytes; given at creation, kept by a rebuild."""

    def close(self) -> None:
        """Commit what is queued, then release everything."""

    def on_change(self, callback: Callable[[Changed], None]) -> None:
        """Call ``callback`` (on the loop) with what another process changed, as far as that is known."""

    def expect_others(self, others: bool) -> None:
        """Say whether other processes are known to write: then their changes are noticed sooner."""

    async def now_ms(self) -> int:
        """The time that all who share this metastore agree on: the machine's, or the database's."""

    async def check(self) -> list[str]:
        """One sentence for every invariant that the tables violate. Reads everything: O(metastore)."""
