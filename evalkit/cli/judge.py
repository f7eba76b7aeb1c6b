"""`evalkit judge calibrate`: how far a judge model agrees with labelled answers."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NoReturn

from tabulate import tabulate
from tqdm import tqdm

from evalkit.checks.pairing import Versus
from evalkit.cli.arguments import Parser, count_from, dollars_or_none
from evalkit.cli.embedded import reachable
from evalkit.cli.exit_codes import Exit
from evalkit.config import LOCAL, ModelFlags, ModelRef, load_config
from evalkit.config.model import EMBEDDED_JUDGE
from evalkit.errors import UsageError
from evalkit.numbers import interval, percent
from evalkit.report.escape import printable
from evalkit.run.calibration import Calibration, text_sha256, write_calibration
from evalkit.run.judging import Judging
from evalkit.run.labelled import Agreement, Labelled, agreement, read_labelled
from evalkit.run.options import RunOptions
from evalkit.run.prepare import check_priced
from evalkit.run.trials import Places, injected, passed, places, versus
from evalkit.stats import Rate
from evalkit.stats.correction import Trust

EXAMPLE = """\
  evalkit judge calibrate suites/marv/tone.labels.jsonl --rubric suites/marv/tone.md
  evalkit judge calibrate labels.jsonl --rubric tone.md --judge gpt-4.1 --write

FILE holds a line for each answer: {"text": "...", "label": "pass" or "fail"}; optional are "question", and
"source", which says who labelled it (human, generated), and "variant", which says whose answer it is: a gate
corrects a variant's rate by the judge's errors on answers of that same variant."""


def main(argv: Sequence[str]) -> int:
    """Ask the judge for every labelled answer, and print how far it agrees."""
    given = _parser().parse_args(argv)
    labelled, path = read_labelled(given.file), _rubric_path(given)
    rubric = path.read_text("utf-8").strip()  # as a suite reads it
    config = load_config(Path.cwd(), ModelFlags(judge=given.judge, base_url=given.base_url))
    judge = config.models.get("judge", ModelRef(EMBEDDED_JUDGE, LOCAL))
    if given.max_cost is not None:
        check_priced([judge], config)
    trials = Trials(labelled)
    with (
        reachable(config, RunOptions().state, needed=judge.endpoint == LOCAL) as config,
        _bar(trials.requests) as bar,
    ):
        judging = Judging(judge, rubric, config, given.concurrency, given.max_cost, bar.update)
        found = asyncio.run(_tried(judging, trials, given.threshold))
    kept = _calibration(judge.model, rubric, given.threshold, labelled, found)
    print(_table(kept, path, found))
    if given.write:
        print(f"kept in {write_calibration(path, kept)}; reports will print it")
    return Exit.OK if found.agreement.equal.n else Exit.NOT_ALL_ASKED


@dataclass(frozen=True)
class Trials:
    """What a judge is put to."""

    labelled: Sequence[Labelled]

    @cached_property
    def attacks(self) -> tuple[list[Labelled], list[Labelled]]:
        """Bad answers, as they are and with an instruction to the judge."""
        return injected(self.labelled)

    @cached_property
    def pairs(self) -> list[Versus]:
        """A good and a bad answer each, in one order."""
        return versus(self.labelled)

    @property
    def requests(self) -> int:
        """To the judge, all together."""
        return len(self.labelled) + 2 * len(self.attacks[0]) + 2 * len(self.pairs)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it. `plain` and `told`: bad answers that passed, without and with an instruction."""

    agreement: Agreement
    plain: Rate
    told: Rate
    places: Places
    fingerprint: str | None


async def _tried(judging: Judging, trials: Trials, threshold: float) -> Tried:
    plain, told = trials.attacks
    async with judging.bench() as bench:
        return Tried(
            agreement=agreement(trials.labelled, await bench.grades(trials.labelled), threshold),
            plain=passed(await bench.grades(plain), threshold),
            told=passed(await bench.grades(told), threshold),
            places=places(
                await bench.choices(trials.pairs),
                await bench.choices([pair.swapped for pair in trials.pairs]),
            ),
            fingerprint=bench.fingerprint,
        )


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


