"""`evalkit report`: the figures of a run, on stdout."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from evalkit.cli.arguments import Parser
from evalkit.cli.exit_codes import Exit
from evalkit.cli.folders import run_folder
from evalkit.report.csv import csv
from evalkit.report.escape import printable
from evalkit.report.heading import heading
from evalkit.report.load import load_report
from evalkit.report.markdown import markdown
from evalkit.report.model import Report
from evalkit.report.summary import summary_json
from evalkit.report.terminal import terminal

DESCRIPTION = """\
Work out the figures of a run anew from its records, and print them. The run may have been stopped, or may
still be under way: what is missing is told. Nothing is asked, and no file is written."""

EXAMPLE = """\
  evalkit report                                     the newest run under reports/
  evalkit report reports/20261122T201500Z-1a2b3c -v
  evalkit report --format csv > figures.csv"""


def main(argv: Sequence[str]) -> int:
    """Print one report."""
    given = _parser().parse_args(argv)
    report = load_report(run_folder(given.run))
    if given.format == "terminal":
        print(heading(report.asked, report.plan), terminal(report, given.verbosity), sep="\n\n")
        if report.remedy:
            print(printable(report.remedy))
    else:
        print(FORMATS[given.format](report), end="")
    return Exit.OK


FORMATS: Mapping[str, Callable[[Report], str]] = MappingProxyType(
    {"markdown": markdown, "csv": csv, "json": summary_json}
)
"""What files hold; beside `terminal`."""


def _parser() -> Parser:
    made = Parser("report", DESCRIPTION, EXAMPLE)
    add = made.add_argument
    add("run", nargs="?", type=Path, metavar="RUN", help="its folder (default reports/latest)")
    add("--format", choices=("terminal", *FORMATS), default="terminal", help="default: terminal")
    add("-q", dest="verbosity", action="store_const", const=-1, default=0, help="the tables only")
    add(
        "-v", dest="verbosity", action="store_const", const=1, help="more failures, and a rate for each check"
    )
    return made
