"""The core takes clock, randomness, ids and threads as arguments: what it does follows from what it is given.

That is what lets a test or the simulation (``docs/simulation.md``) repeat a run exactly. Each ban below names
what to take instead; the few modules that put real things together are listed with their reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "anabranch"
# The broker too: the simulation runs all of it but its sockets.
CORE = ("wire", "records", "log", "groups", "metastore", "broker")

CLOCK = "take now_ms: Callable[[], int] (or a now_ms value) as an argument; delays come from the loop's clock"
IDS = "take new_id / unique / new_topic_id as an argument"
CHANCE = "take what chance decides as an argument (a random.Random, or a callable)"
THREADS = (
    "take LogThreads or an Executor as an argument; work for a thread goes through run_in_executor"
)
SETTINGS = "take a field of the settings as an argument; the command line reads the environment"

# What is banned (a module, or a name in it) -> what to do instead.
BANS = {
    "time": CLOCK,
    "datetime.datetime.now": CLOCK,
    "datetime.datetime.utcnow": CLOCK,
    "datetime.date.today": CLOCK,
    "os.urandom": CHANCE,
    "os.getrandom": CHANCE,
    "random": CHANCE,
    "secrets": IDS,
    "uuid.uuid1": IDS,
    "uuid.uuid4": IDS,
    "threading.Thread": THREADS,
    "threading.Timer": THREADS,
    "multiprocessing": THREADS,
    "subprocess": THREADS,
    "concurrent.futures.ThreadPoolExecutor": THREADS,
    "concurrent.futures.ProcessPoolExecutor": THREADS,
    "os.environ": SETTINGS,
    "os.getenv": SETTINGS,
    "socket": "sockets live in broker/listener.py, link and console",
}

# Composition roots and shells, which bring the real things: path -> what it may use.
ALLOWED = {
    "log/opening.py": {
        *("time", "secrets", "random", "uuid.uuid4"),
    },  # puts a cluster together
    "log/rebuild/opening.py": {
        *("time", "uuid.uuid4", "concurrent.futures.ThreadPoolExecutor"),
    },  # puts a rebuild together
    "log/threads.py": {
        "threading.Thread",
        "concurrent.futures.ThreadPoolExecutor",
    },  # the real threads
    "log/reader.py": {
        "concurrent.futures.ThreadPoolExecutor"
    },  # the bucket reader: a library of its own
    "metastore/connections.py": {"time"},  # SQLite answers busy at once when two create one file
    "metastore/writer.py": {"time", "threading.Thread"},  # the real writer's thread
    "metastore/sqlite.py": {"concurrent.futures.ThreadPoolExecutor"},  # long reads, off the loop
    "metastore/postgres/connect.py": {"time"},  # how long a server is waited for
    "metastore/postgres/lane.py": {"time", "threading.Thread"},  # one connection's thread
    "metastore/postgres/link.py": {"time"},
    # Listens beside the lanes; a socket only to be woken by close().
    "metastore/postgres/notices.py": {"time", "threading.Thread", "socket"},
    "broker/surroundings.py": {
        *("time", "secrets", "uuid.uuid4", "socket", "concurrent.futures.ThreadPoolExecutor"),
    },  # the real ones
    "broker/door.py": {"socket"},  # holds one
    "broker/tls_connection.py": {"socket"},  # is given one
    "broker/security/secret.py": {"os.environ"},  # where the settings say so
    # Shells beside the broker: they tell of what it did, and it never asks them anything.
    "broker/audit/inbox.py": {"socket", "secrets"},
    "broker/audit/log.py": {"socket", "concurrent.futures.ThreadPoolExecutor"},
    "broker/listener.py": {"socket"},  # binds, where it is asked to
    "broker/connection.py": {"socket"},  # sets an option of one, where there is one
    "metastore/feed.py": {"secrets"},  # tells this process's own lines of the feed from others'
}


def _imported(tree: ast.Module) -> dict[str, str]:
    """Local names and the dotted names that they stand for."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def hidden_inputs(source: str) -> Iterator[tuple[int, str]]:
    """Line and banned name of each use of a hidden input."""
    tree = ast.parse(source)
    names = _imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            parts = []
            inner: ast.expr = node
            while isinstance(inner, ast.Attribute):
                parts.append(inner.attr)
                inner = inner.value
            if not isinstance(inner, ast.Name) or inner.id not in names:
                continue
            used = ".".join([names[inner.id], *reversed(parts)])
            for ban in BANS:
                if used == ban or used.startswith(f"{ban}."):
                    yield node.lineno, ban


@pytest.mark.parametrize("room", CORE)
def test_the_core_has_no_hidden_inputs(room: str) -> None:
    found = []
    for path in sorted((SOURCE / room).rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        allowed = ALLOWED.get(name, set())
        for line, ban in hidden_inputs(path.read_text(encoding="utf-8")):
            if ban not in allowed:
                found.append(f"src/anabranch/{name}:{line} uses {ban}: {BANS[ban]}")
    assert not found, "\n".join(sorted(set(found)))


def test_what_is_allowed_is_used() -> None:
    for name, allowed in ALLOWED.items():
        used = {ban for _, ban in hidden_inputs((SOURCE / name).read_text(encoding="utf-8"))}
        assert allowed <= used, (
            f"{name} does not use {sorted(allowed - used)} any more: tighten the list"
        )


@pytest.mark.parametrize(
    ("source", "ban"),
    [
        ("import time\nx = time.time()", "time"),
        ("from time import monotonic\nx = monotonic()", "time"),
        ("import time as clock\nx = clock.sleep", "time"),
        ("from datetime import datetime\nx = datetime.now()", "datetime.datetime.now"),
        ("import datetime\nx = datetime.datetime.now()", "datetime.datetime.now"),
        ("import os\nx = os.urandom(8)", "os.urandom"),
        ("from os import environ\nx = environ['A']", "os.environ"),
        ("import uuid\nx = uuid.uuid4()", "uuid.uuid4"),
        ("from random import Random\nx = Random(1)", "random"),
        ("import secrets\nx = secrets.token_hex()", "secrets"),
        ("import threading\nx = threading.Thread()", "threading.Thread"),
        (
            "from concurrent.futures import ThreadPoolExecutor as Pool\nx = Pool()",
            "concurrent.futures.ThreadPoolExecutor",
        ),
    ],
)
def test_every_spelling_is_seen(source: str, ban: str) -> None:
    assert {found for _, found in hidden_inputs(source)} == {ban}


@pytest.mark.parametrize(
    "source",
    [
        "import threading\nlock = threading.Lock()",
        "import os\nx = os.path.join('a', 'b')",
        "def f(time):\n    return time.time()",
        "from uuid import UUID\nx = UUID(bytes=bytes(16))",
    ],
)
def test_what_is_given_or_harmless_is_not(source: str) -> None:
    assert not list(hidden_inputs(source))
