"""Programs for Node.js, run with packages that npm installed once."""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path

from tests.support.peers.cache import executable, install_run, installing


@functools.cache
def _modules(package: Path) -> Path:
    """The node_modules directory of `package`, a package.json that pins exact versions."""
    npm = executable("npm", "JavaScript clients are installed through npm")
    with installing(f"npm-{package.parent.name}") as home:
        taken_from = home / "package.json"
        if not (taken_from.exists() and taken_from.read_bytes() == package.read_bytes()):
            arguments = ["install", "--no-package-lock", "--no-audit", "--no-fund"]
            shutil.rmtree(home / "node_modules", ignore_errors=True)
            taken_from.unlink(missing_ok=True)
            wanted = home / "wanted" / "package.json"
            wanted.parent.mkdir(exist_ok=True)
            shutil.copyfile(package, wanted)
            install_run([npm, *arguments], cwd=wanted.parent)
            (wanted.parent / "node_modules").rename(home / "node_modules")
            wanted.rename(taken_from)
        return home / "node_modules"


def node_command(program: Path) -> tuple[list[str], dict[str, str]]:
    """Command and environment that run `program` with the packages of the package.json beside it."""
    node = executable("node", "JavaScript clients run on Node.js 18 or newer")
    modules = _modules(program.parent / "package.json")
    return [node, str(program)], {**os.environ, "NODE_PATH": str(modules)}
