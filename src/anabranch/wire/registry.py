"""Which APIs the schema knows, in which versions, and with which header versions.

Importing this module reads a small table; message modules load when an :class:`ApiSpec` is first
asked for its classes. What a broker *serves* and advertises is the broker's own decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from types import ModuleType

from anabranch.wire.apis import APIS
from anabranch.wire.codec import Message

API_VERSIONS_KEY = 18


@dataclass(frozen=True)
class ApiSpec:
    """One API of Kafka's protocol.

    ``max_version`` is the last version that Kafka advertises; the classes may know a later one that
    Kafka still calls unstable. ``first_flexible`` is 32767 if there is none.
    """

    key: int
    name: str
    min_version: int
    max_version: int
    first_flexible: int
    module: str

    def _load(self) -> ModuleType:
        return import_module(f"anabranch.wire.messages.{self.module}")

    # A frozen dataclass without slots still has a dict, which is where the cached values go.
    @cached_property
    def request(self) -> type[Message]:
        found: type[Message] = getattr(self._load(), f"{self.name}Request")
        return found

    @cached_property
    def response(self) -> type[Message]:
        found: type[Message] = getattr(self._load(), f"{self.name}Response")
        return found


API: dict[int, ApiSpec] = {row[0]: ApiSpec(*row) for row in APIS}


def request_header_version(key: int, version: int) -> int:
    """Return 2 for flexible request versions, otherwise 1 (KIP-482)."""
    return 2 if version >= API[key].first_flexible else 1


def response_header_version(key: int, version: int) -> int:
    """Return 1 for flexible versions, otherwise 0.

    ApiVersions is always answered with header version 0 (KIP-511): the client cannot know yet what
    the server understands.
    """
    if key == API_VERSIONS_KEY:
        return 0
    return 1 if version >= API[key].first_flexible else 0
