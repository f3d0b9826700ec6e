"""A processor that works until it is done: ``steady.py KIND LOCATION RECORDS``.

Its consumer rewinds a little at every start, as after commits that did not arrive.
"""

from __future__ import annotations

import sys

from tests.recovery.kinds import EVERY, apply

BATCH = 20
REWIND = 37


def main() -> None:
    name, location, records = sys.argv[1], sys.argv[2], int(sys.argv[3])
    kind = EVERY[name](location)
    sink = kind.open()
    print("open", flush=True)
    first = max(0, (sink.position("flights", 0) or 0) - REWIND)
    for start in range(first, records, BATCH):
        apply(kind, sink, list(range(start, min(records, start + BATCH))))


if __name__ == "__main__":
    main()
