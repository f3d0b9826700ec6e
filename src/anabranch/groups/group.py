"""A group of any protocol, as the shell around the automata sees it."""

from __future__ import annotations

from typing import TypeAlias

from anabranch.groups.classic import ClassicGroup
from anabranch.groups.consumer import ConsumerGroup
from anabranch.groups.share.group import ShareGroup

Group: TypeAlias = ClassicGroup | ConsumerGroup | ShareGroup
"""All have the same half: ``state``, ``generation``, ``size``, ``is_vacant``, deadlines and ``tick``,
``take_changes``, ``successor``, ``forget``, ``abandon``, ``delete``, ``check_commit``, ``subscribed_topics``."""
