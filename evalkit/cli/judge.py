"""`evalkit judge calibrate`: how far a judge model agrees with labelled answers."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tabulate import tabulate
from tqdm import tqdm

from evalkit.cli.arguments import Parser, count_from, dollars_or_none
from evalkit.cli.embedded import reachable
from evalkit.cli.exit_codes import Exit
from evalkit.config import LOCAL, ModelFlags, ModelRef, load_config
from evalkit.config.model import EMBEDDED_JUDGE
from evalkit.errors import UsageError
from evalkit.numbers import interval, percent
from evalkit.report.escape import printable
from evalkit.run.calibration import Calibration, text_sha256, write_calibration
from evalkit.run.labelled import Agreement, Judging, Labelled, agreement, read_labelled
from evalkit.run.options import RunOptions
from evalkit.run.prepare import check_priced
from evalkit.stats import Rate

EXAMPLE = """\
  evalkit judge calibrate suites/marv/tone.labels.jsonl --rubric suites/marv/tone.md
  evalkit judge calibrate labels.jsonl --rubric tone.md --judge gpt-4.1 --write

FILE holds a line for each answer: {"text": "...", "label": "pass" or "fail"}; optional are "question", and
"source", which says who labelled it (human, generated)."""


def main(argv: Sequence[str]) -> int:
    """Ask the judge for every labelled answer, and print how far it agrees."""
    given = _parser().parse_args(argv)
    labelled, path = read_labelled(given.file), _rubric_path(given)
    rubric = path.read_text("utf-8").strip()  # as a suite reads it
    config = load_config(Path.cwd(), ModelFlags(judge=given.judge, base_url=given.base_url))
    judge = config.models.get("judge", ModelRef(EMBEDDED_JUDGE, LOCAL))
    if given.max_cost is not None:
        check_priced([judge], config)
    with (
        reachable(config, RunOptions().state, needed=judge.endpoint == LOCAL) as config,
        _bar(labelled) as bar,
    ):
        judging = Judging(judge, rubric, config, given.concurrency, given.max_cost, bar.update)
        grades, fingerprint = asyncio.run(judging.grades(labelled))
    found = agreement(labelled, grades, given.threshold)
    kept = _calibration(judge.model, fingerprint, rubric, given.threshold, labelled, found)
    print(_table(kept, path, found))
    if given.write:
        print(f"kept in {write_calibration(path, kept)}; reports will print it")
    return Exit.OK if found.equal.n else Exit.NOT_ALL_ASKED


def _parser() -> argparse.ArgumentParser:
    made = Parser("judge", "Measure how far a judge model agrees with labelled answers.", EXAMPLE)
    add = made.add_argument
    add("action", choices=["calibrate"])
    add("file", type=Path, metavar="FILE", help="labelled answers, JSONL")
    add("--rubric", type=Path, metavar="FILE", help="default: FILE's name with .md in place of its endings")
    add("--judge", metavar="M", help="NAME, NAME@ENDPOINT or NAME@URL (default: the embedded judge)")
    add("--base-url", metavar="URL", help="where a judge without an endpoint is asked")
    add("--threshold", type=float, default=0.7, help="the score from which an answer passes (default 0.7)")
    add("--write", action="store_true", help="keep the result beside the rubric, for reports to print")
    add("-n", dest="concurrency", type=count_from(1), default=16, metavar="N", help="requests under way")
    add("--max-cost", type=dollars_or_none, default=5.0, metavar="USD", help="cap on spending, or none")
    return made


def _rubric_path(given: argparse.Namespace) -> Path:
    path: Path = given.rubric or given.file.with_name(f"{given.file.name.partition('.')[0]}.md")
    if not path.is_file():
        raise UsageError(f"{path}: no such rubric; name it with --rubric FILE")
    return path


def _bar(labelled: Sequence[Labelled]) -> tqdm[NoReturn]:
    """Progress on stderr, on a terminal only."""
    return tqdm(total=len(labelled), unit=" answers", disable=None, leave=False, file=sys.stderr)


def _calibration(
    judge: str,
    fingerprint: str | None,
    rubric: str,
    threshold: float,
    labelled: Sequence[Labelled],
    found: Agreement,
) -> Calibration:
    sources = sorted({each.source or "unsourced" for each in labelled})
    kappa = found.kappa
    return Calibration(
        judge=judge,
        fingerprint=fingerprint,
        rubric_sha256=text_sha256(rubric),
        threshold=threshold,
        n=found.equal.n,
        kappa=kappa.value if kappa else None,
        low=kappa.interval.low if kappa else None,
        high=kappa.interval.high if kappa else None,
        labels=", ".join(sources),
    )


def _table(kept: Calibration, rubric: Path, found: Agreement) -> str:
    known = kept.kappa is not None
    rows = [
        ("judge", f"{kept.judge} {kept.fingerprint or ''}"),
        ("rubric", f"{rubric}, passed from {kept.threshold:g} on"),
        ("answers", f"{kept.n} read by the judge, labels: {kept.labels}"),
        ("agreement", _rate(found.equal)),
        ("TPR", f"{_rate(found.true_positives)} of {found.true_positives.n} that should pass"),
        ("TNR", f"{_rate(found.true_negatives)} of {found.true_negatives.n} that should fail"),
        ("kappa", f"{kept.kappa:.2f} ({kept.low:.2f} to {kept.high:.2f})" if known else "? (no variety)"),
        *(("unread", f"{count}: {why}") for why, count in found.unread.items()),
    ]
    return tabulate([(name, printable(text)) for name, text in rows], tablefmt="plain", disable_numparse=True)


def _rate(rate: Rate) -> str:
    return f"{percent(rate)} ({interval(rate)})"
