"""What engines answer over HTTP: Flink's REST interface, Kafka Connect's offsets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import Corrupt, StoreFault, UserFault
from anabranch.recovery.checkpoints import connect, flink_rest
from anabranch.recovery.checkpoints.groups import processed_offsets, streams_metadata
from anabranch.recovery.checkpoints.locations import parse_origin, read

from .support import TESTDATA, all_nexts, truth

JOB = "0123456789abcdef0123456789abcdef"


class Answers:
    """An HTTP server that says what it was told to, by path."""

    def __init__(self) -> None:
        self.by_path: dict[str, Any] = {}
        answers = self.by_path

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = answers.get(self.path)
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(404 if answer is None else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def answers() -> Iterator[Answers]:
    made = Answers()
    yield made
    made.server.shutdown()
    made.server.server_close()


def done(number: int, path: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "status": "COMPLETED", "external_path": path, "trigger_timestamp": 1000 + number,
        "discarded": False, **more,
    }  # fmt: skip


def test_flink_is_asked_for_its_newest_checkpoint(answers: Answers) -> None:
    job = f"/jobs/{JOB}"
    home = (TESTDATA / "flink-v6").as_uri()
    latest = {"completed": done(7, home), "savepoint": done(5, "file:/old"), "failed": None}
    answers.by_path[f"{job}/checkpoints"] = {"latest": latest}
    answers.by_path[f"{job}/checkpoints/details/5"] = done(5, "file:/five")
    answers.by_path[f"{job}/checkpoints/details/6"] = {"id": 6, "status": "FAILED"}
    for url in (f"{answers.url}{job}", f"{answers.url}{job}/", f"{answers.url}{job}/checkpoints"):
        assert flink_rest.locate(url) == (home, 1007)
    for path in ("checkpoints/5", "checkpoints/details/5"):
        assert flink_rest.locate(f"{answers.url}{job}/{path}") == ("file:/five", 1005)
    found = read(parse_origin(f"flink:{answers.url}{job}"))
    assert found.taken_ms == 1007 and len(found.sources) == 3
    with pytest.raises(UserFault, match="checkpoint 6 is FAILED"):
        flink_rest.locate(f"{answers.url}{job}/checkpoints/6")
    with pytest.raises(UserFault, match="404"):
        flink_rest.locate(f"{answers.url}{job}/checkpoints/8")
    latest["savepoint"] = done(9, "file:/new")
    assert flink_rest.locate(f"{answers.url}{job}") == ("file:/new", 1009)


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        ({"latest": {}}, UserFault, "no completed checkpoint yet"),
        ([], UserFault, "no completed checkpoint yet"),
        ({"latest": {"completed": {"id": 1}}}, UserFault, "lies nowhere"),
        ({"latest": {"completed": {"id": "x"}}}, Corrupt, "without “id”"),
        ({"latest": {"completed": done(1, "<checkpoint-not-externally-addressable>")}}, UserFault, "nowhere"),
        ({"latest": {"completed": done(1, "file:/x", discarded=True)}}, UserFault, "was removed"),
        ({"latest": {"completed": {"id": 1, "external_path": "/x"}}}, Corrupt, "trigger_timestamp"),
        (b"<html>", Corrupt, "not JSON"),
        (b"[" * 100_000, Corrupt, "not JSON"),
    ],
)  # fmt: skip
def test_answers_that_are_not_flinks(
    answers: Answers, answer: Any, error: type[Exception], sentence: str
) -> None:
    answers.by_path[f"/jobs/{JOB}/checkpoints"] = answer
    with pytest.raises(error, match=sentence):
        flink_rest.locate(f"{answers.url}/jobs/{JOB}")


def test_nobody_answers() -> None:
    with pytest.raises(StoreFault, match="refused"):
        flink_rest.locate(f"http://127.0.0.1:1/jobs/{JOB}")


def sink(topic: str, partition: int, offset: Any) -> dict[str, Any]:
    return {
        "partition": {"kafka_topic": topic, "kafka_partition": partition},
        "offset": {"kafka_offset": offset},
    }


def test_connect_is_asked_for_a_connectors_offsets(answers: Answers) -> None:
    answers.by_path["/connectors/files/offsets"] = {"offsets": [sink("t", 1, 12), sink("t", 0, 9)]}
    for path in ("", "/", "/offsets"):
        found = connect.read(f"{answers.url}/connectors/files{path}")
        assert all_nexts(found) == {"t 0": 9, "t 1": 12}
        assert found.group == "connect-files" and found.moves and found.id == "files"


def test_mirror_maker_keeps_the_last_and_other_sources_no_offsets_of_kafka(tmp_path: Path) -> None:
    file = tmp_path / "o.json"

    def told(*entries: Any) -> Any:
        file.write_text(json.dumps({"offsets": entries}))
        return connect.read(str(file))

    mirrored = {
        "partition": {"cluster": "A", "topic": "t", "partition": 3},
        "offset": {"offset": 41},
    }
    assert all_nexts(told(mirrored)) == {"t 3": 42}
    (source,) = told({"partition": {"filename": "/x"}, "offset": {"position": 7}}).sources
    assert "not offsets of Kafka" in source.problem
    assert "no offset" in told().sources[0].problem
    assert "no offset" in told({"partition": {"filename": "/x"}, "offset": None}).sources[0].problem
    for strange in (sink("t", 0, "9"), sink("t", -1, 9), sink("t", 0, None)):
        assert "not offsets of Kafka" in told(strange).sources[0].problem
    for wrong in (sink("t", 0, -5),):
        with pytest.raises(Corrupt, match="neither an offset"):
            told(wrong)
    with pytest.raises(Corrupt, match="two offsets of one partition"):
        told(sink("t", 0, 5), sink("t", 0, 6))
    for text in ("{}", "[]", '{"offsets": [1]}', '{"offsets": [{"partition": 1}]}', "{"):
        file.write_text(text)
        with pytest.raises(Corrupt, match=r"o\.json: not"):
            connect.read(str(file))
    with pytest.raises(UserFault, match="there is no file"):
        connect.read(str(tmp_path / "absent"))


@pytest.mark.parametrize(
    ("text", "time_ms", "numbers"),
    [
        ("", None, {}),
        ("AQAAAYvPXFR7", 1_699_991_016_571, {}),  # version 1
        ("AgAAAYvPXFR7", 1_699_991_016_571, {}),
        ("Av//////////", None, {}),  # no record yet: -1
        ("AgAAAYvPXFR7AAAAAQAAAAFrAAAAAAAAAAc=", 1_699_991_016_571, {"k": 7}),
    ],
)
def test_streams_metadata(text: str, time_ms: int | None, numbers: dict[str, int]) -> None:
    assert streams_metadata(text, "t:0") == (time_ms, numbers)


@pytest.mark.parametrize(
    "text",
    ["x", "AwAAAYvPXFR7", "AgAA", "AgAAAYvPXFR7AAAA", "AgAAAYvPXFR7f////w==", "AQAAAYvPXFR7AA=="],
)
def test_metadata_that_are_not_streams(text: str) -> None:
    with pytest.raises(Corrupt, match="t:0"):
        streams_metadata(text, "t:0")


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (b'{"a": 9, "b": 0}', {"a": 10, "b": 1}),
        (b'{"a": -1}', {"a": 0}),
        (b"null", {}),
        (None, {}),
        (b"[1]", {}),
        (b'{"a": "9"}', {}),
        (b'{"a": true}', {}),
        (b'{"a": -7}', {}),
        (b"{", {}),
    ],
)
def test_processed_offsets_of_quix(header: bytes | None, found: dict[str, int]) -> None:
    assert processed_offsets(header) == found


def test_what_streams_quix_and_connect_wrote() -> None:
    """Committed beside the checkpoints: what the engines wrote, and what their topics and groups held."""
    commits = json.loads((TESTDATA / "streams" / "commits.json").read_text())
    times = {place: streams_metadata(meta, place)[0] for place, (_, meta) in commits.items()}
    assert {place: times[place] for place in truth("streams")} == truth("streams")
    headers = json.loads((TESTDATA / "quix" / "headers.json").read_text())
    told = truth("quix")
    for partition, pairs in headers.items():
        found = processed_offsets(dict(pairs)["__processed_tp_offsets__"].encode())
        assert found == {told["topic"]: told["next"][partition]}
    found = connect.read(str(TESTDATA / "connect" / "offsets.json"))
    assert all_nexts(found) == truth("connect")
