"""HTTP to one server through the `openai` SDK's own client: its transport, authentication and error classes.

Questions skip the SDK's request objects and typed models: measured on a stub that answers at once (two cores,
64 under way), `client.post(cast_to=httpx2.Response)` takes 0.64 ms of CPU a question, the SDK's own
`client.chat.completions.create` 1.17, a request sent through its HTTP client as here 0.23.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import aiohttp
import httpx2
import msgspec
import openai

from evalkit.endpoints.faults import ask_error, bad_response, shorten, timed_out
from evalkit.endpoints.secrets import Secrets, credentials
from evalkit.errors import AskError

IDLE_S = 3.0
"""A connection is used again within this time. Many servers close one after 5 s: a question that is sent at
that moment would be lost, and perhaps charged."""

MAX_ERROR_BYTES = 65_536
"""Of a refusal's body, which is read no further; of one that is longer half is kept, in which no key can be
cut off."""

REFUSAL_S = 5.0
"""How long a refusal's body is waited for."""

LINGER_S = 0.25
"""How long the end of a stream is waited for after its last event: then its connection can be used again."""

Heard = Callable[[Mapping[str, str]], None]


class Sink(Protocol):
    """What takes up a body as it comes.

    Attributes:
        whole: whether the answer is there already, whatever becomes of the connection now.
        done: whether the rest need not be read.
    """

    whole: bool
    done: bool

    def feed(self, chunk: bytes) -> None:
        """The next bytes.

        Raises:
            AskError: they are too many, or cannot be read.
        """
        ...


