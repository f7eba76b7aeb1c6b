"""The learning curve: a model fine-tuned on ever more of a suite's lines, and whether more would help."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from evalkit.comparison import compare
from evalkit.config import Config, ModelRef
from evalkit.config.model import VariantSettings
from evalkit.errors import UsageError
from evalkit.run import Record
from evalkit.run.codec import passed as all_of
from evalkit.stats import Interval, Pairs, Rate, pairs_of, tango
from evalkit.suite import Suite, training_file
from evalkit.tune import Base, FtModel, Recipe, ensure
from evalkit.tune.plot import svg

if TYPE_CHECKING:
    from evalkit.endpoints.openai_api import OpenAIEndpoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARES = (12, 25, 50, 100)
"""Percent: each about twice the one before."""

FEWEST = 10
"""Examples that a job needs, as at OpenAI."""

WORTHWHILE = 0.05
"""A gain of fewer points than this is not worth the work of doubling the data."""

REFERENCES = ("base", "prompted")


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a suite's training lines. Smaller ones lie within larger ones."""

    examples: int
    percent: float
    data: bytes

    @property
    def variant(self) -> str:
        """The variant that asks the model made of it."""
        return f"ft-{self.examples}"


@dataclass(frozen=True, slots=True)
class Point:
    """How a model does that learned from so many examples; 0 for one that learned from none."""

    variant: str
    examples: int
    model: str
    passed: Rate
    form: Rate | None
    content: Rate | None


@dataclass(frozen=True, slots=True)
class Gain:
    """How much more often the second of two passed, on the same `n` cases; in [-1, 1]."""

    value: float
    interval: Interval
    n: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """Whether more data is likely to help, judged by what the last doubling brought, case by case.

    Attributes:
        word: "unlikely" where even the upper end of the gain's 95% interval is below WORTHWHILE; "likely"
            where its lower end is above 0; "cannot tell" where it leaves both open.
        before, after: examples, as near to a doubling as was tried.
        gain: of the pass rate, with its 95% interval; None where too few cases were decided.
    """

    word: Literal["likely", "unlikely", "cannot tell"]
    before: int
    after: int
    gain: Gain | None


@dataclass(frozen=True, slots=True)
class Curve:
    """A suite's learning curve. `references` learned nothing: base and prompted."""

    suite: str
    references: tuple[Point, ...]
    points: tuple[Point, ...]
    outlook: Outlook


def shares_of(suite: Suite, percents: Sequence[float], seed: int) -> tuple[Share, ...]:
    """Nested parts of the suite's training lines, drawn by the seed, in the file's order.

    Parts of fewer than FEWEST lines are brought up to it; equal ones become one.

    Raises:
        UsageError: fewer than two parts are left: there is no curve through one point.
    """
    lines = training_file(suite).splitlines(keepends=True)
    order = random.Random(seed).sample(range(len(lines)), len(lines))
    counts = {min(len(lines), max(FEWEST, round(len(lines) * percent / 100))) for percent in percents}
    if len(counts) < 2:
        raise UsageError(
            f"suite {suite.name} has {len(lines)} training examples, and a job needs {FEWEST}: a curve needs "
            "at least two shares that differ; add examples, or give other --shares"
        )
    return tuple(
        Share(count, 100 * count / len(lines), b"".join(lines[at] for at in sorted(order[:count])))
        for count in sorted(counts)
    )


def recipes_of(suite: Suite, shares: Iterable[Share], base: Base) -> tuple[Recipe, ...]:
    """What is to be fine-tuned; all of the lines make the very model that a run would make."""
    return tuple(
        Recipe(base, suite.name, share.data, suffix=f"{suite.name[:50]}-{share.examples}") for share in shares
    )


async def tune_all(recipes: Iterable[Recipe], endpoint: OpenAIEndpoint) -> tuple[FtModel, ...]:
    """The models, each made unless it is there.

    Raises:
        UsageError: a job failed, or the endpoint cannot fine-tune.
    """
    return tuple(await asyncio.gather(*(ensure(recipe, endpoint) for recipe in recipes)))


