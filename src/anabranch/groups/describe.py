"""What ListGroups (key 16) says about groups, and DescribeGroups (key 15) about classic ones."""

from __future__ import annotations

from dataclasses import dataclass

from anabranch.errors import ErrorCode
from anabranch.groups.classic import ClassicGroup
from anabranch.groups.effects import GroupKind
from anabranch.groups.group import Group
from anabranch.groups.values import GroupState


@dataclass(frozen=True, slots=True)
class GroupListing:
    """One line of ListGroups."""

    group_id: str
    protocol_type: str
    state: GroupState
    group_type: str = GroupKind.CLASSIC  # KIP-848: ListGroups version 5 filters by it


@dataclass(frozen=True, slots=True)
class MemberDescription:
    """One member; metadata and assignment are empty unless the group is stable, as in Kafka."""

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    metadata: bytes
    assignment: bytes


@dataclass(frozen=True, slots=True)
class GroupDescription:
    """One group of DescribeGroups.

    A group that does not exist has state ``Dead`` and GROUP_ID_NOT_FOUND; before version 6 that is
    answered with error NONE, which is the caller's to translate.
    """

    error: ErrorCode
    group_id: str
    state: GroupState
    protocol_type: str = ""
    protocol: str = ""
    message: str | None = None
    members: tuple[MemberDescription, ...] = ()


def list_group(group: Group) -> GroupListing:
    """The group's line in ListGroups."""
    return GroupListing(group.group_id, group.protocol_type or "", group.state, group.kind)


def describe_group(group: ClassicGroup) -> GroupDescription:
    """The group's entry in DescribeGroups."""
    stable = group.state is GroupState.STABLE
    protocol = group.protocol_name if stable and group.protocol_name is not None else None
    return GroupDescription(
        error=ErrorCode.NONE,
        group_id=group.group_id,
        state=group.state,
        protocol_type=group.protocol_type or "",
        protocol=protocol or "",
        members=tuple(
            MemberDescription(
                member_id=member.member_id,
                group_instance_id=member.group_instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                metadata=member.metadata(protocol) if protocol is not None else b"",
                assignment=member.assignment if stable else b"",
            )
            for member in group.roster.members.values()
        ),
    )


def describe_missing(group_id: str, message: str | None = None) -> GroupDescription:
    """The entry of a group that does not exist, or is no classic one."""
    return GroupDescription(
        ErrorCode.GROUP_ID_NOT_FOUND,
        group_id,
        GroupState.DEAD,
        message=message or f"Group {group_id} not found.",
    )


def describe_failed(
    group_id: str, error: ErrorCode = ErrorCode.COORDINATOR_NOT_AVAILABLE
) -> GroupDescription:
    """The entry of a group that cannot be read now, or is not served here."""
    return GroupDescription(error, group_id, GroupState.DEAD)
