"""Regular expressions over topic names (KIP-848's SubscribedTopicRegex), in RE2's language as in Kafka.

RE2 matches in time linear in the name and in bounded memory, whatever a client sends: a backtracking
engine would let one pattern hold up the broker (I10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

PATTERN_MEMORY_MAX: Final = 1 << 20  # bytes of a compiled pattern; RE2 refuses what needs more


MaySee: TypeAlias = Callable[[str], bool]
"""Whether whoever subscribes may know of a topic; None stands for one who may know of all."""


class InvalidPattern(ValueError):
    """The text is no pattern; it says why."""


class TopicPattern:
    """A compiled pattern and the topics that it matches, kept as topics come and go.

    A topic is judged once, by the rights of who subscribes at that time, as in Kafka. After a takeover these
    are not known: until a member that subscribes by it speaks, the pattern ``is_blind`` and stands for
    the topics that its members have.
    """

    def __init__(self, text: str, may_see: MaySee | None = None) -> None:
        """Raises InvalidPattern."""
        self.text = text
        self._matches = _compile(text).fullmatch
        self._may_see = may_see
        self.is_blind = False
        self.topics: frozenset[str] = frozenset()
        self._known: frozenset[str] = frozenset()

    def blind(self, topics: frozenset[str]) -> None:
        """Stand for ``topics`` until ``look_as``."""
        self.is_blind = True
        self.topics = topics

    def look_as(self, may_see: MaySee | None) -> None:
        """From now on judge by these rights; all topics anew after it was blind."""
        self._may_see = may_see
        if self.is_blind:
            self.is_blind = False
            self.topics = self._known = frozenset()

    def resolve(self, names: frozenset[str]) -> bool:
        """Take in the names of all topics; True if other topics match than before.

        Only names that were not there the last time are matched.
        """
        if self.is_blind:
            before, self.topics = self.topics, self.topics & names
            return self.topics != before
        if names is self._known:
            return False
        before = self.topics
        self.topics = (before & names) | self._matching(names - self._known)
        self._known = names
        return self.topics != before

    def _matching(self, names: Iterable[str]) -> frozenset[str]:
        may_see = self._may_see
        return frozenset(
            name for name in names if self._matches(name) and (may_see is None or may_see(name))
        )


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
