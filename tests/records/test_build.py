"""The package must install with a compiler and without one, with Cython and without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from anabranch.records import kernel_is_compiled

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What setup.py needs of the repository, with nothing built."""
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, tmp_path)
    room = tmp_path / "src/anabranch/records"
    shutil.copytree(
        ROOT / "src/anabranch/records",
        room,
        ignore=shutil.ignore_patterns("*.so", "*.c", "*.pyd", "__pycache__"),
    )
    (room.parent / "__init__.py").touch()
    return tmp_path


def build(checkout: Path, **environment: str) -> list[str]:
    """Names of the extension modules that ``build_ext --inplace`` leaves behind."""
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=checkout,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        timeout=100,
    )
    room = checkout / "src/anabranch/records"
    return [path.name for path in room.iterdir() if path.suffix in {".so", ".pyd"}]


def test_without_a_compiler(checkout: Path) -> None:
    assert build(checkout, CC=str(checkout / "no-such-compiler")) == []


def test_without_cython(checkout: Path) -> None:
    blocked = checkout / "blocked"
    (blocked / "Cython").mkdir(parents=True)
    (blocked / "Cython/__init__.py").write_text("raise ImportError('not here')")
    assert build(checkout, PYTHONPATH=str(blocked)) == []


def test_with_both() -> None:
    header = Path(sysconfig.get_path("include"), "Python.h")
    if shutil.which(os.environ.get("CC", "cc")) is None or not header.exists():
        pytest.skip("no C compiler or no headers of Python here")
    assert kernel_is_compiled(), "pip install -e . should have compiled the kernel here"
