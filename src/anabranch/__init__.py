"""Anabranch: a Kafka-compatible event log from which a stream processor can always be rebuilt.

``anabranch.read(data, topic, ...)`` yields a topic as Arrow record batches straight from the bucket; it
raises ``anabranch.DamagedRead``, or passes over what cannot be read (``anabranch.DamagedRange``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anabranch.log.reader import DamagedRange as DamagedRange
    from anabranch.log.reader import DamagedRead as DamagedRead
    from anabranch.log.reader import read as read

__all__ = ["DamagedRange", "DamagedRead", "read"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Lazily: a broker must not pay for Arrow, nor `--help` for anything.
    if name in __all__:
        from anabranch.log import reader

        return getattr(reader, name)
    raise AttributeError(f"module 'anabranch' has no attribute {name!r}")
