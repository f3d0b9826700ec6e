"""A committed offset as a register that one client writes: which values may be read, and when."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class _Write:
    value: int
    began_s: float
    done_s: float | None = None  # None: nobody knows whether it happened, or still will


class Register:
    """One group's offset of one partition, written by one client, one write at a time.

    A write whose answer did not come may take effect at any time after it began, also after later writes:
    Kafka knows no fence for a commit without generation.
    """

    def __init__(self) -> None:
        self._writes: list[_Write] = []

    def begins(self, value: int, now_s: float) -> int:
        self._writes.append(_Write(value, now_s))
        return len(self._writes) - 1

    def done(self, write: int, now_s: float) -> None:
        self._writes[write].done_s = now_s

    def read(self, value: int | None, began_s: float) -> str | None:
        """What is wrong with having read ``value`` by a read that began at ``began_s``."""
        last = None
        for number, write in enumerate(self._writes):
            if write.done_s is not None and write.done_s < began_s:
                last = number
        if value is None:
            if last is None:
                return None
            return f"no offset is committed, but {self._writes[last].value} was acknowledged"
        if last is None:
            possible = self._writes
        else:
            # The last acknowledged one, those after it, and those of which nobody knows.
            possible = [
                write
                for number, write in enumerate(self._writes)
                if number >= last or write.done_s is None
            ]
        if any(write.value == value for write in possible):
            return None
        return f"{value} is committed, which is none of {sorted({w.value for w in possible})}"
