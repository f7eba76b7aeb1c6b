"""`evalkit dataset build`: a training file from the answers of a run."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.cli.arguments import Parser
from evalkit.cli.dataset.common import refuse_existing, write_lines
from evalkit.cli.dataset.sheet import sheet
from evalkit.cli.exit_codes import Exit
from evalkit.errors import NothingCollected, UsageError
from evalkit.run import latest, read_info, read_records
from evalkit.run.build import Built, build_failed, build_passed
from evalkit.run.codec import dump_line
from evalkit.suite import Suite, Variant, find_suites, load_suite
from evalkit.suite.take_out import cases_file, take_out

EXAMPLE = """\
  evalkit dataset build reports/latest --passed --out taught.jsonl
  evalkit dataset build reports/latest --failed --variant ft --out mend.jsonl --take-out

--passed teaches a model without the long prompt what a model with it answered: each line asks as ft is asked
(short_prompt, or the case's own system message) and holds an answer that passed every check. --failed holds
the cases that failed, with the reference as the answer, or an empty one: correct them by hand. Beside FILE,
FILE.md shows what was answered, why it failed, and what was due.

A case that a model has learned says nothing about it any more. --take-out moves the cases that were used from
the suite's cases.jsonl to cases.taken-out.jsonl; without it `evalkit dataset leaks FILE SUITE` finds them."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where examples come from: a suite as it was run, and one of its variants."""

    run: Path
    suite: Suite
    variant: Variant


def main(argv: Sequence[str]) -> int:
    """Build, write, and say what was used and what was left out."""
    given = _parser().parse_args(argv)
    notes = given.out.with_name(f"{given.out.name}.md") if given.failed else None
    refuse_existing([file for file in (given.out, notes) if file], force=given.force)
    source = _source(given.run, given.suite, given.variant or ("ft" if given.failed else "prompted"))
    cases = cases_file(source.suite) if given.take_out else None
    build = build_failed if given.failed else build_passed
    built = build(source.suite, source.variant, read_records(source.run))
    print(_left_out(built), end="")
    if not built.examples:
        raise NothingCollected(f"no answer of {source.variant.name} {'failed' if given.failed else 'passed'}")
    _write(built, given.out, notes)
    if cases:
        print(_take_out(cases, built))
    else:
        print(_warning(source.suite, built, given.out), file=sys.stderr)
    return Exit.OK


def _parser() -> Parser:
    made = Parser("dataset build", "Make a training file from the answers of a run.", EXAMPLE)
    add = made.add_argument
    add("run", type=Path, metavar="RUN", help="the run's folder, such as reports/latest")
    which = made.add_mutually_exclusive_group(required=True)
    which.add_argument("--passed", action="store_true", help="answers that passed every check")
    which.add_argument("--failed", action="store_true", help="cases that failed, to be corrected by hand")
    add("--out", type=Path, required=True, metavar="FILE", help="the training file")
    add("--variant", metavar="V", help="whose answers (default: prompted with --passed, ft with --failed)")
    add("--suite", metavar="SUITE", help="its name, or its folder if that has moved; where RUN has several")
    add("--take-out", action="store_true", help="take the cases that are used out of the suite")
    add("--force", action="store_true", help="overwrite FILE if it exists")
    return made


def _source(run: Path, suite: str | None, variant: str) -> Source:
    folder = (latest(run.parent) if run.name == "latest" else run) or run
    info = read_info(folder)
    found = _suite(info, suite, folder)
    variants: Mapping[str, Any] = info["plan"]["variants"][found.name]
    if variant not in variants:
        raise UsageError(f"{folder} has no variant {variant}; name one of {', '.join(variants)} by --variant")
    return Source(folder, found, Variant(**variants[variant]))


def _suite(info: Mapping[str, Any], named: str | None, run: Path) -> Suite:
    """The suite as it stands now, where the run found it or where it is named."""
    ran = list(info["plan"]["suites"])
    name = Path(named).resolve().name if named else ran[0]
    if name not in ran or (named is None and len(ran) > 1):
        raise UsageError(f"{run} is of the suites {', '.join(ran)}; name one of them by --suite")
    if named and Path(named).is_dir():
        return load_suite(named)
    folders = {folder.resolve().name: folder for folder in find_suites(info["options"]["paths"])}
    if name not in folders:
        raise UsageError(f"the suite {name} is not where the run found it; write its folder: --suite DIR")
    return load_suite(folders[name])


def _left_out(built: Built) -> str:
    return "".join(f"left out {count:,}: the record {why}\n" for why, count in sorted(built.left_out.items()))


def _write(built: Built, file: Path, notes: Path | None) -> None:
    write_lines(file, (dump_line(made.line) for made in built.examples))
    print(f"wrote {file}: {len(built.examples):,} examples from {len(built.cases):,} cases")
    if notes:
        write_lines(notes, [sheet(built.examples).encode("utf-8", "backslashreplace")])
        print(f"wrote {notes}: what was asked, answered and due, and why it failed")


def _take_out(cases: Path, built: Built) -> str:
    count, aside = take_out(cases, built.cases)
    return (
        f"moved {count:,} cases from {cases} to {aside}\n"
        "what is left was chosen by its answers: rates on it are not to be compared with earlier ones"
    )


def _warning(suite: Suite, built: Built, file: Path) -> str:
    return (
        f"evalkit: {len(built.cases):,} of {len(suite.cases):,} cases of {suite.name} are no longer held out "
        f"for a model that learns from {file}: measure it on others, or take these out with --take-out"
    )