def asking(config: Config, shares: Sequence[Share], models: Sequence[FtModel], endpoint: str) -> Config:
    """The configuration that asks base, prompted and the model of every share."""
    made = {
        share.variant: VariantSettings(ModelRef(model.model, endpoint))
        for share, model in zip(shares, models, strict=True)
    }
    flags = replace(
        config.flags, variants=(*REFERENCES, *made), candidate=shares[-1].variant, baseline="prompted"
    )
    return replace(config, flags=flags, variants={**config.variants, **made})


def curve_of(suite: Suite, shares: Sequence[Share], records: Sequence[Record]) -> Curve:
    """The curve, from the records of a run that asked the models of all shares."""
    (figures,) = compare(records).suites
    models = {record.variant: record.request.model for record in records}
    examples = dict.fromkeys(REFERENCES, 0) | {share.variant: share.examples for share in shares}
    points = {
        row.variant: Point(
            row.variant, examples[row.variant], models[row.variant], row.passed, row.form, row.content
        )
        for row in figures.rows
    }
    return Curve(
        suite.name,
        tuple(points[name] for name in REFERENCES if name in points),
        tuple(points[share.variant] for share in shares),
        outlook_of(shares, records),
    )


def outlook_of(shares: Sequence[Share], records: Sequence[Record]) -> Outlook:
    """What the last doubling brought; cases that were not decided on both sides are left out."""
    last = shares[-1]
    before = min(shares[:-1], key=lambda share: abs(share.examples - last.examples / 2))
    old, new = (_passes(records, share.variant) for share in (before, last))
    both = sorted(old.keys() & new.keys())
    gain = _gain(pairs_of([old[case] for case in both], [new[case] for case in both]))
    return Outlook(_word(gain), before.examples, last.examples, gain)


def _gain(pairs: Pairs) -> Gain | None:
    interval = tango(pairs)
    return Gain(pairs.difference, interval, int(pairs.n)) if interval else None


def _word(gain: Gain | None) -> Literal["likely", "unlikely", "cannot tell"]:
    if gain is None:
        return "cannot tell"
    if gain.interval.high < WORTHWHILE:
        return "unlikely"
    return "likely" if gain.interval.low > 0 else "cannot tell"


def _passes(records: Iterable[Record], variant: str) -> dict[str, bool]:
    """Whether a variant passed each case; asked several times, more often than not."""
    found: dict[str, list[bool]] = {}
    for record in records:
        verdict = all_of(record.verdicts) if record.response else None
        if record.variant == variant and verdict is not None:
            found.setdefault(record.case, []).append(verdict)
    return {case: 2 * sum(verdicts) > len(verdicts) for case, verdicts in found.items()}


def to_json(curve: Curve) -> dict[str, Any]:
    """The figures for programs; null is unknown."""

    def point(found: Point) -> Mapping[str, Any]:
        interval = found.passed.interval
        return {
            "variant": found.variant,
            "examples": found.examples,
            "model": found.model,
            "pass_rate": found.passed.share,
            "pass_rate_95": [interval.low, interval.high] if interval else None,
        }

    return {
        "suite": curve.suite,
        "references": [point(each) for each in curve.references],
        "points": [point(each) for each in curve.points],
        "outlook": asdict(curve.outlook),
    }


def curve_svg(curve: Curve) -> bytes:
    """Pass rates in percent with their 95% intervals against examples; base and prompted as lines."""

    def draw(axes: Axes) -> None:
        known = [(p.examples, p.passed.share, p.passed.interval) for p in curve.points]
        drawn = [(at, share, interval) for at, share, interval in known if share is not None and interval]
        axes.errorbar(
            [at for at, _, _ in drawn],
            [100 * share for _, share, _ in drawn],
            yerr=[
                [100 * (share - interval.low) for _, share, interval in drawn],
                [100 * (interval.high - share) for _, share, interval in drawn],
            ],
            fmt="o-",
            capsize=3,
            label="fine-tuned",
        )
        for reference, style in zip(curve.references, (":", "--"), strict=False):
            if reference.passed.share is not None:
                axes.axhline(
                    100 * reference.passed.share, linestyle=style, color="gray", label=reference.variant
                )
        axes.set_xscale("log", base=2)
        axes.set_xticks([p.examples for p in curve.points], [str(p.examples) for p in curve.points])
        axes.set_xlabel("training examples")
        axes.set_ylabel("passed, % (95% interval)")
        axes.set_ylim(-3, 103)
        axes.legend(loc="best")

    return svg(f"{curve.suite}: learning curve", draw)
