"""Secrets are found however JSON spells them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.endpoints.secrets import Secrets, credentials

LETTERS = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="*\\")
KEYS = st.text(LETTERS, min_size=8, max_size=30)


def spelt(text: str, depth: int, ascii_only: bool) -> str:
    """A text as JSON in JSON in JSON."""
    for _ in range(depth):
        text = json.dumps(text, ensure_ascii=ascii_only)
    return text


@given(KEYS, st.integers(0, 3), st.booleans())
def test_a_secret_is_found_at_any_depth_of_json(key: str, depth: int, ascii_only: bool) -> None:
    """Whatever letters it holds, and whether or not they are escaped; what was JSON is JSON still."""
    text = Secrets([key]).cleared_text(spelt(f"<{key}>", depth, ascii_only))
    for _ in range(depth):
        text = json.loads(text)
    assert text == "<***>"


@given(KEYS)
def test_needless_escapes_hide_nothing(key: str) -> None:
    """Every letter may be written as its number."""
    units = key.encode("utf-16-be").hex()
    escaped = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    for text in (escaped, escaped.replace("\\", "\\\\\\\\"), escaped.upper().replace("\\U", "\\u")):
        assert Secrets([key]).cleared_text(f'"{text}"') == '"***"'


@given(st.text(), KEYS)
def test_all_else_stays_as_it_is(text: str, key: str) -> None:
    """Lone surrogates and broken escapes included."""
    if key not in text:
        assert Secrets([key]).cleared_text(text) == text


@pytest.mark.parametrize("header", ["Bearer sk-0123456789", "bearer  sk-0123456789", "Basic sk-0123456789"])
def test_of_an_authorization_the_key_alone_is_a_secret_too(header: str) -> None:
    """A server may echo it without its scheme."""
    assert Secrets([header]).cleared_text("you sent sk-0123456789") == "you sent ***"


def test_headers_are_secrets_by_their_names_or_their_looks() -> None:
    """The name of an application is none, and may stand in an answer."""
    secret = {"X-Api-Key": "opensesame", "Cookie": "opensesame", "X-Team": "f3b1c0d94e5a4711aa"}
    plain = {"X-Title": "marketing", "OpenAI-Beta": "assistants=v2", "User-Agent": "nightly evaluation 2026"}
    assert credentials({**secret, **plain}) == list(secret.values())


def test_short_texts_are_no_secrets() -> None:
    """They would be found everywhere."""
    assert Secrets(["", "v1", "none"]).cleared_text("none of v1") == "none of v1"
