"""What a job costs, before it is paid for."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from evalkit import tokens
from evalkit.config import LOCAL, Config, EndpointSettings
from evalkit.config.hosts import host_of, is_private
from evalkit.dataset.notebook import default_epochs
from evalkit.errors import BudgetReached, UsageError
from evalkit.prices import price_of
from evalkit.report.figures import dollars
from evalkit.tune import Recipe
from evalkit.tune.training import Line, TrainingData

CHARS_PER_TOKEN = 3
"""Where the encoding is unknown; rather too many tokens than too few."""


@dataclass(frozen=True, slots=True)
class TrainingCost:
    """What a job will roughly cost. `usd` is None where no price is known."""

    tokens: int
    epochs: int
    usd: float | None

    @property
    def free(self) -> bool:
        """Whether nobody has to pay for it."""
        return self.usd == 0


def training_cost(
    training: TrainingData, recipe: Recipe, config: Config, place: EndpointSettings
) -> TrainingCost:
    """Tokens times epochs, at the dated price; validation is not charged. Own machines are free."""
    model = recipe.base.model
    sizes = [_tokens(line, model) for line in training.lines]
    epochs = int(recipe.hyperparameters.get("n_epochs") or default_epochs(len(sizes)))
    if place.name == LOCAL or is_private(str(place.base_url)):
        return TrainingCost(sum(sizes), epochs, 0.0)
    price = price_of(model, place.name, config.prices)
    rate = None if price is None else price.train
    return TrainingCost(sum(sizes), epochs, None if rate is None else sum(sizes) * epochs * rate / 1_000_000)


def check_cap(cost: TrainingCost, recipe: Recipe, place: EndpointSettings, max_cost: float | None) -> None:
    """See that a job keeps within --max-cost.

    Raises:
        UsageError: its price is not known, so the cap cannot hold.
        BudgetReached: it would cost more.
    """
    if max_cost is None:
        return
    if cost.usd is None:
        raise UsageError(
            f"no price for training {recipe.base.model} at {host_of(str(place.base_url))}, so --max-cost "
            "cannot hold: add it under [[prices]] (model, in, out, train), or give --max-cost none"
        )
    if cost.usd > max_cost:
        raise BudgetReached(
            f"the job costs about ${dollars(cost.usd)}, --max-cost is {max_cost:.2f}: raise it, or train on "
            "less, or for fewer --epochs"
        )


def cost_line(cost: TrainingCost, recipe: Recipe, place: EndpointSettings) -> str:
    """`gpt-4.1-mini at openai: 12,000 tokens x 3 epochs, about $0.18`."""
    price = "cost unknown" if cost.usd is None else f"about ${dollars(cost.usd)}"
    what = f"{recipe.base.model} at {place.name}: {cost.tokens:,} tokens x {cost.epochs} epochs"
    return f"{what}, {'free: on your own hardware' if cost.free else price}"


def _tokens(line: Line, model: str) -> int:
    """Of one example, as far as they are charged: all of it."""
    messages = line.get("messages")
    counted = tokens.count_messages(messages, model) if isinstance(messages, list) else None
    if counted is None:
        text = json.dumps(line, ensure_ascii=False)
        counted = tokens.count(text, model)
        return math.ceil(len(text) / CHARS_PER_TOKEN) if counted is None else counted
    return counted
