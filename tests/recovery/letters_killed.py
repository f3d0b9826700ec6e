"""Prepares a replay whose filters put records aside, and kills itself (SIGKILL) at a step of it.

python -m tests.recovery.letters_killed DATA PLAN PLACE TOKEN STEP SINK
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from typing import Any

from anabranch.log.opening import open_log
from anabranch.recovery.plans import planning
from anabranch.recovery.replays import dead_letters, replay, sessions
from anabranch.recovery.replays.filters import Filters
from anabranch.recovery.sinks import kafka
from tests.recovery.scene import T0

# In the order in which they come; whether the letters are there then.
STEPS = {
    "before the session": False,
    "before the letters": False,
    "in the letters": False,
    "after the letters": True,
    "before it is prepared": True,
    "after all of it": True,
}
FILTERS = Filters(skip=(("flights", 0, 44), ("flights", 1, 60)), skip_if=("offset == 77",))
LETTERS = [(0, 44), (0, 77), (1, 60), (1, 77)]


def die(*_: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(step: str) -> None:
    """Die at ``step``."""
    save = sessions.save
    saved = 0

    async def saving(*arguments: Any) -> None:
        nonlocal saved
        saved += 1
        if (step, saved) in (("before the session", 1), ("before it is prepared", 2)):
            die()
        await save(*arguments)
        if (step, saved) == ("after all of it", 2):
            die()

    sessions.save = saving
    for kind in (dead_letters.LetterFile, dead_letters.LetterTopic):
        publish = kind.publish

        async def publishing(self: Any, publish: Any = publish) -> None:
            if step == "before the letters":
                die()
            await publish(self)
            if step == "after the letters":
                die()

        kind.publish = publishing  # type: ignore[method-assign]
    if step == "in the letters":

        def commit(self: Any) -> None:
            self._producer.flush()  # the brokers have all of them, in a transaction that nobody ends
            die()

        def half(source: Any, target: Any) -> None:
            whole = source.read()
            target.write(whole[: len(whole) // 2])
            target.flush()
            die()

        kafka.KafkaSink._commit = commit  # type: ignore[method-assign]
        shutil.copyfileobj = half


async def main(data: str, plan: str, place: str, token: str, step: str, sink: str) -> None:
    sessions.LEASE_MS = 600_000  # type: ignore[misc]  # whoever looks for it later finds it held
    log = await open_log(data, broker_id=None)
    arm(step)
    await replay.prepare(
        log, await planning.find(log.metastore, plan), token=token, now_ms=T0 + 500,
        command=("true",), bootstrap="", creator="ana", sink=sink, filters=FILTERS, dead_letters=place,
    )  # fmt: skip
    raise AssertionError("it was to be killed")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