class Wire:
    """The way to one base URL.

    Neither the key nor a configured header that holds one ever leaves this object except in a request:
    whatever a server echoes is cleared of them before anyone else sees it. Redirects are not followed: they
    could carry the key to another host.

    Args:
        base_url: e.g. `https://api.openai.com/v1`.
        api_key: sent as a bearer token; None sends none.
        headers: sent with every request.
        timeout_s: for one whole request.
        use_proxy: whether HTTP_PROXY and its kin apply; not for servers on this machine.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        headers: Mapping[str, str],
        timeout_s: float,
        use_proxy: bool,
    ):
        self.base_url, self.timeout_s = base_url, timeout_s
        own = {**({"authorization": f"Bearer {api_key}"} if api_key else {}), **headers}
        self._secrets = Secrets((api_key or "", *credentials(own)))
        dress = _Dressing(own)
        # no limit to connections here: the run's pool and the endpoint's throttle are the limits
        self._http = openai.DefaultAioHttpClient(
            trust_env=use_proxy,
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=0, keepalive_expiry=IDLE_S),
            event_hooks={"request": [dress]},
        )
        self.client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",
            max_retries=0,
            timeout=timeout_s,
            http_client=self._http,
        )
        self._urls: dict[str, httpx2.URL] = {}
        # connecting ends before the whole time does: what was never sent has not been charged
        self._dressed = {"evalkit": "dressed", "timeout": {"connect": 0.9 * timeout_s}}
        said = {name: text for name, text in self.client.default_headers.items() if isinstance(text, str)}
        self._headers = dress.over(httpx2.Headers(said))

    async def ask(self, path: str, content: bytes, sink: Sink, heard: Heard) -> Mapping[str, str]:
        """Send a question and let `sink` take up the answer; gives the answer's headers.

        Args:
            path: below the base URL, e.g. `/chat/completions`.
            content: the JSON body.
            sink: fed with what comes, where the status is good.
            heard: told the headers of whatever answer comes, refusals too.

        Raises:
            AskError: no whole answer came within `timeout_s`.
        """
        if path not in self._urls:
            self._urls[path] = httpx2.URL(self.base_url + path)  # taking one apart costs 0.05 ms
        request = httpx2.Request(
            "POST", self._urls[path], headers=self._headers, content=content, extensions=dict(self._dressed)
        )
        headers: Mapping[str, str] = {}
        try:
            async with self._within(self.timeout_s):
                reply = await self._http.send(request, stream=True)
                headers = reply.headers
                try:
                    heard(headers)
                    if not reply.is_success:
                        raise await self._refusal(reply)
                    await _take_up(reply, sink)
                finally:
                    await reply.aclose()
        except AskError:
            if not sink.whole:
                raise
        return headers

    async def sent(self, call: Awaitable[httpx2.Response], timeout_s: float | None = None) -> httpx2.Response:
        """What came back to a call of the SDK, within `timeout_s` all told: the SDK's own limit is for each
        wait, so that a server that drips would never reach it.

        Raises:
            AskError: nothing did, or a refusal.
        """
        async with self._within(timeout_s or self.timeout_s):
            return await call

    def read(self, content: bytes, content_type: str | None = None) -> dict[str, Any]:
        """The object that a body holds, cleared of secrets.

        Raises:
            AskError: it is no JSON object.
        """
        return _parsed(self._secrets.cleared(content), self.cleared(content_type or "no content type"))

    def cleared_body(self, body: dict[str, Any]) -> dict[str, Any]:
        """A body without secrets, whatever pieces its texts were put together from."""
        return _parsed(self._secrets.cleared(json.dumps(body).encode()), "streamed")

    def cleared(self, text: str) -> str:
        """A text without secrets."""
        return self._secrets.cleared_text(text)

    async def close(self) -> None:
        """Let go of connections."""
        await self.client.close()

    async def _refusal(self, reply: httpx2.Response) -> openai.APIStatusError:
        """The SDK's error for an answer with another status than 2xx, whatever becomes of its body."""
        content = b""
        try:
            async with asyncio.timeout(REFUSAL_S):
                async for chunk in reply.aiter_bytes():
                    content += chunk
                    if len(content) >= MAX_ERROR_BYTES:
                        break
        except (TimeoutError, httpx2.HTTPError, aiohttp.ClientError, OSError):
            content = b""  # it may have broken off in the middle of a key
        return _status_error(reply, self._secrets.cleared(content)[: MAX_ERROR_BYTES // 2])

    @asynccontextmanager
    async def _within(self, timeout_s: float) -> AsyncIterator[None]:
        """A time limit around an exchange, and every way in which it may fail as an AskError."""
        try:
            async with asyncio.timeout(timeout_s):
                yield
        except TimeoutError as late:
            raise timed_out(self.base_url) from late
        except (openai.OpenAIError, httpx2.HTTPError, aiohttp.ClientError, OSError) as fault:
            # not `from fault`: a traceback would show what the server said as it said it, keys included
            raise ask_error(fault, self.base_url, self.cleared) from None


class _Dressing:
    """Gives a request the configured headers, and takes off those that the SDK finds in the environment
    (key, organisation, project, OPENAI_CUSTOM_HEADERS) and would send to any host."""

    def __init__(self, own: Mapping[str, str]):
        lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()
        custom = [line.partition(":")[0].strip() for line in lines]
        self._ambient = ["authorization", "openai-organization", "openai-project", *custom]
        self._own = own

    async def __call__(self, request: httpx2.Request) -> None:
        if "evalkit" not in request.extensions:
            request.headers = self.over(request.headers)

    def over(self, headers: httpx2.Headers) -> httpx2.Headers:
        """The headers as they are to be sent."""
        for name in self._ambient:
            headers.pop(name, None)
        headers.update(self._own)
        return headers


async def _take_up(reply: httpx2.Response, sink: Sink) -> None:
    """Feed a body to what takes it up, until it ends or the rest need not be read."""
    chunks = reply.aiter_bytes()
    async for chunk in chunks:
        sink.feed(chunk)
        if sink.done:
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S):
                    async for _ in chunks:
                        pass
            return


def _status_error(reply: httpx2.Response, content: bytes) -> openai.APIStatusError:
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = content.decode("utf-8", "replace")
    told = body.get("error", body) if isinstance(body, dict) else body
    reply.headers.pop("content-encoding", None)  # what was read is decoded already
    whole = httpx2.Response(reply.status_code, headers=reply.headers, content=content, request=reply.request)
    return openai.APIStatusError(f"status {reply.status_code}", response=whole, body=told)


def _whole_characters(body: Any) -> Any:
    """The body with U+FFFD for halves of surrogate pairs: no file could hold them as they are."""
    text = json.dumps(body, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _parsed(content: bytes, content_type: str) -> dict[str, Any]:
    """The object in a JSON text; what msgspec is too strict for (NaN, half of a surrogate pair) the standard
    library reads."""
    try:
        try:
            body = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            body = _whole_characters(json.loads(content))
    except ValueError as broken:
        found = shorten(content[:400].decode("utf-8", "replace"), 80)
        raise bad_response(f"not JSON ({content_type}), begins {found!r}") from broken
    except RecursionError as deep:
        raise bad_response("JSON nested too deeply to be read") from deep
    if not isinstance(body, dict):
        raise bad_response(f"JSON, but a {type(body).__name__} where an object was due")
    return body
