"""`evalkit tune curve`: would more data help?"""

from __future__ import annotations

import argparse
import asyncio
import sys
import textwrap
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from evalkit import curve as curves
from evalkit.cli.arguments import Parser, count_from, dollars_or_none
from evalkit.cli.embedded import reachable
from evalkit.cli.exit_codes import of_outcome
from evalkit.cli.progress import Progress
from evalkit.cli.tune.checking import checked
from evalkit.cli.tune.consent import agreed
from evalkit.cli.tune.costing import check_cap, is_free, together, training_cost
from evalkit.cli.tune.tables import as_json, cell, table
from evalkit.config import EMBEDDED_BASE, LOCAL, Config, ModelFlags, ModelRef, load_config
from evalkit.curve import Curve, Outlook, Point, Share
from evalkit.errors import AskError, UsageError
from evalkit.numbers import interval, percent
from evalkit.report.load import load_report
from evalkit.report.write import write_report
from evalkit.run import RunOptions, read_records
from evalkit.run.connect import connect, open_endpoint
from evalkit.run.run import run
from evalkit.suite import Suite, load_suite
from evalkit.tune import Base, FtModel
from evalkit.tune.folder import write_file

EXAMPLE = """\
  evalkit tune curve suites/terse
  evalkit tune curve suites/mine --model gpt-4.1-mini --judge gpt-4.1 --shares 25,50,100 --max-cost 20"""

DESCRIPTION = """\
Fine-tune a model on growing shares of a suite's training lines (each holds the smaller ones), ask all of
these models the suite's cases, and show how often each passes against the number of examples. More data is
called unlikely to help where the last doubling surely brought less than 5 points (95% interval of the paired
gain), likely where it surely brought something. Models and answers are kept: a second call asks nothing anew.
The run's folder gets curve.svg and curve.json."""

HEAD = ("examples", "share", "passed", "95%", "form", "content", "model")
WIDEST = (8, 5, 6, 6, 5, 7, 100 - 8 - 5 - 6 - 6 - 5 - 7 - 6 * 2)


@dataclass(frozen=True, slots=True)
class Task:
    """What the curve is drawn of."""

    suite: Suite
    shares: tuple[Share, ...]
    base: ModelRef
    options: RunOptions


def main(argv: Sequence[str]) -> int:
    """Tune, ask, draw."""
    given = _parser().parse_args(argv)
    if given.base_url and not given.model:
        raise UsageError("--base-url is given, but no model is named; add --model NAME")
    config = load_config(Path.cwd(), ModelFlags(base=given.model, judge=given.judge, base_url=given.base_url))
    suite = load_suite(given.suite)
    options = RunOptions(
        paths=(str(given.suite),),
        repeat=given.repeat,
        seed=given.seed,
        max_cost=given.max_cost,
        out=given.out,
        limit=given.limit,
    )
    base = config.models.get("base", ModelRef(EMBEDDED_BASE, LOCAL))
    task = Task(suite, curves.shares_of(suite, given.shares, given.seed), base, options)
    if not _agreed(task, config, yes=given.yes):
        return 2
    with reachable(config, options.state, needed=LOCAL in _endpoints(task, config)) as config:
        models = asyncio.run(_models(task, config))
        return _ask(task, curves.asking(config, task.shares, models, base.endpoint))


def _parser() -> argparse.ArgumentParser:
    made = Parser("tune curve", DESCRIPTION, EXAMPLE)
    add = made.add_argument
    add("suite", type=Path, metavar="SUITE", help="a suite with `train:`")
    add("--shares", type=_percents, default=curves.SHARES, metavar="A,B", help="in percent (12,25,50,100)")
    add("--seed", type=count_from(0), default=0, metavar="N", help="of the draw of the shares (default 0)")
    add("--repeat", type=count_from(1), default=1, metavar="N", help="ask each case N times (default 1)")
    add("--limit", type=count_from(1), metavar="N", help="N cases, drawn by the seed")
    add("--model", metavar="M", help="what is fine-tuned: NAME, NAME@ENDPOINT or NAME@URL (default: base)")
    add("--base-url", metavar="URL", help="where models without an endpoint are asked")
    add("--judge", metavar="M", help="the model that reads rubrics")
    add(
        "--max-cost",
        type=dollars_or_none,
        default=5.0,
        metavar="USD",
        help="of training, and again of asking",
    )
    add("--yes", action="store_true", help="do not ask before it costs money")
    add("--out", type=Path, default=RunOptions().out, metavar="DIR", help="where the run's folder is made")
    return made


