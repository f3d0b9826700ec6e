"""Lanes: pools of brokers that share the bucket and the metastore and nothing else.

Brokers of a lane show their clients only brokers of that lane. From any lane but ``live``:

- every topic can be read;
- written (and altered, and deleted) can be branches, topics that were created from the lane, and topics
  whose config ``anabranch.lane`` names it; all others are refused with TOPIC_AUTHORIZATION_FAILED;
- groups are those whose name begins with one of ``lane.groups``, by default ``replay.`` (the groups of
  ``anabranch replay``) and ``recovery.``; all others are refused with GROUP_AUTHORIZATION_FAILED, so that
  nobody moves a production group's offsets by a wrong address.

``lane.write_live`` and ``lane.groups = [""]`` lift the two rules.

A lane of one replay session (``lane.session``) shows that session's branches under the names of their sources, and
translates groups and transactional ids (:mod:`anabranch.broker.session_names`): a job runs in it as it is.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from anabranch.broker.routing import LIVE
from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.config import LANE_CONFIG
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Topic

SESSION_BEGINS: Final = (
    4  # times the rate at which others begin to read old data beside live appends
)
LANE_NAME_MAX: Final = 64  # characters; it is a word that people type


class LaneSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Which lane a broker belongs to, and what that lane's clients may do."""

    name: str = LIVE
    write_live: bool = False  # whether a lane other than live may write to live topics
    groups: tuple[str, ...] = ("replay.", "recovery.")  # how names of its groups begin
    session: str | None = None  # the replay session whose names its clients use; None: no one's
    session_group: str = ""  # the live group that the session replays
    niceness: int = 10  # of its processes, 0 to 19: live ones of the machine get ten times theirs
    late_percent_max: int = (
        115  # what live brokers' appends may take for it; 0: it never slows for them
    )


def is_apart(lane: LaneSettings) -> bool:
    """Whether the rules of this module apply at all."""
    return lane.name != LIVE


def check_write(lane: LaneSettings, topic: Topic) -> None:
    """Raises ClientFault(TOPIC_AUTHORIZATION_FAILED) if the lane may not change ``topic``."""
    if (
        is_apart(lane)
        and topic.origin is None
        and topic.configs.get(LANE_CONFIG) != lane.name
        and not lane.write_live
    ):
        raise ClientFault(
            ErrorCode.TOPIC_AUTHORIZATION_FAILED,
            f"{topic.name} is a live topic, and brokers of lane {lane.name!r} do not write to those: use "
            "a branch of it, or the live brokers (or set lane.write_live)",
        )


def check_cluster(lane: LaneSettings) -> None:
    """Raises ClientFault(CLUSTER_AUTHORIZATION_FAILED) where a change would reach the live brokers."""
    if is_apart(lane):
        raise ClientFault(
            ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
            f"what all brokers share is not changed from lane {lane.name!r}: use the live brokers",
        )


def admits_group(lane: LaneSettings, group_id: str) -> bool:
    return not is_apart(lane) or group_id.startswith(lane.groups)


def group_refusal(lane: LaneSettings, group_id: str) -> str:
    """The sentence for a group that is not admitted."""
    begins = " or ".join(repr(prefix) for prefix in lane.groups) or "nothing at all"
    return (
        f"group {group_id!r} is not one of lane {lane.name!r}, whose groups begin with {begins}: use such "
        "a name, or the live brokers (or set lane.groups)"
    )


def log_settings(lane: LaneSettings, settings: LogSettings) -> LogSettings:
    """A lane apart makes room for live appends sooner than a live broker's own catching up does."""
    if not is_apart(lane):
        return settings
    begin = settings.cold_bytes_per_second_begin
    if lane.session is not None:
        begin *= SESSION_BEGINS  # one reader, a process of its own
    return replace(
        settings,
        cold_late_percent_max=lane.late_percent_max,
        cold_bytes_per_second_begin=begin,
    )


def creation_configs(lane: LaneSettings) -> dict[str, str]:
    """What a topic gets that is created from the lane: it stays the lane's to write."""
    return {LANE_CONFIG: lane.name} if is_apart(lane) else {}
