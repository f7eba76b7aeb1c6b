"""What a fine-tune costs, and whether it pays: its training and its calls, beside those of a long prompt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from evalkit.dataset.check import Check, Size
from evalkit.dataset.counting import meter_of
from evalkit.prices import Price, price_of, table
from evalkit.tokens import EMBEDDED, encoding_for, ft_base

LEAST_CACHED = 1024
CACHE_STEP = 128
"""Tokens: OpenAI's prompt cache reads no shorter prompt, and a longer one in steps."""

MILLION = 1_000_000
LEAST_SAVED = 1e-9
"""USD per 1,000 calls: less is the rounding of sums, not a saving."""


@dataclass(frozen=True, slots=True)
class CostOptions:
    """What to reckon with.

    Attributes:
        epochs: None for what a job takes by itself.
        prompt: the long prompt that the base model needs and the fine-tune does without; or None.
        cached_share: how many of the base model's calls read the prompt from the cache (0 to 1).
        prices: the user's own, asked before the shipped table.
    """

    epochs: int | None = None
    prompt: str | None = None
    cached_share: float = 1.0
    prices: tuple[Price, ...] = ()


@dataclass(frozen=True, slots=True)
class CallCost:
    """One way of asking.

    Attributes:
        input, cached, output: tokens of a call on average; `cached` of the input come from the prompt cache.
        usd_per_1000: the price of 1,000 calls; None where it is unknown.
    """

    input: float
    cached: float
    output: float
    usd_per_1000: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Calls of the base model with the long prompt, uncached and cached, and of the fine-tune without it.

    Attributes:
        prompt_tokens: the long prompt's.
        cacheable: how many of them the cache can hold: 0 for a prompt of fewer than 1,024 tokens.
    """

    prompt_tokens: int
    cacheable: int
    base: CallCost
    base_cached: CallCost
    tuned: CallCost


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What is known of the cost, in USD. Unknown is None, never 0; the embedded model costs 0.

    Attributes:
        model: the model that is fine-tuned.
        epoch_tokens: what one epoch is charged for, about: the file's tokens up to the limit, and its tools'.
        training_price: USD per 1M tokens.
        source: where the prices stand, and of when; "" where there are none.
        closing: what OpenAI has shut down or will, and when; None where nothing is known of it.
        comparison: None without a long prompt to compare with.
    """

    model: str
    examples: int
    epoch_tokens: int | None
    epochs: int
    training_price: float | None
    source: str
    closing: str | None
    comparison: Comparison | None

    @property
    def charged_tokens(self) -> int | None:
        """The tokens of all epochs."""
        return None if self.epoch_tokens is None else self.epoch_tokens * self.epochs

    @property
    def training_usd(self) -> float | None:
        """What training costs."""
        return training_usd(self.charged_tokens, self.training_price)

    def break_even(self, against: CallCost) -> float | None:
        """The calls after which training has paid for itself: infinity for never, None where unknown."""
        tuned = self.comparison.tuned.usd_per_1000 if self.comparison else None
        if self.training_usd is None or tuned is None or against.usd_per_1000 is None:
            return None
        saved = against.usd_per_1000 - tuned
        return math.ceil(1000 * self.training_usd / saved) if saved > LEAST_SAVED else math.inf


def training_usd(tokens: int | None, price: float | None) -> float | None:
    """The price of training on `tokens`, all epochs counted, at `price` USD per 1M; None where unknown."""
    return None if tokens is None or price is None else tokens * price / MILLION


def estimate_cost(check: Check, options: CostOptions | None = None) -> CostEstimate:
    """Estimate training and calls from a checked file.

    Args:
        check: `check_file(path, CheckOptions(model))`; its model is the one that is to be fine-tuned.
        options: what to reckon with.
    """
    options = options or CostOptions()
    base, size = ft_base(check.model) or check.model, check.size
    price = _price(base, options)
    tuned = _price(f"ft:{base}", options)
    return CostEstimate(
        model=check.model,
        examples=check.examples,
        epoch_tokens=size.billed + size.tools if size else None,
        epochs=options.epochs or check.epochs,
        training_price=_training_price(price, tuned),
        source=(tuned or price or Price("", 0, 0)).source,
        closing=closing_note(base),
        comparison=_comparison(base, size, price, tuned, options) if size and options.prompt else None,
    )


def _price(model: str, options: CostOptions) -> Price | None:
    """Embedded models run on the user's own machine, whatever they are called after `ft:`."""
    embedded = (ft_base(model) or model).startswith(EMBEDDED)
    return price_of(model, "local" if embedded else "openai", options.prices)


def _training_price(price: Price | None, tuned: Price | None) -> float | None:
    named = [one.train for one in (price, tuned) if one is not None and one.train is not None]
    return named[0] if named else None


def _comparison(
    base: str, size: Size, price: Price | None, tuned: Price | None, options: CostOptions
) -> Comparison:
    """One call an example: its last answer is what comes out, all else goes in."""
    n, prompt = size.tokens.n, _prompt_tokens(base, options.prompt or "")
    output = size.answers / n
    alone = (size.tokens.total + size.tools - size.answers) / n
    prompted = alone - size.system / n + prompt  # the long prompt stands in place of the system message
    cacheable = cached_tokens(prompt)
    return Comparison(
        prompt_tokens=prompt,
        cacheable=cacheable,
        base=call_cost(price, prompted, 0, output),
        base_cached=call_cost(price, prompted, cacheable * options.cached_share, output),
        tuned=call_cost(tuned, alone, 0, output),
    )


def _prompt_tokens(base: str, prompt: str) -> int:
    encoding = encoding_for(base)
    if encoding is None:
        raise ValueError(f"no encoding of {base}, though its file was counted")
    meter = meter_of(encoding)
    return meter.per_message + meter.length("system") + meter.length(prompt)


def cached_tokens(prompt_tokens: int) -> int:
    """How many tokens of a prompt the cache holds: none below 1,024, above it whole steps of 128."""
    return prompt_tokens // CACHE_STEP * CACHE_STEP if prompt_tokens >= LEAST_CACHED else 0


def call_cost(price: Price | None, input: float, cached: float, output: float) -> CallCost:
    """The cost of a call of so many tokens; tokens are cheaper from the cache where a price says so."""
    if price is None:
        return CallCost(input, cached, output, None)
    cached_price = price.input if price.cached is None else price.cached
    usd = (input - cached) * price.input + cached * cached_price + output * price.output
    return CallCost(input, cached, output, 1000 * usd / MILLION)


def closing_note(model: str, today: date | None = None) -> str | None:
    """What is shut down of an OpenAI model, its fine-tunes and fine-tuning itself; None for other models."""
    closing, ends = table().closing.get(model), table().tuning_ends
    if closing is None:
        return None
    day = (today or date.today()).isoformat()
    since = "from anybody since" if ends["everybody"] <= day else "from anybody as of"
    jobs = (
        f"OpenAI takes no new fine-tuning jobs from newcomers since {ends['newcomers']}, from idle "
        f"organisations since {ends['idle']}, {since} {ends['everybody']}"
    )
    if closing.fine_tunes is None:
        return jobs
    what = f"{model} and its fine-tunes" if closing.model else f"fine-tunes of {model}"
    over = closing.fine_tunes == "past" or closing.fine_tunes <= day
    when = "are shut down" if over else f"will be shut down on {closing.fine_tunes}"
    return f"{what} {when}; {jobs}"
