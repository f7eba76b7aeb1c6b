"""`evalkit run`: ask, check, tabulate."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from evalkit import tokens
from evalkit.cli.arguments import Parser, count_from, dollars_or_none, names
from evalkit.cli.embedded import reachable
from evalkit.cli.exit_codes import Exit, of_gate, of_outcome, weightiest
from evalkit.cli.github import harmless, tell_github
from evalkit.cli.offer import taken_up
from evalkit.cli.progress import Progress
from evalkit.config import LOCAL, Config, ModelFlags, load_config
from evalkit.errors import UsageError
from evalkit.gate.feasible import check_sides, hopeless, needs
from evalkit.report.escape import printable
from evalkit.report.heading import heading_of
from evalkit.report.load import load_report
from evalkit.report.terminal import terminal
from evalkit.report.write import write_report
from evalkit.run import Outcome, Plan, RunOptions
from evalkit.run.cache import FILE_NAME
from evalkit.run.describe import resumed
from evalkit.run.estimate import estimate
from evalkit.run.prepare import Prepared, prepare
from evalkit.run.run import begin_loading, run
from evalkit.suite import Suite, find_suites, load_suite

EXAMPLE = """\
  evalkit run suites/                                       the embedded model, all suites
  evalkit run suites/marv --limit 20 -v                     one suite, 20 cases, more detail
  evalkit run mine/ --base gpt-4.1-mini --ft ft:gpt-4.1-mini:me::x1 --judge gpt-4.1 --max-cost 2
  evalkit run mine/ --base llama@http://127.0.0.1:8000/v1 --no-gate
  evalkit run mine/ --responses recorded/ft.jsonl           grade answers that evalkit record stored"""

RESUMABLE = {"concurrency", "max_cost", "workers"}
"""Flags that a resumed run may have of its own; all others are as the run was begun."""


@dataclass(frozen=True, slots=True)
class Asking:
    """All that a run needs, read and checked."""

    suites: tuple[Suite, ...]
    config: Config
    options: RunOptions
    verbosity: int


def main(argv: Sequence[str]) -> int:
    """Run, print, and give the exit code."""
    given = vars(parser().parse_args(argv))
    asking = _asking(given)
    if given.get("collect_only"):
        return _collect(asking)
    if given.get("dry_run"):
        return _dry_run(asking)
    outcome = _run(asking)
    report = load_report(outcome.folder)
    write_report(report, outcome.folder)
    print(harmless(terminal(report, asking.verbosity)))
    print(_ending(outcome, report.remedy))
    tell_github(report)
    if path := given.get("junitxml"):
        from evalkit.report.junit import write_junit

        write_junit(report, outcome.folder, path, strict=given.get("strict", False))
    return weightiest([of_outcome(outcome), of_gate(report.gate)])


def parser() -> argparse.ArgumentParser:
    """The flags; only those that were typed come out, so that defaults stand in one place, RunOptions."""
    made = Parser("run", "Ask every case of every suite, check the answers, and tabulate.", EXAMPLE)
    made.argument_default = argparse.SUPPRESS
    made.add_argument(
        "paths", nargs="*", metavar="PATH", help="suites, or folders of suites (default suites/)"
    )
    _add_selection(made.add_argument_group("which cases (all but --repeat and --seed make a partial run)"))
    _add_models(
        made.add_argument_group("which models: NAME, NAME@ENDPOINT or NAME@URL; or [models] in evalkit.toml")
    )
    _add_running(made.add_argument_group("how it is run"))
    _add_output(made.add_argument_group("what is shown"))
    return made


def _add_selection(group: argparse._ArgumentGroup) -> None:
    number = count_from(1)
    add = group.add_argument
    add(
        "-k",
        dest="keyword",
        metavar="EXPR",
        help="cases whose suite, id or tags fit, such as 'marv and not moon'",
    )
    add("-m", dest="tag", metavar="TAG", help="cases with a tag, or an expression over tags")
    add("-x", dest="maxfail", action="store_const", const=1, help="stop at the candidate's first failure")
    add("--maxfail", type=number, metavar="N", help="stop when the candidate has failed N cases")
    add("--lf", dest="last_failed", action="store_true", help="only what the candidate failed last time")
    add("--limit", type=number, metavar="N", help="N cases of each suite, drawn by the seed")
    add("--repeat", type=number, metavar="N", help="ask each case N times (default 1)")
    add(
        "--until-decided",
        action="store_true",
        help="look at most four times, and ask no more once it is decided",
    )
    add("--max-cases", type=number, metavar="N", help="of each suite at most, with --until-decided")
    add("--seed", type=count_from(0), metavar="N", help="of the order and of --limit (default 0)")


def _add_models(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--variants",
        type=names,
        metavar="A,B",
        help="which to ask (default base,prompted,ft and evalkit.toml's)",
    )
    add("--base", metavar="M", help="the model that is asked without and with the long prompt")
    add("--ft", metavar="M", help="the fine-tuned model")
    add("--judge", metavar="M", help="the model that reads rubrics")
    add("--base-url", metavar="URL", help="where models without an endpoint are asked")
    add(
        "--responses", metavar="FILE", help="grade recorded answers; nothing else is asked unless it is named"
    )
    add("--candidate", metavar="V", help="the variant that is to take over (default ft)")
    add("--baseline", metavar="V", help="the variant that it is compared with (default prompted)")


def _add_running(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("-n", dest="concurrency", type=count_from(1), metavar="N", help="requests under way (default 16)")
    add("--max-cost", type=dollars_or_none, metavar="USD", help="cap on spending, or none (default 5.00)")
    add("--no-cache", dest="use_cache", action="store_false", help="ask anew what was asked before")
    add("--no-gate", dest="gate", action="store_false", help="decide nothing: ft may be missing")
    add("--stream", action="store_true", help="stream answers: tells the time to the first token")
    add("--workers", type=count_from(1), metavar="N", help="processes that ask (default 1)")
    add("--resume", type=Path, metavar="RUN", help="go on with a run that was stopped")
    add("--out", type=Path, metavar="DIR", help="where run folders are made (default reports/)")


def _add_output(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("-q", dest="verbosity", action="store_const", const=-1, help="the tables only")
    add(
        "-v", dest="verbosity", action="store_const", const=1, help="more failures, and a rate for each check"
    )
    add("--junitxml", type=Path, metavar="FILE", help="for CI: a test case for each gate and each answer")
    add("--strict", action="store_true", help="there, an answer that does not pass is a failure")
    add("--collect-only", action="store_true", help="list the cases, asking nothing")
    add("--dry-run", action="store_true", help="requests, tokens and cost, asking nothing")


def _asking(given: Mapping[str, Any]) -> Asking:
    """Read suites and configuration; with --resume, by the flags with which that run was begun."""
    flags = _chosen(ModelFlags, given)
    options = _chosen(RunOptions, given)
    options = replace(options, paths=tuple(options.paths) or ("suites",))
    _check_looks(options)
    if "resume" in given:
        _refuse_changes(given)
    asks = not (given.get("collect_only") or given.get("dry_run"))
    if folder := given.get("resume") or (taken_up(flags, options) if asks else None):
        flags, begun = resumed(folder)
        options = replace(begun, **{name: given[name] for name in RESUMABLE & given.keys()})
    if asks:
        begin_loading(options)
    suites = tuple(load_suite(folder) for folder in find_suites(options.paths))
    return Asking(suites, load_config(Path.cwd(), flags), options, given.get("verbosity", 0))


def _check_looks(options: RunOptions) -> None:
    if options.until_decided and (options.partial or not options.gate):
        raise UsageError(
            "--until-decided is for a gate, which partial runs and --no-gate have none of: leave out -k, -m, "
            "-x, --maxfail, --lf, --limit and --no-gate"
        )
    if options.max_cases is not None and not options.until_decided:
        raise UsageError("--max-cases goes with --until-decided; --limit makes a partial run")


def _chosen(kind: type[Any], given: Mapping[str, Any]) -> Any:
    """One of the frozen option objects, from the flags that were typed."""
    return kind(**{field.name: given[field.name] for field in fields(kind) if field.name in given})


def _refuse_changes(given: Mapping[str, Any]) -> None:
    own = {field.name for kind in (ModelFlags, RunOptions) for field in fields(kind)} - RESUMABLE - {"resume"}
    typed = {name for name in own & given.keys() if given[name] != []}
    if typed:
        raise UsageError(
            f"--resume goes on with the flags of that run, and answers must not be mixed: leave out "
            f"{', '.join(sorted(typed))}, or start a new run (what was answered comes from the cache)"
        )


def _prepared(asking: Asking) -> Prepared:
    """What will be asked; a gate that would have nothing to compare is refused before it is.

    Recorded answers of one variant are graded without: who names a file of them knows what it holds.
    """
    options = asking.options
    prepared = prepare(asking.suites, asking.config, options)
    if options.gate and not (options.partial or options.resume or asking.config.flags.responses):
        check_sides(prepared.suites, asking.config, prepared.variants)
    return prepared


def _collect(asking: Asking) -> int:
    prepared = _prepared(asking)
    for suite in prepared.suites:
        if asking.verbosity >= 0:
            print("\n".join(f"{suite.name}::{case.id}" for case in suite.cases))
    for suite in prepared.suites:
        variants = ", ".join(variant.name for variant in prepared.variants[suite.name])
        print(f"{suite.name}: {len(suite.cases)} cases, to be asked as {variants}")
    return Exit.OK


def _dry_run(asking: Asking) -> int:
    options = asking.options
    print(_heading(_prepared(asking).plan, asking.suites, asking.config, options))
    if options.cache and (options.cache / FILE_NAME).exists():
        print("That is without the cache: what it holds is not asked again, and costs nothing.")
    return Exit.OK


def _run(asking: Asking) -> Outcome:
    def shown(plan: Plan) -> str:
        with tokens.roughly():  # --dry-run counts
            return _heading(plan, asking.suites, config, asking.options)

    progress = Progress(shown, quiet=asking.verbosity < 0)
    needed = _asks_embedded(_prepared(asking))
    with reachable(asking.config, asking.options.state, needed=needed) as config, closing(progress):
        return _asked(asking, config, progress)


def _asked(asking: Asking, config: Config, progress: Progress) -> Outcome:
    """Ask, and take the looks at it: the gate's modules load scipy, which is for those that are gated."""
    suites, options = asking.suites, asking.options
    if options.until_decided:
        from evalkit.gate.sequential import run_until_decided

        return run_until_decided(suites, config, options, progress, Path.cwd())
    outcome = run(suites, config, options, progress)
    if options.gate and outcome.stopped is None:
        from evalkit.gate.looking import take_looks

        take_looks(outcome.folder, Path.cwd())
    return outcome


