"""Lines of cases: three forms, three kinds of file, stable ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.checks.fields import FieldError
from evalkit.errors import InputError
from evalkit.suite.cases import read_keys, rows, to_case
from evalkit.suite.document import Document
from evalkit.suite.model import Case

CHAT = {
    "messages": [
        {"role": "system", "content": "You know books."},
        {"role": "user", "content": "Who wrote Emma?"},
        {"role": "assistant", "content": "Jane Austen.", "weight": 1},
    ]
}


def cases(text: str | bytes, name: str = "cases.jsonl") -> list[Case]:
    """The cases of a file, without checks."""
    data = text if isinstance(text, bytes) else text.encode()
    return [located(row) for row in rows(Path(name), data)]


def located(row: Document) -> Case:
    """A line's case; its faults get file and line, as the loader does it."""
    try:
        return to_case(read_keys(row), ())
    except FieldError as error:
        raise row.error(error) from error


def one(**keys: Any) -> Case:
    """The case of one JSON line."""
    (case,) = cases(json.dumps(keys))
    return case


def test_the_last_assistant_message_is_the_reference() -> None:
    """What is asked ends before it; training weights are not sent."""
    case = one(**CHAT)
    assert case.kind == "chat"
    assert case.messages == tuple(CHAT["messages"][:2])
    assert case.reference == "Jane Austen."


def test_a_conversation_that_ends_with_the_user_has_no_reference() -> None:
    """All of it is asked, earlier answers included."""
    turns = [*CHAT["messages"], {"role": "user", "content": "And Persuasion?"}]
    case = one(messages=turns)
    assert case.reference is None
    assert [message["content"] for message in case.messages][-2:] == ["Jane Austen.", "And Persuasion?"]
    assert all("weight" not in message for message in case.messages)


def test_the_short_form_is_one_question() -> None:
    """`ask` is the user message, `answer` the reference."""
    case = one(ask="Who wrote Emma?", answer="Jane Austen.")
    assert case.messages == ({"role": "user", "content": "Who wrote Emma?"},)
    assert case.reference == "Jane Austen."


def test_the_legacy_pair_is_asked_through_completions() -> None:
    """Its texts are kept to the letter, the leading space included."""
    case = one(prompt="Emma ->", completion=" novel")
    assert (case.kind, case.messages, case.prompt, case.reference) == ("completions", (), "Emma ->", " novel")


