"""What calls cost: the prompt cache, training and volume, and what is not known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.comparison import compare
from evalkit.comparison.money import Money, VariantCost, break_even, money_of
from evalkit.prices import Price, cacheable, table

MODELS = {
    "base": ("gpt-4.1", "short"),
    "prompted": ("gpt-4.1", "long"),
    "ft": ("ft:gpt-4.1:acme::Abc1", "short"),
    "ft_prompted": ("ft:gpt-4.1:acme::Abc1", "long"),
}


def info(
    names: Any, trained: int | None = None, models: Any = MODELS, endpoint: str = "openai", **changes: Any
) -> dict[str, Any]:
    """A run.json, as far as costs look at it; `trained`: tokens."""
    variants = {
        name: {"name": name, "model": models[name][0], "endpoint": endpoint, "prompt": models[name][1]}
        for name in names
    }
    tuned = {name: {"trained_tokens": trained} for name in names if name.startswith("ft")}
    return {"plan": {"variants": {"cities": variants}}, "fine_tunes": {"cities": tuned}, **changes}


def money(make_record: Any, tokens: dict[str, Any], trained: int | None = None, **given: Any) -> Money:
    """Of one answer a variant, by the tokens of its prompt and answer."""
    records = [make_record("a", name, usage=usage, cost_usd=0.5) for name, usage in tokens.items()]
    (found,) = money_of(info(tokens, trained, **given), compare(records))
    return found


def cost(found: Money, variant: str) -> VariantCost:
    """One variant's."""
    each = found.of(variant)
    assert each is not None
    return each


@pytest.mark.parametrize(
    ("prefix", "cached"), [(0, 0), (1023, 0), (1024, 1024), (1151, 1024), (1152, 1152), (2000, 1920)]
)
def test_prompts_are_cached_in_steps_from_a_least_length(prefix: int, cached: int) -> None:
    """1,024 tokens and then 128 at a time."""
    assert cacheable(prefix) == cached


def test_a_shorter_prompt_can_cost_more() -> None:
    """On gpt-4.1, 900 tokens cost 61% more input than 2,000 of which 1,920 are cached; 200 cost less."""
    price = table().base["gpt-4.1"]
    long = price.calls(1000, 2000, 0, cacheable(2000))
    assert price.calls(1000, 900, 0, cacheable(900)) / long == pytest.approx(1.607, abs=0.001)
    assert price.calls(1000, 200, 0, cacheable(200)) < long


def test_the_long_prompt_is_what_it_adds_to_the_short_one(make_record: Any) -> None:
    """1,500 tokens more than base: 1,408 of them are cached when warm; those of the question never are."""
    found = money(make_record, {"base": (100, 10), "prompted": (1600, 10)})
    prompted = cost(found, "prompted")
    assert prompted.measured == pytest.approx(500)
    assert prompted.uncached == pytest.approx((1600 * 2 + 10 * 8) / 1000)
    assert prompted.warm == pytest.approx((192 * 2 + 1408 * 0.5 + 10 * 8) / 1000)
    assert cost(found, "base").warm == cost(found, "base").uncached


def test_a_long_question_is_no_cached_prompt(make_record: Any) -> None:
    """2,000 tokens of which the prompt is 500: nothing comes out of the cache."""
    found = money(make_record, {"base": (1500, 10), "prompted": (2000, 10)})
    assert cost(found, "prompted").warm == cost(found, "prompted").uncached


def test_a_prompt_that_nothing_tells_the_length_of_has_no_warm_price(make_record: Any) -> None:
    """Without a short variant of the same model; unless the whole is too short to be cached."""
    alone = cost(money(make_record, {"prompted": (1600, 10), "ft": (100, 10)}, models=MODELS), "prompted")
    assert alone.warm is not None  # its fine-tune counts by the same tokenizer
    alone = cost(money(make_record, {"prompted": (1600, 10)}), "prompted")
    assert alone.warm is None
    assert "no other variant tells how long its prompt is" in alone.why[0]
    short = cost(money(make_record, {"prompted": (900, 10)}), "prompted")
    assert short.warm == short.uncached


def test_training_costs_what_the_job_was_charged_for(make_record: Any) -> None:
    """300,000 tokens at $25 per 1M; base and prompted were never trained."""
    found = money(make_record, {"base": (100, 10), "ft": (100, 10)}, trained=300_000)
    assert cost(found, "ft").training == pytest.approx(7.5)
    assert cost(found, "base").training == 0


def test_unknown_training_is_unknown(make_record: Any) -> None:
    """Not 0; and break-even is unknown with it, though a call is known to cost less."""
    found = money(make_record, {"base": (100, 10), "prompted": (900, 10), "ft": (100, 10)})
    assert cost(found, "ft").training is None
    assert "nobody tells on how many tokens ft:gpt-4.1:acme::Abc1 was trained" in cost(found, "ft").why[0]
    assert found.even("uncached") is None


def test_a_training_price_that_is_not_known_can_be_added(make_record: Any) -> None:
    """The user's price for the model has no `train`."""
    own = [{"model": MODELS["ft"][0], "input": 1.0, "output": 2.0}]
    found = money(make_record, {"ft": (100, 10)}, trained=1000, prices={"own": own})
    assert cost(found, "ft").uncached == pytest.approx(0.12)
    assert cost(found, "ft").training is None
    assert "add `train` for ft:gpt-4.1:acme::Abc1" in cost(found, "ft").why[0]


