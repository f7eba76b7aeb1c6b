"""`evalkit ask`: one text to all variants of a suite, answers side by side."""

from __future__ import annotations

import argparse
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tabulate import tabulate

from evalkit.checks.base import Compares, Seen
from evalkit.checks.fields import FieldError
from evalkit.cli.arguments import Parser, dollars_or_none, names
from evalkit.cli.embedded import reachable
from evalkit.cli.exit_codes import of_outcome
from evalkit.cli.progress import Progress
from evalkit.config import LOCAL, Config, ModelFlags, load_config, rank, without_recorded
from evalkit.errors import UsageError
from evalkit.numbers import dollars, whole
from evalkit.report.escape import printable
from evalkit.run import Outcome, Record, RunOptions, read_records
from evalkit.run.prepare import prepare
from evalkit.run.records import WHOLE
from evalkit.run.run import run
from evalkit.suite import Case, NamedCheck, Suite, compose, load_suite

EXAMPLE = """\
  evalkit ask suites/terse "What is the capital of Norway?"
  evalkit ask suites/mine "Torres signs for Leeds" --base gpt-4.1-mini --ft ft:gpt-4.1-mini:me::x1
  evalkit ask suites/mine "Good morning" --variants base,ft --var language=French"""

DESCRIPTION = """\
Ask all variants of a suite one text, and see the answers side by side: whole, with what the suite's checks
say of them. A check that compares with a reference answer has none here, and shows `-`. Models are named as
for evalkit run; answers come from the same cache."""

WIDTH, GAP = 100, 2
LEAST = 16
"""Columns that an answer needs at least; more variants than fit so stand below one another."""


def main(argv: Sequence[str]) -> int:
    """Ask, and print a table."""
    given = _parser().parse_args(argv)
    whole_suite = load_suite(given.suite)
    suite = _playground(whole_suite, given.text, dict(given.vars or ()))
    flags = ModelFlags(given.base, given.ft, given.judge, given.base_url, given.variants or ())
    config = without_recorded(load_config(Path.cwd(), flags))
    with tempfile.TemporaryDirectory(prefix="evalkit-ask-") as folder:
        options = RunOptions(max_cost=given.max_cost, use_cache=given.use_cache, gate=False, out=Path(folder))
        outcome = _asked(suite, config, options)
        records = sorted(
            read_records(outcome.folder), key=lambda record: (rank(record.variant), record.variant)
        )
    print("\n\n".join(_table(whole_suite, group) for group in _groups(records)))
    return of_outcome(outcome)


def _parser() -> argparse.ArgumentParser:
    made = Parser("ask", DESCRIPTION, EXAMPLE)
    add = made.add_argument
    add("suite", type=Path, metavar="SUITE", help="its folder")
    add("text", metavar="TEXT", help="what the user says")
    add(
        "--var",
        dest="vars",
        type=_variable,
        action="append",
        metavar="NAME=VALUE",
        help="for a user template",
    )
    add("--variants", type=names, metavar="A,B", help="which to ask (default: all that have a model)")
    add("--base", metavar="M", help="the model that is asked without and with the long prompt")
    add("--ft", metavar="M", help="the fine-tuned model")
    add("--judge", metavar="M", help="the model that reads rubrics")
    add("--base-url", metavar="URL", help="where models without an endpoint are asked")
    add("--max-cost", type=dollars_or_none, default=5.0, metavar="USD", help="cap on spending, or none")
    add("--no-cache", dest="use_cache", action="store_false", help="ask anew what was asked before")
    return made


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"found {text!r}, write NAME=VALUE such as language=French")
    return name, value


def _playground(suite: Suite, text: str, values: dict[str, str]) -> Suite:
    """The suite with this text as its only case, and with those checks alone that need no reference."""
    if not text.strip():
        raise UsageError("TEXT is empty; write what the user says")
    legacy = all(case.kind == "completions" for case in suite.cases)
    asked = Case("ask", "completions", prompt=text) if legacy else _chat(suite, text)
    case = replace(asked, vars=values)
    seen = Seen(None, tools=case.tools)
    checks = tuple(each for each in suite.checks if not _misses_something(each, seen))
    return replace(suite, cases=(case,), checks=checks)


