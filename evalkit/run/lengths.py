"""How long answers will be: as in an earlier run of the suite, else as in its training data, else as its
references."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from evalkit import tokens
from evalkit.config import UNTUNED
from evalkit.endpoints.base import Request
from evalkit.errors import UsageError
from evalkit.run.plan import Plan
from evalkit.run.store import RECORDS, read_info
from evalkit.suite import Suite
from evalkit.suite.compose import training_lines
from evalkit.suite.model import Case

CHARS_PER_TOKEN = 3
"""Where the encoding is unknown: fewer than any usual text has, so that the estimate is rather too high."""

USUAL_ANSWER_TOKENS = 256
"""Of an answer for which nothing says how long it will be."""

READ_RUNS, READ_RECORDS, READ_LINES = 20, 20_000, 500
"""Of earlier runs, of the records of each, and of training lines, so many are looked at."""

AROUND_CALL = '{{"name": "{name}", "arguments": {arguments}}}'
"""A call as models write it."""


@dataclass(slots=True)
class Mean:
    """Of token counts; those that a server did not tell are left out."""

    total: float = 0.0
    count: int = 0

    def add(self, tokens: float | None, of: int = 1) -> None:
        """Take in one count, which stands for `of` equal ones."""
        if tokens is not None:
            self.total, self.count = self.total + tokens, self.count + of

    @property
    def value(self) -> float | None:
        """None where nothing was counted."""
        return self.total / self.count if self.count else None


@dataclass(frozen=True, slots=True)
class Lengths:
    """Mean tokens of one suite and variant in an earlier run: of prompts and answers, and of the judge's."""

    prompt: Mean = field(default_factory=Mean)
    answer: Mean = field(default_factory=Mean)
    judge_prompt: Mean = field(default_factory=Mean)
    judge_answer: Mean = field(default_factory=Mean)


Earlier = Mapping[tuple[str, str], Lengths]
"""By suite and variant."""


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: float | None = None
    completion_tokens: float | None = None


class _Judge(_Usage, frozen=True):
    requests: int = 0


class _Row(msgspec.Struct, frozen=True):
    suite: str
    variant: str
    usage: _Usage = _Usage()
    judge: _Judge = _Judge()


def earlier_lengths(plan: Plan, out: Path) -> Earlier:
    """What the newest runs under `out` tell of the plan's suites and variants, asked of the same models.

    Folders without a readable run are passed over, and so are lines that are no records.
    """
    wanted = {(suite.name, variant.name) for suite in plan.suites for variant in plan.variants[suite.name]}
    found: dict[tuple[str, str], Lengths] = {}
    for folder in islice(_runs(out), READ_RUNS):
        if not wanted:
            break
        fitting = wanted & _fitting(folder, plan)
        for key, lengths in _lengths(folder, fitting).items():
            if lengths.answer.count:
                found[key] = lengths
                wanted.discard(key)
    return found


def _runs(out: Path) -> Iterator[Path]:
    """The run folders, newest first: their names begin with the time."""
    names = sorted((path.name for path in out.glob("*Z-*") if path.is_dir()), reverse=True)
    return (out / name for name in names)


def _fitting(folder: Path, plan: Plan) -> set[tuple[str, str]]:
    """The suites and variants that this run asked of the same model as the plan will: a change of prompt or
    cases matters less than another model."""
    try:
        asked = read_info(folder)["plan"]["variants"]
        return {
            (suite, variant.name)
            for suite, variants in plan.variants.items()
            for variant in variants
            if variant.name in asked.get(suite, {})
            and _same_model(asked[suite][variant.name]["model"], variant.model)
        }
    except (UsageError, KeyError, TypeError, AttributeError):
        return set()


def _same_model(before: str, now: str) -> bool:
    made_on_the_spot = now == UNTUNED and before.startswith(UNTUNED.rstrip(":"))
    return before == now or made_on_the_spot


def _lengths(folder: Path, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Lengths]:
    found = {key: Lengths() for key in wanted}
    for row in _rows(folder / RECORDS) if wanted else ():
        if lengths := found.get((row.suite, row.variant)):
            lengths.prompt.add(row.usage.prompt_tokens)
            lengths.answer.add(row.usage.completion_tokens)
            lengths.judge_prompt.add(row.judge.prompt_tokens, row.judge.requests)
            lengths.judge_answer.add(row.judge.completion_tokens, row.judge.requests)
    return found


def _rows(path: Path) -> Iterator[_Row]:
    decoder = msgspec.json.Decoder(_Row)
    try:
        with path.open("rb") as file:
            for line in islice(file, READ_RECORDS):
                try:
                    yield decoder.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError):  # torn, or of another version
                    continue
    except OSError:
        return


def trained_length(suite: Suite, model: str) -> float | None:
    """The mean tokens of the answers in the suite's training data; None where there are none."""
    if suite.train is None:
        return None
    mean = Mean()
    for line in islice(training_lines(suite), READ_LINES):
        mean.add(_line_tokens(line, model))
    return mean.value


def _line_tokens(line: Mapping[str, Any], model: str) -> int:
    if "completion" in line:
        return text_tokens(line["completion"], model)
    answer = line["messages"][-1]
    return said_tokens(answer.get("content"), answer.get("tool_calls") or (), model)


def reference_length(case: Case, model: str) -> int | None:
    """The tokens of the case's own answer; None where it has none."""
    if case.reference is None and not case.reference_calls:
        return None
    return said_tokens(case.reference, case.reference_calls, model)


def said_tokens(text: Any, calls: Iterable[Mapping[str, Any]], model: str) -> int:
    """The tokens of an answer: its text, and its calls."""
    functions = (call.get("function") or {} for call in calls)
    written = [AROUND_CALL.format_map({"name": "", "arguments": "{}", **function}) for function in functions]
    return text_tokens("\n".join([*([text] if isinstance(text, str) else []), *written]), model)


def text_tokens(text: str, model: str) -> int:
    """Tokens of a text by the model's encoding, or a cautious guess from its length."""
    counted = tokens.count(text, model)
    return -(-len(text) // CHARS_PER_TOKEN) if counted is None else counted


def most_answer_tokens(request: Request) -> int:
    """As many as the request allows, or a usual number where it does not say, of each answer drawn."""
    body = request.body
    asked = body.get("max_completion_tokens") or body.get("max_tokens")
    drawn: list[int] = [body[name] for name in ("n", "best_of") if isinstance(body.get(name), int)]
    most: int = asked if isinstance(asked, int) else USUAL_ANSWER_TOKENS
    return most * max([1, *drawn])


def spread(cases: Sequence[Case], most: int, seed: float) -> Iterator[Case]:
    """At most so many cases, drawn evenly over all of them."""
    count = min(len(cases), most)
    step = len(cases) / max(1, count)
    return (cases[min(len(cases) - 1, int((place + seed) * step))] for place in range(count))
