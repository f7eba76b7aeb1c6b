"""Messages -> tokens, exactly as the chat template of the Hugging Face folder lays them out (ChatML):

    <|im_start|>system\\n{text}<|im_end|>\\n<|im_start|>user\\n{text}<|im_end|>\\n<|im_start|>assistant\\n

Only the markers of the layout become special tokens. What looks like one inside a message is encoded as
ordinary text, so that no message can end its turn or pretend to be another role.

Tools stand at the end of the system turn, a signature a line; see `signature`. Calls are lines of JSON at the
end of the assistant's turn (Hermes form); what a tool returned is a turn of its own:

    <tool_call>{"name": "set_light", "arguments": {"room": "hall", "on": true}}</tool_call><|im_end|>\\n
    <|im_start|>tool\\ndone<|im_end|>\\n

The same in Jinja, for other readers of the folder, is chat_template.jinja.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tiktoken import Encoding

from evalkit.tokens import tool_signature, tools_block

Role = Literal["system", "user", "assistant", "tool"]
Piece = tuple[Sequence[int], float]  # tokens, and what each of them counts
END_OF_TEXT, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CALL, CALL_END = "<tool_call>", "</tool_call>"  # ordinary text, as in the Hermes models


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call.

    Attributes:
        description: "" where none was given.
        parameters: a JSON schema of type object; {} = no arguments.
        strict: whether arguments are held to OpenAI's strict mode.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    strict: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call; `arguments` is JSON text, as OpenAI carries it."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn.

    Attributes:
        text: what was said, or what a tool returned; "" where there are only calls.
        weight: 0 where what the assistant says is not to be learned.
        tool_calls: what the assistant calls after its text.
    """

    role: Role
    text: str
    weight: float = 1.0
    tool_calls: tuple[ToolCall, ...] = ()

    @property
    def said(self) -> str:
        """The text, then a line for each call."""
        lines = [self.text] if self.text or not self.tool_calls else []
        return "\n".join([*lines, *map(call_line, self.tool_calls)])


@dataclass(frozen=True, slots=True)
class Prompt:
    """Tokens to be continued.

    Attributes:
        ids: all tokens, the opening of the assistant's turn included.
        prefix: how many of the first ones other requests are likely to share (system message and tools).
    """

    ids: tuple[int, ...]
    prefix: int


@dataclass(frozen=True, slots=True)
class Lesson:
    """Tokens to learn from; `weights` has one number a token: 1 on what the assistant says, 0 elsewhere."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]


class ChatTemplate:
    """The layout of chats and of legacy prompt-completion pairs.

    Args:
        encoding: the model's tokens, with the three markers of the layout.

    Attributes:
        stop_ids: tokens that end an answer. All special tokens do: none of them is text.
    """

    def __init__(self, encoding: Encoding):
        self.encoding = encoding
        self.stop_ids = frozenset(encoding.encode_single_token(name) for name in encoding.special_tokens_set)
        self._start = encoding.encode_single_token(START)
        self._end = encoding.encode_single_token(END)
        self._end_of_text = encoding.encode_single_token(END_OF_TEXT)
        self._newline = encoding.encode_ordinary("\n")
        self._answer = self._opened("assistant", "")

    def prompt(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> Prompt:
        """Lay out a chat up to where the assistant's next turn begins."""
        shown = _with_tools(messages, tools)
        turns = [self._turn(message) for message in shown]
        prefix = len(turns[0]) if shown[0].role == "system" else 0
        return Prompt((*(token for turn in turns for token in turn), *self._answer), prefix)

    def text_prompt(self, text: str) -> Prompt:
        """Lay out a legacy prompt: its plain tokens.

        An empty text begins a new one, after the token that parts texts. Instructions and question are
        customarily parted by a blank line: what stands before the last one is taken for the shareable part,
        where a token ends there.
        """
        ids = tuple(self.encoding.encode_ordinary(text)) or (self._end_of_text,)
        head, parted, _ = text.rpartition("\n\n")
        shared = tuple(self.encoding.encode_ordinary(head + parted)) if parted else ()
        return Prompt(ids, len(shared) if ids[: len(shared)] == shared else 0)

    def lesson(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> Lesson:
        """Lay out a chat to learn from: what the assistant says, with its end token, counts its weight."""
        pieces: list[Piece] = []
        for message in _with_tools(messages, tools):
            if message.role == "assistant":
                said = [*self.encoding.encode_ordinary(message.said), self._end]
                pieces += [(self._answer, 0.0), (said, message.weight), (self._newline, 0.0)]
            else:
                pieces.append((self._turn(message), 0.0))
        return _joined(pieces)

    def text_lesson(self, prompt: str, completion: str) -> Lesson:
        """Lay out a legacy pair: the completion and the end of the text count."""
        said = [*self.encoding.encode_ordinary(completion), self._end_of_text]
        return _joined([(self.encoding.encode_ordinary(prompt), 0.0), (said, 1.0)])

    def text(self, ids: Sequence[int]) -> str:
        """Give tokens as text, special ones by their names."""
        return self.encoding.decode(ids)

    def _turn(self, message: Message) -> list[int]:
        return [*self._opened(message.role, message.said), self._end, *self._newline]

    def _opened(self, role: Role, text: str) -> list[int]:
        return [self._start, *self.encoding.encode_ordinary(f"{role}\n{text}")]


def signature(tool: Tool) -> str:
    """Write a tool as the model sees it, e.g. `set_light(room: "hall", on?: boolean): Switch it.`"""
    return tool_signature(tool.name, tool.description, tool.parameters)


def call_line(call: ToolCall) -> str:
    """Write a call as the model does."""
    name = json.dumps(call.name, ensure_ascii=False)
    return f'{CALL}{{"name": {name}, "arguments": {respelled(call.arguments)}}}{CALL_END}'


def respelled(arguments: str) -> str:
    """Spell JSON as `json.dumps(..., ensure_ascii=False)` does; what is no JSON stays as it is."""
    try:
        return json.dumps(json.loads(arguments), ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return arguments


def text_of(content: object) -> str | None:
    """Read a message's content: a text, or a list of parts of type text, which are put together.

    Returns:
        The text; None where the content is neither.
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        return None
    texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
    known = [text for text in texts if isinstance(text, str)]
    return "".join(known) if len(known) == len(content) else None


def _joined(pieces: Sequence[Piece]) -> Lesson:
    return Lesson(
        tuple(token for tokens, _ in pieces for token in tokens),
        tuple(weight for tokens, weight in pieces for _ in tokens),
    )


def _with_tools(messages: Sequence[Message], tools: Sequence[Tool]) -> Sequence[Message]:
    """Put the tools at the end of the system message, which is added where there is none."""
    if not tools:
        return messages
    system, rest = (messages[0].text, messages[1:]) if messages[0].role == "system" else ("", messages)
    block = tools_block(map(signature, tools))
    return [Message("system", f"{system}\n\n{block}" if system else block), *rest]
