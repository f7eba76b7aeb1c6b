"""Endpoints that speak OpenAI's HTTP API: OpenAI itself, and every server that imitates it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any

import httpx2
import openai

from evalkit.endpoints.answers import read_answer
from evalkit.endpoints.base import Request, Response
from evalkit.endpoints.faults import ask_error, bad_response, shorten, timed_out

PATHS = {"chat": "/chat/completions", "completions": "/completions"}

UPLOAD_S = 1800.0
"""For one training file: 512 MB over a slow line."""

SHORTEST_SECRET = 8
"""Header values below this many characters are no secrets, and would be found in any text."""


class OpenAIEndpoint:
    """One server under one base URL, asked through `openai.AsyncOpenAI` with its retries turned off.

    Neither the key nor a configured header ever leaves this object except in a request: whatever a server
    echoes is cleared of them before anyone else sees it. Redirects are not followed: they could carry the key
    to another host.

    Args:
        name: what the configuration calls it.
        base_url: e.g. `https://api.openai.com/v1`.
        api_key: sent as a bearer token; None sends none.
        headers: sent with every request.
        timeout_s: for one whole request.
        use_proxy: whether HTTP_PROXY and its kin apply; not for servers on this machine.
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
    ):
        self.name, self.base_url, self.timeout_s = name, base_url, timeout_s
        own = {"authorization": f"Bearer {api_key}"} if api_key else {}
        own |= headers or {}
        self._secrets = [text for text in (api_key or "", *own.values()) if len(text) >= SHORTEST_SECRET]
        self.client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",
            max_retries=0,
            timeout=timeout_s,
            http_client=openai.DefaultAsyncHttpxClient(
                trust_env=use_proxy,
                follow_redirects=False,
                event_hooks={"request": [_Dressing(own)]},
            ),
        )

    async def ask(self, request: Request) -> Response:
        """Ask once, without retries.

        Raises:
            AskError: no answer came, or none that could be read.
        """
        began = time.perf_counter()
        raw = await self._sent(
            self.client.post(PATHS[request.kind], cast_to=httpx2.Response, body=body_of(request))
        )
        latency_ms = (time.perf_counter() - began) * 1000
        answer = read_answer(self._json(raw), request.kind)
        return replace(answer, request_id=self._header(raw, "x-request-id"), latency_ms=latency_ms)

    async def models(self) -> tuple[Mapping[str, Any], ...]:
        """The entries of /models, as the server gives them.

        Raises:
            AskError: the server has no such list, or could not be reached.
        """
        raw = await self._sent(self.client.get("/models", cast_to=httpx2.Response))
        entries = self._json(raw).get("data")
        listed = entries if isinstance(entries, list) else []
        return tuple(entry for entry in listed if isinstance(entry, dict))

    async def model(self, name: str) -> Mapping[str, Any]:
        """The entry of one model: some servers list only part of what they serve.

        Raises:
            AskError: the server does not know it (`status` 404), or could not be reached.
        """
        return self._json(await self._sent(self.client.get(f"/models/{name}", cast_to=httpx2.Response)))

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        """What stands at a path of the API besides answers and models, e.g. `/fine_tuning/jobs`.

        Raises:
            AskError: the server refuses, or could not be reached.
        """
        call = self.client.get(path, cast_to=httpx2.Response, options={"params": query})
        return self._json(await self._sent(call))

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Have something made or changed; sent once, whatever happens.

        Raises:
            AskError: as `get`. Of type `timeout` or `connection` it leaves open whether anything was made.
        """
        return self._json(await self._sent(self.client.post(path, cast_to=httpx2.Response, body=body)))

    async def delete(self, path: str) -> dict[str, Any]:
        """Have something deleted.

        Raises:
            AskError: as `get`.
        """
        return self._json(await self._sent(self.client.delete(path, cast_to=httpx2.Response)))

    async def content(self, file: str) -> bytes:
        """The content of a file that the server keeps.

        Raises:
            AskError: as `get`.
        """
        return (await self._sent(self.client.get(f"/files/{file}/content", cast_to=httpx2.Response))).content

    async def upload(self, filename: str, data: bytes) -> dict[str, Any]:
        """Hand in a training file; large ones may take `UPLOAD_S`.

        Raises:
            AskError: as `post`.
        """
        call = self.client.post(
            "/files",
            cast_to=httpx2.Response,
            body={"purpose": "fine-tune"},
            files=[("file", (filename, data, "application/jsonl"))],
            options={"headers": {"Content-Type": "multipart/form-data"}, "timeout": UPLOAD_S},
        )
        return self._json(await self._sent(call, UPLOAD_S))

    async def close(self) -> None:
        """Let go of connections."""
        await self.client.close()

    async def _sent(
        self, call: Awaitable[httpx2.Response], timeout_s: float | None = None
    ) -> httpx2.Response:
        """What came back, within `timeout_s` all told: the SDK's own limit is for each wait, so that a server
        that drips would never reach it."""
        try:
            async with asyncio.timeout(timeout_s or self.timeout_s):
                return await call
        except TimeoutError as late:
            raise timed_out(self.base_url) from late
        except openai.OpenAIError as fault:
            raise ask_error(fault, self.base_url, self._cleared) from fault

    def _json(self, raw: httpx2.Response) -> dict[str, Any]:
        content = raw.content
        for secret in self._secrets:
            content = content.replace(secret.encode(), b"***")
        try:
            body = json.loads(content)
        except ValueError as broken:
            told = raw.headers.get("content-type", "no content type")
            found = shorten(content.decode("utf-8", "replace"), 80)
            raise bad_response(f"not JSON ({told}), begins {found!r}") from broken
        except RecursionError as deep:
            raise bad_response("JSON nested too deeply to be read") from deep
        if not isinstance(body, dict):
            raise bad_response(f"JSON, but a {type(body).__name__} where an object was due")
        return body

    def _header(self, raw: httpx2.Response, name: str) -> str | None:
        value = raw.headers.get(name)
        return None if value is None else self._cleared(value)

    def _cleared(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def body_of(request: Request) -> dict[str, Any]:
    """The JSON body of a request: params as written, with `extra_body` spread out as the SDK would do."""
    params = dict(request.params)
    extra = params.pop("extra_body", {})
    asked = {"messages": request.messages} if request.kind == "chat" else {"prompt": request.prompt}
    return {**params, **extra, "model": request.model, **asked}


class _Dressing:
    """Gives a request the configured headers, and takes off those that the SDK finds in the environment
    (key, organisation, project, OPENAI_CUSTOM_HEADERS) and would send to any host."""

    def __init__(self, own: Mapping[str, str]):
        lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()
        custom = [line.partition(":")[0].strip() for line in lines]
        self._ambient = ["authorization", "openai-organization", "openai-project", *custom]
        self._own = own

    async def __call__(self, request: httpx2.Request) -> None:
        for name in self._ambient:
            request.headers.pop(name, None)
        request.headers.update(self._own)
