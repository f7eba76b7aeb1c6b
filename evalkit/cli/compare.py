"""`evalkit compare`: what changed between two runs, case by case."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.cli.arguments import Parser, names
from evalkit.cli.exit_codes import Exit, weightiest
from evalkit.cli.folders import run_folder
from evalkit.cli.github import harmless

if TYPE_CHECKING:
    from evalkit.gate.two_runs import RunChanges

DESCRIPTION = """\
Compare two runs of the same suites case by case: what is newly failing, newly passing, or flipping between
repeats, and whether the newer run is shown to be worse, by the gate's own exact test. A case passes where
more than half of its answers do. Cases whose question changed under the same id are named and left out, and
so are those that stand in training data. Nothing is asked, and no file is written."""

EXAMPLE = """\
  evalkit compare reports/20261122T201500Z-1a2b3c reports/latest
  evalkit compare reports/20261122T201500Z-1a2b3c reports/latest --variant prompted --format markdown
  evalkit compare OLD NEW --fail-on-regression

Exit codes: 0; with --fail-on-regression 1 if a suite is worse, 10 if it would be, had all that is missing or
undecided in NEW failed, or if nothing could be compared."""


def main(argv: Sequence[str]) -> int:
    """Print what changed; the exit code says whether that is worse, if it is asked to."""
    given = _parser().parse_args(argv)
    from evalkit.gate.two_runs import run_changes  # loads scipy, which --help does without
    from evalkit.report.changes import changes_json, markdown, terminal

    found = run_changes(run_folder(given.old), run_folder(given.new), given.variants)
    if given.format == "json":
        print(changes_json(found), end="")
    elif given.format == "markdown":
        print(markdown(found), end="")
    else:
        print(harmless(terminal(found, all_cases=given.all_cases)))
    return _exit(found) if given.fails else Exit.OK


def _exit(found: RunChanges) -> Exit:
    codes = {"worse": Exit.GATE_FAILED, "unknown": Exit.INCONCLUSIVE}
    return weightiest(
        Exit.INCONCLUSIVE if each.difference is None else codes.get(each.state, Exit.OK)
        for each in found.suites
    )


def _parser() -> Parser:
    made = Parser("compare", DESCRIPTION, EXAMPLE)
    add = made.add_argument
    add("old", type=Path, metavar="OLD", help="the folder of the run that is compared with")
    add("new", type=Path, metavar="NEW", help="the folder of the newer run")
    add(
        "--variant",
        dest="variants",
        type=names,
        action="extend",
        default=[],
        metavar="V[,V]",
        help="which to compare, each with itself (default: the gate's candidate of each run)",
    )
    add("--format", choices=("terminal", "markdown", "json"), default="terminal", help="default: terminal")
    add("--fail-on-regression", dest="fails", action="store_true", help="exit with 1 if a suite became worse")
    add("-v", dest="all_cases", action="store_true", help="list all cases")
    return made
