"""A processor that dies at a planted point: ``crasher.py KIND LOCATION WHERE BATCHES``.

Its consumer's commits never arrive: it starts at 0 every time.
"""

from __future__ import annotations

import os
import signal
import sys

from tests.recovery.kinds import EVERY

BATCH = 10
WHERE = ("between-effects", "before-offsets", "before-commit", "after-commit")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    name, location, where, batches = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    kind = EVERY[name](location)
    sink = kind.open()
    for batch in range(batches + 1):
        last = batch == batches
        if last and where == "before-commit":
            kind.plant(sink, die)  # type: ignore[attr-defined]
        with sink.transaction() as tx:
            for offset in range(batch * BATCH, batch * BATCH + BATCH):
                if tx.fresh("flights", 0, offset):
                    kind.effect(tx, 0, offset)
                    if where == "between-effects" and last and offset % BATCH == 5:
                        die()
            if where == "before-offsets" and last:
                die()
        if where == "after-commit" and last:
            die()


if __name__ == "__main__":
    main()
