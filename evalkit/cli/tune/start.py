"""`evalkit tune start`: fine-tune on a suite's training lines, or on a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evalkit.cli.arguments import Parser, count_from, dollars_or_none
from evalkit.cli.exit_codes import Exit
from evalkit.cli.tune.checking import checked, see_that_it_fits
from evalkit.cli.tune.consent import agreed
from evalkit.cli.tune.costing import check_cap, is_free, training_cost
from evalkit.cli.tune.ending import AtTheEnd, add_ending, wait
from evalkit.cli.tune.server import JobPlace, add_base_url, asked
from evalkit.cli.tune.tables import cell
from evalkit.cli.tune.watch import goes_on
from evalkit.config import EMBEDDED_BASE, LOCAL, Config, EndpointSettings, ModelFlags, ModelRef, load_config
from evalkit.config.lock import FILE_NAME, keep
from evalkit.dataset.check import Check
from evalkit.errors import AskError, UsageError
from evalkit.tune import Base, FineTuning, Job, Recipe
from evalkit.tune.entry import entry_for
from evalkit.tune.recipe import SEED
from evalkit.tune.start import create, find
from evalkit.tune.training import TrainingData, read_file, read_training

EXAMPLE = """\
  evalkit tune start suites/terse --wait                              the embedded model, in seconds
  evalkit tune start suites/mine --model gpt-4.1-mini --yes --max-cost 3
  evalkit tune start train.jsonl --model evalkit-tiny --base-url http://127.0.0.1:8000/v1 --epochs 5"""

DESCRIPTION = """\
Fine-tune a model on a suite's training lines, or on a JSONL file. The data is checked, and what the job costs
is shown and asked for, before anything is uploaded. The same base, data and settings are never paid twice: an
earlier job is found again. A job of the embedded model is waited for in any case, since its server ends with
this command; evalkit serve keeps one running."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be started, where, and with whose consent."""

    training: TrainingData
    check: Check
    recipe: Recipe
    config: Config
    settings: EndpointSettings
    max_cost: float | None
    yes: bool


def main(argv: Sequence[str]) -> int:
    """Start one job, and wait for it if that is wanted."""
    given = _parser().parse_args(argv)
    order = _order(given)
    ending = AtTheEnd(given.out, given.notify, order.training.first_question)
    waits = given.wait or order.settings.name == LOCAL
    place: JobPlace | None = None

    async def started(server: FineTuning) -> Exit:
        nonlocal place
        place = await _started(server, order)
        if place is None:
            return Exit.INTERRUPTED
        if not waits:
            print(f"{place.job} is under way: evalkit tune watch {place.job}")
            return Exit.OK
        return await wait(server, place, ending)

    try:
        return asked(order.settings, started)
    except KeyboardInterrupt:
        if place is None:
            raise
        print(f"evalkit: interrupted; {goes_on(place)}", file=sys.stderr)
        return Exit.INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    made = Parser("tune start", DESCRIPTION, EXAMPLE)
    add = made.add_argument
    add("target", type=Path, metavar="SUITE|FILE", help="a suite with `train:`, or a JSONL file")
    add("--model", metavar="M", help="what is fine-tuned: NAME, NAME@ENDPOINT or NAME@URL (default: base)")
    add_base_url(made)
    add("--suffix", help="of the new model's name (default: the suite's or file's name)")
    add("--epochs", dest="n_epochs", type=count_from(1), metavar="N", help="default: the server's choice")
    add("--batch-size", type=count_from(1), metavar="N", help="default: the server's choice")
    add("--learning-rate", type=_factor, metavar="X", help="a multiplier of the server's own rate")
    add("--validation", type=Path, metavar="FILE", help="examples to measure the loss on, not to learn from")
    add("--seed", type=count_from(0), default=SEED, metavar="N", help=f"default {SEED}")
    add("--keep-prompt", action="store_true", help="train with the long prompt; compare it as ft_prompted")
    add("--wait", action="store_true", help="until the job has ended; exit code 1 if it fails")
    add("--yes", action="store_true", help="do not ask before it costs money")
    add("--max-cost", type=dollars_or_none, default=5.0, metavar="USD", help="or none (default 5.00)")
    add_ending(made)
    return made


def _factor(text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise argparse.ArgumentTypeError(f"found {text!r}, write a number above 0 such as 0.5")
    return factor


def _order(given: argparse.Namespace) -> Order:
    """Read the data, check it, and find out who learns it."""
    if given.base_url and not given.model:
        raise UsageError("--base-url is given, but no model is named; add --model NAME")
    config = load_config(Path.cwd(), ModelFlags(base=given.model, base_url=given.base_url))
    base = config.models.get("base", ModelRef(EMBEDDED_BASE, LOCAL))
    training = read_training(given.target, keep_prompt=given.keep_prompt)
    check = checked(training.data, base.model)
    see_that_it_fits(training.source, check)
    validation = given.validation and read_file(given.validation)
    if validation:
        see_that_it_fits(str(given.validation), checked(validation, base.model))
    chosen = {
        "n_epochs": given.n_epochs,
        "batch_size": given.batch_size,
        "learning_rate_multiplier": given.learning_rate,
    }
    recipe = Recipe(
        base=Base(base.model),
        name=training.name,
        data=training.data,
        suffix=given.suffix if given.suffix is not None else training.name,
        validation=validation,
        method=training.method,
        hyperparameters={name: value for name, value in chosen.items() if value is not None},
        seed=given.seed,
    )
    place = config.endpoints[base.endpoint]
    return Order(training, check, recipe, config, place, given.max_cost, given.yes)


async def _started(server: FineTuning, order: Order) -> JobPlace | None:
    """The job, found or made, and noted in evalkit.lock; None where the user does not want it.

    Raises:
        AskError, UsageError: it could not be made.
        BudgetReached: it costs more than --max-cost.
    """
    recipe = await _with_fingerprint(server, order.recipe)
    job = await find(server, recipe)
    if job:
        print(f"{job.id} has the same base, data and settings ({cell(job.status)}): nothing is paid again")
    elif _agreed(order):
        job = await create(server, recipe)
        print(f"{job.id}: {cell(job.status)}; noted in {FILE_NAME}")
    else:
        return None
    return _noted(order, recipe, job)


async def _with_fingerprint(server: FineTuning, recipe: Recipe) -> Recipe:
    """The recipe with the hash of the base's weights, where the server tells it."""
    try:
        told = (await server.endpoint.model(recipe.base.model)).get("fingerprint")
    except AskError:
        return recipe
    return recipe.of(Base(recipe.base.model, told)) if isinstance(told, str) else recipe


def _agreed(order: Order) -> bool:
    """Whether the job may be made, at what it costs."""
    if is_free(order.settings):
        return True
    model = order.recipe.base.model
    cost = training_cost(order.check, order.recipe, order.config)
    print(cost.line(model, order.settings), file=sys.stderr)
    check_cap(cost, model, order.settings, order.max_cost)
    return agreed("Start it?", yes=order.yes)


def _noted(order: Order, recipe: Recipe, job: Job) -> JobPlace:
    entry = entry_for(order.training, recipe, order.settings, job)
    keep(Path.cwd(), entry)
    return JobPlace(job.id, order.settings, entry)
