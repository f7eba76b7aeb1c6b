"""Tokens -> pieces of an answer."""

from __future__ import annotations

from evalkit.local.answer import AnswerReader, Piece, joined
from evalkit.local.chat_template import ToolCall
from evalkit.local.engine.job import TokenEvent

WORDS = [
    b"Gr\xc3",
    b"\xbc\xc3\x9fe <tool",
    b"box>.",
    b"\n<tool",
    b'_call>{"name": "f", "argu',
    b'ments": {"a": 1}}</',
]
WORDS += [b"tool_call>", b""]
STOP = len(WORDS) - 1


def read(reader: AnswerReader, *tokens: int) -> list[Piece]:
    last = tokens[-1]
    events = [TokenEvent(token, -1.0, finished="stop" if token == last == STOP else None) for token in tokens]
    return [reader.read(event) for event in events]


def test_text_and_calls_are_parted() -> None:
    """What is said comes as soon as it is certain; its tokens come with it, those of a call never do."""
    pieces = read(AnswerReader(WORDS.__getitem__, (), calls=True), *range(len(WORDS)))
    assert [piece.text for piece in pieces] == ["Gr", "üße ", "<toolbox>.", "", "", "", "", ""]
    assert [[token.id for token in piece.tokens] for piece in pieces[:3]] == [[0], [1], [2]]
    whole = joined(pieces)
    assert (whole.text, whole.calls, whole.finish) == (
        "Grüße <toolbox>.",
        (ToolCall("f", '{"a": 1}'),),
        "stop",
    )
    assert [token.id for token in whole.tokens] == [0, 1, 2]
    assert whole.generated == len(WORDS) - 1


def test_without_tools_nothing_is_a_call() -> None:
    """A model that writes like a call, unasked, has said so."""
    whole = joined(read(AnswerReader(WORDS.__getitem__, ()), *range(len(WORDS))))
    assert whole.text == b"".join(WORDS).decode()
    assert whole.calls == ()


def test_given_tokens_are_no_part_of_the_answer() -> None:
    """Tokens of the prompt that were scored are passed on apart; stop strings do not see them."""
    reader = AnswerReader(WORDS.__getitem__, ("box",), given=3)
    pieces = read(reader, 0, 1, 2, 0, 1, 2)
    whole = joined(pieces)
    assert [token.id for token in whole.given] == [0, 1, 2]
    assert whole.text == "Grüße <tool"
    assert whole.generated == 3
    assert reader.finished
