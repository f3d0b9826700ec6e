"""`make run`: settings by environment.

DATA    the data directory (default anabranch-data)
LISTEN  the broker's address (default 127.0.0.1:9092; another port is taken if it is in use)
ONCE=1  end after the report, with exit status 0 only if verification found no difference
FRESH=1 delete what an earlier run left in DATA first
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

from examples.flights.console import Console
from examples.flights.processes import Children, RunFault

DISK_FULL_BYTES = 8_000_000  # less than one flush
MARKER = "flights-run.json"  # says that DATA belongs to this story, and how far it came


def main() -> int:
    data = Path(os.environ.get("DATA") or "anabranch-data")
    listen = os.environ.get("LISTEN") or "127.0.0.1:9092"
    once = _flag("ONCE")
    console = Console()
    children = Children(data / "logs")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        earlier = _earlier(data, _flag("FRESH"))
        return _run(data, listen, once, earlier, console, children)
    except KeyboardInterrupt:
        console.say("Stopped.")
        return 130
    except Exception as error:
        from examples.flights.story import sentence_of

        sentence = sentence_of(error)
        if _disk_is_full(data):  # whatever failed first, this is why
            sentence = (
                f"The disk that holds {data} is full: make room and start afresh with "
                "`make run FRESH=1`, or name another place with `make run DATA=…`."
            )
        print(f"\n{sentence}", file=sys.stderr)
        return 1
    finally:
        children.stop_all()


def _disk_is_full(data: Path) -> bool:
    return data.exists() and shutil.disk_usage(data).free < DISK_FULL_BYTES


def _flag(name: str) -> bool:
    return os.environ.get(name, "").lower() not in ("", "0", "no", "false")


def _earlier(data: Path, fresh: bool) -> dict[str, Any] | None:
    """What an earlier run left: None for nothing, else its marker. Raises RunFault."""
    marker = data / MARKER
    if not data.exists() or not any(data.iterdir()):
        return None
    afresh = f"start afresh with `make run FRESH=1`, or keep it and use `make run DATA={data}-2`"
    if not marker.exists():
        raise RunFault(
            f"{data} holds something else than this story's data: name another directory with "
            f"`make run DATA={data}-flights`."
        )
    if fresh:
        shutil.rmtree(data)
        return None
    found = json.loads(marker.read_text())
    if not found.get("finished"):
        raise RunFault(f"The last run in {data} did not finish; {afresh}.")
    return dict(found)


def _run(
    data: Path,
    listen: str,
    once: bool,
    earlier: dict[str, Any] | None,
    console: Console,
    children: Children,
) -> int:
    # Imported late: what is missing or broken should end in a sentence, and quickly.
    from examples.flights.cluster import Cluster, choose_listen, require_disk
    from examples.flights.story import Story, verify_again

    if earlier is None:
        require_disk(data)
    listen = choose_listen(listen, console)
    data.mkdir(parents=True, exist_ok=True)
    marker = data / MARKER
    if earlier is None:
        marker.write_text(json.dumps({"finished": False}))
    cluster = Cluster(data, listen, children, console)
    cluster.start()
    try:
        if earlier is None:
            made, page = Story(cluster, console, children).tell()
            # Latency on a busy machine may fail its answer in the report, not the run: what decides
            # is whether the stream was rebuilt exactly.
            passed = all(answer.passed for answer in made.answers[:3]) and all(
                comparison.as_expected for comparison in made.comparisons
            )
            marker.write_text(json.dumps({"finished": True, "report": str(page)}))
        else:
            console.say(f"{data} holds a finished run; its report: {earlier['report']}")
            passed = verify_again(cluster)
            console.say("Start afresh with `make run FRESH=1`.")
    finally:
        cluster.close()
    if once:
        return 0 if passed else 1
    console.say("")
    console.say(
        f"The broker stays up on {listen} with the data in {data} until Ctrl-C. Try, in another "
        "terminal:"
    )
    where = "" if str(data) == "anabranch-data" else f" --data {data}"
    for words in (
        "topic list",
        "group describe flights-view",
        "explain flights-view --at '1m ago'",
    ):
        console.say(f"  .venv/bin/anabranch {words}{where}")
    try:
        while True:
            cluster.check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        console.say("Stopped; `make run` starts the broker on this data again.")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
