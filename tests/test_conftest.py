"""The axes are what they say: a test on uvloop runs on uvloop."""

from __future__ import annotations

import asyncio

import pytest


async def test_the_running_loop_is_the_one_in_the_name(request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.id
    module = type(asyncio.get_running_loop()).__module__.partition(".")[0]
    assert module == name
