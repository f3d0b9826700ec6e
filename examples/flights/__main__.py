"""`make run`: the main job, a real stream broken by a deployment and rebuilt from the log."""

from __future__ import annotations

import sys

from examples.flights.story import tell, verify_again
from examples.kit.entry import Example, main

FLIGHTS = Example(
    name="flights",
    target="run",
    data="anabranch-data",
    tell=tell,
    verify_again=verify_again,
    hints=("topic list", "group describe flights-view", "explain flights-view --at '1m ago'"),
)

if __name__ == "__main__":
    sys.exit(main(FLIGHTS))
