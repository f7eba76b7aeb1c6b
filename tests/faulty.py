"""A real HTTP/1.1 server on the loopback interface that goes wrong by schedule, and counts what it did.

It answers chat completions, streamed where asked: the last message in capitals. Which requests go wrong, and
how, is drawn for each prompt's first, second, ... request apart, so that it does not hang on who comes first.

What counts as given, so that a provider would bill it: a request that was read to its end and was not refused
with a status of 3xx, 4xx or 5xx. Whether its answer was whole, cut, unreadable or never came makes no
difference. A connection that was refused brought no request, and a client can see that.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import random
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

HUGE_BYTES = 50_000_000
_BLOCK = b"x" * 1_000_000
_JSON, _HTML, _EVENTS = "application/json", "text/html", "text/event-stream"
_NO_MORE_SYNS = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (6, 0, 0, 0), (6, 0, 0, 0xFFFFFFFF))
)
"""A packet filter: load TCP's flags; if SYN is among them, drop the packet, else let it in. Who dropped all
would drop the end of a handshake too, and with it a connection that its client already takes to be made."""
_ATTACH_FILTER = 26
_HANDSHAKE_S = 0.002
"""What is left of a handshake takes microseconds, where both processors run."""


@dataclass
class Exchange:
    """One request, and the means to answer it well or badly."""

    server: FaultyServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    prompt: str
    stream: bool

    @property
    def body(self) -> bytes:
        """A good answer: a JSON text, or all events of a stream."""
        return b"".join(self.events()) if self.stream else _whole(self.prompt.upper())

    @property
    def content_type(self) -> str:
        """Of a good answer."""
        return _EVENTS if self.stream else _JSON

    def events(self, *, usage: bool = True) -> list[bytes]:
        """A good stream: every two letters of the answer are an event with an id and random padding."""
        text = self.prompt.upper()
        deltas = [{"content": text[at : at + 2]} for at in range(0, len(text), 2)]
        events = [_event({"delta": {"role": "assistant", "content": ""}})]
        events += [_event({"delta": delta}, number) for number, delta in enumerate(deltas, 1)]
        events.append(_event({"delta": {}, "finish_reason": "stop"}))
        counted = b'data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}\n\n'
        return [*events, *([counted] if usage else []), b"data: [DONE]\n\n"]

    async def good(self) -> None:
        """Answer as a server should."""
        if self.stream:
            await self.chunks(self.events())
        else:
            await self.send(self.body)

    async def send(
        self, body: bytes, status: int = 200, content_type: str = "", length: int = 0, head: str = ""
    ) -> None:
        """One answer; `length` other than 0 is what its content-length says, `head` further header lines."""
        kind = content_type or (self.content_type if status == 200 else _JSON)
        lines = (
            f"HTTP/1.1 {status} -\r\ncontent-type: {kind}\r\ncontent-length: {length or len(body)}\r\n{head}"
        )
        self.write(f"{lines}\r\n".encode() + body)
        await self.writer.drain()

    async def chunks(self, parts: Sequence[bytes], *, ended: bool = True) -> None:
        """A body that tells its length bit by bit; `ended`: up to its end, and not a part of it."""
        self.write(
            f"HTTP/1.1 200 -\r\ncontent-type: {_EVENTS}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        )
        for part in parts:
            self.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            await asyncio.sleep(0)
        if ended:
            self.write(b"0\r\n\r\n")
        await self.writer.drain()

    def write(self, data: bytes) -> None:
        """Send bytes, unless the client has gone."""
        if not self.writer.is_closing():
            self.writer.write(data)

    def close(self) -> None:
        """End the connection in order."""
        self.writer.close()

    def reset(self) -> None:
        """End it with a reset: what was not sent yet is thrown away."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Wait until the client hangs up."""
        while await self.reader.read(65_536):
            pass
        self.close()


async def closed_port(x: Exchange) -> None:
    """A good answer, and from before it comes the port refuses connections for a moment."""
    await x.server.close_port()
    await x.send(x.body, head="connection: close\r\n")
    x.close()


async def reset_before(x: Exchange) -> None:
    """A reset in place of an answer."""
    x.reset()


async def reset_inside(x: Exchange) -> None:
    """A reset in the middle of an answer."""
    await x.send(x.body[:40], length=len(x.body))
    await asyncio.sleep(0.002)
    x.reset()


async def silent(x: Exchange) -> None:
    """No answer."""
    await x.gone()


async def rate_limited(x: Exchange) -> None:
    """429, and not a word on when to come back."""
    await x.send(_refusal("rate_limit_exceeded"), 429)


async def rate_limited_until(x: Exchange) -> None:
    """429 with Retry-After."""
    await x.send(_refusal("rate_limit_exceeded"), 429, head="retry-after: 0.05\r\n")


