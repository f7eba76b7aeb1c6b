"""Records -> what the page's script reads."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import msgspec
import pytest

from evalkit.report.html.cases import LONGEST_TEXT, Explorer
from evalkit.report.html.records import Seen
from tests.report.html.made import Json, record, verdict


def seen(*lines: Json) -> list[Seen]:
    """One case's records."""
    return msgspec.convert(json.loads(json.dumps(lines)), list[Seen])


def unpacked(text: str) -> Any:
    """As the browser does."""
    return json.loads(zlib.decompress(base64.b64decode(text)))


def explored(*cases: list[Seen], **more: Any) -> tuple[Json, list[Json]]:
    """The index and all cases."""
    explorer = Explorer(["base", "prompted", "ft"], {"cities": ("ft", "prompted")}, **more)
    found = [case for chunk in explorer.chunks(cases) for case in unpacked(chunk)]
    return unpacked(explorer.index()), found


def repeats(*outcomes: bool | None) -> list[Seen]:
    """A case that ft was asked several times."""
    return seen(
        *(
            record("cities", "a", "ft", verdict("equals", passed), repeat=number)
            for number, passed in enumerate(outcomes)
        )
    )


@pytest.mark.parametrize(
    ("outcomes", "letter"),
    [
        ((True, True), "p"),
        ((False, False), "f"),
        ((True, False), "m"),
        ((True, None), "u"),
        ((False, None), "f"),
        ((None, True, False), "m"),
    ],
)
def test_repeats_are_told_in_a_letter(outcomes: tuple[bool | None, ...], letter: str) -> None:
    """Passed and failed is mixed; else what weighs most. First the case as a whole, then each check."""
    index, _ = explored(repeats(*outcomes))
    (row,) = index["cases"]
    assert row[4] == ["--", "--", letter * 2]


def test_the_index_names_roles_by_number() -> None:
    """As the page's variants are numbered; a suite without roles has -1."""
    index, _ = explored(repeats(True), seen(record("rivers", "r", "ft", verdict("equals", True))))
    roles = [(suite["name"], suite["candidate"], suite["baseline"]) for suite in index["suites"]]
    assert roles == [("cities", 2, 1), ("rivers", -1, -1)]


def test_a_conversation_shared_by_variants_stands_once() -> None:
    """System messages are apart, and a variant that was asked in other words has its own."""
    other = record("cities", "a", "ft", verdict("equals", True), ask="In one word: capital of Norway?")
    plain = record("cities", "a", "base", verdict("equals", True), ask="Capital of Norway?")
    prompted = record("cities", "a", "prompted", verdict("equals", True), ask="Capital of Norway?")
    index, (case,) = explored(seen(other, prompted, plain))
    assert index["systems"] == ["Be brief about cities."]
    assert case["talk"] == [["user", "In one word: capital of Norway?"]]
    assert [answer.get("talk") for answer in case["answers"]] == [[["user", "Capital of Norway?"]]] * 2 + [
        None
    ]
    assert [answer.get("system") for answer in case["answers"]] == [None, 0, None]


def test_parts_and_tool_calls_of_messages_are_shown() -> None:
    """Text as text, all else as JSON."""
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "See:"}, {"type": "image", "url": "x"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
    ]
    line = {**record("cities", "a", "ft", verdict("equals", True)), "request": {"messages": messages}}
    _, (case,) = explored(seen(line))
    assert case["talk"] == [
        ["user", 'See:\n{"type": "image", "url": "x"}'],
        ["assistant", '[{"id": "1"}]'],
    ]


def test_long_texts_are_cut_and_say_so() -> None:
    """The file must not grow without bound."""
    text = "x" * (LONGEST_TEXT + 1234)
    _, (case,) = explored(seen(record("cities", "a", "ft", verdict("equals", True), text=text)))
    assert case["answers"][0]["text"].endswith("x… [1,234 more characters in records.jsonl]")


def test_a_lone_surrogate_reaches_the_browser() -> None:
    """It has no UTF-8, but JSON can name it."""
    _, (case,) = explored(seen(record("cities", "a", "ft", verdict("equals", True), text="half \ud83d")))
    assert case["answers"][0]["text"] == "half \ud83d"


def test_a_variant_that_appeared_later_is_left_out() -> None:
    """The run went on while the page was written; its figures are not in the tables either."""
    known, new = (record("cities", "a", name, verdict("equals", True)) for name in ("ft", "v9"))
    _, cases = explored(seen(known, new), seen({**new, "case": "b"}))
    assert [[answer["variant"] for answer in case["answers"]] for case in cases] == [[2]]


def test_tags_stand_with_their_case() -> None:
    """As run.json has them."""
    index, _ = explored(repeats(True), tags={"cities": {"a": ["north"]}})
    assert index["cases"][0][5] == ["north"]
