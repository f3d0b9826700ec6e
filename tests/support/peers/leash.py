"""Processes that end with the one that started them, also when that is killed with -9."""

from __future__ import annotations

import shutil
from collections.abc import Sequence


def leashed(command: Sequence[str]) -> list[str]:
    """`command`, killed by the kernel once the thread that started it has gone.

    It keeps its process id. Linux only (``setpriv`` of util-linux): elsewhere the command as it is.
    """
    setpriv = shutil.which("setpriv")
    return [*([setpriv, "--pdeathsig", "KILL"] if setpriv else ()), *command]
