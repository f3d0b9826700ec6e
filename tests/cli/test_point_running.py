"""``anabranch point watch`` and ``point hook``, as processes that are asked to stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from anabranch.broker.audit import inbox
from anabranch.cli.main import cli
from anabranch.log.audit_trail import HEAD_KIND
from anabranch.log.opening import open_log
from tests.recovery.scene import T0, scene

TOKEN = "0123456789abcdef-token"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    async def main() -> None:
        async with scene(tmp_path / "data") as stage:
            topic = await stage.topic("flights")
            await stage.commit("view", topic, {0: 40, 1: 50}, T0)

    asyncio.run(main())
    return tmp_path / "data"


@contextmanager
def running(*words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "anabranch.cli.main", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def run(*words: str) -> Any:
    return CliRunner().invoke(cli, words)


def ask(url: str, body: Any, token: str) -> tuple[int, Any]:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_hook_serves_until_it_is_asked_to_stop(data: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    words = ("--listen", "127.0.0.1:0", "--token-file", str(tmp_path / "token"))
    with running("point", "hook", *words, "--data", str(data)) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        wish = {"name": "before-v8", "group": "view", "version": "v7", "reason": "deploy"}
        status, point = ask(url, wish, TOKEN)
        assert status == 201 and [p["offset"] for p in point["positions"]] == [40, 50]
        assert ask(url, wish, "wrong")[0] == 401
        assert ask(url, {"name": "x"}, TOKEN)[0] == 400
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    shown = run("point", "show", "before-v8", "--data", str(data), "--output", "json")
    assert json.loads(shown.output)["id"] == point["id"]


def test_a_watch_takes_points_until_it_is_asked_to_stop(data: Path) -> None:
    words = ("nightly", "--group", "view", "--every", "1s", "--keep", "2", "--data", str(data))
    with running("point", "watch", *words) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(3)]
        assert "every 1 s, 2 are kept" in said[0]
        assert "2 partitions" in said[1] and "nothing has changed" in said[2]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    listed = run("point", "list", "--data", str(data), "--output", "json")
    assert [point["schedule"] for point in json.loads(listed.output)] == ["nightly"]


def test_each_point_that_a_watch_takes_is_told_to_the_audit_log(data: Path, tmp_path: Path) -> None:
    async def audited(*, begin: bool = False) -> list[Any]:
        log = await open_log(data, broker_id=None)
        try:
            if begin:  # as a broker that keeps an audit log does
                await log.metastore.put_document(HEAD_KIND, "1", b"{}", T0)
            found = await log.metastore.documents(inbox.DOCUMENT_KIND)
            return [json.loads(document.body) for document in found]
        finally:
            await log.close()

    assert asyncio.run(audited(begin=True)) == []
    config = tmp_path / "points.toml"
    config.write_text('[points.a]\ngroup = "view"\nevery = "1h"\nkeep = 1\n')
    words = ("point", "watch", "--config", str(config), "--once", "--data", str(data))
    for _ in range(2):  # the second takes none: nothing has changed
        assert run(*words).exit_code == 0
    listed = run("point", "list", "--data", str(data), "--output", "json")
    (point,) = json.loads(listed.output)
    (event,) = asyncio.run(audited())
    assert (event["api"], event["resource"]) == ("anabranch point watch", f"POINT:{point['id']}")
    assert event["details"] == {"name": "a", "group": "view", "removed": []}


def test_one_turn_of_the_schedules_in_a_file(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "points.toml"
    config.write_text('[points.a]\ngroup = "view"\nevery = "1h"\nkeep = 3\n')
    words = ("point", "watch", "--config", str(config), "--once", "--data", str(data))
    assert run(*words).exit_code == 0
    config.write_text('[points.a]\ngroup = "nobody"\nevery = "1h"\nkeep = 3\n')
    assert run(*words).exit_code == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("watch",), "say NAME, --every and --keep"),
        (("watch", "x", "--every", "1m", "--keep", "1"), "needs a group"),
        (("watch", "x", "--config", "f"), "leave them out"),
        (("hook", "--listen", "0.0.0.0:1", "--token-file", "t"), "in the clear"),
        (("hook", "--listen", "here", "--token-file", "t"), "not HOST:PORT"),
        (("hook", "--listen", "127.0.0.1:0", "--token-file", "absent"), "absent: No such file"),
        (
            ("hook", "--listen", "127.0.0.1:0", "--token-file", "t", "--key", "k"),
            "--certificate and --key go together",
        ),
    ],
)
def test_bad_words_end_in_a_sentence(data: Path, words: tuple[str, ...], sentence: str) -> None:
    result = run("point", *words, "--data", str(data))
    assert result.exit_code == 1 and result.output.startswith("Error: ")
    assert sentence in result.output, result.output
