"""Anabranch: a Kafka-compatible event log from which a stream processor can always be rebuilt.

``anabranch.read(data, topic, ...)`` yields a topic as Arrow record batches straight from the bucket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anabranch.log.reader import read as read

__all__ = ["read"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Lazily: a broker must not pay for Arrow, nor `--help` for anything.
    if name == "read":
        from anabranch.log.reader import read

        return read
    raise AttributeError(f"module 'anabranch' has no attribute {name!r}")
