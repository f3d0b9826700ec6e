"""`make example-payments`: an effect outside of the house that must not repeat, whatever is killed or replayed."""

from __future__ import annotations

import sys

from examples.kit.entry import Example, main
from examples.payments.story import tell, verify_again

PAYMENTS = Example(
    name="payments",
    target="example-payments",
    data="anabranch-payments",
    tell=tell,
    verify_again=verify_again,
    hints=("topic list", "replay --list", "explain payments-app --at '1m ago'"),
)

if __name__ == "__main__":
    sys.exit(main(PAYMENTS))
