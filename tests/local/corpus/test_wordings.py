"""The little grammar in which wordings are written."""

from __future__ import annotations

import random

import pytest

from evalkit.local.corpus.wordings import capital, fill


def test_an_alternative_and_a_slot() -> None:
    """One alternative stands in the text; an empty one leaves no double space and none before a full stop."""
    made = {fill(random.Random(seed), "[Say|Tell] {what} [please|].", what="it") for seed in range(40)}
    assert made == {"Say it please.", "Say it.", "Tell it please.", "Tell it."}


def test_a_tuple_stands_for_one_of_its_wordings() -> None:
    """It is chosen, and its own slots and alternatives are filled."""
    slots = {"who": ("the {thing}", "[a|one] {thing}"), "thing": ("cat",)}
    made = {fill(random.Random(seed), "See {who}.", **slots) for seed in range(40)}
    assert made == {"See the cat.", "See a cat.", "See one cat."}


def test_a_value_is_never_read_as_grammar() -> None:
    """JSON and brackets of a value come through letter for letter."""
    shown = '{"a": ["b|c"]} {slot}'
    assert fill(random.Random(0), "[Return|Return] {shown}", shown=shown) == f"Return {shown}"


def test_a_slot_without_a_value_is_an_error() -> None:
    """A wording never reaches the corpus with a hole in it."""
    with pytest.raises(KeyError, match="who"):
        fill(random.Random(0), "Ask {who}.", what="it")


def test_the_first_letter_becomes_a_capital() -> None:
    """Past marks that open a sentence."""
    assert capital("¿qué?") == "¿Qué?"
    assert capital('"so" it is') == '"So" it is'
