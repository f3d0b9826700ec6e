"""A processor with an HTTP effect that dies once: ``http_crasher.py LEDGER URL MODE WHERE AT END``.

MODE is what the receiver offers: ``keys``, ``check`` or ``neither``. WHERE is when it dies at record AT.
It starts from its own position, as after a rebalance, or (``rewind``) from 0.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import urllib.error
import urllib.request
from typing import Any

from anabranch.recovery.sinks.http import Effect, HttpEffects, Request
from anabranch.recovery.sinks.source import Source

WHERE = (
    "before-intent",
    "after-intent",
    "receiver-had-it",
    "before-mark",
    "after-mark",
    "after-batch",
)
BATCH = 5


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    ledger, url, mode, where, at, end = (*sys.argv[1:5], int(sys.argv[5]), int(sys.argv[6]))

    def had(key: str, _: Request) -> bool:
        try:
            urllib.request.urlopen(f"{url}/had/{key}").close()
        except urllib.error.HTTPError:
            return False
        return True

    effect = Effect(
        "mail", receiver_keys=mode == "keys", check=had if mode == "check" else None, timeout_s=2
    )
    sources = {"flights": Source("cluster", "topic-id", "flights")}
    effects = HttpEffects.open(ledger, [effect], sources)
    effects.clock_ms = lambda clock=effects.clock_ms: clock() + int(os.environ["LATER_MS"])  # type: ignore[misc]
    current = -1

    def planted(point: str) -> bool:
        return where == point and current == at

    claim, mark, send = effects.ledger.claim, effects.ledger.mark, effects.send

    def claim_and_die(*arguments: Any) -> bool:
        if planted("before-intent"):
            die()
        done = claim(*arguments)
        if planted("after-intent"):
            die()
        return done

    def mark_and_die(*arguments: Any) -> bool:
        if planted("before-mark"):
            die()
        done = mark(*arguments)
        if planted("after-mark"):
            die()
        return done

    effects.ledger.claim = claim_and_die  # type: ignore[method-assign]
    effects.ledger.mark = mark_and_die  # type: ignore[method-assign]
    effects.send = send
    start = 0 if mode == "rewind" else effects.position("flights", 0) or 0
    for first in range(start, end, BATCH):
        with effects.transaction() as tx:
            for offset in range(first, min(end, first + BATCH)):
                current = offset
                body: dict[str, Any] = {"record": offset}
                if planted("receiver-had-it"):
                    body["kill"] = os.getpid()
                if tx.fresh("flights", 0, offset):
                    request = Request("POST", f"{url}/call", {}, json.dumps(body).encode())
                    tx.perform("mail", "flights", 0, offset, request)
        if planted("after-batch"):
            die()


if __name__ == "__main__":
    main()
