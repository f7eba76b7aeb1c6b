"""Chats as a folder's own template lays them out, and plain texts, as tokens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from evalkit.local.backend import TemplateRefused
from evalkit.local.chat_template import Lesson, Message, Prompt, Tool, ToolCall
from evalkit.local.hf.renderer import Renderer

Tokens = tuple[int, ...]
PREFIXES_KEPT = 64  # system messages whose length in tokens is remembered


class HfTemplate:
    """The layout of chats and of legacy prompt-completion pairs.

    Args:
        tokenizer: of transformers, fast.
        renderer: runs the chat template.
        ends: tokens that end an answer, as the model's generation settings say.

    Attributes:
        stop_ids: those, and the special token that the template puts behind what the assistant says.
    """

    def __init__(self, tokenizer: Any, renderer: Renderer, ends: frozenset[int]):
        self._tokenizer, self._renderer = tokenizer, renderer
        self._special = frozenset(tokenizer.all_special_ids)
        self._first, self._last = tokenizer.bos_token_id, tokenizer.eos_token_id
        self._newline = self._encoded("\n")
        self._shared = lru_cache(PREFIXES_KEPT)(self._opening)
        self.stop_ids = ends | self._turn_end()

    def prompt(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> Prompt:
        """Lay out a chat up to where the assistant's next turn begins.

        Raises:
            TemplateRefused: the template does not take these messages.
        """
        ids = self._laid(messages, tools, opened=True)
        if messages[0].role != "system":
            return Prompt(ids, 0)
        return Prompt(ids, _agreeing(ids, self._shared(messages[0].text, _as_json(tools))))

    def text_prompt(self, text: str) -> Prompt:
        """Lay out a legacy prompt: its tokens, with those that begin every text of this model.

        What stands before the last blank line is taken for the part that other prompts share.
        """
        ids = self._begun(text)
        head, parted, _ = text.rpartition("\n\n")
        return Prompt(ids, _agreeing(ids, self._begun(head + parted)) if parted else 0)

    def lesson(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> Lesson:
        """Lay out a chat to learn from: what the assistant says, up to what ends its turn, counts its weight.

        Raises:
            TemplateRefused: the template does not take these messages, or writes earlier turns otherwise
                when later ones follow, so that what the model would see and say cannot be told apart.
        """
        ids = self._laid(messages, tools, opened=False)
        weights = [0.0] * len(ids)
        for at, message in enumerate(messages):
            if message.role == "assistant" and message.weight:
                said = self._said(ids, messages[: at + 1], tools)
                weights[said] = [message.weight] * len(range(*said.indices(len(ids))))
        return Lesson(ids, tuple(weights))

    def text_lesson(self, prompt: str, completion: str) -> Lesson:
        """Lay out a legacy pair to learn from: the completion and the end of the text count."""
        asked = self._begun(prompt)
        said = (*self._following(completion), *(() if self._last is None else (self._last,)))
        return Lesson((*asked, *said), (0.0,) * len(asked) + (1.0,) * len(said))

    def text(self, ids: Sequence[int]) -> str:
        """Give tokens as text, special ones by their names."""
        text: str = self._tokenizer.decode(
            list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        return text

    def _laid(self, messages: Sequence[Message], tools: Sequence[Tool], *, opened: bool) -> Tokens:
        return self._renderer.ids([_turn(m) for m in messages], json.loads(_as_json(tools)), opened=opened)

    def _opening(self, system: str, tools: str) -> Tokens:
        """The tokens of a chat that has nothing yet but its system message; () where that is no chat."""
        try:
            return self._renderer.ids(
                [{"role": "system", "content": system}], json.loads(tools), opened=False
            )
        except TemplateRefused:
            return ()

    def _said(self, ids: Tokens, messages: Sequence[Message], tools: Sequence[Tool]) -> slice:
        """Where in the tokens of a whole chat the last of its first `messages` is said."""
        asked = self._laid(messages[:-1], tools, opened=True)
        told = self._laid(messages, tools, opened=False)
        start, stop = _agreeing(ids, asked), _agreeing(ids, told)
        if not (self._continues(asked, told, start) and self._continues(told, ids, stop)):
            raise TemplateRefused(
                f"the model's chat template lays message {len(messages) - 1} out otherwise once it is "
                "answered or others follow: train on chats that end with the one answer to be learned"
            )
        ends = [at + 1 for at in range(start, stop) if ids[at] in self.stop_ids]
        return slice(start, ends[0] if ends else stop)

    def _continues(self, asked: Tokens, told: Tokens, common: int) -> bool:
        """Whether one is the beginning of the other; the last token may have grown, as "\\n" to "\\n\\n"."""
        return common == len(asked) or self.text(told).startswith(self.text(asked))

    def _turn_end(self) -> frozenset[int]:
        """The first special token that the template writes behind an answer, if it does."""
        chat = [Message("user", "Hello"), Message("assistant", "Hello")]
        try:
            asked, told = self._laid(chat[:1], (), opened=True), self._laid(chat, (), opened=False)
        except TemplateRefused:
            return frozenset()
        behind = told[_agreeing(asked, told) :]
        return frozenset([token for token in behind if token in self._special][:1])

    def _begun(self, text: str) -> Tokens:
        """A text from its beginning on; an empty one is the token that begins or ends texts."""
        ids = self._encoded(text, with_special=True)
        start = self._last if self._first is None else self._first
        return ids if ids or start is None else (start,)

    def _following(self, text: str) -> Tokens:
        """A text in the midst of another: without the space that some tokenizers begin a text with."""
        ids = self._encoded("\n" + text)
        cut = len(self._newline)
        return ids[cut:] if ids[:cut] == self._newline else self._encoded(text)

    def _encoded(self, text: str, *, with_special: bool = False) -> Tokens:
        """Encode a text, none of which becomes a special token; `with_special` adds those around a text."""
        return tuple(self._tokenizer.encode(text, add_special_tokens=with_special, split_special_tokens=True))


def _agreeing(ids: Sequence[int], others: Sequence[int]) -> int:
    """How many tokens two rows begin with in common."""
    pairs = zip(ids, others, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(ids), len(others)))


def _turn(message: Message) -> dict[str, Any]:
    """A message as transformers' templates expect it."""
    turn: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.tool_calls:
        turn["tool_calls"] = [_call(call) for call in message.tool_calls]
    return turn


def _call(call: ToolCall) -> dict[str, Any]:
    """A call with its arguments as an object, which templates write as JSON themselves."""
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError):
        arguments = call.arguments
    return {"type": "function", "function": {"name": call.name, "arguments": arguments}}


def _as_json(tools: Sequence[Tool]) -> str:
    return json.dumps(
        [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                },
            }
            for tool in tools
        ]
    )