async def status_500(x: Exchange) -> None:
    """A fault of the server's."""
    await x.send(_refusal("server_error"), 500)


async def status_502(x: Exchange) -> None:
    """A fault of the proxy's, who speaks HTML."""
    await x.send(b"<html><h1>502 Bad Gateway</h1></html>", 502, _HTML)


async def status_503(x: Exchange) -> None:
    """Too busy."""
    await x.send(_refusal("overloaded"), 503)


async def html(x: Exchange) -> None:
    """A page in place of an answer, and a good status."""
    await x.send(b"<html><h1>Sign in</h1></html>", content_type=_HTML)


async def truncated(x: Exchange) -> None:
    """An answer that stops in the middle; its length is right."""
    await x.send(x.body[: len(x.body) // 2])


async def no_choices(x: Exchange) -> None:
    """A list of choices that holds none."""
    await x.send(
        b'data: {"choices": []}\n\ndata: [DONE]\n\n' if x.stream else b'{"choices": [], "usage": null}'
    )


async def null_content(x: Exchange) -> None:
    """A message without text: an answer, if a poor one."""
    await x.send(_event({"delta": {"content": None}, "finish_reason": "stop"}) if x.stream else _whole(None))


async def no_usage(x: Exchange) -> None:
    """A good answer that does not say what it took."""
    await x.send(b"".join(x.events(usage=False)) if x.stream else _whole(x.prompt.upper(), usage=None))


async def length_too_long(x: Exchange) -> None:
    """A content-length beyond the body, which the connection's end cuts."""
    await x.send(x.body, length=len(x.body) + 10)
    x.close()


async def length_too_short(x: Exchange) -> None:
    """A content-length within the body; the connection stays open, with the rest of the body in it."""
    await x.send(x.body, length=len(x.body) * 2 // 3)


async def drip(x: Exchange) -> None:
    """A good answer, a few bytes at a time."""
    body, x_length = x.body, len(x.body)
    await x.send(b"", length=x_length)
    for at in range(0, x_length, 16):
        x.write(body[at : at + 16])
        await asyncio.sleep(0.001)


async def endless_drip(x: Exchange) -> None:
    """Spaces, or comments of a stream, as long as the client listens: each soon, but without end."""
    await x.send(b"", length=HUGE_BYTES)
    while not x.writer.is_closing():
        x.write(b": wait\n\n" if x.stream else b" ")
        await asyncio.sleep(0.05)


async def twice(x: Exchange) -> None:
    """A good stream, every event of which is delivered twice."""
    await x.chunks([event for event in x.events() for _ in range(2)])


async def cut_before_usage(x: Exchange) -> None:
    """A stream that ends without its usage, its [DONE] and its end."""
    await x.chunks(x.events()[:-2], ended=False)
    x.close()


async def cut_inside(x: Exchange) -> None:
    """A stream that ends in the middle of its text."""
    await x.chunks([*x.events()[:2], x.events()[2][:30]], ended=False)
    x.close()


async def cut_in_order(x: Exchange) -> None:
    """A stream that lacks its end, though the connection does not."""
    await x.chunks(x.events()[:3])


async def invalid_utf8(x: Exchange) -> None:
    """Bytes in the text that are no text."""
    await x.send(x.body.replace(x.prompt.upper()[:2].encode(), b"\xc3\x28\xff", 1))


async def huge(x: Exchange) -> None:
    """50 MB of text, as far as the client takes it."""
    head = (
        b'data: {"choices": [{"delta": {"content": "'
        if x.stream
        else b'{"choices": [{"message": {"content": "'
    )
    await x.send(head, length=HUGE_BYTES)
    for number in range(HUGE_BYTES // len(_BLOCK)):
        x.write(_BLOCK)
        await x.writer.drain()
        x.server.longest = max(x.server.longest, (number + 1) * len(_BLOCK))


async def no_http(x: Exchange) -> None:
    """Something that is no answer in HTTP at all."""
    x.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
    x.close()


async def redirect(x: Exchange) -> None:
    """The way to another host."""
    await x.send(b"", 307, head=f"location: {x.server.other_url}/v1/chat/completions\r\n")


Fault = Callable[[Exchange], Awaitable[None]]

REFUSALS: tuple[Fault, ...] = (
    rate_limited, rate_limited_until, status_500, status_502, status_503, redirect,
)  # fmt: skip
"""Faults for which nobody is billed."""

FAULTS: tuple[Fault, ...] = (
    *REFUSALS, reset_before, reset_inside, silent, html, truncated, no_choices, null_content, no_usage,
    length_too_long, length_too_short, drip, endless_drip, invalid_utf8, huge, no_http,
    *((closed_port,) if sys.platform == "linux" else ()),
)  # fmt: skip
"""Faults of any answer. A port is closed without losing a connection only where there are packet filters."""

STREAM_FAULTS: tuple[Fault, ...] = (twice, cut_before_usage, cut_inside, cut_in_order)


@dataclass
class FaultyServer:
    """The server, on a thread of its own.

    Attributes:
        faults: what may go wrong.
        share: of the requests for which something does.
        seed: of the draw.
        closed_s: for how long a closed port refuses connections, in seconds.
        received, given: requests read, and answers given, by prompt.
        drawn: how often each fault struck, by name.
        connections: how many were made.
        longest: the most bytes of a huge answer that a client took.
        stray: what the other host, to which redirects lead, was sent.
    """

    faults: Sequence[Fault]
    share: float = 0.2
    seed: int = 0
    closed_s: float = 0.02
    received: Counter[str] = field(default_factory=Counter)
    given: Counter[str] = field(default_factory=Counter)
    drawn: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    longest: int = 0
    stray: list[bytes] = field(default_factory=list)
    base_url: str = ""
    other_url: str = ""

    async def start(self) -> None:
        """Open both ports."""
        self._loop = asyncio.get_running_loop()
        self._connections: set[asyncio.Task[None]] = set()
        self._port, self._closing = 0, False
        self._open_port()
        self._other = await asyncio.start_server(self._strayed, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._port}/v1"
        self.other_url = f"http://127.0.0.1:{self._other.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Drop everything."""
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
            self._listener.close()
        self._other.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def close_port(self) -> None:
        """Refuse connections for a moment. None is lost that was made: first none is begun any more, then
        those begun are let be made and are taken up, and only then the port is closed."""
        if self._closing:
            return
        self._closing = True
        code = ctypes.create_string_buffer(_NO_MORE_SYNS, len(_NO_MORE_SYNS))
        filtered = struct.pack("HL", len(_NO_MORE_SYNS) // 8, ctypes.addressof(code))
        self._listener.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, filtered)
        await asyncio.sleep(_HANDSHAKE_S)
        self._accept()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        self._loop.call_later(self.closed_s, self._open_port)

    def _open_port(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=1024)
        self._closing = False
        self._listener.setblocking(False)
        self._port = self._listener.getsockname()[1]
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                task = self._loop.create_task(self._serve(connection))
                self._connections.add(task)
                task.add_done_callback(self._connections.discard)

    async def _serve(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            while not writer.is_closing():
                await self._answer_one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        content = await reader.readexactly(length)
        if not head.startswith(b"post "):  # the list of models, which it does not have
            writer.write(b"HTTP/1.1 404 -\r\ncontent-length: 0\r\n\r\n")
            return
        asked = json.loads(content)
        prompt = asked["messages"][-1]["content"]
        exchange = Exchange(self, reader, writer, prompt, bool(asked.get("stream")))
        await (self._draw(prompt) or Exchange.good)(exchange)

    def _draw(self, prompt: str) -> Fault | None:
        """What goes wrong this time, counted."""
        self.received[prompt] += 1
        luck = random.Random(f"{self.seed} {prompt} {self.received[prompt]}")
        wrong = bool(self.faults) and luck.random() < self.share
        fault = luck.choice(self.faults) if wrong else None
        self.given[prompt] += fault not in REFUSALS
        if fault:
            self.drawn[_name(fault)] += 1
        return fault

    async def _strayed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            self.stray.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 -\r\ncontent-length: 0\r\n\r\n")
        writer.close()


@contextmanager
def faulty_server(*faults: Fault, **settings: Any) -> Iterator[FaultyServer]:
    """A running server in which these faults happen, with what else a FaultyServer takes."""
    server = FaultyServer(faults, **settings)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _name(fault: Fault) -> str:
    return getattr(fault, "__name__", "")


def _whole(text: str | None, usage: Any = {"prompt_tokens": 3, "completion_tokens": 1}) -> bytes:  # noqa: B006
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return json.dumps({"model": "faulty", "choices": [choice], "usage": usage}).encode()


def _event(choice: dict[str, Any], number: int = 0) -> bytes:
    """One event with one choice; numbered ones have an id, and OpenAI's padding."""
    padding = {"obfuscation": f"{random.getrandbits(48):x}"} if number else {}
    head = f"id: {number}\n" if number else ""
    chunk = {"model": "faulty", "choices": [{"index": 0, "finish_reason": None, **choice}], **padding}
    return f"{head}data: {json.dumps(chunk)}\n\n".encode()


def _refusal(code: str) -> bytes:
    return json.dumps({"error": {"message": "not now", "type": None, "code": code}}).encode()
