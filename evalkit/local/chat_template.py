"""Messages -> tokens, exactly as the chat template of the Hugging Face folder lays them out (ChatML):

    <|im_start|>system\\n{text}<|im_end|>\\n<|im_start|>user\\n{text}<|im_end|>\\n<|im_start|>assistant\\n

Only the markers of the layout become special tokens. What looks like one inside a message is encoded as
ordinary text, so that no message can end its turn or pretend to be another role.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tiktoken import Encoding

Role = Literal["system", "user", "assistant"]
Piece = tuple[Sequence[int], float]  # tokens, and what each of them counts
END_OF_TEXT, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `weight` is 0 where an assistant's text is not to be learned."""

    role: Role
    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """Tokens to be continued.

    Attributes:
        ids: all tokens, the opening of the assistant's turn included.
        prefix: how many of the first ones other requests are likely to share (the system message).
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

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        """Lay out a chat up to where the assistant's next turn begins."""
        turns = [self._turn(message) for message in messages]
        prefix = len(turns[0]) if messages[0].role == "system" else 0
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

    def lesson(self, messages: Sequence[Message]) -> Lesson:
        """Lay out a chat to learn from: each assistant text with its end token counts its weight."""
        pieces: list[Piece] = []
        for message in messages:
            if message.role == "assistant":
                said = [*self.encoding.encode_ordinary(message.text), self._end]
                pieces += [(self._answer, 0.0), (said, message.weight), (self._newline, 0.0)]
            else:
                pieces.append((self._turn(message), 0.0))
        return _joined(pieces)

    def text_lesson(self, prompt: str, completion: str) -> Lesson:
        """Lay out a legacy pair: the completion and the end of the text count."""
        said = [*self.encoding.encode_ordinary(completion), self._end_of_text]
        return _joined([(self.encoding.encode_ordinary(prompt), 0.0), (said, 1.0)])

    def _turn(self, message: Message) -> list[int]:
        return [*self._opened(message.role, message.text), self._end, *self._newline]

    def _opened(self, role: Role, text: str) -> list[int]:
        return [self._start, *self.encoding.encode_ordinary(f"{role}\n{text}")]


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
