"""`evalkit gate`: decide again on a run that was made, by other margins or between other variants."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalkit.cli.arguments import Parser, share
from evalkit.cli.exit_codes import of_gate
from evalkit.cli.folders import run_folder
from evalkit.cli.github import harmless, tell_github
from evalkit.errors import UsageError
from evalkit.gate.run import Changed
from evalkit.report.load import load_report
from evalkit.report.summary import summary_json
from evalkit.report.terminal import verdict_lines

DESCRIPTION = """\
Decide on a run from its records: SHIP, DON'T SHIP or INCONCLUSIVE. Nothing is asked, and no file is written.
Other terms than the suites' own are labelled post hoc: they were set after the data was seen."""

EXAMPLE = """\
  evalkit gate                                       the newest run under reports/, by its suites' own rules
  evalkit gate reports/20261122T201500Z-1a2b3c --margin 0.1
  evalkit gate --candidate ft_prompted --format json

Exit codes: 0 every suite ships, 1 one must not, 10 inconclusive."""


def main(argv: Sequence[str]) -> int:
    """Print the decisions, and give the gate's exit code."""
    given = _parser().parse_args(argv)
    changed = Changed(given.margin, given.alpha, given.candidate, given.baseline)
    report = load_report(run_folder(given.run), changed)
    if report.gate is None or report.gate.undecided:
        why = report.gate.undecided if report.gate else "it was made with --no-gate"
        raise UsageError(f"{report.run} cannot be gated: {why}")
    if given.format == "json":
        print(summary_json(report), end="")
    else:
        print(harmless("\n".join(verdict_lines(report.gate))))
    tell_github(report)
    return of_gate(report.gate)


def _parser() -> Parser:
    made = Parser("gate", DESCRIPTION, EXAMPLE)
    add = made.add_argument
    add("run", nargs="?", type=Path, metavar="RUN", help="its folder (default reports/latest)")
    add("--margin", type=share(0, 1), metavar="X", help="how much worse the candidate may be")
    add("--alpha", type=share(1e-6, 0.5), metavar="X", help="one-sided")
    add("--candidate", metavar="V", help="the variant that is to take over")
    add("--baseline", metavar="V", help="the variant that it is compared with")
    add("--format", choices=("terminal", "json"), default="terminal", help="default: terminal")
    return made
