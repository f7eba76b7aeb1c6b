"""What a model costs: the user's prices, then the shipped table; a model in neither costs None, never 0."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from evalkit.endpoints.base import Usage
from evalkit.tokens import ft_base

CACHED_FROM, CACHE_STEP = 1024, 128
"""Tokens: what a prompt must have to be cached, and how many are cached at a time."""


@dataclass(frozen=True, slots=True)
class Price:
    """USD per 1M tokens; None where the maker names no such price. `source`: where it stands, and of when."""

    model: str
    input: float
    output: float
    cached: float | None = None
    train: float | None = None
    source: str = ""

    @property
    def free(self) -> bool:
        """Whether asking costs nothing."""
        return self.input == self.output == 0

    def calls(self, number: int, prompt: float, answer: float, cached: float = 0.0) -> float:
        """What `number` calls cost, in USD, by tokens a call; `cached` of the prompt's are charged at the
        cached price where there is one."""
        cached_price = self.input if self.cached is None else self.cached
        one = (prompt - cached) * self.input + cached * cached_price + answer * self.output
        return number * one / 1_000_000


@dataclass(frozen=True, slots=True)
class Closing:
    """From when on a model can no longer be used: an ISO date, "past" where that is over, None where unknown.

    Attributes:
        model: the model itself.
        fine_tunes: what was made of it.
    """

    model: str | None
    fine_tunes: str | None


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The shipped prices, with the day on which they were read (ISO 8601).

    Attributes:
        base: prices of models by name; `fine_tuned`: those of their fine-tunes, by the same name.
        closing: what OpenAI shuts down, by the same name.
        tuning_ends: when new fine-tuning jobs ended or end, for newcomers, idle organisations and everybody.
    """

    date: str
    source: str
    base: dict[str, Price]
    fine_tuned: dict[str, Price]
    closing: dict[str, Closing]
    tuning_ends: dict[str, str]


@cache
def table() -> PriceTable:
    """The prices shipped in prices.toml; fine-tuned models are listed under their base's name."""
    data = tomllib.loads(resources.files("evalkit").joinpath("prices.toml").read_text("utf-8"))
    source = f"{data['source']}, {data['date']}"
    base, fine_tuned, closing = {}, {}, {}
    for row in data["models"]:
        train = row.get("train")
        for name in row["names"]:
            if "base" in row:
                base[name] = _price(name, row["base"], train, source)
            fine_tuned[name] = _price(f"ft:{name}", row["ft"], train, source)
            shutdown = row.get("shutdown")
            closing[name] = Closing(shutdown, row.get("tuning", shutdown))
    return PriceTable(str(data["date"]), data["source"], base, fine_tuned, closing, data["fine_tuning"])


def price_of(model: str, endpoint: str, overrides: Iterable[Price] = ()) -> Price | None:
    """The price of `model` where `endpoint` answers for it.

    An override for the exact name comes first. The embedded endpoint `local` costs nothing: it runs on the
    user's own machine. An `ft:` name goes by its parsed base, in the table of fine-tuned models only.
    """
    for price in overrides:
        if price.model == model:
            return price
    if endpoint == "local":
        return Price(model, 0.0, 0.0, 0.0, 0.0, "runs on this machine")
    base = ft_base(model)
    rows, name = (table().base, model) if base is None else (table().fine_tuned, base)
    return rows.get(name)


def cost(price: Price | None, usage: Usage) -> float | None:
    """What one answer cost, in USD; None where the price or the server's token counts are unknown.

    Tokens read from the prompt cache are charged at the cached price where there is one. A server that says
    nothing of cached tokens is taken to have charged all at the full price.
    """
    if price is None or usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    cached = min(usage.cached_tokens or 0, usage.prompt_tokens)
    usd = price.calls(1, usage.prompt_tokens, usage.completion_tokens, cached)
    return round(usd, 12)  # less is float noise


def cacheable(prefix: float) -> int:
    """How many tokens of a prompt come out of the cache, if it begins with `prefix` tokens that were sent a
    moment ago: whole steps, from a least length on. Source: OpenAI's guide to prompt caching, 2026-11."""
    return int(prefix // CACHE_STEP * CACHE_STEP) if prefix >= CACHED_FROM else 0


def _price(name: str, triple: list[float], train: float | None, source: str) -> Price:
    """A row's [in, cached, out] or, where cached tokens have no price of their own, [in, out]."""
    cached = triple[1] if len(triple) == 3 else None
    return Price(name, triple[0], triple[-1], cached, train, source)
