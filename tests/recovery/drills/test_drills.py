"""Declared streams, evidence, readiness, and a rehearsal from end to end (all of them: tests/faults/test_drills.py)."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec import structs

from anabranch.errors import UserFault
from anabranch.log.location import Location
from anabranch.log.opening import open_log
from anabranch.log.settings import LogSettings
from anabranch.recovery.drills import evidence
from anabranch.recovery.drills.declared import TEMPLATE, load
from anabranch.recovery.drills.evidence import DrillReport, Past, ScenarioReport
from anabranch.recovery.drills.names import SCENARIOS
from anabranch.recovery.drills.page import to_html
from anabranch.recovery.drills.scenarios import RUN
from anabranch.recovery.drills.stage import Stage, require_apart
from anabranch.recovery.evidence.report import Answer, Event
from anabranch.recovery.replays.session import Sample

from .ground import Ground

pytestmark = pytest.mark.timeout(120)
ROOT = Path(__file__).parents[3]

MINIMAL = """
[stream.s]
inputs = ["t"]
group = "g"
command = ["true"]
sink = "sqlite:v.db"
verify.tables = { t = "k" }
"""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "declares no"),
        ("[stream", "recovery.toml"),
        ("x = 1\n" + MINIMAL, "unknown key “x”"),
        (MINIMAL + "topics = 1", "stream.s: Object contains unknown field `topics`"),
        (MINIMAL + "drill.evry = '1d'", "stream.s.drill: Object contains unknown field `evry`"),
        (MINIMAL + "objectives.replay = 'soon'", "stream.s.objectives.replay"),
        (MINIMAL + "drill.scenarios = ['flood']", "there is no “flood”"),
        (MINIMAL + "drill.records = 1", "drill.records"),
        (MINIMAL.replace('["t"]', "[]"), "stream.s.inputs: at least one"),
        (MINIMAL.replace('["t"]', '"t"'), "stream.s.inputs: Expected"),
        (MINIMAL.replace('group = "g"\n', ""), "missing required field `group`"),
        (MINIMAL + "[evidence]\nfolders = 'x'", "evidence: Object contains unknown field"),
    ],
)
def test_what_is_wrong_in_recovery_toml_is_named_with_its_path(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = tmp_path / "recovery.toml"
    path.write_text(text)
    with pytest.raises(UserFault, match=re.escape(sentence)):
        load(path)


def test_the_template_is_one(tmp_path: Path) -> None:
    import textwrap

    path = tmp_path / "recovery.toml"
    assert TEMPLATE is not None
    path.write_text(textwrap.dedent(TEMPLATE.partition("\n\n")[2]))
    declared = load(path)
    assert declared.streams["flights"].objectives.rto_ms == (1 + 1 + 4) * 3_600_000 + 1_800_000
    assert SCENARIOS.keys() == RUN.keys()


@pytest.mark.parametrize(
    ("sink", "place"),
    [
        ("sqlite:view.db", "sqlite:{}/view.db"),
        ("parquet:out/view", "parquet:{}/out/view"),
        ("sqlite:/srv/view.db", "sqlite:/srv/view.db"),
        ("postgresql://db/x", "postgresql://db/x"),
        ("parquet:s3://bucket/x", "parquet:s3://bucket/x"),
        ("kafka:127.0.0.1:9092/x", "kafka:127.0.0.1:9092/x"),
    ],
)
def test_a_sink_lies_where_the_file_says_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sink: str, place: str
) -> None:
    (tmp_path / "job").mkdir()
    path = tmp_path / "job" / "recovery.toml"
    path.write_text(re.sub(r'sink = ".*"', f'sink = "{sink}"', MINIMAL))
    monkeypatch.chdir(tmp_path)
    found = load(Path("job/recovery.toml")).streams["s"].sink
    assert found == place.format(tmp_path / "job")


def a_report(previous: DrillReport | None = None, **changes: object) -> DrillReport:
    answers = tuple(Answer(f"Q{n}?", True, "<yes> & no", (("a", "1"),)) for n in range(4))
    scenario = ScenarioReport(
        name="bad-deploy",
        what="w",
        verdict="PASS",
        sentence="s",
        seconds=1.0,
        replay_seconds=0.5,
        records=100,
        bytes=1000,
        suppressed=0,
        duplicates=0,
        lost=0,
        facts=(),
        verifications=(),
        samples=(Sample(0, 100, 1000), Sample(500, 0, 0)),
    )
    report = DrillReport(
        id="",
        hash="",
        previous_id=previous.id if previous else None,
        previous_hash=previous.hash if previous else None,
        stream="orders",
        trigger="ci",
        passed=True,
        answers=answers,
        scenarios=(scenario,),
        rto_ms=1000,
        rto_objective_ms=2000,
        rpo_records=0,
        rpo_objective="0s",
        untouched=True,
        trend=(Past("drill-0", 1, False, 1500, 0),),
        follow_ups=(),
        owner="ana",
        group="g",
        processor="p",
        version="7",
        command=("true",),
        inputs=(("t", "id"),),
        point=None,
        drilled_records=100,
        events=(Event("began", 1),),
        cluster_id="c",
        scratch="/tmp/x",
        tool_version="0",
        host="h",
        creator="ana",
        created_ms=5,
        keep="400d",
    )
    return structs.replace(report, **changes)  # type: ignore[arg-type]


def test_a_changed_or_missing_report_is_found_and_a_forged_one_as_well(tmp_path: Path) -> None:
    public = evidence.make_key(tmp_path / "k")
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600
    with pytest.raises(UserFault, match="never overwritten"):
        evidence.make_key(tmp_path / "k")
    key = evidence.load_key(tmp_path / "k")
    one = evidence.sealed(a_report(), key)
    two = evidence.sealed(a_report(one, passed=False), key)
    three = evidence.sealed(a_report(two), key)
    assert evidence.problems([one, two, three], public) == []
    assert evidence.problems([one, three], public) == [f"{three.id} does not follow {one.id}"]
    better = structs.replace(two, passed=True)
    assert any("was changed" in p for p in evidence.problems([one, better, three]))
    # Sealed anew, by somebody without the key: the chain breaks, and the signature is another's.
    other = tmp_path / "other"
    evidence.make_key(other)
    forged = evidence.sealed(a_report(one, passed=True), evidence.load_key(other))
    found = evidence.problems([one, forged, three], public)
    assert any("another key" in p for p in found) and any("does not follow" in p for p in found)
    swapped = structs.replace(two, signature=one.signature)
    assert evidence.problems([one, swapped]) == [f"{two.id} has a wrong signature"]
    unsigned = evidence.sealed(a_report(), None)
    assert evidence.problems([unsigned]) == []
    assert evidence.problems([unsigned], public) == [f"{unsigned.id} is not signed"]
    (tmp_path / "junk").write_text("no key")
    for path in (tmp_path / "junk", tmp_path / "none"):
        with pytest.raises(UserFault):
            evidence.load_key(path)


def test_files_of_a_chain_are_checked_in_whatever_order_they_are_named(tmp_path: Path) -> None:
    from click.testing import CliRunner
    from msgspec.json import encode

    from anabranch.cli.main import cli

    chain: list[DrillReport] = []
    for at_ms in (5, 6, 7):
        chain.append(
            evidence.sealed(a_report(chain[-1] if chain else None, created_ms=at_ms), None)
        )
    files = [tmp_path / f"{name}.json" for name in "bca"]
    for file, report in zip(files, chain, strict=True):
        file.write_bytes(encode(report))

    def said(*chosen: Path) -> tuple[int, str]:
        words = ["drill", "verify-report", *map(str, chosen)]
        result = CliRunner().invoke(cli, words)
        return result.exit_code, result.output

    assert said(*sorted(files))[0] == 0
    status, text = said(files[2], files[0])
    assert status == 1 and f"{chain[2].id} does not follow {chain[0].id}" in text


def test_the_committed_schema_is_the_reports() -> None:
    committed = json.loads((ROOT / "docs/schemas/drill-report.json").read_text())
    assert committed == json.loads(json.dumps(evidence.schema()))


class Tags(HTMLParser):
    """Every tag that is opened is closed, in its order."""

    VOID = frozenset({"meta", "br", "line", "polygon", "polyline"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_escapes_what_it_shows() -> None:
    page = to_html(evidence.sealed(a_report(), None))
    tags = Tags()
    tags.feed(page)
    assert tags.open == [] and "svg" in tags.seen and "script" not in tags.seen
    assert "&lt;yes&gt; &amp; no" in page and "<yes>" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_scratch_place_within_the_production_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recovery.toml"
    path.write_text(MINIMAL)
    stream = load(path).streams["s"]
    data = tmp_path / "data"
    for root in (data, data / "x", tmp_path):
        with pytest.raises(UserFault, match="must lie apart"):
            require_apart(root, Location(data=data), stream)
    require_apart(tmp_path / "other", Location(data=data), stream)


async def _grow(data: Path) -> None:
    """One partition more for the orders."""
    log = await open_log(
        data, broker_id=1, host="127.0.0.1", port=9092, settings=LogSettings(background=False)
    )
    topic = log.catalogue.topic("orders")
    assert topic is not None
    await log.create_partitions(topic, 3)
    await log.close()


def test_status_names_what_keeps_a_stream_from_being_recovered(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    (one,) = ground.json("status", status=1)
    assert one["point_troubles"] == one["retention_troubles"] == []
    assert one["drill_troubles"] == ["it was never drilled"]
    shown = ground("status")
    assert "never drilled" in shown.output and shown.exit_code == 1
    # A partition that the point knows nothing of is read from its start: nothing is in doubt.
    asyncio.run(_grow(ground.data))
    (one,) = ground.json("status", status=1)
    assert one["point_troubles"] == []
    assert ["orders", 2, 0] in one["restart"]
    # Each of the answers broken, and named.
    assert ground("topic", "config", "orders", "--set", "retention.ms=60000").exit_code == 0
    ground.checkpoint.unlink()
    for words, holds in (
        (("create", "h", "--group", "totals", "--for", "1d", "--reason", "x"), 1),
        (("release", "h"), 0),
    ):
        assert ground("hold", *words).exit_code == 0
        (one,) = ground.json("status", status=1)
        assert one["holds"] == holds, "one that has ended pins nothing"
    (one,) = ground.json("status", status=1)
    assert any("orders:0 keeps" in each for each in one["retention_troubles"]), one
    assert any("checkpoint" in each for each in one["point_troubles"])
    ground.file.write_text("[stream.x]")
    assert ground("status").exit_code == 2


def test_a_drill_that_cannot_be_run_is_neither_passed_nor_failed(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    for words, sentence in (
        (("drill", "run", "other"), "declares no stream “other”"),
        (("drill", "run", "--scenario", "flood"), "there is no scenario"),
        (("drill", "run", "--scratch", str(ground.data)), "must lie apart"),
    ):
        result = ground(*words)
        assert result.exit_code == 2 and sentence in result.output, result.output


def test_a_rehearsal_from_declaration_to_signed_evidence(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    public = ground_key(ground)
    before = sorted(path.name for path in tmp_path.iterdir())
    (report,) = ground.json("drill", "run", "--scenario", "bad-deploy")
    assert report["passed"] and report["untouched"]
    assert [each["passed"] for each in report["answers"]] == [True] * 4
    (scenario,) = report["scenarios"]
    assert scenario["verdict"] == "PASS" and scenario["records"] == 100
    (verified,) = scenario["verifications"]
    assert verified["checksum_left"] == verified["checksum_right"]
    assert not Path(report["scratch"]).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "drills"])
    written = tmp_path / "drills" / f"{report['id']}.json"
    assert json.loads(written.read_text()) == report
    assert (tmp_path / "drills" / f"{report['id']}.html").exists()
    assert ground_verify(written, public) == 0
    written.write_text(written.read_text().replace('"passed": true', '"passed": false', 1))
    assert ground_verify(written, public) == 1
    listed = ground.json("drill", "list")
    assert [each["id"] for each in listed["drills"]] == [report["id"]] and not listed["problems"]
    (one,) = ground.json("status")
    assert one["last_drill_passed"] and not one["drill_due"]
    assert (one["last_drill_rehearsed"], one["scenarios"]) == (1, len(SCENARIOS))
    assert "PASS, 1 of 13" in ground("status").output


def test_what_cannot_be_drilled_is_told_before_anything_is_run(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    declared = ground.file.read_text()
    before = sorted(tmp_path.rglob("*"))
    (tmp_path / "file").write_text("")
    for more, words, sentence in (
        ("", ("orders", "other"), "declares no stream “other”"),
        ("[evidence]\nfolder = 'file/drills'", (), "evidence.folder: no report can be written to"),
        ("[evidence]\nkey = 'gone.key'", (), "there is no key"),
    ):
        ground.file.write_text(f"{declared}\n{more}")
        result = ground("drill", "run", *words)
        assert result.exit_code == 2 and sentence in result.output, result.output
        assert "running the live processor" not in result.output
    (tmp_path / "file").unlink()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_stream_that_cannot_be_drilled_keeps_no_other_from_it(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    table = ground.file.read_text()
    for wrong in (table.replace(sys.executable, "/nowhere/python"), table):
        broken = wrong.replace("[stream.orders]", "[stream.broken]")
        if wrong is table:
            broken = broken.replace('inputs = ["orders"]', 'inputs = ["nothing"]')
        ground.file.write_text(broken + (table if wrong is not table else ""))
        result = ground("drill", "run", "--scenario", "off-by-one")
        assert result.exit_code == 2
        if wrong is table:
            assert "there is no topic “nothing”, which the stream reads" in result.output
        else:
            assert "broken: the processor ended by itself (exit status 127)" in result.output
            assert "/nowhere/python: No such file or directory" in result.output
            assert "orders: PASS" in result.output, "it is drilled all the same, and shown"


def test_a_full_disk_is_no_verdict_on_a_recovery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = Ground(tmp_path)

    async def fails(*_: object) -> None:
        raise shutil.Error([("a", "b", "[Errno 28] No space left on device")])

    monkeypatch.setattr(Stage, "fill", fails)
    result = ground("drill", "run", "--scratch", str(tmp_path))
    assert result.exit_code == 2 and "the drill could not be run: " in result.output
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=4096))
    result = ground("drill", "run", "--scratch", str(tmp_path))
    assert result.exit_code == 2 and f"copies, in {tmp_path}, is full: make room" in result.output
    assert not list(tmp_path.glob("anabranch-drill-*"))


def test_drills_that_end_at_the_same_time_are_one_chain(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    evidence.make_key(tmp_path / "k")
    key = evidence.load_key(tmp_path / "k")

    async def main() -> None:
        log = await open_log(ground.data, broker_id=None)
        first = evidence.sealed(a_report(), key)
        await evidence.save(log.metastore, first, tmp_path, key)
        both = [
            evidence.sealed(a_report(first, rto_ms=n), key) for n in (1, 2)
        ]  # neither knows the other
        saved = await asyncio.gather(
            *(evidence.save(log.metastore, each, tmp_path, key) for each in both)
        )
        found = await evidence.stored(log.metastore)
        assert evidence.problems(found) == [] and len(found) == 3
        for one in saved:
            assert evidence.read(one.plain) == one.report in found
        await log.close()

    asyncio.run(main())


def ground_key(ground: Ground) -> str:
    public = evidence.make_key(ground.root / "drill.key")
    ground.file.write_text(ground.file.read_text() + '\n[evidence]\nkey = "drill.key"\n')
    return public


def ground_verify(path: Path, public: str) -> int:
    from click.testing import CliRunner

    from anabranch.cli.main import cli

    words = ["drill", "verify-report", str(path), "--key", public]
    return CliRunner().invoke(cli, words).exit_code
