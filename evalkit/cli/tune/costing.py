"""What a job costs, before it is paid for."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass

from evalkit import tokens
from evalkit.config import LOCAL, Config, EndpointSettings
from evalkit.config.hosts import host_of, is_private
from evalkit.dataset.notebook import default_epochs
from evalkit.errors import BudgetReached, UsageError
from evalkit.prices import price_of
from evalkit.report.figures import dollars
from evalkit.tune import Recipe
from evalkit.tune.training import Line, lines_of

CHARS_PER_TOKEN = 3
"""Where the encoding is unknown; rather too many tokens than too few."""


@dataclass(frozen=True, slots=True)
class TrainingCost:
    """What jobs will roughly cost: tokens of an epoch, and of all epochs. `usd` is None without a price."""

    tokens: int
    trained: int
    usd: float | None

    @property
    def free(self) -> bool:
        """Whether nobody has to pay for it."""
        return self.usd == 0

    def line(self, model: str, place: EndpointSettings) -> str:
        """`gpt-4.1-mini at openai: 36,000 tokens to train (12,000 of data), about $0.18`."""
        price = "cost unknown" if self.usd is None else f"about ${dollars(self.usd)}"
        what = f"{model} at {place.name}: {self.trained:,} tokens to train ({self.tokens:,} of data)"
        return f"{what}, {'free: on your own hardware' if self.free else price}"


def training_cost(recipe: Recipe, config: Config, place: EndpointSettings) -> TrainingCost:
    """Tokens times epochs, at the dated price; validation is not charged. Own machines are free."""
    model = recipe.base.model
    sizes = [_tokens(line, model) for line in lines_of(recipe.data)]
    epochs = int(recipe.hyperparameters.get("n_epochs") or default_epochs(len(sizes)))
    trained = sum(sizes) * epochs
    if place.name == LOCAL or is_private(str(place.base_url)):
        return TrainingCost(sum(sizes), trained, 0.0)
    price = price_of(model, place.name, config.prices)
    usd = None if price is None or price.train is None else trained * price.train / 1_000_000
    return TrainingCost(sum(sizes), trained, usd)


def together(costs: Iterable[TrainingCost]) -> TrainingCost:
    """Of several jobs."""
    found = list(costs)
    known = [cost.usd for cost in found if cost.usd is not None]
    return TrainingCost(
        sum(cost.tokens for cost in found),
        sum(cost.trained for cost in found),
        sum(known) if len(known) == len(found) else None,
    )


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


def _tokens(line: Line, model: str) -> int:
    """Of one example, as far as they are charged: all of it."""
    messages = line.get("messages")
    counted = tokens.count_messages(messages, model) if isinstance(messages, list) else None
    if counted is None:
        text = json.dumps(line, ensure_ascii=False)
        counted = tokens.count(text, model)
        return math.ceil(len(text) / CHARS_PER_TOKEN) if counted is None else counted
    return counted