def _asks_embedded(prepared: Prepared) -> bool:
    return bool(prepared.untuned) or any(ref.endpoint == LOCAL for ref in prepared.refs)


def _heading(plan: Plan, suites: Sequence[Suite], config: Config, options: RunOptions) -> str:
    """Who will be asked, what it will take, and what the gate needs at least."""
    heading = heading_of(plan, config, estimate(plan, config, options.out), options.max_cost)
    if not options.gate or options.partial:
        return heading
    most = {suite.name: options.most(len(suite.cases)) for suite in suites}
    looks = ", in at most 4 looks, of which this is the first" if options.until_decided else ""
    told = f"{heading}; {needs(suites, most)}{looks}"
    return "\n".join([told, *map(printable, hopeless(suites, most))])


def _ending(outcome: Outcome, remedy: str | None) -> str:
    """Where everything lies; where cases are left, why, and how to go on."""
    reasons = {
        "interrupted": "Interrupted",
        "budget": "Stopped at --max-cost",
        "maxfail": "Stopped at the candidate's failures (-x, --maxfail)",
    }
    lines = [f"Report and records: {outcome.folder}"]
    if not outcome.complete:
        left = f"{outcome.errors + outcome.unasked} of {outcome.planned} could not be asked"
        why = reasons.get(str(outcome.stopped), left)
        lines.append(f"{why}. {remedy}")
    return "\n".join(lines)