def test_tools_are_sent_as_they_stand() -> None:
    """With what belongs to them."""
    tools = [{"type": "function", "function": {"name": "look_up"}}]
    call = {"id": "1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    turns = [CHAT["messages"][1], {"role": "assistant", "content": None, "tool_calls": [call]}]
    case = one(messages=turns, tools=tools, parallel_tool_calls=False)
    assert case.params == {"tools": tuple(tools), "parallel_tool_calls": False}
    assert case.tools == tuple(tools)
    assert case.reference is None


def test_parts_of_a_message_count_as_its_text() -> None:
    """A reference in parts is their text."""
    parts = [{"type": "text", "text": "Jane "}, {"type": "text", "text": "Austen."}]
    assert (
        one(messages=[CHAT["messages"][1], {"role": "assistant", "content": parts}]).reference
        == "Jane Austen."
    )


def test_an_id_hangs_on_the_content_alone() -> None:
    """Not on order, neighbours, tags or the order of keys; any change of content changes it."""
    asked = one(ask="Who wrote Emma?", answer="Jane Austen.")
    assert one(answer="Jane Austen.", tags=["novel"], group="x", ask="Who wrote Emma?").id == asked.id
    assert (
        cases(f'{json.dumps(CHAT)}\n{{"ask": "Who wrote Emma?", "answer": "Jane Austen."}}')[1].id == asked.id
    )
    others = [one(ask="Who wrote Emma?"), one(ask="Who wrote Emma", answer="Jane Austen."), one(**CHAT)]
    assert len({case.id for case in [asked, *others]}) == 4
    assert one(id="b-7", ask="x").id == "b-7"


def test_csv_columns_are_keys_or_vars() -> None:
    """Tags are separated by spaces, quoted values hold commas and lines, a byte order mark is no fault."""
    text = (
        '\ufeffask,answer,tags,language\r\n"Who, pray,\nwrote Emma?",Jane Austen.,novel old,en\r\n'
        "\r\nAnd Ulysses?,,,ga\r\n"
    )
    first, second = cases(text, "cases.csv")
    assert first.messages[0]["content"] == "Who, pray,\nwrote Emma?"
    assert (first.reference, first.tags, first.vars) == ("Jane Austen.", ("novel", "old"), {"language": "en"})
    assert (second.reference, second.tags, second.vars) == (None, (), {"language": "ga"})


def test_blank_lines_are_no_lines() -> None:
    """Neither at the end nor between; line numbers still count them."""
    assert len(cases('\n{"ask": "a"}\n  \r\n\n{"ask": "b"}\n\n')) == 2
    with pytest.raises(InputError) as caught:
        cases('\n\n{"ask": "a"}\n\nx\n')
    assert caught.value.line == 5


def test_a_line_separator_inside_a_text_ends_no_line() -> None:
    """JSON allows U+2028 in strings."""
    assert one(ask="a\u2028b").messages[0]["content"] == "a\u2028b"
    assert len(cases('{"ask": "a\u2028b"}')) == 1


@pytest.mark.parametrize(
    ("line", "field", "what"),
    [
        ("[1]", None, "found [1]; write an object with messages, ask or prompt"),
        ("{}", None, "found nothing to ask; write one of messages, ask or prompt"),
        ('{"ask": "a", "prompt": "b"}', None, "found ask and prompt; write one of"),
        ('{"ask": " "}', "ask", "is empty; write what is asked"),
        ('{"ask": 7}', "ask", "found 7; write text in quotes"),
        ('{"ask": "a", "completion": "b"}', "completion", "stands beside ask; it goes with prompt only"),
        ('{"prompt": "a", "answer": "b"}', "answer", "stands beside prompt; it goes with ask only"),
        ('{"ask": "a", "tools": []}', "tools", "it goes with messages only"),
        ('{"ask": "a", "anwser": "b"}', "anwser", 'unknown key "anwser"; did you mean answer?'),
        ('{"ask": "a", "tags": "x"}', "tags", 'found "x"; write a list, each text'),
        ('{"ask": "a", "id": ""}', "id", 'found ""; write 1 to 200 printable characters'),
        ('{"ask": "a", "id": "x\\ny"}', "id", "printable"),
        ('{"messages": []}', "messages", "holds nothing to ask"),
        ('{"messages": [{"role": "assistant", "content": "a"}]}', "messages", "holds nothing to ask"),
        ('{"messages": ["a"]}', "messages[0]", 'found "a"; write a mapping'),
        ('{"messages": [{"role": "bot", "content": "a"}]}', "messages[0].role", 'found "bot"; write system'),
        ('{"messages": [{"content": "a"}]}', "messages[0].role", "is missing"),
        ('{"messages": [{"role": "user"}]}', "messages[0].content", "is missing; write the message's text"),
        ('{"messages": [{"role": "user", "content": 3}]}', "messages[0].content", "found 3; write text"),
        ('{"messages": [{"role": "user", "content": "a", "weight": 2}]}', "messages[0].weight", "found 2"),
        ('{"messages": [{"role": "user", "text": "a"}]}', "messages[0].text", 'unknown key "text"'),
        ('{"ask": "a", "ask": "b"}', None, 'no JSON: the key "ask" stands twice in one object'),
        (
            '{"ask": "a"',
            None,
            "no JSON: Expecting ',' delimiter at column 12; write one JSON object on each line",
        ),
        ('{"ask": NaN}', None, "NaN is no JSON value"),
        ('{"ask": "\\ud800"}', None, "half of a surrogate pair"),
        ('{"vars": ' + "[" * 500 + "]" * 500 + ', "ask": "a"}', None, "levels deep"),
    ],
)
def test_a_faulty_line_is_told_with_place_finding_and_remedy(line: str, field: str | None, what: str) -> None:
    """On line 2, after a good one."""
    with pytest.raises(InputError) as caught:
        cases(f'{{"ask": "fine"}}\n{line}\n')
    fault = caught.value
    assert (fault.file.name, fault.line, fault.field) == ("cases.jsonl", 2, field)
    assert what in fault.what


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("question,answer\na,b\n", 1, "found the columns question, answer; write ask, answer, ..."),
        ("ask,ask\na,b\n", 1, "two columns have the same name"),
        ("ask,answer\na,b\nc\n", 3, "has 1 values for 2 columns"),
        ('ask,answer\na,"b\n', 2, "no CSV"),
        ('ask,answer\na,"b"c\n', 2, "no CSV"),
        (b"ask,answer\na,b\n\xe9,x\n", 3, "found the byte 0xe9"),
    ],
)
def test_a_faulty_csv_is_told_with_its_line(text: str | bytes, line: int, what: str) -> None:
    """Ragged rows, bad quotes and foreign encodings."""
    with pytest.raises(InputError) as caught:
        cases(text, "cases.csv")
    assert (caught.value.line, what in caught.value.what) == (line, True)


keys = st.sampled_from(
    ["ask", "answer", "messages", "prompt", "id", "tags", "vars", "checks", "role", "content"]
)
lines = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["user", "assistant"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)


@settings(deadline=None)
@given(
    st.binary(max_size=60) | lines.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(["jsonl", "csv"]),
)
def test_any_file_gives_cases_or_an_input_error(data: bytes, ending: str) -> None:
    """Also what is nearly a case."""
    try:
        found = cases(data, f"cases.{ending}")
    except InputError:
        return
    assert all(case.id and (case.messages or case.prompt) for case in found)
