"""What calls cost, honestly about the prompt cache, about training and about volume.

A short prompt is no saving where it is too short to be cached: on gpt-4.1, 900 tokens cost 61% more than
2,000 of which 1,920 come out of the cache. So each variant's calls are priced as they were measured, without
any cache, and with the prompt in a warm one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

from evalkit.comparison.model import Comparison, SuiteFigures, VariantFigures
from evalkit.config.load import READY_MADE
from evalkit.prices import CACHED_FROM, Price, cacheable, price_of, table
from evalkit.tokens import ft_base

Basis = Literal["measured", "uncached", "warm"]
"""As the server counted cached tokens; as if it had no cache; as if the long prompt were always cached."""

Even = int | Literal["never"] | None
"""After how many calls; None is unknown."""

Info = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VariantCost:
    """What 1,000 calls of a variant cost, in USD; None is unknown, never 0.

    Attributes:
        measured, uncached, warm: by basis.
        training: what its model cost once; 0 where it was not trained, or for nothing.
        why: for each figure that is unknown, the reason.
    """

    variant: str
    measured: float | None
    uncached: float | None
    warm: float | None
    training: float | None
    why: tuple[str, ...] = ()

    def by(self, basis: Basis) -> float | None:
        """One of the three."""
        found: float | None = getattr(self, basis)
        return found

    @property
    def free(self) -> bool:
        """Whether neither calls nor training cost anything."""
        return self.measured == self.uncached == self.warm == self.training == 0


@dataclass(frozen=True, slots=True)
class Money:
    """A suite's costs by variant, and when its candidate has paid for its training.

    `calls_per_day`: the volume, None where nobody stated one.
    """

    suite: str
    candidate: str
    baseline: str
    costs: tuple[VariantCost, ...]
    calls_per_day: float | None = None

    def of(self, variant: str) -> VariantCost | None:
        """One variant's; None where it was not asked."""
        return next((cost for cost in self.costs if cost.variant == variant), None)

    def even(self, basis: Basis) -> Even:
        """After how many calls the candidate, its training included, costs no more than the baseline."""
        after, before = self.of(self.candidate), self.of(self.baseline)
        if after is None or before is None:
            return None
        return break_even(after.training, after.by(basis), before.by(basis))

    def days(self, basis: Basis) -> float | None:
        """The same in days of the stated volume; None where one of both is unknown, or it is never."""
        calls = self.even(basis)
        return calls / self.calls_per_day if isinstance(calls, int) and self.calls_per_day else None

    @property
    def free(self) -> bool:
        """Whether nothing costs anything."""
        return all(cost.free for cost in self.costs)


def break_even(training: float | None, after: float | None, before: float | None) -> Even:
    """After how many calls training and the calls made so far cost no more than the calls would have before.

    Args:
        training: USD. after, before: USD for 1,000 calls.
    """
    if after is None or before is None:
        return None
    if after >= before:
        return "never"
    return None if training is None else ceil(round(1000 * training / (before - after), 6))


def money_of(info: Info, comparison: Comparison, calls_per_day: float | None = None) -> tuple[Money, ...]:
    """The costs of every suite of a run, at today's prices; those of run.json come before the shipped ones.

    Args:
        info: run.json.
        comparison: the run's figures, of which the mean tokens are taken.
        calls_per_day: in place of the volume of evalkit.toml, which run.json keeps.
    """
    own = tuple(Price(**price) for price in info.get("prices", {}).get("own", ()))
    volume = calls_per_day or info.get("calls_per_day")
    return tuple(_suite(info, suite, own, volume) for suite in comparison.suites)


def _suite(info: Info, suite: SuiteFigures, own: Iterable[Price], volume: float | None) -> Money:
    planned = info["plan"]["variants"][suite.name]
    trained = info.get("fine_tunes", {}).get(suite.name, {})
    costs = []
    for row in suite.rows:
        asked = planned[row.variant]
        price = price_of(asked["model"], asked["endpoint"], own)
        tokens = (trained.get(row.variant) or {}).get("trained_tokens")
        costs.append(_cost(row, price, _prefix(row, suite.rows, planned), _training(asked, price, tokens)))
    return Money(suite.name, suite.pair.candidate, suite.pair.baseline, tuple(costs), volume)


def _cost(
    row: VariantFigures, price: Price | None, prefix: float | None, training: tuple[float | None, str]
) -> VariantCost:
    """Prices times mean tokens. `prefix`: tokens with which all its prompts begin alike."""
    usd, why = training
    prompt, answer = row.prompt_tokens, row.completion_tokens
    if price is None or prompt is None or answer is None:
        return VariantCost(row.variant, row.cost_per_1k, None, None, usd, (why,) if why else ())
    uncached = price.calls(1000, prompt, answer)
    if prefix is None:
        reasons = (f"{row.variant}, warm cache: no other variant tells how long its prompt is", why)
        return VariantCost(row.variant, row.cost_per_1k, uncached, None, usd, tuple(filter(None, reasons)))
    warm = price.calls(1000, prompt, answer, min(prompt, cacheable(prefix)))
    return VariantCost(row.variant, row.cost_per_1k, uncached, warm, usd, (why,) if why else ())


def _prefix(row: VariantFigures, rows: Iterable[VariantFigures], planned: Info) -> float | None:
    """The long prompt's tokens, as the server counted them: what it adds to the same model's short ones.

    Of a short prompt nothing is taken to be cached; nor are tools, which stand before all else, for nothing
    tells their tokens. None where no variant of the same model was asked without the long prompt.
    """
    if row.prompt_tokens is None or row.prompt_tokens < CACHED_FROM:
        return 0
    if planned[row.variant]["prompt"] != "long":
        return 0
    base = _base(planned[row.variant]["model"])
    for other in rows:
        asked = planned[other.variant]
        if asked["prompt"] != "long" and _base(asked["model"]) == base and other.prompt_tokens is not None:
            return max(0.0, row.prompt_tokens - other.prompt_tokens)
    return None


def _base(model: str) -> str:
    return ft_base(model) or model


def _training(asked: Info, price: Price | None, tokens: int | None) -> tuple[float | None, str]:
    """What making a variant's model cost, in USD; or None, and why that is unknown."""
    name, model = asked["name"], asked["model"]
    tuned = model.startswith("ft:") or READY_MADE.get(name, ("",))[0] == "ft"
    if not tuned and (name in READY_MADE or model in table().base):
        return 0.0, ""
    if price is not None and price.train == 0:
        return 0.0, ""
    if tokens is None:
        return None, f"{name}, training: nobody tells on how many tokens {model or 'its model'} was trained"
    if price is None or price.train is None:
        return None, f"{name}, training: no price for it; add `train` for {model} under [[prices]]"
    return tokens * price.train / 1_000_000, ""
