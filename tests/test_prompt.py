"""Futures that call back in the turn in which they are resolved."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from anabranch.prompt import PromptFuture, when_done


def resolved(future: asyncio.Future[Any], how: str) -> None:
    if how == "result":
        future.set_result(1)
    elif how == "exception":
        future.set_exception(ValueError("no"))
    else:
        future.cancel()


@pytest.mark.parametrize("how", ["result", "exception", "cancel"])
def test_a_prompt_future_calls_back_at_once_and_others_soon(how: str) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        heard: list[asyncio.Future[Any]] = []
        prompt: PromptFuture[int] = PromptFuture(loop=loop)
        plain: asyncio.Future[int] = loop.create_future()
        for future in (prompt, plain):
            when_done(future, heard.append)
            resolved(future, how)
        assert heard == [prompt] and prompt.done()
        await asyncio.sleep(0)
        assert heard == [prompt, plain]
        if how == "exception":
            assert [isinstance(each.exception(), ValueError) for each in heard] == [True, True]

    asyncio.run(scenario())


def test_a_prompt_future_can_be_awaited_too() -> None:
    async def scenario() -> None:
        future: PromptFuture[int] = PromptFuture(loop=asyncio.get_running_loop())
        heard: list[int] = []
        when_done(future, lambda done: heard.append(done.result()))
        asyncio.get_running_loop().call_soon(future.set_result, 5)
        assert await future == 5 and heard == [5]
        future.cancel()  # is over already
        assert heard == [5]

    asyncio.run(scenario())
