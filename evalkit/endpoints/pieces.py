"""The pieces of a streamed message -> the message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.endpoints.answers import content_text

TEXTS = ("content", "refusal", "reasoning_content", "reasoning")


class Pieces:
    """Collects what `delta` brings, chunk by chunk."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._calls: list[dict[str, Any]] = []

    def add(self, delta: Mapping[str, Any]) -> bool:
        """Take up one delta; whether it brought anything but a role."""
        brought = False
        for name in TEXTS:
            if name in delta and (text := content_text(delta[name])) is not None:
                self._texts.setdefault(name, []).append(text)
                brought |= text != ""
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                _merge(self._call(call), call)
                brought = True
        return brought

    def message(self) -> dict[str, Any]:
        """The whole message. An empty text beside a refusal or tool calls is null, as in whole answers."""
        message: dict[str, Any] = {"role": "assistant", "content": None}
        message |= {name: "".join(texts) for name, texts in self._texts.items()}
        if self._calls:
            message["tool_calls"] = [_without_index(call) for call in self._calls]
        if self._calls or message.get("refusal"):
            message["content"] = message["content"] or None
        return message

    def _call(self, delta: Mapping[str, Any]) -> dict[str, Any]:
        """The call that a delta goes on with: the last of its index (without one, the last of all), unless
        its id is another."""
        index, name = delta.get("index"), delta.get("id")
        same = [call for call in self._calls if index is None or call.get("index") == index]
        if not same or (name and same[-1].get("id") not in (None, name)):
            same = [{}]
            self._calls += same
        return same[-1]


def _merge(into: dict[str, Any], delta: Mapping[str, Any]) -> None:
    """Texts grow, but ids, types and a name that is said again; all else is taken as it comes last."""
    for key, value in delta.items():
        held = into.get(key)
        if isinstance(value, dict):
            if not isinstance(held, dict):
                held = into[key] = {}
            _merge(held, value)
        elif isinstance(held, str) and isinstance(value, str):
            into[key] = held if key in ("id", "type") or (key, held) == ("name", value) else held + value
        elif value is not None:
            into[key] = value


def _without_index(call: Mapping[str, Any]) -> dict[str, Any]:
    """The place of a call in the list says what its index said."""
    return {key: value for key, value in call.items() if key != "index"}
