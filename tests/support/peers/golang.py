"""Drivers in Go (franz-go, sarama), each built once per version of its sources."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from tests.support.peers.cache import CACHE, ROOT, executable, install_run, installing

CLIENTS = ROOT / "tests" / "clients"


def franz_binary() -> Path:
    """Path of the built franz-go driver."""
    return _built("franz", CLIENTS / "go")


def sarama_binary() -> Path:
    """Path of the built sarama driver."""
    return _built("sarama", CLIENTS / "sarama")


@functools.cache
def _built(name: str, sources: Path) -> Path:
    """The driver; rebuilt when a source file changed."""
    go = executable("go", f"the {name} driver is built from source")
    digest = hashlib.sha256()
    for source in sorted([*sources.glob("*.go"), *sources.glob("go.*")]):
        digest.update(source.name.encode() + source.read_bytes())
    with installing(name) as home:
        binary = home / f"{name}-{digest.hexdigest()[:16]}"
        if not binary.exists():
            install_run(
                [go, "build", "-modcacherw", "-o", binary, "."],
                cwd=sources,
                env={"GOPATH": str(CACHE / "go"), "GOCACHE": str(CACHE / "go-build")},
            )
        return binary
