"""What is sent, and what is trained on."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from evalkit.endpoints.base import Request
from evalkit.errors import InputError
from evalkit.suite import Suite, Variant, compose, load_suite, training_lines
from evalkit.suite.templates import BadTemplate, render
from tests.suite.conftest import WriteSuite

YAML = """\
prompt: {system: Long., user: "In {{language}}: {{ask}}"}
params: {temperature: 0, max_tokens: 20}
cases: c.jsonl
train: c.jsonl
checks: [length: 9]
"""
CHAT = """\
{"messages": [{"role": "system", "content": "Own."}, {"role": "user", "content": "Hi?"}, \
{"role": "assistant", "content": "Yes."}, {"role": "user", "content": "Oslo?"}, \
{"role": "assistant", "content": "No.", "weight": 1}], "vars": {"language": "English"}, "tags": ["x"]}
"""
PAIR = '{"prompt": "Oslo ->", "completion": " city", "vars": {"language": "English"}}\n'


@pytest.fixture
def suite(write_suite: WriteSuite) -> Suite:
    """A chat and a legacy pair under a long prompt with a template."""
    return load_suite(write_suite(YAML, c_jsonl=CHAT + PAIR))


def sent(suite: Suite, case: int, use: Any, **params: Any) -> Request:
    """The request of a variant with this use of the prompt."""
    return compose(suite, suite.cases[case], Variant("v", "m", "local", use, params))


def contents(request: Request) -> list[str]:
    """Role and text of each message."""
    return [f"{message['role']}: {message['content']}" for message in request.messages or ()]


def test_the_long_prompt_takes_the_place_of_the_cases_own(suite: Suite) -> None:
    """And its template goes around the last user message alone."""
    assert contents(sent(suite, 0, "long")) == [
        "system: Long.",
        "user: Hi?",
        "assistant: Yes.",
        "user: In English: Oslo?",
    ]


@pytest.mark.parametrize("use", ["none", "short"])
def test_without_a_prompt_the_case_is_sent_as_it_stands(suite: Suite, use: str) -> None:
    """With its own system message, and the plain question."""
    assert contents(sent(suite, 0, use)) == ["system: Own.", "user: Hi?", "assistant: Yes.", "user: Oslo?"]


def test_a_short_prompt_stands_in_the_same_place(write_suite: WriteSuite) -> None:
    """What base and ft get."""
    suite = load_suite(write_suite("short_prompt: Short.\n" + YAML, c_jsonl=CHAT))
    assert contents(sent(suite, 0, "short"))[0] == "system: Short."
    assert contents(sent(suite, 0, "none"))[0] == "system: Own."
    assert next(training_lines(suite))["messages"][0] == {"role": "system", "content": "Short."}


def test_a_legacy_pair_gets_the_prompt_a_blank_line_and_its_own_text(suite: Suite) -> None:
    """Asked through /v1/completions."""
    request = sent(suite, 1, "long")
    assert (request.kind, request.messages) == ("completions", None)
    assert request.prompt == "Long.\n\nIn English: Oslo ->"
    assert sent(suite, 1, "short").prompt == "Oslo ->"


def test_nothing_is_sent_that_is_not_written(suite: Suite) -> None:
    """The variant's fields come before the suite's; none are added."""
    assert sent(suite, 0, "none").params == {"temperature": 0, "max_tokens": 20}
    assert sent(suite, 0, "none", temperature=1, top_p=0.5).params == {
        "temperature": 1,
        "max_tokens": 20,
        "top_p": 0.5,
    }


def test_training_follows_the_same_rule_as_asking(suite: Suite) -> None:
    """Each line is what ft is sent, with the answer; ids, tags and vars stay at home."""
    chat, pair = training_lines(suite)
    assert set(chat) == {"messages"}
    assert chat["messages"][:-1] == [dict(message) for message in sent(suite, 0, "short").messages or ()]
    assert chat["messages"][-1] == {"role": "assistant", "content": "No.", "weight": 1}
    assert pair == {"prompt": sent(suite, 1, "short").prompt, "completion": " city"}


def test_keep_prompt_trains_what_ft_prompted_is_sent(suite: Suite) -> None:
    """With prompt and template."""
    chat, pair = training_lines(suite, keep_prompt=True)
    assert chat["messages"][:-1] == [dict(message) for message in sent(suite, 0, "long").messages or ()]
    assert pair["prompt"] == sent(suite, 1, "long").prompt


def test_a_suite_without_training_data_says_so(suite: Suite) -> None:
    """And what to write."""
    with pytest.raises(InputError, match=r"write train: train\.jsonl"):
        next(training_lines(replace(suite, train=None)))


def test_templates_loop_test_and_filter() -> None:
    """What a prompt needs."""
    source = (
        "{% if tone %}Be {{ tone | upper }}. {% endif %}"
        "{% for word in words %}- {{ word }}\n{% endfor %}{{ words | join(', ') }}"
    )
    assert render(source, {"tone": "dry", "words": ["a", "b"]}) == "Be DRY. - a\n- b\na, b"


@pytest.mark.parametrize(
    "source",
    [
        "{{ ask.__class__.__mro__ }}",
        "{{ ask.upper() }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% for a in ask %}{% for b in ask %}{{ ask }}{% endfor %}{% endfor %}",
        "{% for a in ask recursive %}{{ loop(ask) }}{% endfor %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% macro m() %}{% endmacro %}",
        "{% set x = ask %}{{ x }}",
        "{{ ask | format }}",
        "{{ ask | attr('upper') }}",
        "{{ ask | center(1000000000) }}",
        "{{ missing }}",
        "{{ ask.missing }}",
        "{{ ask[9999] }}",
        "{{ ask",
        "{% if %}",
        "{{ " + "(" * 3_000 + "ask" + ")" * 3_000 + " }}",
        "x" * 100_001,
        "{% for a in ask %}{{ ask }}{% endfor %}" * 2 + "{{ ask }}" * 2_000,
    ],
)
def test_a_template_cannot_run_code_fill_the_memory_or_leave_a_gap(source: str) -> None:
    """Each is refused, and quickly."""
    started = time.process_time()
    with pytest.raises(BadTemplate):
        render(source, {"ask": "Oslo? " * 100})
    assert time.process_time() - started < 2
