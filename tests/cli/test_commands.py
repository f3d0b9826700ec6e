"""Every command, on a real data directory: what it prints for people and programs, and bad input."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from anabranch.cli import _options
from anabranch.cli.main import COMMANDS, cli
from anabranch.errors import UserFault
from anabranch.log.opening import open_log
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Actor, Committed, Endpoint, OffsetAction
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.recovery.model import topic_id_text
from anabranch.recovery.replays import replay
from anabranch.recovery.sinks.source import Source
from anabranch.recovery.sinks.sqlite import SqliteSink

T0 = 1_700_000_000_000
TABLES = {"seen": "at INTEGER PRIMARY KEY, n INTEGER"}
PROCESSOR = """
import asyncio, json, os, sys, time
from pathlib import Path
from anabranch.log.opening import open_log
from anabranch.metastore.api import Actor, Committed, OffsetAction
from anabranch.recovery.sinks.source import sources_from_environment
from anabranch.recovery.sinks.sqlite import SqliteSink
branch = json.loads(os.environ["ANABRANCH_TOPICS"])["flights"]
start = json.loads(os.environ["ANABRANCH_START_OFFSETS"])[branch]["0"]
end = json.loads(os.environ["ANABRANCH_END_OFFSETS"])[branch]["0"]
if "fail" in sys.argv:
    sys.exit("no enrichment table")
sink = SqliteSink.open(os.environ["ANABRANCH_SINK"], {"seen": "at INTEGER PRIMARY KEY, n INTEGER"},
                       sources_from_environment(os.environ), line=os.environ["ANABRANCH_STAGING"])
with sink.transaction() as tx:
    for offset in range(start, end):
        if tx.fresh(branch, 0, offset):
            tx.execute(f"INSERT INTO {tx.table('seen')} VALUES (?, 1)", (offset,))
async def commit():
    log = await open_log(Path(sys.argv[1]), broker_id=None)
    topic = log.catalogue.topic(branch)
    actor = Actor("User:x", "x", "h", api="OffsetCommit")
    now = time.time_ns() // 1_000_000
    await log.metastore.commit_offsets(os.environ["ANABRANCH_GROUP"],
        [Committed(topic.no, 0, end, -1, "", now)], OffsetAction.COMMIT, actor, now)
    await log.close()
asyncio.run(commit())
"""


class Shell:
    """``anabranch …`` on one data directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "data"
        self.sink = root / "view.db"

    def __call__(self, *words: str, data: Path | None = None) -> Result:
        return CliRunner(env={"ANABRANCH_DATA": str(data or self.data)}).invoke(cli, list(words))

    def text(self, *words: str, status: int = 0) -> str:
        result = self(*words)
        assert result.exit_code == status, result.output
        return result.output

    def json(self, *words: str, status: int = 0) -> Any:
        return json.loads(self.text(*words, "--output", "json", status=status))


def populate(shell: Shell) -> None:
    """``flights`` with 100 records; group ``view`` was at 40, then at 90; its sink is at 90."""

    async def main() -> None:
        log = await open_log(
            shell.data, broker_id=1, host="127.0.0.1", port=9092, create=True,
            settings=LogSettings(background=False, wal_file_bytes=1 << 20),
        )  # fmt: skip
        topic = await log.create_topic("flights", 1, {"retention.ms": "-1"})
        for start in range(0, 100, 20):
            records = [Record(n, T0 + start + n, b"k", b"v", ()) for n in range(20)]
            await log.append(topic, 0, memoryview(bytearray(build_batch(records))))
        member = Actor("User:ANONYMOUS", "app", "/10.0.0.7", "app-1", "", 3, "OffsetCommit")
        for at_ms, offset in ((T0 + 100, 40), (T0 + 200, 90)):
            rows = [Committed(topic.no, 0, offset, 0, "", at_ms)]
            await log.metastore.commit_offsets("view", rows, OffsetAction.COMMIT, member, at_ms)
        cluster = topic_id_text(log.metastore.cluster_id)
        source = Source(cluster, topic_id_text(topic.id), "flights")
        sink = SqliteSink.open(shell.sink, TABLES, {"flights": source})
        with sink.transaction() as tx:
            for offset in range(90):
                tx.fresh("flights", 0, offset)
                tx.execute(f"INSERT INTO {tx.table('seen')} VALUES (?, 1)", (offset,))
        sink.close()
        await log.close()

    asyncio.run(main())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """For commands that only read."""
    shell = Shell(tmp_path_factory.mktemp("shared"))
    populate(shell)
    return shell


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path)
    populate(shell)
    yield shell


