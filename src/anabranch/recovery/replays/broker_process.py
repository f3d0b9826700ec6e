"""A broker as a process of our own: for one replay session, or for a drill's scratch cluster.

``anabranch up --session ID`` (docs/operations.md) serves the session's branches as the topics that they stand for, and keeps
its groups and transactions apart. A broker owns nothing: if it dies it is started again, at the same port.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from anabranch.errors import UserFault
from anabranch.log.location import Location
from anabranch.recovery.replays.leash import Leash
from anabranch.scheduling import give_way

START_S: Final = 60.0  # until it listens; opening a large catalogue takes some of it
STARTS_MAX: Final = 5  # in a row, of a broker that is killed before it listens
STOP_S: Final = 20.0  # between SIGTERM and SIGKILL
LAST_WORDS_BYTES: Final = 4096
HOST: Final = "127.0.0.1"


class BrokerProcess:
    """Started, watched and stopped by who needs it; it listens on this machine only."""

    def __init__(
        self,
        words: Sequence[str],
        output: Path,
        what: str,
        *,
        niceness: int = 0,
        leash: Leash | None = None,
    ) -> None:
        """``words`` follow ``anabranch up``; ``output`` is the file that its messages go to; ``what`` it is called in
        errors; ``niceness`` how far it stands behind others of the machine, 0 to 19. ``leash``: it goes with this process;
        without one it outlives it."""
        self._words = words
        self._output = output
        self._what = what
        self._niceness = niceness
        self._leash = leash
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0

    @property
    def address(self) -> str:
        """HOST:PORT once it was started."""
        return f"{HOST}:{self._port}"

    @property
    def pid(self) -> int | None:
        """Of the process, which leads a session of the operating system; None: it does not run."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Until it listens; once more if it is killed before. Raises UserFault: it ended, or took too long."""
        for _ in range(STARTS_MAX):
            if await self._try_start():
                return
        raise UserFault(f"{self._what} was killed {STARTS_MAX} times as it started")

    async def _try_start(self) -> bool:
        self._output.parent.mkdir(parents=True, exist_ok=True)
        words = ["up", *self._words, "--listen", self.address]
        leash = self._leash
        if leash is not None:
            words.append("--until-eof")
        with self._output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "anabranch.cli.main", *words),
                stdin=asyncio.subprocess.DEVNULL if leash is None else leash.end,
                stdout=asyncio.subprocess.PIPE,
                stderr=output,
                env={k: v for k, v in os.environ.items() if not k.startswith("ANABRANCH_")},
                start_new_session=True,  # a Ctrl-C is ours to pass on
                pass_fds=() if leash is None else leash.held,
            )
        give_way(self._niceness, self._process.pid)
        try:
            port = await asyncio.wait_for(self._announced(), START_S)
        except TimeoutError:
            await self.stop()
            raise UserFault(
                f"{self._what} does not listen after {START_S:.0f} s; see {self._output}"
            ) from None
        if port is None:
            return False
        self._port = port
        return True

    async def keep(self) -> bool:
        """Start it again if it died; whether it had. Raises UserFault."""
        if self._process is None or self._process.returncode is None:
            return False
        await self.start()
        return True

    async def kill(self) -> None:
        """As a machine that is switched off."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL if it does not end within its time; without a process nothing."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _announced(self) -> int | None:
        """The port in its line "… listening on HOST:PORT"; None: it was killed before."""
        assert self._process is not None and self._process.stdout is not None
        while line := await self._process.stdout.readline():
            if b" listening on " in line:
                return int(line.rpartition(b":")[2])
        if await self._process.wait() < 0:
            return None
        raise UserFault(f"{self._what} did not start: {self._last_words()}")

    def _last_words(self) -> str:
        text = self._output.read_bytes()[-LAST_WORDS_BYTES:].decode(errors="replace")
        lines = text.strip().splitlines()
        return lines[-1].strip() if lines else f"it said nothing in {self._output}"


def of_session(where: Location, session_id: str, output: Path, niceness: int = 0) -> BrokerProcess:
    """The broker of a replay session, on the session's cluster."""
    named = {
        "--data": where.data,
        "--metastore": where.metastore,
        "--store": where.store,
        "--wal": where.wal,
    }
    places = [word for flag, value in named.items() if value for word in (flag, str(value))]
    what = f"the broker of replay {session_id}"
    return BrokerProcess([*places, "--session", session_id], output, what, niceness=niceness)