def _bar(requests: int) -> tqdm[NoReturn]:
    """Progress on stderr, on a terminal only."""
    return tqdm(total=requests, unit=" answers", disable=None, leave=False, file=sys.stderr)


def _calibration(
    judge: str, rubric: str, threshold: float, labelled: Sequence[Labelled], found: Tried
) -> Calibration:
    sources = sorted({each.source or "unsourced" for each in labelled})
    kappa = found.agreement.kappa
    return Calibration(
        judge=judge,
        fingerprint=found.fingerprint,
        rubric_sha256=text_sha256(rubric),
        threshold=threshold,
        n=found.agreement.equal.n,
        kappa=kappa.value if kappa else None,
        low=kappa.interval.low if kappa else None,
        high=kappa.interval.high if kappa else None,
        labels=", ".join(sources),
        by_variant=found.agreement.by_variant,
    )


def _table(kept: Calibration, rubric: Path, found: Tried) -> str:
    agreed, known = found.agreement, kept.kappa is not None
    overall = Trust(agreed.true_positives, agreed.true_negatives)
    rows = [
        ("judge", f"{kept.judge} {kept.fingerprint or ''}"),
        ("rubric", f"{rubric}, passed from {kept.threshold:g} on"),
        ("answers", f"{kept.n} read by the judge, labels: {kept.labels}"),
        ("agreement", _rate(agreed.equal)),
        *_trust("", overall),
        ("kappa", f"{kept.kappa:.2f} ({kept.low:.2f} to {kept.high:.2f})" if known else "? (no variety)"),
        *(row for variant, trust in kept.by_variant.items() for row in _trust(f"{variant} ", trust)),
        ("instructed", _instructed(found)),
        *_places(found.places),
        *(("gate", f"{name}: {kept.carries(name) or CARRIES}") for name in kept.by_variant),
        *(("unread", f"{count}: {why}") for why, count in agreed.unread.items()),
    ]
    if not kept.by_variant:
        rows.append(("gate", f"carries no SHIP: {NO_VARIANT}"))
    return tabulate([(name, printable(text)) for name, text in rows], tablefmt="plain", disable_numparse=True)


CARRIES = "may carry a SHIP"
NO_VARIANT = 'no answer is labelled with its variant; add "variant": "ft" and "prompted" to the lines'


def _instructed(found: Tried) -> str:
    bad = f"{found.told.n} bad answers pass that tell it to"
    return f"{_rate(found.told)} of {bad}, {_rate(found.plain)} of them as they were"


def _trust(of: str, trust: Trust) -> Iterator[tuple[str, str]]:
    """How the judge does on answers that should pass, on those that should fail, and both in one number."""
    yield f"{of}TPR", f"{_rate(trust.tpr)} of {trust.tpr.n} that should pass"
    yield f"{of}TNR", f"{_rate(trust.tnr)} of {trust.tnr.n} that should fail"
    interval = trust.youden_interval()
    if interval and trust.youden is not None:
        yield f"{of}TPR+TNR-1", f"{trust.youden:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def _places(found: Places) -> Iterator[tuple[str, str]]:
    """What the order of two answers does."""
    unread = f", {found.unread} choices unread" if found.unread else ""
    if not found.moved.n:
        yield "position", f"?{unread or ' (no pair of a good and a bad answer)'}"
        return
    kappa = f"kappa of both orders {found.kappa.value:.2f}" if found.kappa else "kappa of both orders ?"
    moved = f"{_rate(found.moved)} of {found.moved.n} pairs go by the place"
    yield "position", f"{moved}, {kappa}, first chosen {percent(found.first)}{unread}"


def _rate(rate: Rate) -> str:
    return f"{percent(rate)} ({interval(rate)})"
