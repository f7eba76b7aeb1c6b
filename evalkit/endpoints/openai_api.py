"""Endpoints that speak OpenAI's HTTP API: OpenAI itself, and every server that imitates it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any

import httpx2

from evalkit.endpoints import dropped
from evalkit.endpoints.answers import WholeAnswer, read_answer
from evalkit.endpoints.base import Request, Response
from evalkit.endpoints.dropped import Dropped
from evalkit.endpoints.throttle import Throttle, Turn
from evalkit.endpoints.wire import Wire
from evalkit.errors import AskError
from evalkit.jsontext import encode

PATHS = {"chat": "/chat/completions", "completions": "/completions"}

UPLOAD_S = 1800.0
"""For one training file: 512 MB over a slow line."""


class OpenAIEndpoint:
    """One server under one base URL; each question is sent once, retries are elsewhere.

    Args:
        name: what the configuration calls it.
        base_url, api_key, headers, timeout_s, use_proxy: as in `Wire`.
        most: requests under way here at most; None leaves it to who asks.
        stream: whether answers are streamed, which tells the time to the first token.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 120.0,
        use_proxy: bool = True,
        most: int | None = None,
        stream: bool = False,
    ):
        self.name, self.base_url, self.stream = name, base_url, stream
        self.throttle = Throttle(most)
        self._wire = Wire(base_url, api_key, headers or {}, timeout_s, use_proxy)

    async def ask(self, request: Request) -> Response:
        """Ask once, without retries. Latency does not hold the time for which the throttle held it back.

        Raises:
            AskError: no answer came, or none that could be read.
        """
        body = request.body
        async with self.throttle.turn() as turn:
            try:
                return await (self._streamed if self.stream else self._whole)(request, body, turn)
            except AskError as error:
                if error.status == 429:
                    turn.refused(error.retry_after_s)
                raise
            except asyncio.CancelledError as cancelled:
                dropped.tell(cancelled, Dropped())
                raise

    async def _whole(self, request: Request, body: dict[str, Any], turn: Turn) -> Response:
        sink, began = WholeAnswer(), time.perf_counter()
        headers = await self._wire.ask(PATHS[request.kind], encode(body), sink, turn.heard)
        latency_ms = _since(began)
        answer = read_answer(self._wire.read(sink.content, headers.get("content-type")), request.kind)
        return replace(answer, request_id=self._request_id(headers), latency_ms=latency_ms)

    async def _streamed(self, request: Request, body: dict[str, Any], turn: Turn) -> Response:
        from evalkit.endpoints.sse import StreamedAnswer  # the few that stream pay for it

        body |= {"stream": True, "stream_options": {"include_usage": True}}
        sink, began = StreamedAnswer(self._wire.cleared), time.perf_counter()
        headers = await self._wire.ask(PATHS[request.kind], encode(body), sink, turn.heard)
        latency_ms = _since(began, sink.ended_at)
        answer = read_answer(self._wire.cleared_body(sink.body(request.kind)), request.kind)
        first = None if sink.first_token_at is None else _since(began, sink.first_token_at)
        return replace(answer, request_id=self._request_id(headers), latency_ms=latency_ms, ttft_ms=first)

    async def models(self) -> tuple[Mapping[str, Any], ...]:
        """The entries of /models, as the server gives them.

        Raises:
            AskError: the server has no such list, or could not be reached.
        """
        entries = (await self.get("/models")).get("data")
        listed = entries if isinstance(entries, list) else []
        return tuple(entry for entry in listed if isinstance(entry, dict))

    async def model(self, name: str) -> Mapping[str, Any]:
        """The entry of one model: some servers list only part of what they serve.

        Raises:
            AskError: the server does not know it (`status` 404), or could not be reached.
        """
        return await self.get(f"/models/{name}")

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        """What stands at a path of the API besides answers, e.g. `/fine_tuning/jobs`.

        Raises:
            AskError: the server refuses, or could not be reached.
        """
        options: Any = {"params": query}
        return await self._object(self._wire.client.get(path, cast_to=httpx2.Response, options=options))

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Have something made or changed; sent once, whatever happens.

        Raises:
            AskError: as `get`. Of type `timeout` or `connection` it leaves open whether anything was made.
        """
        return await self._object(self._wire.client.post(path, cast_to=httpx2.Response, body=body))

    async def delete(self, path: str) -> dict[str, Any]:
        """Have something deleted.

        Raises:
            AskError: as `get`.
        """
        return await self._object(self._wire.client.delete(path, cast_to=httpx2.Response))

    async def content(self, file: str) -> bytes:
        """The content of a file that the server keeps.

        Raises:
            AskError: as `get`.
        """
        call = self._wire.client.get(f"/files/{file}/content", cast_to=httpx2.Response)
        return (await self._wire.sent(call)).content

    async def upload(self, filename: str, data: bytes) -> dict[str, Any]:
        """Hand in a training file; large ones may take `UPLOAD_S`.

        Raises:
            AskError: as `post`.
        """
        call = self._wire.client.post(
            "/files",
            cast_to=httpx2.Response,
            body={"purpose": "fine-tune"},
            files=[("file", (filename, data, "application/jsonl"))],
            options={"headers": {"Content-Type": "multipart/form-data"}, "timeout": UPLOAD_S},
        )
        return await self._object(call, UPLOAD_S)

    async def close(self) -> None:
        """Let go of connections."""
        await self._wire.close()

    async def _object(
        self, call: Awaitable[httpx2.Response], timeout_s: float | None = None
    ) -> dict[str, Any]:
        raw = await self._wire.sent(call, timeout_s)
        return self._wire.read(raw.content, raw.headers.get("content-type"))

    def _request_id(self, headers: Mapping[str, str]) -> str | None:
        value = headers.get("x-request-id")
        return None if value is None else self._wire.cleared(value)


def _since(began: float, until: float | None = None) -> float:
    """Milliseconds, to the microsecond."""
    return round(((until or time.perf_counter()) - began) * 1000, 3)
