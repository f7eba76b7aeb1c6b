"""`evalkit dataset leaks`: which cases of a suite stand in the training data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from evalkit.cli.arguments import Parser
from evalkit.cli.dataset.common import Reading, add_threshold
from evalkit.cli.exit_codes import Exit
from evalkit.dataset.conversation import Conversation
from evalkit.dataset.examples import ExampleFile
from evalkit.dataset.leaks import Leak, leaks
from evalkit.report.escape import clip, printable
from evalkit.run.overlap import Training, held_out, read_training
from evalkit.suite import load_suite

EXAMPLE = """\
  evalkit dataset leaks train.jsonl suites/terse
  evalkit dataset leaks data.train.jsonl data.test.jsonl --strict

A case is leaked if its question (all that the user says; system messages are left out) stands in TRAIN, or a
near-duplicate: upper and lower case, spaces and punctuation do not count, nor what many lines share; but with
more than one word in twenty exchanged it is another question (slips in spelling are none). A case's
answer counts where it is long. Jaccard's index of four-letter pieces says how near: 1 is the same text.

exit codes: 0, with leaks too · 1 leaks, with --strict · 4 bad input"""

LONGEST = 88


@dataclass(frozen=True, slots=True)
class Overlap:
    """What was found: the leaks, and in what."""

    training: Training
    cases: Mapping[str, Conversation]
    leaks: tuple[Leak, ...]


def main(argv: Sequence[str]) -> int:
    """Search, print, and give the exit code."""
    given = _parser().parse_args(argv)
    with ExitStack() as opened:
        training, cases = _training(given.train, opened), _cases(given.suite, opened)
        found = leaks(Reading(training.examples), cases, given.threshold)
    overlap = Overlap(training, cases, found)
    if given.json:
        print(json.dumps(_json(overlap, given.threshold), indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(overlap, given.train, given.threshold)))
    return Exit.GATE_FAILED if found and given.strict else Exit.OK


def _parser() -> Parser:
    made = Parser("dataset leaks", "Find the cases of a suite that stand in training data.", EXAMPLE)
    add = made.add_argument
    add("train", type=Path, metavar="TRAIN", help="training data, JSONL or CSV")
    add("suite", type=Path, metavar="SUITE", help="a suite's folder, or a file of held-out examples")
    add_threshold(made)
    add("--strict", action="store_true", help="exit with 1 if a case has leaked")
    add("--json", action="store_true", help="print all as JSON, texts whole")
    return made


def _training(file: Path, opened: ExitStack) -> Training:
    if file.suffix == ".csv":
        return read_training(file)
    examples = opened.enter_context(closing(ExampleFile(file)))
    return Training(examples, examples.numbers)


def _cases(path: Path, opened: ExitStack) -> dict[str, Conversation]:
    """The cases of a suite by id; the examples of a file by `line N`."""
    if path.suffix not in (".jsonl", ".csv"):
        return held_out(load_suite(path))
    lines = _training(path, opened)
    return {f"line {line}": case for line, case in zip(lines.lines, lines.examples, strict=True)}


def _lines(overlap: Overlap, train: Path, threshold: float) -> Iterator[str]:
    for leak in overlap.leaks:
        line = overlap.training.lines[leak.example]
        more = f", and {leak.examples - 1:,} more" if leak.examples > 1 else ""
        yield f"{printable(leak.case)}   {leak.part}, similarity {leak.similarity:.2f}, line {line}{more}"
        yield f"  held out  {clip(printable(leak.held_out), LONGEST)}"
        yield f"  learned   {clip(printable(leak.learned), LONGEST)}"
    searched = f"{len(overlap.training.examples):,} examples of {train}, similarity {threshold:g} and more"
    yield f"{len(overlap.leaks):,} of {len(overlap.cases):,} cases leaked ({searched})"


def _json(overlap: Overlap, threshold: float) -> dict[str, object]:
    return {
        "threshold": threshold,
        "examples": len(overlap.training.examples),
        "cases": len(overlap.cases),
        "leaks": [
            {
                "case": leak.case,
                "part": leak.part,
                "similarity": leak.similarity,
                "line": overlap.training.lines[leak.example],
                "lines": leak.examples,
                "held_out": leak.held_out,
                "learned": leak.learned,
            }
            for leak in overlap.leaks
        ],
    }
