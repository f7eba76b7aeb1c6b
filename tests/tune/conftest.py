"""A platform that behaves as OpenAI's does where the embedded server does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from evalkit.endpoints.openai_api import OpenAIEndpoint
from evalkit.tune import FineTuning
from tests.tune.platform import Platform, serving

Asking = Callable[[Callable[[FineTuning], Awaitable[Any]]], Any]


@pytest.fixture
def platform() -> Iterator[Platform]:
    """The platform, for one test."""
    with serving() as platform:
        yield platform


@pytest.fixture
def ask(platform: Platform) -> Asking:
    """Do something with the platform's jobs."""

    def done(work: Callable[[FineTuning], Awaitable[Any]]) -> Any:
        async def asked() -> Any:
            endpoint = OpenAIEndpoint("platform", platform.base_url, use_proxy=False, timeout_s=5)
            try:
                return await work(FineTuning(endpoint))
            finally:
                await endpoint.close()

        return asyncio.run(asked())

    return done