def words_of(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from words_of(child, (*path, name))


def test_every_command_has_help_with_an_example(shared: Shell) -> None:
    for name in COMMANDS:
        command = cli.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        for path in words_of(command, (name,)):
            text = shared.text(*path, "--help")
            assert name == "up" or "Example: anabranch" in text, path


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, anabranch.cli.main as m\n"
        "for name in m.COMMANDS: m.cli.get_command(None, name)\n"
        "heavy = {'pyarrow', 'obstore', 'rich', 'sqlite3', 'cramjam', 'zstandard', 'msgspec'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_topics(shell: Shell) -> None:
    assert "Created topic t with 3 partitions" in shell.text(
        "topic", "create", "t", "-p", "3", "--config", "cleanup.policy=compact"
    )
    listed = {topic["name"]: topic for topic in shell.json("topic", "list")}
    assert (listed["flights"]["records"], listed["t"]["records"]) == (100, 0)
    assert listed["t"]["configs"] == {"cleanup.policy": "compact"}
    assert "flights" in shell.text("topic", "list") and "TOPIC" in shell.text("topic", "list")
    described = shell.json("topic", "describe", "flights")
    assert [(p["log_start"], p["log_end"]) for p in described["layout"]] == [(0, 100)]
    assert "retention.ms = -1" in shell.text("topic", "describe", "flights")

    shell.text("topic", "config", "t", "--set", "retention.ms=1000", "--delete", "cleanup.policy")
    configs = {c["name"]: c for c in shell.json("topic", "config", "t")}
    assert (configs["retention.ms"]["value"], configs["retention.ms"]["source"]) == (
        "1000",
        "topic",
    )
    assert configs["cleanup.policy"]["source"] == "default"
    shell.text("topic", "config", "t", "--delete", "retention.ms")
    assert "at its default" in shell.text("topic", "config", "t")
    assert "segment.bytes" in shell.text("topic", "config", "t", "--all")
    said = shell.text("topic", "delete", "t", "--yes", "--no-grace")
    assert "Deleted topic t" in said and "undelete" not in said
    assert [topic["name"] for topic in shell.json("topic", "list")] == ["flights"]


def test_deleting_asks_first(shell: Shell) -> None:
    env = {"ANABRANCH_DATA": str(shell.data)}
    answered = CliRunner(env=env).invoke(cli, ["topic", "delete", "flights"], input="n\n")
    assert answered.exit_code != 0 and "everything in it?" in answered.output
    assert len(shell.json("topic", "list")) == 1


def test_undelete(shell: Shell) -> None:
    (before,) = shell.json("topic", "list")
    assert "No deleted topic" in shell.text("topic", "list", "--deleted")
    assert "topic list --deleted" in shell.text("topic", "undelete", "flights", status=1)
    said = shell.text("topic", "delete", "flights", "--yes")
    assert f"anabranch topic undelete {before['id']}" in said
    assert shell.json("topic", "list") == []
    (gone,) = shell.json("topic", "list", "--deleted")
    assert (gone["id"], gone["records"]) == (before["id"], before["records"])
    assert "flights" in shell.text("topic", "list", "--deleted")
    shell.text("topic", "create", "flights")
    assert "--as NAME" in shell.text("topic", "undelete", "flights", status=1)
    back = shell.json("topic", "undelete", before["id"], "--as", "restored")
    assert back == {**before, "name": "restored"}
    shell.text("topic", "delete", "flights", "--yes", "--no-grace")
    assert shell.json("topic", "list", "--deleted") == []
    shell.text("topic", "config", "restored", "--set", "retention.ms=1")
    shell.text("topic", "delete", "restored", "--yes")
    assert "retention.ms=-1" in shell.text("topic", "undelete", "restored", "--as", "flights")
    assert "grace is over" in shell.text("topic", "undelete", "nothing", status=1)


def test_groups(shared: Shell) -> None:
    (group,) = shared.json("group", "list")
    assert (group["group"], group["state"], group["lag"]) == ("view", "Empty", 10)
    described = shared.json("group", "describe", "view", "--history", "5")
    assert described["offsets"][0]["offset"] == 90
    assert 0 <= described["offsets"][0]["lag_ms"] < 3_600_000  # appended by this test
    assert [(c["old"], c["new"]) for c in described["history"]] == [(40, 90), (None, 40)]
    text = shared.text("group", "describe", "view", "--history", "1")
    assert "Newest changes first" in text and "app-1" in text


def test_branches(shell: Shell) -> None:
    for name, at, ends in (
        ("b1", "end", [100]),
        ("b2", "offsets:0=55", [55]),
        ("b3", f"event-time:{T0 + 30}", [30]),
        ("b4", "append-time:1h ago", [0]),
    ):
        assert shell.json("branch", "create", "flights", name, "--at", at)["ends"] == ends
    shell.text("point", "create", "p", "--offset", "flights:0=70")
    assert "70 offsets of flights, no bytes copied" in shell.text(
        "branch", "create", "flights", "b5", "--at", "point:p"
    )
    listed = {branch["name"]: branch for branch in shell.json("branch", "list")}
    assert listed["b2"]["source"] == "flights" and listed["b5"]["ends"] == [70]
    assert "b3" in shell.text("branch", "list")
    shell.text("branch", "delete", "b1", "--yes")
    assert "b1" not in {branch["name"] for branch in shell.json("branch", "list")}
    assert "is a topic, not a branch" in shell.text(
        "branch", "delete", "flights", "--yes", status=1
    )


def test_a_branch_is_promoted_and_brought_back(shell: Shell) -> None:
    shell.text("branch", "create", "flights", "fixed", "--at", "offsets:0=60")
    words = ("promote", "--branch", "fixed", "--topic", "flights")
    sink = f"sqlite:{shell.sink}"
    shown = shell.text(*words, "--dry-run", "--sink", sink, status=1)
    assert "40 records would be in flights.before-fixed only" in shown
    assert "REFUSED: 1 groups stand behind" in shown and "take the new line's records" in shown
    seen = shell.json(*words, "--dry-run", "--offsets", "rewind-to-divergence")
    (view,) = seen["beyond"]
    assert (view["group"], view["offset"], view["target"], view["told"]) == ("view", 90, 60, True)
    assert shell.json("branch", "list")[0]["name"] == "fixed"
    assert "say what becomes of them" in shell.text(*words, status=1)
    done = shell.json(*words, "--offsets", "rewind-to-divergence")
    (line,) = shell.json("branch", "list")
    assert (line["name"], line["source"]) == (f"flights.before-{done['id']}", "flights")
    assert done["id"] in shell.text("promote", "--list")
    undo = ("promote", "--undo", "--topic", "flights")
    assert "flights.before-fixed" not in shell.text(*undo, "--dry-run")
    assert "the branch is fixed again" in shell.text(*undo)
    assert shell.json("branch", "list")[0]["name"] == "fixed"
    assert "no promotion" in shell.text("promote", "--undo", done["id"] + "x", status=1)


def test_points(shell: Shell) -> None:
    assert "No recovery points yet" in shell.text("point", "list")
    made = shell.json(
        "point", "create", "good", "--group", "view", "--sink", f"sqlite:{shell.sink}",
        "--checkpoint-dir", str(shell.root / "checkpoints"), "--version", "v1",
    )  # fmt: skip
    assert made["positions"][0]["offset"] == 90 == made["sinks"][0]["positions"][0]["offset"]
    assert Path(made["checkpoint"]["location"]).exists()
    then = shell.json("point", "create", "then", "--group", "view", "--at", str(T0 + 150))
    assert then["positions"][0]["offset"] == 40 and then["source"] == "group-at"
    assert [point["name"] for point in shell.json("point", "list")] == ["good", "then"]
    assert "good" in shell.text("point", "list")
    assert "sha256" in shell.text("point", "show", "good")
    Path(made["checkpoint"]["location"]).write_bytes(b"changed")
    assert "PROBLEM: the checkpoint" in shell.text("point", "show", "good", status=1)


def test_explain(shared: Shell) -> None:
    now = shared.json("explain", "view")
    assert now["verdict"]["kind"] == "safe" and now["partitions"][0]["lag"]["records"] == 10
    then = shared.text("explain", "view", "--at", str(T0 + 150))
    assert "restart there → will duplicate 50" in then and "app@/10.0.0.7" in then
    sink = shared.text("explain", "view", "--at", str(T0 + 150), "--sink", f"sqlite:{shared.sink}")
    assert "restart there → no loss, no duplicates, 50 suppressed" in sink
    assert "what was computed wrongly stays wrong" in sink and "stays wrong" not in then


def test_log_dump(shared: Shell) -> None:
    lines = shared.text("log", "dump", "flights", "--batches", "--output", "json").splitlines()
    items = [json.loads(line) for line in lines]
    assert [item["type"] for item in items[:3]] == ["partition", "extent", "batch"]
    extents = [item for item in items if item["type"] == "extent"]
    assert extents[0]["base_offset"] == 0 and extents[-1]["last_offset"] == 99
    assert sum(item["records"] for item in items if item["type"] == "batch") == 100
    limited = shared.text("log", "dump", "flights", "--offset", "50", "--limit", "1")
    assert "last_offset" in limited and limited.count("extent") == 1
    assert "frame" in shared.text("log", "dump", str(shared.data / "wal"))


def test_from_plan_to_report(shell: Shell) -> None:
    sink = f"sqlite:{shell.sink}"
    plan_file, found = shell.root / "plan.json", shell.root / "verified.json"
    assert "No plans yet" in shell.text("plan", "--list")
    assert "No replays yet" in shell.text("replay", "--list")
    assert "No reports yet" in shell.text("report", "--list")
    shell.text(
        "point", "create", "good", "--group", "view", "--at", str(T0 + 150), "--sink", sink,
        "--checkpoint-dir", str(shell.root / "checkpoints"),
    )  # fmt: skip
    text = shell.text(
        "plan", "view", "--point", "good", "--sink", sink, "--sink", "external:mails",
        "--rate", "1MiB/s", "--out", str(plan_file), "--reason", "bad join",
    )  # fmt: skip
    for part in ("Incident: bad join", "1. How far back", "2. Exact offsets", "3. Who sees"):
        assert part in text
    plan = json.loads(plan_file.read_text())
    assert plan["partitions"][0]["restart"] == 40 and plan["volume"]["records"] == 60
    assert shell.json("plan", "--show", plan["id"]) == plan
    assert plan["id"] in shell.text("plan", "--list")

    # It reads and commits without a broker.
    command = ("--bootstrap", "127.0.0.1:1", "--", sys.executable, "-c", PROCESSOR, str(shell.data))
    failed = shell.text("replay", plan["id"], "--sink", sink, *command, "fail", status=1)
    assert "failed" in failed and "no enrichment table" in failed
    done = shell.text("replay", str(plan_file), "--sink", sink, *command)
    assert "completed" in done and "0 left" in done
    sessions = shell.json("replay", "--list")
    assert [s["status"] for s in sessions] == ["failed", "completed"]
    session = sessions[1]["id"]
    assert "completed" in shell.text("replay", "--show", session)
    assert "nothing to resume" in shell.text("replay", "--resume", session, status=1)
    assert "is cancelled" in shell.text("replay", "--cancel", sessions[0]["id"])
    assert "Deleted the branches" in shell.text("replay", "--discard", sessions[0]["id"])

    different = shell.text(
        "verify", f"sqlite:{shell.sink}#seen@{session}", f"sqlite:{shell.sink}#seen", "--key", "at",
        status=1,
    )  # fmt: skip
    assert different.startswith("DIFFERENT") and "10 only left" in different
    truth = shell.root / "truth.csv"
    truth.write_text("at,n\n" + "".join(f"{n},1\n" for n in range(100)))
    equal = ("verify", f"sqlite:{shell.sink}#seen@{session}", str(truth), "--key", "at")
    assert shell.text(*equal, "--out", str(found)).startswith("EQUAL")

    assert "Nothing was verified" in shell.text("report", session, status=1)
    reported = shell.json("report", session, "--verification", str(found))
    assert reported["passed"] and reported["previous_id"] is not None
    assert len(list((shell.data / "reports").glob("*.html"))) == 2
    assert "BROKEN" not in shell.text("report", "--list")

    assert "tables swapped: seen" in shell.text("promote", session)
    assert shell.json("group", "describe", "view")["offsets"][0]["offset"] == 100
    assert "Undid" in shell.text("promote", session, "--undo")
    assert shell.json("group", "describe", "view")["offsets"][0]["offset"] == 90


BAD: list[tuple[tuple[str, ...], str]] = [
    (("topic", "create", "bad name"), "bad name"),
    (("topic", "create", "flights"), "exists"),
    (("topic", "create", "t", "-p", "0"), "partition"),
    (("topic", "create", "t", "--config", "nope=1"), "nope"),
    (("topic", "create", "t", "--config", "retention.ms"), "is not NAME=VALUE"),
    (("topic", "describe", "nowhere"), "anabranch topic list"),
    (("topic", "config", "flights", "--set", "retention.ms=soon"), "retention.ms"),
    (("topic", "config", "flights", "--delete", "nope"), "no topic config"),
    (("group", "describe", "nobody"), "anabranch group list"),
    (("transaction", "describe", "nobody"), "no transactional id"),
    (("transaction", "abort", "nobody"), "no transactional id"),
    (("branch", "create", "nowhere", "b"), "no topic"),
    (("branch", "create", "flights", "b", "--at", "yesterday"), "does not say where"),
    (("branch", "create", "flights", "b", "--at", "offsets:0=101"), "101"),
    (("branch", "create", "flights", "b", "--at", "offsets:x"), "TOPIC:PARTITION=OFFSET"),
    (("branch", "create", "flights", "b", "--at", "event-time:x"), "is not a time"),
    (("branch", "create", "flights", "b", "--at", "point:none"), "anabranch point list"),
    (("point", "create", "p"), "needs a --group"),
    (("point", "create", "p", "--at", "now"), "name it with --group"),
    (("point", "create", "p", "--group", "nobody"), "no committed offsets"),
    (("point", "create", "p", "--offset", "flights:0=999"), "outside"),
    (("point", "create", "p", "--group", "view", "--sink", "mysql:x"), "does not name a sink"),
    (("point", "create", "p", "--group", "view", "--sink", "sqlite:/nowhere.db"), "no sink at"),
    (("point", "create", "p", "--group", "view", "--checkpoint-dir", "x"), "add --sink"),
    (("point", "show", "none"), "anabranch point list"),
    (("explain", "nobody"), "never committed"),
    (("explain", "view", "--at", "soonish"), "is not a time"),
    (("explain", "view", "--at", "2001-01-01"), "its history begins"),
    (("plan",), "name the GROUP"),
    (("plan", "view"), "--since"),
    (("plan", "view", "--since", "now", "--from-start"), "one of"),
    (("plan", "nobody", "--from-start"), "name the --topic"),
    (("plan", "view", "--point", "none"), "no recovery point"),
    (("plan", "view", "--from-start", "--rate", "fast"), "is not a size"),
    (("plan", "--show", "none"), "neither a plan's id nor a file"),
    (("replay",), "name a plan"),
    (("replay", "none", "--", "true"), "neither a plan's id nor a file"),
    (("replay", "none", "--", "--true"), "neither a plan's id nor a file"),
    (("replay", "none", "true", "--sinks"), "neither a plan's id nor a file"),
    (("replay", "none", "--sink", "view.db", "--", "true"), "that hold lines: sqlite:PATH"),
    (("replay", "--resume", "none"), "no replay"),
    (("promote", "none"), "no replay"),
    (("promote",), "give a replay's SESSION"),
    (("promote", "--branch", "none", "--topic", "flights"), "no topic “none”"),
    (("promote", "--branch", "flights", "--topic", "flights"), "no branch"),
    (("promote", "--undo", "--topic", "flights"), "no promotion"),
    (("promote", "r-1", "--sink", "append-only:x"), "for promoting a branch"),
    (("report",), "name the replay"),
    (("report", "none"), "no replay"),
    (("log", "dump", "nowhere"), "no topic"),
    (("log", "dump", "flights", "-p", "9"), "9"),
    (("log", "dump", "/nowhere/x.wal"), "does not exist"),
]


@pytest.mark.parametrize(("words", "sentence"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_bad_input_ends_in_a_sentence(shared: Shell, words: tuple[str, ...], sentence: str) -> None:
    result = shared(*words)
    assert result.exit_code == 1, result.output
    assert result.output.startswith("Error: ") and sentence in result.output
    assert "Traceback" not in result.output and len(result.output) < 500


@pytest.mark.parametrize(
    "words",
    [
        ("plan-1", "--bogus"),
        ("plan-1", "--bogus=3", "--", "true"),
        ("--bogus", "plan-1", "--", "true"),
        ("--resume", "r-1", "--bogus"),
        ("--list", "--bogus"),
    ],
)
def test_an_option_that_replay_does_not_have_is_named(
    shared: Shell, words: tuple[str, ...]
) -> None:
    result = shared("replay", *words)
    assert result.exit_code == 2 and "No such option '--bogus'" in result.output
    assert "--sink" in shared("replay", "plan-1", "--sinks", "x", "--", "true").output


def test_verify_says_why_equal_tables_have_other_checksums(shared: Shell) -> None:
    files = [shared.root / f"{name}.csv" for name in ("exact", "close")]
    for file, value in zip(files, ("1.0", "1.0000000001"), strict=True):
        file.write_text(f"k,v\na,{value}\n")
    words = ("verify", *map(str, files), "--key", "k")
    said = shared.text(*words, "--tolerance", "1e-6")
    assert "EQUAL" in said and "equal as compared" in said
    assert "as compared" not in shared.text(*words, status=1)


def test_verify_that_cannot_compare_is_neither_equal_nor_different(shared: Shell) -> None:
    for words in (
        ("nothing.csv", "nothing.csv", "--key", "a"),
        (f"sqlite:{shared.sink}#seen", f"sqlite:{shared.sink}#nope", "--key", "at"),
        (f"sqlite:{shared.sink}#seen", f"sqlite:{shared.sink}#seen", "--key", "nope"),
        (f"sqlite:{shared.sink}#seen", f"sqlite:{shared.sink}#seen", "--key", ","),
    ):
        result = shared("verify", *words)
        assert result.exit_code == 2 and result.output.startswith("Error: ")


def test_a_directory_without_a_cluster_says_what_to_do(tmp_path: Path) -> None:
    shell: Callable[..., Result] = Shell(tmp_path)
    result = shell("topic", "list")
    assert result.exit_code == 1 and "anabranch up --data" in result.output


def test_groups_are_configured(shell: Shell) -> None:
    assert shell.json("group", "config") == []
    said = shell.text("group", "config", "view", "--set", "catchup.bytes.per.second=5000")
    assert "catchup.bytes.per.second" in said and "5000" in said
    (one,) = shell.json("group", "config")
    assert one == {"group": "view", "name": "catchup.bytes.per.second", "value": "5000"}
    assert shell.json("group", "describe", "view")["configs"] == {
        "catchup.bytes.per.second": "5000"
    }
    assert "5000" in shell.text("group", "describe", "view")
    assert "Unknown group config" in shell.text("group", "config", "g", "--set", "x=1", status=1)
    assert "there is no group config" in shell.text(
        "group", "config", "g", "--delete", "x", status=1
    )
    assert "say which group" in shell.text(
        "group", "config", "--set", "catchup.bytes.per.second=1", status=1
    )
    shell.text("group", "config", "view", "--delete", "catchup.bytes.per.second")
    assert shell.json("group", "config", "view") == []


def test_brokers_are_listed_and_removed(shell: Shell) -> None:
    (one,) = shell.json("broker", "list")  # it registered and never served
    assert (one["id"], one["state"], one["lane"], one["partitions"]) == (1, "starting", "live", 0)

    async def more() -> None:
        log = await open_log(shell.data, broker_id=None)
        now_ms = _options.now_ms()
        for number, lane, beat_ms in ((2, "live", now_ms), (3, "live", 5), (4, "recovery", now_ms)):
            row = await log.metastore.register_broker(
                number, f"h{number}", 9092, 1, lane=lane, rack="z"
            )
            await log.metastore.beat_broker(number, row.epoch, beat_ms)
        await log.close()

    asyncio.run(more())
    rows = {row["id"]: row for row in shell.json("broker", "list")}
    assert [rows[n]["state"] for n in (2, 3, 4)] == ["living", "dead", "living"]
    assert [rows[n]["partitions"] for n in (2, 3, 4)] == [1, 0, 1]  # each lane leads everything
    text = shell.text("broker", "list")
    assert "h4:9092" in text and "recovery" in text
    assert "Removed broker 3" in shell.text("broker", "remove", "3")
    assert "there is no broker 3" in shell.text("broker", "remove", "3", status=1)
    assert 3 not in {row["id"] for row in shell.json("broker", "list")}


def test_a_replay_names_the_listener_that_its_command_is_to_use(shell: Shell) -> None:
    endpoints = [Endpoint("OUT", "SASL_SSL", "log.example", 443), Endpoint("IN", "SSL", "::", 9090)]

    async def main() -> None:
        log = await open_log(shell.data, broker_id=None)
        meta, now_ms = log.metastore, 1_000_000
        row = await meta.register_broker(2, "::", 9090, now_ms, endpoints=endpoints)
        await meta.beat_broker(2, row.epoch, now_ms)
        try:
            first = await replay.default_bootstrap(meta, now_ms)
            assert first == ("log.example:443", "SASL_SSL")
            named = await replay.default_bootstrap(meta, now_ms, "IN")
            assert named == ("[::1]:9090", "SSL")
            with pytest.raises(UserFault, match="no broker has a listener X"):
                await replay.default_bootstrap(meta, now_ms, "X")
        finally:
            await log.close()

    asyncio.run(main())


def test_a_replay_uses_the_recovery_lane_if_there_is_one(shell: Shell) -> None:
    async def main() -> list[str]:
        log = await open_log(shell.data, broker_id=None)
        meta, now_ms = log.metastore, 1_000_000
        said = [(await replay.default_bootstrap(meta, now_ms))[0]]
        for number, lane in ((2, "live"), (3, "live"), (4, "recovery")):
            row = await meta.register_broker(number, f"h{number}", 9092, now_ms, lane=lane)
            await meta.beat_broker(number, row.epoch, now_ms)
            said.append((await replay.default_bootstrap(meta, now_ms))[0])
        said.append((await replay.default_bootstrap(meta, now_ms + 60_000))[0])
        await log.close()
        return said

    assert asyncio.run(main()) == [
        "127.0.0.1:9092",  # none lives: the one that started last
        "h2:9092",
        "h2:9092,h3:9092",
        "h4:9092",
        "127.0.0.1:9092",
    ]


def test_explain_between_and_undo(shell: Shell) -> None:
    said = shell.text("explain", "view", "--between", str(T0 + 150), str(T0 + 10**6))
    assert "+50" in said and "consumers went forward" in said

    async def reset() -> None:
        log = await open_log(shell.data, broker_id=None)
        topic = log.catalogue.topic("flights")
        assert topic is not None
        actor = Actor("User:ana", "kafka-admin", "10.0.0.9", api="OffsetCommit")
        await log.metastore.commit_offsets(
            "view", [Committed(topic.no, 0, 5, -1, "", T0 + 500)], OffsetAction.RESET, actor, T0 + 500
        )  # fmt: skip
        await log.close()

    asyncio.run(reset())
    changed = shell.json("explain", "view", "--between", str(T0 + 450), "now")
    (turn,) = changed["turns"]
    assert (turn["kind"], turn["change"]["old"], turn["change"]["new"]) == ("rewind", 90, 5)
    assert "REWIND" in shell.text("explain", "view", "--between", str(T0 + 450), "now")
    assert "belong to one instant" in shell.text(
        "explain", "view", "--between", "now", "now", "--at", "1h ago", status=1
    )
    dry = shell.text("group", "undo", "view", "--dry-run")
    assert "Would undo" in dry and shell.json("explain", "view")["partitions"][0]["position"] == 5
    said = shell.text("group", "undo", "view", "--change", turn["change"]["id"], "--reason", "oops")
    assert "Undid change" in said and "kafka-admin" in shell.text(
        "group", "describe", "view", "--history", "3"
    )
    assert shell.json("explain", "view")["partitions"][0]["position"] == 90
    again = shell.text("group", "undo", "view", "--change", turn["change"]["id"], status=1)
    assert "moved since" in again
    assert "Nobody fetched" in shell.text("group", "readers")
    assert shell.json("group", "readers", "flights", "--unseen") == []
    assert "there is no topic" in shell.text("group", "readers", "nope", status=1)


def test_explain_holds_a_point_against_group_and_sink(shell: Shell) -> None:
    shell.text("point", "create", "then", "--group", "view", "--at", str(T0 + 150))
    said = shell.text(
        "explain",
        "view",
        "--point",
        "then",
        "--sink",
        f"sqlite:{shell.sink}",
        "--sink",
        "external:mails",
    )
    assert "Held against each other" in said and "will duplicate 50" in said
    assert "Recovery point then: restart there" in said


def test_plan_says_what_happened_and_writes_a_runbook(shell: Shell) -> None:
    page = shell.root / "runbook.md"
    shell.text("point", "create", "v1", "--group", "view", "--at", str(T0 + 150), "--version", "1")
    shell.text("point", "create", "v2", "--group", "view", "--version", "2")
    said = shell.text("plan", "view", "--bad-version", "2", "--runbook", str(page))
    assert (
        "What happened: bad-version" in said and "NOTE: the first point of version 2 is v2" in said
    )
    assert "# Recovery of `view`: bad-version" in page.read_text()
    file = shell.root / "bad-version.json"
    made = shell.json("plan", "view", "--bad-version", "2", "--out", str(file))
    assert shell.json("plan", "--show", str(file)) == made
    file.write_text(file.read_text().replace('"restart": 40', '"restart": 41'))
    assert "was changed after it was made" in shell.text("plan", "--show", str(file), status=1)
    found = shell.json("plan", "view", "--poisoned", "flights:0@77")
    assert found["incident"]["poisoned"] == [{"topic": "flights", "partition": 0, "offset": 77}]
    assert found["partitions"][0]["restart"] == 40
    assert "is not TOPIC:PARTITION@OFFSET" in shell.text(
        "plan", "view", "--poisoned", "x", status=1
    )
    assert "say what happened with one of" in shell.text("plan", "view", status=1)
    assert "is not TOPIC@TIME" in shell.text("plan", "view", "--enrichment", "x", status=1)
    found = shell.json("plan", "view", "--restored-to", str(T0 + 150))
    assert found["incident"]["kind"] == "restored-store"
    assert "nowhere behind" in shell.text(
        "plan", "view", "--restored", "--sink", f"sqlite:{shell.sink}", status=1
    )
    found = shell.json("plan", "view", "--since", "now", "--until", "now")
    assert found["incident"]["until_ms"]
    both = shell.text("plan", "view", "--since", "now", "--from-start", status=1)
    assert "--since and --from-start contradict each other" in both


def test_a_plan_says_what_to_type_next_and_what_stands_in_its_way(shell: Shell) -> None:
    said = shell.text("plan", "view", "--from-start", "--sink", f"sqlite:{shell.sink}")
    assert f"--sink sqlite:{shell.sink} -- COMMAND" in said
    # Nothing of the log is gone; the sink is another cluster's.
    place = shell.root / "other.db"
    elsewhere = Source("elsewhere", "topic-id", "flights")
    sink = SqliteSink.open(place, TABLES, {"flights": elsewhere})
    with sink.transaction() as tx:
        tx.fresh("flights", 0, 0)
    sink.close()
    said = shell.text("plan", "view", "--from-start", "--sink", f"sqlite:{place}", status=1)
    assert "the log still holds what is needed" in said and "offsets of another cluster" in said
    assert "Next: not this plan" in said and "Next: anabranch replay" not in said
