"""A run's folder -> report.html, written piece by piece: the cases never stand in memory together."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.report.html.break_even import break_even_plots
from evalkit.report.html.cases import LONGEST_TEXT, Explorer
from evalkit.report.html.plots import plots
from evalkit.report.html.records import choose, places, read_cases
from evalkit.report.html.svg import SHAPES
from evalkit.report.html.view import COLUMNS, filters, view
from evalkit.report.model import Report
from evalkit.report.replacing import replacing
from evalkit.run.store import RUN, read_info

if TYPE_CHECKING:
    from jinja2 import Environment

REPORT = "report.html"

MOST_CASES = 20_000
MOST_BYTES = 96 << 20
"""Of cases that the page shows, and of their lines in records.jsonl: a browser has to hold them."""

SCRIPTS = ("packed", "text", "differences", "filters", "list", "detail", "main")
"""js/*.js, in the order in which they stand in the page."""


def write_html(report: Report, folder: Path) -> None:
    """Write `folder`/report.html, whole or not at all, from the report and the folder's records.jsonl.

    Raises:
        StorageError: it cannot be written; one that stood there before is untouched.
        UsageError: run.json or records.jsonl cannot be read, or is damaged.
    """
    with replacing(folder / REPORT) as file:
        file.writelines(piece.encode("utf-8", "backslashreplace") for piece in page(report, folder))


def page(report: Report, folder: Path) -> Iterator[str]:
    """The page, in pieces."""
    info = read_info(folder) if (folder / RUN).exists() else {}
    found = places(folder, {suite.name: suite.pair.candidate for suite in report.comparison.suites})
    chosen = choose(found, MOST_CASES, MOST_BYTES)
    drawn = [
        *plots(report.comparison, found.latency_ms, info.get("fine_tunes") or {}),
        *break_even_plots(report),
    ]
    variants = [row.variant for row in report.comparison.total]
    explorer = Explorer(variants, _roles(report), _tags(info))
    script, style = _script(), _text("report.css")
    return (
        _environment()
        .get_template("page.html.j2")
        .generate(
            view=view(report),
            report=report,
            plots=drawn,
            script=script,
            style=style,
            policy=_policy(script, style),
            chosen=chosen,
            longest=LONGEST_TEXT,
            chunks=explorer.chunks(read_cases(folder, chosen)),
            index=explorer.index,
            columns=COLUMNS,
            shapes=SHAPES,
        )
    )


def _roles(report: Report) -> dict[str, tuple[str, str]]:
    """Candidate and baseline, by suite."""
    return {suite.name: (suite.pair.candidate, suite.pair.baseline) for suite in report.comparison.suites}


def _tags(info: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """By suite and case; runs of earlier versions have none."""
    gate = info.get("gate") or {}
    return {suite: found.get("tags") or {} for suite, found in gate.items() if isinstance(found, dict)}


def _policy(script: str, style: str) -> str:
    """Nothing is fetched, and nothing runs or styles but what stands in the page, by its hash."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _script() -> str:
    return "".join(["'use strict';\n", *(_text(f"js/{name}.js") for name in SCRIPTS)])


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    made = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(filters())
    return made