def _chat(suite: Suite, text: str) -> Case:
    """The text as a conversation, with tools and system message of the cases where all have the same."""
    first = suite.cases[0]
    shared = all(case.params == first.params for case in suite.cases)
    leading = {str(case.messages[0]) if case.messages else "" for case in suite.cases}
    instructs = len(leading) == 1 and first.messages and first.messages[0]["role"] in ("system", "developer")
    system = first.messages[:1] if instructs else ()
    user = {"role": "user", "content": text}
    return Case("ask", "chat", messages=(*system, user), params=first.params if shared else {})


def _misses_something(named: NamedCheck, seen: Seen) -> bool:
    """Whether a check needs an answer to compare with."""
    return isinstance(named.check, Compares) and named.check.fault(seen) is not None


def _asked(suite: Suite, config: Config, options: RunOptions) -> Outcome:
    prepared = prepare([suite], config, options)
    for variant in prepared.variants[suite.name]:
        try:
            compose(suite, suite.cases[0], variant)
        except FieldError as fault:
            raise UsageError(f"the suite's template: {fault.what}; give --var NAME=VALUE") from fault
    embedded = bool(prepared.untuned) or any(ref.endpoint == LOCAL for ref in prepared.refs)
    progress = Progress(lambda _: "", quiet=True)
    with reachable(config, options.state, needed=embedded) as config, closing(progress):
        return run([suite], config, options, progress)


def _groups(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """As many variants side by side as there is room for."""
    fit = max(1, (WIDTH - LEAST) // (LEAST + GAP))
    yield from (records[start : start + fit] for start in range(0, len(records), fit))


def _table(suite: Suite, records: Sequence[Record]) -> str:
    """A column a variant: model, answer, verdicts, tokens and latency."""
    rows = [
        ("", [record.variant for record in records]),
        ("model", [record.request.model for record in records]),
        ("answer", [_answer(record) for record in records]),
        *((name, [_verdict(record, name) for record in records]) for name in _check_names(suite)),
        ("tokens", [_tokens(record) for record in records]),
        ("latency", [_latency(record) for record in records]),
        ("cost", [_cost(record) for record in records]),
    ]
    label = max(len(printable(name)) for name, _ in rows)
    room = (WIDTH - label) // len(records) - GAP
    cells = [[printable(name), *(_wrapped(text, room) for text in texts)] for name, texts in rows]
    return tabulate(cells, tablefmt="plain", disable_numparse=True)


def _check_names(suite: Suite) -> list[str]:
    return [WHOLE, *(named.name for named in suite.checks)]


def _answer(record: Record) -> str:
    """What came: text, calls, a refusal, or why nothing did."""
    if record.error:
        return f"[not asked] {record.error.type}: {record.error.message}"
    response = record.response
    if response is None:
        return "[nothing]"
    called = (call.get("function") or {} for call in response.tool_calls)
    calls = [f"[calls {each.get('name')}({each.get('arguments')})]" for each in called]
    refused = [f"[refuses] {response.refusal}"] if response.refusal else []
    return "\n".join([*([response.text] if response.text else []), *calls, *refused]) or "[no text]"


def _verdict(record: Record, check: str) -> str:
    """`passed`, or why not; `-` for a check that had nothing to compare with, or no answer to look at."""
    found = next((verdict for verdict in record.verdicts if verdict.check == check), None)
    if found is None and (check != WHOLE or record.response is None):
        return "-"
    if found is None or found.passed:
        return "passed"
    return f"{'failed' if found.passed is False else '?'}: {found.reason}"


def _tokens(record: Record) -> str:
    usage = record.response.usage if record.response else None
    return f"{whole(usage.prompt_tokens)} + {whole(usage.completion_tokens)}" if usage else "-"


def _latency(record: Record) -> str:
    if record.response is None or record.response.latency_ms is None:
        return "-"
    return f"{record.response.latency_ms:.0f} ms{', cached' if record.cached else ''}"


def _cost(record: Record) -> str:
    return "free" if record.cost_usd == 0 else f"${dollars(record.cost_usd)}"


def _wrapped(text: str, room: int) -> str:
    """Harmless text, its own line breaks kept, in lines of at most `room` characters."""
    lines = (
        textwrap.wrap(printable(line), room, break_on_hyphens=False) or [""]
        for line in text.splitlines() or [""]
    )
    return "\n".join(piece for line in lines for piece in line)
