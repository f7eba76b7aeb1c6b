"""The seam `Request -> Response`: all that the harness knows of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from evalkit.jsontext import encode

Kind = Literal["chat", "completions"]
Message = Mapping[str, Any]

INSTRUCTS = ("system", "developer")
"""The roles of messages that say how to answer, not what."""

RECORDED = "recorded"
"""The endpoint of answers that a file holds, and the variant that they are of where the file names none."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question to one model, exactly as it is sent.

    `messages` for kind "chat", `prompt` for kind "completions"; the other is None.
    `params` are the body's further fields as the suite and the variant wrote them (temperature, tools, ...).
    """

    model: str
    kind: Kind
    messages: tuple[Message, ...] | None = None
    prompt: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def canonical(self) -> bytes:
        """JSON by which the same question is known again, but for the model. The order of params makes no
        other question; that within them does: a schema's properties are answered in their order."""
        return encode((self.kind, self.messages, self.prompt, dict(sorted(self.params.items()))))

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body: params as written, with `extra_body` spread out as the SDK would do."""
        params = dict(self.params)
        extra = params.pop("extra_body", {})
        asked = {"messages": self.messages} if self.kind == "chat" else {"prompt": self.prompt}
        return {**params, **extra, "model": self.model, **asked}


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them; None where it did not say."""

    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """One answer, as it came; None where the server did not say. Times in milliseconds."""

    model: str | None
    text: str | None
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    reasoning: str | None = None
    finish_reason: str | None = None
    refusal: str | None = None
    system_fingerprint: str | None = None
    request_id: str | None = None
    usage: Usage = Usage()
    latency_ms: float | None = None
    ttft_ms: float | None = None


class Endpoint(Protocol):
    """Anything that answers requests."""

    name: str

    async def ask(self, request: Request) -> Response:
        """Ask once, without retries.

        Raises:
            AskError: no answer came, or none that could be read.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
