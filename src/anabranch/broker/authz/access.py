"""One request's rights: what guards and handlers ask, and how a refusal is told and audited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anabranch.broker.audit.events import Kind, Outcome, of_request
from anabranch.broker.authz.acl import CLUSTER_NAME, SUPPORTED, Operation, ResourceType
from anabranch.errors import ClientFault, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anabranch.broker.authz.authorizer import Rights
    from anabranch.broker.context import Context
    from anabranch.broker.gate import Gate
    from anabranch.metastore.api import Topic

REFUSALS: Final = {
    ResourceType.TOPIC: (ErrorCode.TOPIC_AUTHORIZATION_FAILED, "Topic authorization failed."),
    ResourceType.GROUP: (ErrorCode.GROUP_AUTHORIZATION_FAILED, "Group authorization failed."),
    ResourceType.CLUSTER: (ErrorCode.CLUSTER_AUTHORIZATION_FAILED, "Cluster authorization failed."),
    ResourceType.TRANSACTIONAL_ID: (
        ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        "Transactional Id authorization failed.",
    ),
    ResourceType.DELEGATION_TOKEN: (
        ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED,
        "Delegation Token authorization failed.",
    ),
    ResourceType.USER: (
        ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED,
        "Delegation Token authorization failed.",
    ),
}
"""How Kafka answers a refusal on each kind of resource."""


TOO_OLD: Final = (
    "reading what was appended longer ago than authorization.replay_age_ms needs REPLAY of the topic "
    "(anabranch acl add)"
)


class Access:
    """Who asks, and by what. Made for each request where ACLs or an audit log are in force."""

    __slots__ = ("api", "context", "gate", "rights")

    def __init__(self, gate: Gate, context: Context, api: str, rights: Rights) -> None:
        self.gate = gate
        self.context = context
        self.api = api
        self.rights = rights

    def may(self, operation: Operation, kind: ResourceType, name: str) -> bool:
        """Whether it is allowed, without a word if it is not: for what is then merely left out."""
        return self.rights.allows(operation, kind, name)

    def check(self, operation: Operation, kind: ResourceType, name: str) -> bool:
        """Whether it is allowed; a refusal is audited."""
        if self.rights.allows(operation, kind, name):
            return True
        self.denied(operation, kind, name)
        return False

    def check_cluster(self, operation: Operation) -> bool:
        return self.check(operation, ResourceType.CLUSTER, CLUSTER_NAME)

    def denied(self, operation: Operation, kind: ResourceType, name: str, reason: str = "") -> None:
        """Note a refusal."""
        self.gate.denials.record(
            of_request(
                self.context,
                Kind.DENIED,
                self.api,
                outcome=Outcome.DENIED,
                operation=operation.name,
                resource=f"{kind.name}:{name}",
                reason=reason,
            )
        )

    async def too_old(self, wanted: Sequence[tuple[Topic, int, int]]) -> set[tuple[int, int]]:
        """Of (topic, partition, offset) that are to be read, those (topic number, partition) that lie
        behind the age and need REPLAY of a topic that the client does not have. Raises StoreFault."""
        ages = self.gate.ages
        if not ages.limited or self.rights.unlimited:
            return set()
        refused: dict[tuple[int, int], str] = {}
        for topic, partition, offset in wanted:
            if self.may(Operation.REPLAY, ResourceType.TOPIC, topic.name):
                continue
            if offset < await ages.floor(self.context.log, topic, partition):
                refused[topic.no, partition] = topic.name
        for name in dict.fromkeys(refused.values()):
            self.denied(Operation.REPLAY, ResourceType.TOPIC, name, TOO_OLD)
        return set(refused)

    @property
    def by_age(self) -> bool:
        """Whether :meth:`too_old` has to be asked."""
        return self.gate.ages.limited and not self.rights.unlimited

    def require(self, operation: Operation, kind: ResourceType, name: str) -> None:
        """Raises ClientFault with Kafka's error of the kind of resource."""
        if not self.check(operation, kind, name):
            raise refusal(kind)

    def operations(self, kind: ResourceType, name: str) -> int:
        """What may be done to it, as the bit field that clients ask for (KIP-430)."""
        return sum(1 << one for one in SUPPORTED[kind] if self.rights.allows(one, kind, name))

    def topic_name(self, topic_id: bytes) -> str | None:
        """None: there is no topic of that id, which its handler says."""
        topic = self.context.log.catalogue.topic_by_id(topic_id)
        return None if topic is None else topic.name


def refusal(kind: ResourceType) -> ClientFault:
    """What Kafka answers if a resource of this kind may not be used so."""
    return ClientFault(*REFUSALS[kind])
