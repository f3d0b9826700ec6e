"""A seed is the whole of a run: the digests of two runs are the same, in other processes and with other hashes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sim.world import World, run_seed

ROOT = Path(__file__).parent.parent.parent
SEEDS = (1, 2, 5)
PRINT = "import sys; from sim.world import run_seed\nfor s in sys.argv[1:]: print(run_seed(int(s), short=True).digest)"


def digests(python: str, hash_seed: str) -> list[str]:
    environment = {
        **os.environ,
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
    }
    done = subprocess.run(
        [python, "-c", PRINT, *map(str, SEEDS)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_a_seed_repeats_in_another_process_with_other_hashes() -> None:
    here = [run_seed(seed, short=True).digest for seed in SEEDS]
    assert len(set(here)) == len(SEEDS), "another seed is another life"
    assert digests(sys.executable, "1") == here
    assert digests(sys.executable, "2") == here


def test_a_repetition_has_every_line_in_common() -> None:
    """Where it differs, this shows the first line that does."""

    def lines() -> list[str]:
        world = World(3, short=True)
        seen: list[str] = []
        world.listener = seen.append
        world.run()
        return seen

    first, second = lines(), lines()
    assert len(first) > 50
    for number, (one, other) in enumerate(zip(first, second, strict=False)):
        assert one == other, f"line {number}"
    assert len(first) == len(second)
