"""`evalkit record`: ask and store, unchecked."""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from evalkit import tokens
from evalkit.cli.arguments import Parser, count_from, dollars_or_none
from evalkit.cli.embedded import reachable
from evalkit.cli.exit_codes import of_outcome
from evalkit.cli.progress import Progress
from evalkit.config import LOCAL, Config, ModelRef, load_model
from evalkit.config.toml_file import close_match
from evalkit.errors import UsageError
from evalkit.report.escape import printable
from evalkit.report.heading import heading_of
from evalkit.run import Outcome, Plan, Record, RunOptions
from evalkit.run.answer_file import Recording
from evalkit.run.estimate import estimate
from evalkit.run.prepare import check_priced
from evalkit.run.record import bare_suite, record
from evalkit.suite import Variant, load_suite

EXAMPLE = """\
  evalkit record suites/headlines --model ft:gpt-4.1-mini:me::x1 --out recorded/ft.jsonl
  evalkit record suites/headlines --model gpt-5 --variant prompted --repeat 3 --out recorded/gpt-5.jsonl
  evalkit record traffic.jsonl --model llama@http://127.0.0.1:8000/v1 --out recorded/traffic.jsonl
  evalkit run suites/headlines --responses recorded/ft.jsonl"""

DESCRIPTION = """\
Ask every case of a suite, or every line of a JSONL file, and store the answers without checking them; a
model that is shut down can then still be compared. Each answer is added to FILE as it comes: given again,
the same command asks only for what is missing. evalkit run --responses FILE grades them; [variants.NAME]
responses = "FILE" in evalkit.toml makes them a variant.

A suite is asked as the variant ft would be, without the long prompt; --variant prompted asks with it. Lines
of a file are {"messages": [...]}, {"ask": ...} or {"prompt": ...}; an assistant message at the end is the
reference, and is not sent."""


class Telling(Progress):
    """The progress of a recording; it counts why answers did not come, and which may have been charged."""

    def __init__(self, heading: Callable[[Plan], str], *, quiet: bool):
        super().__init__(heading, quiet=quiet)
        self.faults: Counter[str] = Counter()
        self.possibly_billed = 0

    def answered(self, record: Record) -> None:
        """Count one record."""
        super().answered(record)
        self.possibly_billed += record.possibly_billed
        if record.error:
            self.faults[f"{record.error.type}: {record.error.message}"] += 1


def main(argv: Sequence[str]) -> int:
    """Ask, store, and say how many answers came."""
    given = _parser().parse_args(argv)
    config, ref = load_model(Path.cwd(), "--model", given.model, given.base_url)
    options = RunOptions(concurrency=given.concurrency, max_cost=given.max_cost, use_cache=given.use_cache)
    if options.max_cost is not None:
        check_priced([ref], config)
    recording = _recording(given, config, ref)
    progress = Telling(lambda plan: _heading(plan, config, options), quiet=given.quiet)
    with reachable(config, options.state, needed=ref.endpoint == LOCAL) as config, closing(progress):
        outcome = asyncio.run(record(recording, config, options, progress))
    print(_ending(outcome, progress))
    return of_outcome(outcome)


def _parser() -> argparse.ArgumentParser:
    made = Parser("record", DESCRIPTION, EXAMPLE)
    add = made.add_argument
    add("source", type=Path, metavar="SUITE|FILE", help="a suite's folder, or a JSONL file of conversations")
    add("--model", required=True, metavar="M", help="NAME, NAME@ENDPOINT or NAME@URL")
    add("--out", type=Path, required=True, metavar="FILE", help="where answers are added, as JSONL")
    add("--variant", default="ft", metavar="V", help="as which variant it is asked (default ft)")
    add("--repeat", type=count_from(1), default=1, metavar="N", help="ask each case N times (default 1)")
    add("--base-url", metavar="URL", help="where a model without an endpoint is asked")
    add("-n", dest="concurrency", type=count_from(1), default=16, metavar="N", help="requests under way (16)")
    add("--max-cost", type=dollars_or_none, default=5.0, metavar="USD", help="cap (default 5.00), or none")
    add("--no-cache", dest="use_cache", action="store_false", help="ask anew what was asked before")
    add("-q", dest="quiet", action="store_true", help="the result only")
    return made


def _recording(given: argparse.Namespace, config: Config, ref: ModelRef) -> Recording:
    """What is asked: the variant says with which prompt and params, --model whom."""
    of_suite = given.source.suffix != ".jsonl"
    suite = load_suite(given.source) if of_suite else bare_suite(given.source)
    known = {**config.variants, **(config.suite_variants.get(suite.name, {}) if of_suite else {})}
    name = given.variant
    if name not in known:
        near = close_match(name, known)
        raise UsageError(f"--variant: unknown {name!r}{near}; known: {', '.join(known)}")
    variant = Variant(name, ref.model, ref.endpoint, known[name].prompt, known[name].params)
    return Recording(suite, variant, given.out, of_suite, given.repeat)


def _heading(plan: Plan, config: Config, options: RunOptions) -> str:
    with tokens.roughly():
        return heading_of(plan, config, estimate(plan, config), options.max_cost)


def _ending(outcome: Outcome, progress: Telling) -> str:
    """How many answers came, why others did not, and how to go on."""
    cached = f", {outcome.cached:,} of them out of the cache" if outcome.cached else ""
    added = f"{outcome.folder}: {outcome.asked + outcome.cached:,} answers added{cached}"
    billed, faults = progress.possibly_billed, progress.faults
    told = [f"possibly billed without an answer: {billed:,}"] if billed else []
    if outcome.complete:
        return "\n".join([f"{added}; all {outcome.planned:,} are there", *told])
    told += [f"not asked: {printable(fault)} ({count:,})" for fault, count in faults.most_common()]
    return "\n".join([added, *told, "Some are missing. To go on: give the same command again"])
