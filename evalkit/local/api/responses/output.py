"""Pieces of an answer -> the items of a response's output, and the events that tell how they grow."""

from __future__ import annotations

from typing import Any

from evalkit.local.answer import Piece
from evalkit.local.api.bodies import logprob_of
from evalkit.local.api.responses.items import Item
from evalkit.local.hermes import CallPart
from evalkit.local.rows import new_id
from evalkit.local.services import Services

Event = dict[str, Any]


class Output:
    """What a response says and calls, as it grows.

    Args:
        services: spells tokens.
        logprobs: whether log probabilities are told.

    Attributes:
        items: messages and calls so far.
    """

    def __init__(self, services: Services, *, logprobs: bool):
        self.items: list[Item] = []
        self._services, self._logprobs = services, logprobs
        self._open = False

    def take(self, piece: Piece) -> list[Event]:
        """Add a piece; give the events that tell of it."""
        events: list[Event] = []
        if piece.text or piece.tokens:
            events += self._say(piece)
        for part in piece.parts:
            events += self._call(part)
        if piece.finish:
            if not self.items:  # an answer of nothing is a message of nothing
                events += self._opened(_message())
            events += self._closed("completed" if piece.finish == "stop" else "incomplete")
        return events

    def _say(self, piece: Piece) -> list[Event]:
        events = [] if self._open else self._opened(_message())
        logprobs = [logprob_of(self._services, token) for token in piece.tokens] if self._logprobs else []
        part = self.items[-1]["content"][0]
        part["text"] += piece.text
        part["logprobs"] += logprobs
        delta = self._event(
            "response.output_text.delta", content_index=0, delta=piece.text, logprobs=logprobs
        )
        return [*events, delta]

    def _call(self, part: CallPart) -> list[Event]:
        events: list[Event] = []
        if part.name is not None:
            events = [*self._closed("completed"), *self._opened(_call(part.name))]
        if part.arguments:
            self.items[-1]["arguments"] += part.arguments
            events.append(self._event("response.function_call_arguments.delta", delta=part.arguments))
        return events

    def _opened(self, item: Item) -> list[Event]:
        self.items.append(item)
        self._open = True
        bare = {**item, "content": []} if item["type"] == "message" else dict(item)
        events = [_added("response.output_item.added", len(self.items) - 1, bare)]
        if item["type"] == "message":
            part = {**item["content"][0], "logprobs": []}
            events.append(self._event("response.content_part.added", content_index=0, part=part))
        return events

    def _closed(self, status: str) -> list[Event]:
        """End the item under way, if there is one."""
        if not self._open:
            return []
        self._open = False
        item = self.items[-1]
        item["status"] = status
        done = _added("response.output_item.done", len(self.items) - 1, item)
        if item["type"] == "message":
            part = item["content"][0]
            told = {"text": part["text"], "logprobs": part["logprobs"]}
            return [
                self._event("response.output_text.done", content_index=0, **told),
                self._event("response.content_part.done", content_index=0, part=part),
                done,
            ]
        told = {"name": item["name"], "arguments": item["arguments"]}
        return [self._event("response.function_call_arguments.done", **told), done]

    def _event(self, kind: str, **more: Any) -> Event:
        """Tell of the item under way."""
        return {"type": kind, "item_id": self.items[-1]["id"], "output_index": len(self.items) - 1, **more}


def _added(kind: str, index: int, item: Item) -> Event:
    return {"type": kind, "output_index": index, "item": item}


def _message() -> Item:
    return {
        "id": new_id("msg_"),
        "type": "message",
        "status": "in_progress",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "", "annotations": [], "logprobs": []}],
    }


def _call(name: str) -> Item:
    return {
        "id": new_id("fc_"),
        "type": "function_call",
        "status": "in_progress",
        "call_id": new_id("call_"),
        "name": name,
        "arguments": "",
    }
