"""Reading what chat and legacy completions have in common: how answers are drawn, and how they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evalkit.local.http.errors import ApiError
from evalkit.local.http.validate import Fields, shown, wrong_type

MOST_STOPS = 4
MOST_ANSWERS = 128
SEED = 2**63  # seeds are 64-bit integers
IGNORED = ("user", "metadata", "store", "safety_identifier", "prompt_cache_key", "prompt_cache_retention")
DRAWN = ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty", "logit_bias", "stop", "n")
SHARED = ("model", "stream", "stream_options", *DRAWN, *IGNORED)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How answers are drawn and sent; the defaults are OpenAI's.

    Attributes:
        bias: what is added to the logits of tokens, by id.
        answers: how many are wanted.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    bias: Mapping[int, float] = field(default_factory=dict)
    stops: tuple[str, ...] = ()
    answers: int = 1
    stream: bool = False
    include_usage: bool = False

    def seed_of(self, index: int) -> int | None:
        """Give the seed of one of several answers: they differ, and each is repeated."""
        return None if self.seed is None else self.seed + index


OPENAIS_DEFAULTS = Sampling()


def read_model(body: Fields) -> str:
    """Read the name of the model.

    Raises:
        ApiError: there is none.
    """
    name = body.text("model", None)
    if not name:
        raise ApiError("you must provide a model parameter")
    return name


def read_sampling(body: Fields) -> Sampling:
    """Read the fields of DRAWN and of streaming.

    Raises:
        ApiError: one has a wrong type or is out of bounds.
    """
    stream = body.boolean("stream")
    options = body.object("stream_options")
    if options is not None:
        options.only("include_usage", "include_obfuscation")
        if not stream:
            raise ApiError(
                "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                param="stream_options",
            )
    return Sampling(
        temperature=body.number("temperature", 1.0, low=0, high=2),
        top_p=body.number("top_p", 1.0, low=0, high=1),
        seed=body.integer("seed", None, low=-SEED, high=SEED - 1),
        frequency_penalty=body.number("frequency_penalty", 0.0, low=-2, high=2),
        presence_penalty=body.number("presence_penalty", 0.0, low=-2, high=2),
        bias=_read_bias(body.object("logit_bias")),
        stops=_read_stops(body.get("stop")),
        answers=body.integer("n", 1, low=1, high=MOST_ANSWERS),
        stream=stream,
        include_usage=options is not None and options.boolean("include_usage"),
    )


def _read_bias(bias: Fields | None) -> Mapping[int, float]:
    """Read `logit_bias`, e.g. {"1734": -100}."""
    if bias is None:
        return {}
    names = list(bias.names)
    for name in names:
        if not (name.isascii() and name.isdigit() and len(name) < 10):
            raise ApiError(
                f"Invalid key in 'logit_bias': {shown(name)}. You should only be submitting "
                "non-negative integers.",
                param="logit_bias",
                code="invalid_value",
            )
    return {int(name): bias.number(name, 0.0, low=-100, high=100) for name in names}


def _read_stops(value: object) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value or []
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise wrong_type("stop", "one of a string or array of strings", value)
    if len(stops) > MOST_STOPS:
        raise ApiError(
            f"Invalid 'stop': array too long. Expected an array with maximum length {MOST_STOPS}, but got an "
            f"array with length {len(stops)} instead.",
            param="stop",
            code="array_above_max_length",
        )
    if "" in stops:
        raise ApiError(
            "Invalid 'stop': a stop sequence may not be empty.", param="stop", code="invalid_value"
        )
    return tuple(stops)
