"""Copies of sinks that are files: a SQLite database, a directory of Parquet files. The stage's folder holds them."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from anabranch.errors import UserFault
from anabranch.recovery.checks.verify import Verification
from anabranch.recovery.drills.copies.common import Copy, compared
from anabranch.recovery.sinks.common import quoted
from anabranch.recovery.sinks.locations import opened_lines

if TYPE_CHECKING:
    from anabranch.recovery.drills.stage import Stage
    from anabranch.recovery.plans.plan import Plan


class SqliteCopy(Copy):
    """One file."""

    @property
    def view(self) -> Path:
        return self.work / "view.db"

    @property
    def truth(self) -> Path:
        return self.work / "truth.db"

    def location(self, broker: str) -> str:
        return f"sqlite:{self.view}"

    def told(self, broker: str) -> str:
        return str(self.view)

    async def keep_truth(self, stage: Stage) -> None:
        with opened_lines(stage.sink) as sink:
            sink.take_checkpoint(self.truth)

    async def damage(self, stage: Stage) -> int:
        """Every third row is gone."""
        gone = 0
        connection = sqlite3.connect(self.view)
        try:
            with connection:
                for table in self.stream.verify.tables:
                    gone += connection.execute(
                        f"DELETE FROM {quoted(table)} WHERE rowid % 3 = 0"
                    ).rowcount
        except sqlite3.Error as error:
            raise UserFault(f"the live tables could not be damaged: {error}") from None
        finally:
            connection.close()
        return gone

    async def restore_older(self, stage: Stage) -> None:
        await self.clear(stage)
        shutil.copyfile(stage.checkpoint_path, self.view)

    async def clear(self, stage: Stage) -> None:
        for name in ("view.db", "view.db-wal", "view.db-shm"):
            (self.work / name).unlink(missing_ok=True)

    async def verify(self, stage: Stage, line: str, plan: Plan | None) -> tuple[Verification, ...]:
        at = f"@{line}" if line else ""
        return tuple(
            compared(self.stream, f"{stage.sink}#{table}{at}", f"sqlite:{self.truth}#{table}", key)
            for table, key in self.stream.verify.tables.items()
        )


class ParquetCopy(Copy):
    """A directory, wherever the production's lies."""

    @property
    def _live(self) -> Path:
        return self.work / "parquet"

    @property
    def _truth(self) -> Path:
        return self.work / "parquet-truth"

    @property
    def _older(self) -> Path:
        return self.work / "parquet-older"

    def location(self, broker: str) -> str:
        return f"parquet:{self._live}"

    async def prepare(self, stage: Stage) -> None:
        self._live.mkdir(parents=True, exist_ok=True)

    async def keep_older(self, stage: Stage) -> None:
        shutil.copytree(self._live, self._older)

    async def keep_truth(self, stage: Stage) -> None:
        shutil.copytree(self._live, self._truth)

    async def damage(self, stage: Stage) -> int:
        """The objects that were written since the point are gone: those before it are the checkpoint's, too."""
        from anabranch.recovery.sinks.objects_lines import ParquetLines

        kept = {f.key for f in ParquetLines(f"parquet:{self._older}").files()}
        gone = 0
        for file in ParquetLines(stage.sink).files():
            if file.key not in kept:
                (self._live / file.key).unlink()
                gone += file.rows
        return gone

    async def restore_older(self, stage: Stage) -> None:
        shutil.rmtree(self._live)
        shutil.copytree(self._older, self._live)

    async def clear(self, stage: Stage) -> None:
        shutil.rmtree(self._live)
        self._live.mkdir()

    async def verify(self, stage: Stage, line: str, plan: Plan | None) -> tuple[Verification, ...]:
        at = f"@{line}" if line else ""
        return tuple(
            compared(
                self.stream, f"{stage.sink}#{table}{at}", f"parquet:{self._truth}#{table}", key
            )
            for table, key in self.stream.verify.tables.items()
        )
