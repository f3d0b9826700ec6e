"""Regular expressions over topic names (KIP-848's SubscribedTopicRegex), in RE2's language as in Kafka.

RE2 matches in time linear in the name and in bounded memory, whatever a client sends: a backtracking
engine would let one pattern hold up the broker (I10).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

PATTERN_MEMORY_MAX: Final = 1 << 20  # bytes of a compiled pattern; RE2 refuses what needs more


class InvalidPattern(ValueError):
    """The text is no pattern; it says why."""


class TopicPattern:
    """A compiled pattern and the topics that it matches, kept as topics come and go."""

    def __init__(self, text: str) -> None:
        """Raises InvalidPattern."""
        self.text = text
        self._matches = _compile(text).fullmatch
        self.topics: frozenset[str] = frozenset()
        self._known: frozenset[str] = frozenset()

    def resolve(self, names: frozenset[str]) -> bool:
        """Take in the names of all topics; True if other topics match than before.

        Only names that were not there the last time are matched.
        """
        if names is self._known:
            return False
        before = self.topics
        self.topics = (before & names) | self._matching(names - self._known)
        self._known = names
        return self.topics != before

    def _matching(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(name for name in names if self._matches(name))


def check_pattern(text: str) -> None:
    """Raises InvalidPattern."""
    _compile(text)


def _compile(text: str) -> Any:
    # RE2 is needed by who subscribes by pattern, on a coordinator; nobody else waits for its import.
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY_MAX
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        said = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise InvalidPattern(said or "it does not compile") from None
