"""The hook: what a deployment may ask, and what anybody else gets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import StoreFault, UserFault
from anabranch.recovery.capture import hook, points
from anabranch.recovery.capture.capturing import Wish, take
from anabranch.recovery.capture.hook import Hook
from anabranch.recovery.model import RecoveryPoint

from .scene import T0, Scene

TOKEN = "0123456789abcdef-token"
Story = Callable[[int], Awaitable[None]]


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    return file


async def serve(capture: Any, token_file: Path, story: Story, **options: Any) -> None:
    served = Hook(capture, token_file, **options)
    port = await served.start("127.0.0.1", 0)
    try:
        await story(port)
    finally:
        await served.close()


async def raw(port: int, request: bytes) -> tuple[int, Any, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 100"):
        head, _, body = body.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, json.loads(body) if body else None, head.decode()


async def post(port: int, body: Any, *, token: str | None = TOKEN, path: str = "/points") -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(data)}"]
    if token is not None:
        headers.append(f"Authorization: Bearer {token}")
    status, answer, _ = await raw(port, "\r\n".join(headers).encode() + b"\r\n\r\n" + data)
    return status, answer


def test_a_deployment_takes_a_point(play: Any, token_file: Path) -> None:
    async def story(stage: Scene) -> None:
        topic = await stage.topic("flights")
        await stage.commit("view", topic, {0: 40}, T0)

        async def allow(*_: Any) -> None:
            pass

        async def capture(wish: Wish, who: str) -> RecoveryPoint:
            return await take(
                stage.log, wish, now_ms=T0 + 1000, token="aaaa", allow=allow, creator=who
            )

        async def asked(port: int) -> None:
            body = {"name": "before-v8", "group": "view", "version": "v7", "reason": "deploy"}
            status, answer = await post(port, body)
            assert status == 201
            (point,) = await points.stored(stage.metastore)
            assert answer["id"] == point.id and answer["positions"][0]["offset"] == 40
            assert (point.version, point.note, point.creator) == ("v7", "deploy", "hook, 127.0.0.1")
            status, answer = await post(port, {"name": "x", "group": "nobody"})
            assert status == 409 and "no committed offsets" in answer["error"]
            status, answer = await post(port, {"name": "x", "from": "flink:/nowhere"})
            assert status == 409 and "no Flink checkpoint" in answer["error"]

        await serve(capture, token_file, asked)

    play(story)


def told(faults: Any = None) -> Any:
    async def capture(wish: Wish, who: str) -> RecoveryPoint:
        del who
        if faults:
            raise faults
        raise UserFault(f"asked: {wish.name} {wish.origin}")

    return capture


def test_who_has_no_token_learns_nothing(token_file: Path) -> None:
    async def story(port: int) -> None:
        for token in (None, "", "wrong", TOKEN[:-1], TOKEN + "x", "\N{SNOWMAN}"):
            for path in ("/points", "/elsewhere"):
                status, answer = await post(
                    port, {"name": "x", "group": "g"}, token=token, path=path
                )
                assert status == 401 and "Bearer" in answer["error"]
        basic = f"POST /points HTTP/1.1\r\nAuthorization: Basic {TOKEN}\r\nContent-Length: 2\r\n\r\n{{}}"
        status, _, head = await raw(port, basic.encode())
        assert status == 401 and "WWW-Authenticate: Bearer" in head
        assert (await raw(port, b"GET /healthz HTTP/1.1\r\n\r\n"))[0] == 200
        token_file.write_text("another-token-of-enough-length")
        assert (await post(port, {"name": "x", "group": "g"}))[0] == 401
        assert (
            await post(port, {"name": "x", "group": "g"}, token="another-token-of-enough-length")
        )[0] == 409
        token_file.unlink()
        assert (await post(port, {"name": "x", "group": "g"}))[0] == 503

    asyncio.run(serve(told(), token_file, story))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 20_000,
        {},
        {"name": "x"},
        {"name": " ", "group": "g"},
        {"name": 3, "group": "g"},
        {"name": "x", "group": "g", "colour": "red"},
        {"name": "x" * 1001, "group": "g"},
        {"name": "x", "from": "spark:/elsewhere"},
        {"name": "x", "from": "flink:/ckpt/../etc"},
    ],
)
def test_a_bad_body_is_400(token_file: Path, body: Any) -> None:
    async def story(port: int) -> None:
        status, answer = await post(port, body)
        assert status == 400 and answer["error"]

    asyncio.run(serve(told(), token_file, story, origins=("flink:/ckpt/",)))


AUTH = f"Authorization: Bearer {TOKEN}\r\n".encode()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /points HTTP/1.1\r\n" + AUTH + b"\r\n", 405),
        (b"POST /else HTTP/1.1\r\n" + AUTH + b"\r\n", 404),
        (b"POST /points HTTP/1.1\r\n" + AUTH + b"\r\n", 411),
        (b"POST /points HTTP/1.1\r\n" + AUTH + b"Content-Length: -1\r\n\r\n", 411),
        (b"POST /points HTTP/1.1\r\n" + AUTH + b"Transfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST /points HTTP/1.1\r\n" + AUTH + b"Content-Length: 65537\r\n\r\n", 413),
        (b"POST /points HTTP/1.1\r\n" + AUTH + b"Content-Length: 9999999999999\r\n\r\n", 413),
        (b"POST /points HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
        (b"POST /points HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
    ],
)
def test_what_is_no_request_gets_an_answer(
    token_file: Path, request_bytes: bytes, status: int
) -> None:
    async def story(port: int) -> None:
        assert (await raw(port, request_bytes))[0] == status

    asyncio.run(serve(told(), token_file, story))


def test_curl_waits_to_be_told_to_continue(token_file: Path) -> None:
    async def story(port: int) -> None:
        body = json.dumps({"name": "x", "group": "g"}).encode()
        head = b"POST /points HTTP/1.1\r\nExpect: 100-continue\r\n" + AUTH
        status, _, _ = await raw(port, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert status == 409

    asyncio.run(serve(told(), token_file, story))


def test_I10_who_sends_slowly_or_too_often_is_cut_off(
    token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "CONNECTIONS_MAX", 2)

    async def story(port: int) -> None:
        async def until(status: int, other: int) -> None:
            """Until that is the answer; connections come and end when they do."""
            while (found := (await post(port, {"name": "x", "group": "g"}))[0]) != status:
                assert found == other
                await asyncio.sleep(0.01)

        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await until(503, other=409)
        for _, writer in opened:
            writer.close()
        await until(409, other=503)
        monkeypatch.setattr(hook, "REQUEST_SECONDS_MAX", 0.2)
        slow = [asyncio.create_task(raw(port, b"POST /points HTTP/1.1\r\n")) for _ in range(2)]
        assert [(await each)[0] for each in slow] == [408, 408]
        monkeypatch.setattr(hook, "REQUEST_SECONDS_MAX", 60)
        await until(409, other=503)

    asyncio.run(serve(told(), token_file, story))


def test_faults_of_the_store_and_our_own(token_file: Path) -> None:
    said: list[str] = []
    for fault, status in [
        (StoreFault("gone"), 503),
        (OSError(5, "bad"), 503),
        (KeyError("bug"), 500),
    ]:

        async def story(port: int, status: int = status) -> None:
            assert (await post(port, {"name": "x", "group": "g"}))[0] == status

        asyncio.run(serve(told(fault), token_file, story, complain=said.append))
    assert len(said) == 1 and "KeyError" in said[0]


@pytest.mark.parametrize("content", ["", "short", "two words that are long", "\N{SNOWMAN}" * 20])
def test_a_token_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "t").write_text(content)
    with pytest.raises(UserFault, match="a token is one word"):
        Hook(told(), tmp_path / "t")
    with pytest.raises(UserFault, match="absent"):
        Hook(told(), tmp_path / "absent")
