"""What training and calls cost, and when a fine-tune pays; unknown is never 0."""

from __future__ import annotations

import json
import math
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.dataset.check import Check, CheckOptions, check_file
from evalkit.dataset.cost import (
    LEAST_SAVED,
    CallCost,
    Comparison,
    CostEstimate,
    CostOptions,
    cached_tokens,
    call_cost,
    closing_note,
    estimate_cost,
    training_usd,
)
from evalkit.prices import Price, price_of
from evalkit.tokens import encoding_for, without_encoding

MINI = "gpt-4.1-mini"


def price(model: str) -> Price:
    """A price of the shipped table."""
    found = price_of(model, "openai")
    assert found is not None
    return found


@pytest.fixture
def checked(tmp_path: Path) -> Check:
    """Twenty short examples under a system message, checked for gpt-4.1-mini."""
    if encoding_for(MINI) is None:
        pytest.skip(without_encoding(MINI))
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Name a city."},
        {"role": "assistant", "content": "Oslo"},
    ]
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps({"messages": turns, "id": str(i)}) + "\n" for i in range(20)))
    return check_file(path, CheckOptions(MINI))


def test_the_article_s_sum() -> None:
    """100,000 tokens x 3 epochs at $0.008 per 1,000 were $2.40 in 2023."""
    found = CostEstimate(
        model="gpt-3.5-turbo-0613",
        examples=1000,
        epoch_tokens=100_000,
        epochs=3,
        training_price=price("ft:gpt-3.5-turbo-0613").train,
        source="",
        closing=None,
        comparison=None,
    )
    assert found.charged_tokens == 300_000
    assert found.training_usd == pytest.approx(2.40)


def test_training_is_tokens_times_epochs_times_price(checked: Check) -> None:
    """With the price that the table has, and says since when."""
    found = estimate_cost(checked)
    assert checked.size is not None
    assert found.epoch_tokens == checked.size.billed
    assert found.epochs == checked.epochs == 5
    assert found.training_usd == pytest.approx(checked.size.billed * 5 * 5.0 / 1_000_000)
    assert "2026-11-22" in found.source
    assert estimate_cost(checked, CostOptions(epochs=2)).charged_tokens == 2 * checked.size.billed


def test_the_long_prompt_stands_in_place_of_the_system_message(checked: Check) -> None:
    """The base model is sent the prompt and the question, the fine-tune what the examples show."""
    encoding, size = encoding_for(MINI), checked.size
    assert encoding is not None
    assert size is not None
    prompt = "Answer with the name of a city, and nothing else. " * 40
    found = estimate_cost(checked, CostOptions(prompt=prompt)).comparison
    assert found is not None
    tokens = {text: len(encoding.encode_ordinary(text)) for text in (prompt, "Be brief.", "Oslo")}
    assert found.tuned.output == tokens["Oslo"]
    assert found.tuned.input == size.tokens.mean - tokens["Oslo"]
    assert found.base.input - found.tuned.input == tokens[prompt] - tokens["Be brief."]
    assert found.tuned.usd_per_1000 == pytest.approx(
        (found.tuned.input * 0.8 + found.tuned.output * 3.2) / 1000
    )
    assert found.base.usd_per_1000 == pytest.approx((found.base.input * 0.4 + found.base.output * 1.6) / 1000)


def test_under_1024_tokens_nothing_is_cached() -> None:
    """And above, whole steps of 128."""
    assert [cached_tokens(n) for n in (0, 1023, 1024, 1151, 1152, 2000)] == [0, 0, 1024, 1024, 1152, 1920]


def test_a_shorter_prompt_may_cost_more_than_a_cached_one() -> None:
    """On gpt-4.1, a cut from 2,000 tokens, 1,920 of them cached, to 900 costs 61% more; to 200, less."""
    base = price("gpt-4.1")

    def usd(tokens: int) -> float:
        found = call_cost(base, tokens, cached_tokens(tokens), 0).usd_per_1000
        assert found is not None
        return found

    assert usd(900) / usd(2000) == pytest.approx(1.61, abs=0.005)
    assert usd(200) < usd(2000)