def test_a_model_without_a_price_costs_unknown(make_record: Any) -> None:
    """Neither its calls nor its training are 0."""
    models = {**MODELS, "ft": ("headlines-v2", "short")}
    found = money(make_record, {"base": (100, 10), "ft": (100, 10)}, trained=1000, models=models)
    ft = cost(found, "ft")
    assert (ft.uncached, ft.warm, ft.training) == (None, None, None)


def test_the_embedded_model_is_free(make_record: Any) -> None:
    """Calls and training, however many tokens."""
    records = [make_record("a", name, cost_usd=0.0) for name in ("base", "prompted", "ft")]
    (found,) = money_of(info(("base", "prompted", "ft"), endpoint="local"), compare(records))
    assert found.free


@pytest.mark.parametrize(
    ("training", "after", "before", "calls"),
    [
        (2.4, 0.5, 0.8, 8000),
        (2.4, 0.8, 0.8, "never"),
        (None, 0.9, 0.8, "never"),
        (None, 0.5, 0.8, None),
        (2.4, None, 0.8, None),
        (2.4, 0.5, None, None),
        (0.0, 0.5, 0.8, 0),
    ],
)
def test_break_even(training: Any, after: Any, before: Any, calls: Any) -> None:
    """Calls until the saving has paid for training; dearer calls never do, whatever training cost."""
    assert break_even(training, after, before) == calls


@given(training=st.floats(0.01, 1000), after=st.floats(0.01, 10), saving=st.floats(0.01, 10))
def test_break_even_is_the_first_call_at_which_it_is_no_dearer(
    training: float, after: float, saving: float
) -> None:
    """One call less, and it still was."""
    before, slack = after + saving, 1e-6
    calls = break_even(training, after, before)
    assert isinstance(calls, int)
    assert training + calls * after / 1000 <= calls * before / 1000 + slack
    fewer = calls - 1
    assert training + fewer * after / 1000 > fewer * before / 1000 - slack


def test_days_are_told_at_a_stated_volume(make_record: Any) -> None:
    """Of evalkit.toml, as run.json keeps it, or of a flag; without one there are none."""
    tokens = {"prompted": (1000, 10), "ft": (100, 10)}
    records = [make_record("a", name, usage=usage) for name, usage in tokens.items()]
    kept = info(tokens, 100_000, calls_per_day=1000)
    (by_file,) = money_of(kept, compare(records))
    (by_flag,) = money_of(kept, compare(records), calls_per_day=500)
    calls = by_file.even("uncached")
    assert isinstance(calls, int)
    assert by_file.days("uncached") == calls / 1000
    assert by_flag.days("uncached") == calls / 500
    (without,) = money_of(info(tokens, 100_000), compare(records))
    assert without.days("uncached") is None


ARTICLE = {
    "base": ("gpt-3.5-turbo-0613", "short"),
    "prompted": ("gpt-3.5-turbo-0613", "long"),
    "ft": ("ft:gpt-3.5-turbo-0613:acme::Abc1", "short"),
}


def test_the_article_of_2023(make_record: Any) -> None:
    """A fine-tuned gpt-3.5-turbo cost 8 times as much a token, with 90% fewer prompt tokens.

    The prompt then costs 0.8 of what it did, the answer 8 times: it pays where 0.3 P > 14 A, a prompt of more
    than 46 2/3 tokens for each one of the answer. Training on 100,000 tokens for 3 epochs was $2.40.
    """
    prompt, answer = 2000, 20
    tokens = {"prompted": (prompt, answer), "ft": (prompt // 10, answer)}
    found = money(make_record, tokens, trained=3 * 100_000, models=ARTICLE)
    before, after = cost(found, "prompted"), cost(found, "ft")
    assert before.uncached == pytest.approx(3.04)  # 2,000 x 1.50 + 20 x 2
    assert after.uncached == pytest.approx(2.72)  # 200 x 12 + 20 x 16
    assert after.training == pytest.approx(2.40)
    assert found.even("uncached") == 7500


@pytest.mark.parametrize(("prompt", "pays"), [(1390, False), (1400, False), (1410, True)])
def test_the_article_s_threshold(prompt: int, pays: bool, make_record: Any) -> None:
    """With an answer of 30 tokens a prompt of 1,400 costs the same; a longer one pays for its training."""
    tokens = {"prompted": (prompt, 30), "ft": (prompt // 10, 30)}
    even = money(make_record, tokens, trained=300_000, models=ARTICLE).even("uncached")
    assert (even != "never") is pays


def test_a_warm_cache_can_turn_the_sum(make_record: Any) -> None:
    """On gpt-4.1 a cut to a tenth pays without a cache, and sooner than where the long prompt is cached."""
    tokens = {"base": (200, 20), "prompted": (2000, 20), "ft": (200, 20)}
    found = money(make_record, tokens, trained=300_000)
    uncached, warm = found.even("uncached"), found.even("warm")
    assert isinstance(uncached, int)
    assert isinstance(warm, int)
    assert uncached < warm
    dear = money(make_record, {**tokens, "ft": (600, 20)}, trained=300_000)
    assert isinstance(dear.even("uncached"), int)
    assert dear.even("warm") == "never"


def test_cached_tokens_without_a_price_of_their_own_cost_the_same() -> None:
    """A warm cache is no saving there."""
    price = Price("m", 1.0, 2.0)
    assert price.calls(1000, 2000, 10, 1920) == price.calls(1000, 2000, 10)
