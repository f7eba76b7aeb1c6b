"""`evalkit report`: the figures of a run, on stdout."""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from evalkit.cli.arguments import Parser, count_from
from evalkit.cli.exit_codes import Exit
from evalkit.cli.folders import run_folder
from evalkit.cli.github import harmless
from evalkit.report.csv import csv
from evalkit.report.escape import printable
from evalkit.report.heading import heading
from evalkit.report.junit import write_junit
from evalkit.report.load import load_report
from evalkit.report.markdown import markdown
from evalkit.report.model import Report
from evalkit.report.summary import summary_json
from evalkit.report.terminal import terminal

DESCRIPTION = """\
Work out the figures of a run anew from its records, and print them. The run may have been stopped, or may
still be under way: what is missing is told. Nothing is asked, and no file is written, but for --open."""

EXAMPLE = """\
  evalkit report                                     the newest run under reports/
  evalkit report reports/20261122T201500Z-1a2b3c -v
  evalkit report --format csv > figures.csv
  evalkit report --open"""


def main(argv: Sequence[str]) -> int:
    """Print one report."""
    given = _parser().parse_args(argv)
    folder = run_folder(given.run)
    report = load_report(folder, calls_per_day=given.calls_per_day)
    if given.open:
        _open(report, folder)
    elif given.format == "terminal":
        print(harmless("\n\n".join((heading(report.asked, report.plan), terminal(report, given.verbosity)))))
        if report.remedy:
            print(printable(report.remedy))
    else:
        sys.stdout.writelines(FORMATS[given.format](report, folder))
    return Exit.OK


def _html(report: Report, folder: Path) -> Iterable[str]:
    from evalkit.report.html.page import page  # loads plots and templates

    return page(report, folder)


def _junit(report: Report, folder: Path) -> Iterable[str]:
    with TemporaryDirectory() as place:
        path = Path(place) / "junit.xml"
        write_junit(report, folder, path)
        return [path.read_text("utf-8")]


FORMATS: Mapping[str, Callable[[Report, Path], Iterable[str]]] = MappingProxyType(
    {
        "markdown": lambda report, _: markdown(report),
        "html": _html,
        "junit": _junit,
        "csv": lambda report, _: csv(report),
        "json": lambda report, _: summary_json(report),
    }
)
"""What files hold; beside `terminal`."""


def _open(report: Report, folder: Path) -> None:
    """Write the page anew, and show it in the browser."""
    from evalkit.report.html import write_html

    write_html(report, folder)
    page = (folder / "report.html").resolve()
    print(page)
    webbrowser.open(page.as_uri())


def _parser() -> Parser:
    made = Parser("report", DESCRIPTION, EXAMPLE)
    add = made.add_argument
    add("run", nargs="?", type=Path, metavar="RUN", help="its folder (default reports/latest)")
    add("--format", choices=("terminal", *FORMATS), default="terminal", help="default: terminal")
    add("-q", dest="verbosity", action="store_const", const=-1, default=0, help="the tables only")
    add("--open", action="store_true", help="write report.html anew, and open it in the browser")
    add(
        "--calls-per-day",
        type=count_from(1),
        metavar="N",
        help="the volume at which a fine-tune's break-even is told in days",
    )
    add(
        "-v", dest="verbosity", action="store_const", const=1, help="more failures, and a rate for each check"
    )
    return made
