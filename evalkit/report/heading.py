"""What is printed before anything is sent, and stands over every report: who is asked, and the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from evalkit.config import LOCAL, UNTUNED, Config, rank
from evalkit.endpoints.base import RECORDED
from evalkit.numbers import dollars
from evalkit.report.columns import columns
from evalkit.report.escape import clip, printable
from evalkit.run.estimate import Estimate
from evalkit.run.plan import Plan
from evalkit.tokens import ft_base

Place = tuple[str | None, str | None]
"""An endpoint's base URL, and the name of the environment variable with its key."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked: variants that share a model, where it answers, and the name of the key's variable."""

    variants: tuple[str, ...]
    model: str
    host: str
    key: str


def heading(asked: Sequence[Asked], plan: str) -> str:
    """Who will be asked, where, with which key; and the plan."""
    cells = [(", ".join(line.variants), line.model, line.host, line.key) for line in asked]
    rows = [[clip(printable(cell), 44) for cell in row] for row in cells]
    width = max(len(row[0]) for row in [*rows, ["plan"]])
    return f"{columns(rows, 'llll')}\n{'plan':{width}}  {printable(plan)}"


def heading_of(plan: Plan, config: Config, expected: Estimate, max_cost: float | None) -> str:
    """The heading of what is yet to be asked."""
    asked = (variant for variants in plan.variants.values() for variant in variants)
    variants = ((variant.name, variant.model, variant.endpoint) for variant in asked)
    places = {name: (place.base_url, place.api_key_env) for name, place in config.endpoints.items()}
    return heading(asked_lines(variants, places), plan_line(expected, max_cost))


def asked_lines(
    variants: Iterable[tuple[str, str, str]], endpoints: Mapping[str, Place]
) -> tuple[Asked, ...]:
    """A line for each model, with the variants that ask it.

    Args:
        variants: (variant, model, endpoint), over all suites.
        endpoints: by name.
    """
    models: dict[tuple[str, str], list[str]] = {}  # (variant, endpoint) -> models, one or more a suite
    for variant, model, endpoint in sorted(set(variants), key=lambda found: (rank(found[0]), found)):
        models.setdefault((variant, endpoint), []).append(model)
    lines: dict[tuple[str, str], list[str]] = {}  # (model, endpoint) -> variants
    for (variant, endpoint), found in models.items():
        lines.setdefault((_together(found), endpoint), []).append(variant)
    return tuple(
        Asked(tuple(names), model, *_place(endpoint, endpoints.get(endpoint, (None, None))))
        for (model, endpoint), names in lines.items()
    )


def plan_line(estimate: Estimate, max_cost: float | None) -> str:
    """`360 requests, about $0.41, cap $5.00`."""
    judged = f" and {estimate.judge_requests:,} to the judge" if estimate.judge_requests else ""
    if not estimate.requests and not estimate.judge_requests:
        return "all answers are recorded: nothing is asked"
    cap = "no cap" if max_cost is None else f"cap ${dollars(max_cost)}"
    if estimate.usd == 0:
        cost = "free: all on this machine"
    else:
        cost = f"cost unknown, {cap}" if estimate.usd is None else f"about ${dollars(estimate.usd)}, {cap}"
    return f"{estimate.requests:,} requests{judged}, about {estimate.tokens:,} tokens, {cost}"


def _together(models: list[str]) -> str:
    """One name for the models that a variant asks over all suites."""
    if len(models) > 1:
        bases = {ft_base(model) for model in models}
        base = bases.pop() if len(bases) == 1 else None
        return f"{len(models)} fine-tunes of {base}" if base else f"{len(models)} models"
    return f"{ft_base(UNTUNED)}, to be fine-tuned" if models == [UNTUNED] else models[0] or "recorded answers"


def _place(endpoint: str, place: Place) -> tuple[str, str]:
    url, key = place
    if endpoint == LOCAL:
        return "embedded", "no key"
    if endpoint == RECORDED:
        return "from a file", "nothing is asked"
    parts = urlsplit(url or "")
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/"), key or "no key"