def test_a_fine_tune_may_pay_uncached_and_never_cached(checked: Check) -> None:
    """Both are told: the cache takes away what the cut prompt saves."""
    long = "Answer with the name of a city, and nothing else. " * 120
    found = estimate_cost(checked, CostOptions(prompt=long))
    assert found.comparison is not None
    assert found.comparison.cacheable > 1024
    uncached, cached = found.comparison.base.usd_per_1000, found.comparison.base_cached.usd_per_1000
    assert uncached is not None
    assert cached is not None
    assert cached < uncached
    short = estimate_cost(checked, CostOptions(prompt="Name a city, please.")).comparison
    assert short is not None
    assert short.cacheable == 0
    assert short.base_cached == short.base
    assert estimate_cost(checked, CostOptions(prompt="Hi")).break_even(short.base) == math.inf
    half = estimate_cost(checked, CostOptions(prompt=long, cached_share=0.5)).comparison
    assert half is not None
    assert half.base_cached.usd_per_1000 == pytest.approx((uncached + cached) / 2)


@given(base=st.floats(0, 20), tuned=st.floats(0, 20), training=st.floats(0.01, 100))
def test_break_even_is_the_first_call_at_which_the_sums_meet(
    base: float, tuned: float, training: float
) -> None:
    """Before it the fine-tune has cost more, from it on no longer; never, if its calls are not cheaper."""
    call = CallCost(10, 0, 5, base)
    found = _estimate(training, tuned).break_even(call)
    assert found is not None
    if base - tuned <= LEAST_SAVED:
        assert found == math.inf
    elif found < 1e9:  # beyond, floats do not tell one call from the next
        assert training + found * tuned / 1000 <= found * base / 1000 * (1 + 1e-9)
        assert training + (found - 1) * tuned / 1000 >= (found - 1) * base / 1000 * (1 - 1e-9) - 1e-9


def _estimate(training: float, per_1000: float) -> CostEstimate:
    """An estimate with a fine-tune whose training and calls cost so much."""
    call = CallCost(10, 0, 5, per_1000)
    return CostEstimate("m", 10, 1_000_000, 1, training, "", None, Comparison(0, 0, call, call, call))


def test_an_unknown_price_is_unknown(checked: Check) -> None:
    """A model in no table: neither the base's price nor 0; the user's own price is taken."""
    assert training_usd(1000, None) is None
    assert training_usd(None, 5.0) is None
    unknown = Check(**{**_fields(checked), "model": "gpt-5"})
    found = estimate_cost(unknown, CostOptions(prompt="Hello"))
    assert (found.training_usd, found.closing) == (None, None)
    assert found.comparison is not None
    assert found.comparison.tuned.usd_per_1000 is None
    assert found.break_even(found.comparison.base) is None
    own = (Price("gpt-5", 1.0, 2.0, train=30.0), Price("ft:gpt-5", 2.0, 4.0))
    mine = estimate_cost(unknown, CostOptions(prompt="Hello", prices=own))
    assert mine.training_price == 30.0
    assert mine.comparison is not None
    assert mine.comparison.tuned.usd_per_1000 is not None


def _fields(check: Check) -> dict[str, object]:
    return {name: getattr(check, name) for name in Check.__dataclass_fields__}


def test_the_embedded_model_costs_nothing(checked: Check) -> None:
    """It runs on the user's own machine, trained and asked."""
    found = estimate_cost(check_file(checked.path, CheckOptions("evalkit-tiny")), CostOptions(prompt="Hello"))
    assert (found.training_usd, found.closing) == (0.0, None)
    assert found.comparison is not None
    assert found.comparison.tuned.usd_per_1000 == found.comparison.base.usd_per_1000 == 0.0


@pytest.mark.parametrize(
    ("model", "today", "said"),
    [
        (MINI, "2026-11-22", "gpt-4.1-mini and its fine-tunes will be shut down on 2027-01-14"),
        (MINI, "2026-11-22", "from anybody as of 2027-01-06"),
        (MINI, "2027-02-01", "gpt-4.1-mini and its fine-tunes are shut down"),
        (MINI, "2027-02-01", "from anybody since 2027-01-06"),
        ("gpt-4.1-nano", "2026-11-22", "fine-tunes of gpt-4.1-nano are shut down"),
        ("davinci-002", "2026-11-22", "davinci-002 and its fine-tunes are shut down"),
    ],
)
def test_what_is_closed_is_said(model: str, today: str, said: str) -> None:
    """With the day, before it and after."""
    assert said in (closing_note(model, date.fromisoformat(today)) or "")
