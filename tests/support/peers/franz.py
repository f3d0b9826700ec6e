"""The franz-go driver of tests/clients/go, built once per version of its sources."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from tests.support.peers.cache import CACHE, ROOT, executable, install_run, installing

SOURCES = ROOT / "tests" / "clients" / "go"


@functools.cache
def franz_binary() -> Path:
    """Path of the built driver; rebuilt when a source file changed."""
    go = executable("go", "the franz-go driver is built from source")
    digest = hashlib.sha256()
    for source in sorted([*SOURCES.glob("*.go"), *SOURCES.glob("go.*")]):
        digest.update(source.name.encode() + source.read_bytes())
    with installing("franz") as home:
        binary = home / f"franz-{digest.hexdigest()[:16]}"
        if not binary.exists():
            install_run(
                [go, "build", "-modcacherw", "-o", binary, "."],
                cwd=SOURCES,
                env={"GOPATH": str(CACHE / "go"), "GOCACHE": str(CACHE / "go-build")},
            )
        return binary
