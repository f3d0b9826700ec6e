"""A broker process of a session's own: its command then runs under the names that it knows.

``anabranch up --session ID`` (docs/operations.md) serves the session's branches as the topics that they stand for, and keeps
its groups and transactions apart. It owns nothing: if it dies it is started again, at the same port.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Final

from anabranch.errors import UserFault
from anabranch.log.location import Location

START_S: Final = 60.0  # until it listens; opening a large catalogue takes some of it
STARTS_MAX: Final = 5  # in a row, of a broker that is killed before it listens
STOP_S: Final = 20.0  # between SIGTERM and SIGKILL
LAST_WORDS_BYTES: Final = 4096
HOST: Final = "127.0.0.1"


class OwnBroker:
    """Started, watched and stopped by the session's runner."""

    def __init__(self, where: Location, session_id: str, output: Path) -> None:
        """``output``: the file that its messages go to."""
        self._where = where
        self._session_id = session_id
        self._output = output
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0

    @property
    def address(self) -> str:
        """HOST:PORT once it was started."""
        return f"{HOST}:{self._port}"

    async def start(self) -> None:
        """Until it listens; once more if it is killed before. Raises UserFault: it ended, or took too long."""
        for _ in range(STARTS_MAX):
            if await self._try_start():
                return
        raise UserFault(
            f"the broker of replay {self._session_id} was killed {STARTS_MAX} times as it started"
        )

    async def _try_start(self) -> bool:
        self._output.parent.mkdir(parents=True, exist_ok=True)
        words = ["up", *self._places(), "--session", self._session_id, "--listen", self.address]
        with self._output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "anabranch.cli.main", *words),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=output,
                env={key: value for key, value in os.environ.items() if key not in _TOLD},
                start_new_session=True,  # a Ctrl-C is ours to pass on
            )
        try:
            port = await asyncio.wait_for(self._announced(), START_S)
        except TimeoutError:
            await self.stop()
            raise UserFault(
                f"the broker of replay {self._session_id} does not listen after {START_S:.0f} s; "
                f"see {self._output}"
            ) from None
        if port is None:
            return False
        self._port = port
        return True

    async def keep(self) -> None:
        """Start it again if it died. Raises UserFault."""
        if self._process is not None and self._process.returncode is not None:
            await self.start()

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

    def _places(self) -> list[str]:
        where = self._where
        named = {
            "--data": where.data,
            "--metastore": where.metastore,
            "--store": where.store,
            "--wal": where.wal,
        }
        return [word for flag, value in named.items() if value for word in (flag, str(value))]

    async def _announced(self) -> int | None:
        """The port in its line "… listening on HOST:PORT"; None: it was killed before."""
        assert self._process is not None and self._process.stdout is not None
        while line := await self._process.stdout.readline():
            if b" listening on " in line:
                return int(line.rpartition(b":")[2])
        if await self._process.wait() < 0:
            return None
        raise UserFault(
            f"the broker of replay {self._session_id} did not start: {self._last_words()}"
        )

    def _last_words(self) -> str:
        text = self._output.read_bytes()[-LAST_WORDS_BYTES:].decode(errors="replace")
        lines = text.strip().splitlines()
        return lines[-1].strip() if lines else f"it said nothing in {self._output}"


# What the places above are told by otherwise; theirs win.
_TOLD: Final = frozenset(f"ANABRANCH_{name}" for name in ("DATA", "METASTORE", "STORE", "WAL"))
