"""What a job costs, before it is paid for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from evalkit.config import LOCAL, Config, EndpointSettings
from evalkit.config.hosts import host_of, is_private
from evalkit.dataset.check import Check
from evalkit.dataset.cost import CostOptions, estimate_cost
from evalkit.errors import BudgetReached, UsageError
from evalkit.numbers import dollars
from evalkit.tune import Recipe

BYTES_PER_TOKEN = 3
"""Where the encoding is unknown; rather too many tokens than too few."""


@dataclass(frozen=True, slots=True)
class TrainingCost:
    """What jobs will roughly cost: `tokens` over all epochs; `usd` is None without a price."""

    tokens: int
    usd: float | None
    closing: str | None = None

    def line(self, model: str, place: EndpointSettings) -> str:
        """`gpt-4.1-mini at openai: 36,000 tokens to train, about $0.18`."""
        price = "cost unknown" if self.usd is None else f"about ${dollars(self.usd)}"
        closing = f"\n{self.closing}" if self.closing else ""
        return f"{model} at {place.name}: {self.tokens:,} tokens to train, {price}{closing}"


def is_free(place: EndpointSettings) -> bool:
    """Whether nobody has to pay: the embedded server, and what runs on own machines."""
    return place.name == LOCAL or is_private(str(place.base_url))


def training_cost(check: Check, recipe: Recipe, config: Config) -> TrainingCost:
    """Tokens of all epochs at the dated price; validation is not charged."""
    epochs = recipe.hyperparameters.get("n_epochs")
    found = estimate_cost(check, CostOptions(epochs=int(epochs) if epochs else None, prices=config.prices))
    tokens = found.charged_tokens or math.ceil(check.bytes / BYTES_PER_TOKEN) * found.epochs
    price = found.training_price
    return TrainingCost(tokens, None if price is None else tokens * price / 1_000_000, found.closing)


def together(costs: Iterable[TrainingCost]) -> TrainingCost:
    """Of several jobs on one model."""
    found = list(costs)
    known = [cost.usd for cost in found if cost.usd is not None]
    usd = sum(known) if len(known) == len(found) else None
    return TrainingCost(sum(cost.tokens for cost in found), usd, found[0].closing)


def check_cap(cost: TrainingCost, model: str, place: EndpointSettings, max_cost: float | None) -> None:
    """See that jobs keep within --max-cost.

    Raises:
        UsageError: their price is not known, so the cap cannot hold.
        BudgetReached: they would cost more.
    """
    if max_cost is None:
        return
    if cost.usd is None:
        raise UsageError(
            f"no price for training {model} at {host_of(str(place.base_url))}, so --max-cost cannot hold: "
            "add it under [[prices]] (model, in, out, train), or give --max-cost none"
        )
    if cost.usd > max_cost:
        raise BudgetReached(
            f"training costs about ${dollars(cost.usd)}, --max-cost is {max_cost:.2f}: raise it, or train on "
            "less, or for fewer --epochs"
        )
