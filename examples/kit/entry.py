"""How an example starts and ends. Its settings come by environment:

DATA    the data directory (each example has a default of its own)
LISTEN  the broker's address (default 127.0.0.1:9092; another port is taken if it is in use)
ONCE=1  end after the story, with exit status 0 only if nothing of it failed; else the last line says what did
FRESH=1 delete what an earlier run left in DATA first
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from examples.kit.cluster import Cluster, choose_listen, require_disk
from examples.kit.console import Console
from examples.kit.processes import Children, RunFault

from anabranch.errors import AnabranchError

DISK_FULL_BYTES = 8_000_000  # less than one flush


@dataclass(frozen=True)
class Outcome:
    """How a story ended: ``failures``, a sentence each, decide the exit status; ``summary`` is told to whoever comes again."""

    summary: str
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Example:
    """An example: what `make TARGET` runs."""

    name: str
    target: str
    data: str
    tell: Callable[[Cluster, Console, Children], Outcome]
    verify_again: Callable[[Cluster], bool]  # whether what was rebuilt still is what it should be
    hints: tuple[str, ...]

    @property
    def marker(self) -> str:
        """The file that says that DATA belongs to this example, and how far it came."""
        return f"{self.name}-run.json"


def main(example: Example) -> int:
    data = Path(os.environ.get("DATA") or example.data)
    console = Console()
    children = Children(data / "logs")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        earlier = find_earlier(example, data, fresh=_flag("FRESH"))
        return _run(example, data, earlier, console, children)
    except KeyboardInterrupt:
        console.say("Stopped.")
        return 130
    except Exception as error:
        sentence = sentence_of(error)
        if _disk_is_full(data):  # whatever failed first, this is why
            sentence = (
                f"The disk that holds {data} is full: make room and start afresh with "
                f"`make {example.target} FRESH=1`, or name another place with "
                f"`make {example.target} DATA=…`."
            )
        print(f"\n{sentence}", file=sys.stderr)
        return 1
    finally:
        children.stop_all()


def _disk_is_full(data: Path) -> bool:
    return data.exists() and shutil.disk_usage(data).free < DISK_FULL_BYTES


def _flag(name: str) -> bool:
    return os.environ.get(name, "").lower() not in ("", "0", "no", "false")


def sentence_of(error: Exception) -> str:
    """One clear sentence for what the world did to the run."""
    if isinstance(error, RunFault | AnabranchError):
        return str(error)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}."
    if isinstance(error, sqlite3.Error):
        return f"The view's database failed: {error}."
    if isinstance(error, msgspec.MsgspecError):
        return f"A stored document is not readable: {error}."
    raise error


def find_earlier(example: Example, data: Path, *, fresh: bool) -> dict[str, Any] | None:
    """What an earlier run left: None for nothing, else its marker. Raises RunFault."""
    marker = data / example.marker
    if not data.exists() or not any(data.iterdir()):
        return None
    make = f"make {example.target}"
    afresh = f"start afresh with `{make} FRESH=1`, or keep it and use `{make} DATA={data}-2`"
    if not marker.exists():
        raise RunFault(
            f"{data} holds something else than this story's data: name another directory with "
            f"`{make} DATA={data}-{example.name}`."
        )
    if fresh:
        shutil.rmtree(data)
        return None
    found = json.loads(marker.read_text())
    if not found.get("finished"):
        raise RunFault(f"The last run in {data} did not finish; {afresh}.")
    return dict(found)


def _run(
    example: Example,
    data: Path,
    earlier: dict[str, Any] | None,
    console: Console,
    children: Children,
) -> int:
    if earlier is None:
        require_disk(data, example.target)
    listen = choose_listen(os.environ.get("LISTEN") or "127.0.0.1:9092", console)
    data.mkdir(parents=True, exist_ok=True)
    marker = data / example.marker
    if earlier is None:
        marker.write_text(json.dumps({"finished": False}))
    cluster = Cluster(data, listen, children, console)
    cluster.start()
    try:
        if earlier is None:
            outcome = example.tell(cluster, console, children)
            failures = outcome.failures
            found = {"finished": True, "summary": outcome.summary, "failures": failures}
            marker.write_text(json.dumps(found))
        else:
            console.say(f"{data} holds a finished run: {earlier['summary']}")
            failures = tuple(earlier.get("failures", ()))  # looking again makes none of them good
            if not example.verify_again(cluster):
                failures += ("what was rebuilt is not what it should be",)
            console.say(f"Start afresh with `make {example.target} FRESH=1`.")
    finally:
        cluster.close()
    failed = f"\nFAILED: {'; '.join(failures)}" if failures else ""
    if not _flag("ONCE"):
        if failed:
            console.say(failed)
        _stay_up(example, cluster, console)
    if failed:
        print(failed, file=sys.stderr)
    return 1 if failed else 0


def _stay_up(example: Example, cluster: Cluster, console: Console) -> None:
    console.say("")
    console.say(
        f"The broker stays up on {cluster.listen} with the data in {cluster.data} until Ctrl-C. "
        "Try, in another terminal:"
    )
    where = "" if str(cluster.data) == "anabranch-data" else f" --data {cluster.data}"
    for words in example.hints:
        console.say(f"  .venv/bin/anabranch {words}{where}")
    try:
        while True:
            cluster.check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        console.say(f"Stopped; `make {example.target}` starts the broker on this data again.")
