"""Writing responses: the object itself, and the typed events of a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from evalkit.local.answer import Piece
from evalkit.local.api.asking import start
from evalkit.local.api.chat.asked import Asked
from evalkit.local.api.responses.items import Item
from evalkit.local.api.responses.output import Event, Output
from evalkit.local.api.responses.request import ResponseRequest
from evalkit.local.http.errors import ApiError
from evalkit.local.rows import StoredResponse, new_id, now
from evalkit.local.store import Store

KEPT_S = 30 * 24 * 3600  # how long responses are kept, as at OpenAI
SWEPT = 8  # of the oldest, how many are looked at with each new one


@dataclass(frozen=True, slots=True)
class Response:
    """A response in the making."""

    request: ResponseRequest
    asked: Asked
    id: str = field(default_factory=lambda: new_id("resp_"))
    created: int = field(default_factory=now)

    def output(self) -> Output:
        """Give what the answer's pieces are written to."""
        return Output(self.asked.services, logprobs=self.request.chat.logprobs is not None)

    def body(self, status: str, output: list[Item] | None = None, **more: Any) -> dict[str, Any]:
        """Write the response object."""
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": False,
            "completed_at": None,
            "error": None,
            "incomplete_details": None,
            "model": self.asked.model.name,
            "output": output or [],
            "reasoning": {"effort": None, "summary": None},
            "service_tier": "default",
            "truncation": "disabled",
            **self.request.repeated,
            **more,
        }

    def ended(self, end: Piece, output: list[Item]) -> dict[str, Any]:
        """Write the whole response, and keep it if that is wanted."""
        cut = end.finish == "length"
        body = self.body(
            "incomplete" if cut else "completed",
            output,
            completed_at=None if cut else now(),
            incomplete_details={"reason": "max_output_tokens"} if cut else None,
            usage=_usage(len(self.asked.prompt.ids), end),
        )
        if self.request.store:
            _keep(
                self.asked.services.store,
                StoredResponse(self.id, self.created, body, list(self.request.items)),
            )
        return body

    async def events(self) -> AsyncIterator[Event]:
        """Give the events of a stream."""
        yield {"type": "response.created", "response": self.body("in_progress")}
        yield {"type": "response.in_progress", "response": self.body("in_progress")}
        generation = start(self.asked.services, self.asked.questions, live=True)
        output = self.output()
        try:
            async for _, piece in generation.pieces():
                for event in output.take(piece):
                    yield event
            body = self.ended(piece, output.items)
            yield {"type": f"response.{body['status']}", "response": body}
        except ApiError as refusal:
            code = "server_error" if refusal.status >= 500 else "invalid_prompt"
            error = {"code": code, "message": refusal.message}
            yield {"type": "response.failed", "response": self.body("failed", output.items, error=error)}
        finally:
            generation.cancel()


def _usage(prompt_tokens: int, end: Piece) -> dict[str, Any]:
    return {
        "input_tokens": prompt_tokens,
        "input_tokens_details": {"cached_tokens": end.cached, "cache_write_tokens": 0},
        "output_tokens": end.generated,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt_tokens + end.generated,
    }


def _keep(store: Store, response: StoredResponse) -> None:
    """Enter a response; the oldest ones go when their time is over."""
    with store.transaction():
        for row in store.page(StoredResponse, after=None, limit=SWEPT, oldest_first=True).rows:
            if row.created_at + KEPT_S < response.created_at:
                store.delete(row)
        store.put(response)
