"""A real HTTP server on the loopback interface that answers by rule, faults included."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What goes over the wire. `cut` sends only so many bytes of the body, then closes the connection."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    cut: int | None = None
    delay_s: float = 0.0


Rule = Callable[[Json], Reply]
"""The JSON body of a request -> the reply."""


def said(text: str, **usage: int) -> Reply:
    """A whole chat answer."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return as_json({"model": "loop", "choices": [choice], "usage": usage or None})


def as_json(body: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON reply; `retry_after` becomes the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(body).encode(), {"content-type": "application/json", **named})


def refused(status: int, code: str, message: str = "no", **headers: str) -> Reply:
    """An error in OpenAI's shape."""
    return as_json({"error": {"message": message, "type": None, "code": code}}, status, **headers)


def shouting(body: Json) -> Reply:
    """The usual rule: the last message in capitals if there is a system message, else as it came."""
    messages = body.get("messages") or [{"role": "user", "content": body.get("prompt")}]
    text = str(messages[-1]["content"])
    obeys = messages[0]["role"] == "system"
    prompt_tokens = sum(len(str(message["content"]).split()) for message in messages)
    return said(text.upper() if obeys else text, prompt_tokens=prompt_tokens, completion_tokens=1)


class Loopback:
    """The server.

    `base_url` to ask, `rule` to change, `asked` to look at (path, headers, body). `serves`: what /models
    lists, with further keys by name; None has no such list. `busiest`: the most requests under way at once.
    """

    def __init__(self) -> None:
        self.rule: Rule = shouting
        self.serves: Mapping[str, Json] | None = None
        self.asked: list[tuple[str, dict[str, str], Json]] = []
        self.busiest = self._under_way = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._on_loop(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"

    @property
    def questions(self) -> list[Json]:
        """The bodies of all requests for answers, in order."""
        return [body for path, _, body in self.asked if path.endswith("completions")]

    def close(self) -> None:
        """Stop serving; connections that are still open are dropped."""
        self._on_loop(self._drop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _models(self, path: str) -> Reply:
        name = path.partition("/models")[2].lstrip("/")
        if self.serves is None or (name and name not in self.serves):
            return refused(404, "model_not_found")
        entries = [{"id": model, **keys} for model, keys in self.serves.items()]
        return as_json({"data": entries}) if not name else as_json({"id": name, **self.serves[name]})

    def _on_loop(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _drop(self) -> None:
        self._server.close()  # here, on its own loop: a connection that ends at this moment closes it as well
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; False where the connection is to be closed after it."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1]
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
        }
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        body = json.loads(content) if content else {}
        self.asked.append((path, headers, body))
        reply = self.rule(body) if path.endswith("completions") else self._models(path)
        await self._let_wait(reply.delay_s)
        lines = [f"HTTP/1.1 {reply.status} -", f"content-length: {len(reply.body)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + reply.body[: reply.cut])
        await writer.drain()
        return reply.cut is None

    async def _let_wait(self, delay_s: float) -> None:
        self._under_way += 1
        self.busiest = max(self.busiest, self._under_way)
        try:
            await asyncio.sleep(delay_s)
        finally:
            self._under_way -= 1


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    """A real server on the loopback interface, for one test."""
    server = Loopback()
    yield server
    server.close()
