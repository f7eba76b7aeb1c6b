"""What a model costs: the shipped table, the user's prices, and the unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.endpoints.base import Usage
from evalkit.prices import Price, cost, price_of, table

MINI = "gpt-4.1-mini-2025-04-14"


def test_a_base_and_its_fine_tune_have_prices_of_their_own() -> None:
    """An `ft:` name goes by its parsed base, in the fine-tuned row."""
    base, tuned = price_of(MINI, "openai"), price_of(f"ft:{MINI}:acme:headlines:Abc1", "openai")
    assert base is not None
    assert tuned is not None
    assert (base.input, base.cached, base.output) == (0.4, 0.1, 1.6)
    assert (tuned.input, tuned.cached, tuned.output) == (0.8, 0.2, 3.2)


@pytest.mark.parametrize(
    "model",
    ["gpt-99", "ft:gpt-99:acme::Abc1", "gpt-4o-2024-05-13", "headlines-v2", "unsloth:gpt-4.1", "ft:", ""],
)
def test_an_unknown_model_has_no_price(model: str) -> None:
    """Never the base's price, never that of another snapshot, never 0."""
    assert price_of(model, "openai") is None


def test_the_embedded_endpoint_costs_nothing() -> None:
    """It runs on the user's own machine; elsewhere the same name is unknown."""
    price = price_of("evalkit-tiny", "local")
    assert price is not None
    assert price.free
    assert price_of("evalkit-tiny", "vllm") is None


def test_the_user_s_price_comes_first() -> None:
    """Before the table, and before the embedded endpoint's 0."""
    own = Price("gpt-4.1", 1.0, 2.0)
    assert price_of("gpt-4.1", "openai", [own]) is own
    assert price_of("gpt-4.1", "local", [own]) is own


def test_every_row_says_when_and_where_it_was_read() -> None:
    """The table is dated, and its rows carry date and source."""
    prices = table()
    assert prices.date == "2026-11-22"
    for row in (*prices.base.values(), *prices.fine_tuned.values()):
        assert prices.date in row.source
        assert prices.source in row.source


def test_the_article_s_sum() -> None:
    """Training on 100,000 tokens for 3 epochs at $8 per 1M is $2.40."""
    row = table().fine_tuned["gpt-3.5-turbo"]
    assert row.train is not None
    assert 100_000 * 3 * row.train / 1_000_000 == pytest.approx(2.40)


def test_cached_tokens_are_charged_at_their_own_price() -> None:
    """2,000 prompt tokens, 1,920 of them cached, on gpt-4.1."""
    price = price_of("gpt-4.1", "openai")
    assert cost(price, Usage(2000, 1920, 0)) == pytest.approx((80 * 2 + 1920 * 0.5) / 1e6)


def test_cached_tokens_without_a_price_cost_the_full_one() -> None:
    """gpt-3.5-turbo never had a price for cached tokens."""
    price = price_of("gpt-3.5-turbo", "openai")
    assert cost(price, Usage(1000, 500, 100)) == cost(price, Usage(1000, None, 100))


@pytest.mark.parametrize("usage", [Usage(), Usage(10, None, None), Usage(None, None, 10)])
def test_without_token_counts_the_cost_is_unknown(usage: Usage) -> None:
    """Not 0."""
    assert cost(price_of("gpt-4.1", "openai"), usage) is None
    assert cost(None, Usage(1, 0, 1)) is None


@given(
    prompt=st.integers(0, 10**6), cached=st.none() | st.integers(0, 2 * 10**6), answer=st.integers(0, 10**6)
)
def test_a_cost_is_never_negative_and_caching_never_costs_more(
    prompt: int, cached: int | None, answer: int
) -> None:
    """Whatever counts a server gives, also more cached tokens than prompt tokens."""
    price = price_of("gpt-4.1", "openai")
    with_cache, without = cost(price, Usage(prompt, cached, answer)), cost(price, Usage(prompt, 0, answer))
    assert with_cache is not None
    assert without is not None
    assert 0 <= with_cache <= without + 1e-12