def _percents(text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if len(found) < 2 or not all(0 < share <= 100 for share in found):
        raise argparse.ArgumentTypeError(f"found {text!r}, write at least two percentages: 12,25,50,100")
    return found


def _agreed(task: Task, config: Config, *, yes: bool) -> bool:
    """Whether the models may be made, at what they cost."""
    place = config.endpoints[task.base.endpoint]
    if is_free(place):
        return True
    recipes = curves.recipes_of(task.suite, task.shares, Base(task.base.model))
    checks = (checked(recipe.data, task.base.model) for recipe in recipes)
    cost = together(
        training_cost(check, recipe, config) for check, recipe in zip(checks, recipes, strict=True)
    )
    print(f"{len(recipes)} jobs: {cost.line(task.base.model, place)}", file=sys.stderr)
    check_cap(cost, task.base.model, place, task.options.max_cost)
    return agreed("Start them, unless they are there already?", yes=yes)


def _endpoints(task: Task, config: Config) -> set[str]:
    """Who will be asked: the base's endpoint, and the judge's, which is embedded unless it is named."""
    judge = config.models.get("judge")
    return {task.base.endpoint, judge.endpoint if judge else task.base.endpoint}


async def _models(task: Task, config: Config) -> tuple[FtModel, ...]:
    """The model of every share."""
    settings = config.endpoints[task.base.endpoint]
    endpoint = open_endpoint(settings)
    try:
        known = await connect(endpoint, settings, [task.base.model])
        base = Base(task.base.model, known.fingerprints.get(task.base.model))
        recipes = curves.recipes_of(task.suite, task.shares, base)
        sizes = ", ".join(str(share.examples) for share in task.shares)
        print(f"fine-tuning {cell(base.model)} on {sizes} examples of {task.suite.name}", file=sys.stderr)
        return await curves.tune_all(recipes, endpoint)
    except AskError as error:
        raise UsageError(f"endpoint {settings.name}: {error}") from error
    finally:
        await endpoint.close()


def _ask(task: Task, config: Config) -> int:
    """Ask all models, and show the curve."""
    progress = Progress(lambda plan: f"{len(plan):,} questions", quiet=False)
    with closing(progress):
        outcome = run([task.suite], config, task.options, progress)
    write_report(load_report(outcome.folder), outcome.folder)
    found = curves.curve_of(task.suite, task.shares, list(read_records(outcome.folder)))
    write_file(outcome.folder / "curve.svg", curves.curve_svg(found))
    write_file(outcome.folder / "curve.json", f"{as_json(curves.to_json(found))}\n".encode())
    print(_table(found, task.shares))
    print(textwrap.fill(_in_words(found.outlook), 100))
    print(f"Plot and figures: {outcome.folder}/curve.svg, curve.json")
    return of_outcome(outcome)


def _table(found: Curve, shares: Sequence[Share]) -> str:
    percents = {share.variant: f"{share.percent:.0f}%" for share in shares}
    rows = [_row(point, percents.get(point.variant, "")) for point in (*found.references, *found.points)]
    return f"{cell(found.suite)}\n{table(HEAD, rows, WIDEST)}\n"


def _row(point: Point, share: str) -> tuple[object, ...]:
    rates = (percent(point.passed), interval(point.passed), percent(point.form), percent(point.content))
    return point.examples or point.variant, share, *rates, point.model


def _in_words(outlook: Outlook) -> str:
    """`More data is likely to help: from 48 to 96 examples +9 points (95%: +3 to +15, 128 cases).`"""
    verdict = {
        "likely": "More data is likely to help",
        "unlikely": "More data is unlikely to help",
        "cannot tell": "Whether more data would help cannot be told",
    }[outlook.word]
    gain = outlook.gain
    if gain is None:
        return f"{verdict}: too few cases were decided."
    points = [f"{100 * value:+.0f}" for value in (gain.value, gain.interval.low, gain.interval.high)]
    why = {
        "likely": "the last doubling surely brought something",
        "unlikely": f"a doubling brings less than {100 * curves.WORTHWHILE:.0f} points",
        "cannot tell": "more cases would tell",
    }[outlook.word]
    return (
        f"{verdict}: from {outlook.before} to {outlook.after} examples {points[0]} points "
        f"(95%: {points[1]} to {points[2]}, {gain.n} cases); {why}."
    )
