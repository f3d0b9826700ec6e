"""The payments: made up, the same in every run, since no bank publishes its own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

PAYMENTS = 6_000
ACCOUNTS = 200
MINOR_UNITS = {"EUR": 100, "USD": 100, "JPY": 1}  # of one unit of money
SEED = 20130101


class Payment(NamedTuple):
    """``amount`` in minor units: cents, but whole yen."""

    id: str
    account: str
    amount: int
    currency: str

    def encode(self) -> bytes:
        return msgspec.json.encode(self._asdict())


def payments(first: int = 0, end: int = PAYMENTS) -> Iterator[Payment]:
    """Numbers ``first <= n < end``."""
    chance = random.Random(SEED)
    for number in range(end):
        payment = Payment(
            f"p-{number:06d}",
            f"acc-{chance.randrange(ACCOUNTS):03d}",
            chance.randrange(100, 100_000),
            chance.choice(list(MINOR_UNITS)),
        )
        if number >= first:
            yield payment


def balances(end: int = PAYMENTS) -> dict[tuple[str, str], tuple[int, float]]:
    """The truth: (account, currency) → (number of payments, sum in units of money)."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for payment in payments(0, end):
        count, total = found.get((payment.account, payment.currency), (0, 0))
        found[payment.account, payment.currency] = (count + 1, total + payment.amount)
    return {key: (count, total / MINOR_UNITS[key[1]]) for key, (count, total) in found.items()}
