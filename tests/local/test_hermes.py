"""What a model wrote -> what is said and what is called."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from evalkit.local.chat_template import Message, ToolCall
from evalkit.local.hermes import CallReader, calls_of, parsed

TEXTS = st.text(st.sampled_from('a{}[]"\\\n<>/ü😀 tol_call'), max_size=30).filter(
    lambda text: "<tool_call>" not in text
)
ARGUMENTS = st.dictionaries(TEXTS, TEXTS | st.integers() | st.lists(TEXTS, max_size=2), max_size=3)
CALLS = st.builds(
    lambda name, arguments: ToolCall(name, json.dumps(arguments, ensure_ascii=False)),
    st.sampled_from(["set_light", "end-all"]),
    ARGUMENTS,
)


@given(TEXTS, st.lists(CALLS, max_size=3), st.lists(st.integers(0, 200), max_size=8))
def test_reads_what_the_template_writes(said: str, calls: list[ToolCall], cuts: list[int]) -> None:
    """Text and calls come back, in whatever pieces they arrive; nothing is said before it is certain."""
    text = Message("assistant", said, tool_calls=tuple(calls)).said
    assert parsed(text) == (said, tuple(calls))
    reader, spoken, parts = CallReader(), "", []
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(text)], strict=True):
        piece, more = reader.push(text[start:end])
        spoken, parts = spoken + piece, parts + more
        assert said.startswith(spoken)
        assert reader.said == len(spoken)
    assert (spoken + reader.finish(), calls_of(parts)) == (said, tuple(calls))


def test_a_call_that_is_cut_off() -> None:
    """Arguments are given as far as they came; a call without a whole name is none."""
    begun = '<tool_call>{"name": "f", "arguments": {"a": "x'
    assert parsed(begun) == ("", (ToolCall("f", '{"a": "x'),))
    assert parsed('On it.\n<tool_call>{"name": "f') == ("On it.", ())
    assert parsed("a <tool") == ("a <tool", ())


def test_markers_in_arguments_are_text() -> None:
    """A closing marker inside a string closes nothing."""
    call = ToolCall("f", '{"a": "</tool_call>\\n<tool_call>"}')
    assert parsed(Message("assistant", "", tool_calls=(call, call)).said) == ("", (call, call))
