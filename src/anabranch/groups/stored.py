"""Who is in a group, as the metastore knows it: for any process that does not host the group."""

from __future__ import annotations

from typing import NamedTuple

from anabranch.groups.consumer_member import ConsumerMember
from anabranch.groups.effects import GroupKind
from anabranch.groups.snapshot import decode_snapshot
from anabranch.metastore.api import StoredGroup


class StoredMember(NamedTuple):
    """A member of a group of either protocol."""

    member_id: str
    client_id: str
    client_host: str
    group_instance_id: str | None


def stored_members(stored: StoredGroup) -> list[StoredMember]:
    """Raises Corrupt."""
    if stored.row.kind == GroupKind.CONSUMER:
        found = [ConsumerMember.from_bytes(member.body) for member in stored.members]
        return [
            StoredMember(
                one.member_id,
                one.info.client_id,
                one.info.client_host,
                one.info.group_instance_id,
            )
            for one in found
        ]
    if stored.row.kind == GroupKind.SHARE or not stored.row.snapshot:
        return []  # a share group's members are known to its coordinator alone
    return [
        StoredMember(one.member_id, one.client_id, one.client_host, one.group_instance_id)
        for one in decode_snapshot(stored.row.snapshot).members
    ]
