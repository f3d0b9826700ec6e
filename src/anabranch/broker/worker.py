"""One worker of ``anabranch up --workers``: a broker whose settings come on standard input.

The supervisor keeps the other end open for as long as it lives; when it ends, so does the worker. On its
standard output a worker says every second that its event loop still turns.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from anabranch.broker.companion import Companions, nobody
from anabranch.broker.config import BrokerSettings, decode_settings
from anabranch.broker.serve import Stopping, serve
from anabranch.broker.workers import BREATH, BREATH_S
from anabranch.errors import AnabranchError


async def _run(settings: BrokerSettings, companions: Companions) -> None:
    stopping = Stopping()
    stopping.ask_at_end_of_input()
    breathing = asyncio.create_task(_breathe(), name="breath")
    await serve(settings, stopping, companions)
    breathing.cancel()


async def _breathe() -> None:
    while True:
        print(BREATH, flush=True)
        await asyncio.sleep(BREATH_S)


def _read_settings() -> BrokerSettings:
    line = b""
    while not line.endswith(b"\n"):  # unbuffered: what follows belongs to the loop
        more = os.read(0, 1 << 16)
        if not more:
            sys.exit("a worker is started by `anabranch up --workers`, which tells it what to do")
        line += more
    return decode_settings(line)


def main(companions: Companions = nobody) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=sys.argv[1].upper() if len(sys.argv) > 1 else "WARNING",
        format="%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s",
    )
    try:
        asyncio.run(_run(_read_settings(), companions))
    except AnabranchError as error:
        print(f"anabranch: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
