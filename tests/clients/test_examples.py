"""The examples run to their end, as a user starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.peers import PeerUnavailable, python
from tests.support.peers.java import class_path

pytestmark = pytest.mark.timeout(600)
ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = {
    "payments": (("examples.payments",), lambda: None),
    "quix": (("examples.jobs", "quix"), lambda: python("quix")),
    "flink": (("examples.jobs", "flink"), lambda: class_path("flink")),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_ends_with_what_was_lost_rebuilt(name: str, tmp_path: Path) -> None:
    module, install = EXAMPLES[name]
    try:
        install()
    except PeerUnavailable as missing:
        pytest.skip(str(missing))
    done = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=ROOT,
        env={**os.environ, "DATA": str(tmp_path / "data"), "ONCE": "1", "LISTEN": "127.0.0.1:0"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
