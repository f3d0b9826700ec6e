"""``make sim SEED=7`` repeats one run, ``make sim MINUTES=5`` makes as many new ones as fit.

Exit status 0 if every invariant held; otherwise the command that repeats the failure is printed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count, islice

from sim.world import Result, World, run_seed

FAILURES_MAX = 10  # after as many the rest of the time is better spent on mending


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sim", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this seed and print what happened")
    parser.add_argument("--seeds", help="run seeds FIRST..LAST, for instance 1..200")
    parser.add_argument("--minutes", type=float, help="run new seeds for so long")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side (default 1)")
    parser.add_argument("--first", type=int, help="the first seed of --minutes (default: the time)")
    parser.add_argument("--digests", help="print the digests of seeds FIRST..LAST, to be compared")
    parser.add_argument("--quiet", action="store_true", help="with --seed: only the verdict")
    options = parser.parse_args()
    if options.seed is not None:
        return _one(options.seed, verbose=not options.quiet)
    if options.digests:
        first, _, last = options.digests.partition("..")
        for seed in range(int(first), int(last or first) + 1):
            print(seed, run_seed(seed).digest, flush=True)
        return 0
    if options.seeds:
        first, _, last = options.seeds.partition("..")
        return _many(iter(range(int(first), int(last or first) + 1)), None, options.jobs)
    first = int(time.time()) if options.first is None else options.first
    minutes = 1.0 if options.minutes is None else options.minutes
    return _many(count(first), minutes * 60, options.jobs)


def _one(seed: int, *, verbose: bool) -> int:
    world = World(seed)
    print(f"seed {seed}: {world.weather.settings}")
    if verbose:
        world.listener = print
    result = world.run()
    injected = ", ".join(f"{number} x {what}" for what, number in result.injected.items())
    print(
        f"seed {seed}: {result.steps} steps, {result.virtual_s:.1f} virtual s, "
        f"{result.acknowledged} batches acknowledged, {result.records_seen} records seen\n"
        f"injected: {injected or 'nothing'}\nmet: {result.met}\ndigest: {result.digest}"
    )
    if result.failure is None:
        print("every invariant held")
        return 0
    print(f"FAILED: {result.failure}")
    return 1


def _results(seeds: Iterator[int], deadline: float | None, jobs: int) -> Iterator[Result]:
    """In the order of the seeds; none is begun after the deadline (seconds of ``time.monotonic``)."""
    if jobs == 1:
        for seed in seeds:
            if deadline is not None and time.monotonic() > deadline:
                return
            yield run_seed(seed)
        return
    with ProcessPoolExecutor(jobs) as pool:
        while deadline is None or time.monotonic() < deadline:
            batch = list(islice(seeds, 4 * jobs))
            if not batch:
                return
            yield from pool.map(run_seed, batch)


def _many(seeds: Iterator[int], seconds: float | None, jobs: int) -> int:
    started = time.monotonic()
    deadline = None if seconds is None else started + seconds
    runs = steps = acknowledged = failures = 0
    virtual_s = 0.0
    injected: Counter[str] = Counter()
    met: Counter[str] = Counter()
    for result in _results(seeds, deadline, jobs):
        runs += 1
        steps += result.steps
        virtual_s += result.virtual_s
        acknowledged += result.acknowledged
        injected.update(result.injected)
        met.update(result.met)
        if result.failure is not None:
            failures += 1
            print(f"FAILED: {result.failure}", *result.recent[-20:], sep="\n")
            print(f"repeat it with: make sim SEED={result.seed}", flush=True)
            if failures >= FAILURES_MAX:
                break
    took_s = time.monotonic() - started
    print(
        f"{runs} seeds, {failures} failed; {steps} steps ({steps / took_s:,.0f}/s), "
        f"{virtual_s:,.0f} virtual s in {took_s:,.0f} s, {acknowledged} batches acknowledged"
    )
    for what, number in (*sorted(injected.items()), *sorted(met.items())):
        print(f"  {number:7} x {what}")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # of `… | head`
        os._exit(1)
