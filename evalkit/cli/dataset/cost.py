"""`evalkit dataset cost`: what training on a file costs, and from how many calls on it pays."""

from __future__ import annotations

import argparse
import json
import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tabulate import tabulate

from evalkit.cli.arguments import Parser, count_from
from evalkit.cli.dataset.check import bar
from evalkit.cli.exit_codes import Exit
from evalkit.config import ModelFlags, load_config
from evalkit.dataset.check import CheckOptions, check_file
from evalkit.dataset.cost import CallCost, Comparison, CostEstimate, CostOptions, estimate_cost
from evalkit.errors import InputError, UsageError
from evalkit.numbers import dollars
from evalkit.report.escape import printable
from evalkit.suite import load_suite
from evalkit.tokens import encoding_for, without_encoding

EXAMPLE = """\
  evalkit dataset cost train.jsonl --model gpt-4.1-mini
  evalkit dataset cost train.jsonl --model gpt-4.1-mini --prompt prompt.md        and does it pay?
  evalkit dataset cost suites/marv/train.jsonl --model gpt-4.1 --suite suites/marv --calls 100000

Prices are of the shipped table, with its date, or of [[prices]] in evalkit.toml. A call is what an example
shows: its last answer comes out, all else goes in."""

WIDTH = 100


def main(argv: Sequence[str]) -> int:
    """Check the file for its tokens, and print what they cost."""
    given = _parser().parse_args(argv)
    prices = load_config(Path.cwd(), ModelFlags()).prices
    options = CostOptions(given.epochs, _prompt(given), given.cached_share, prices)
    if encoding_for(given.model) is None:
        raise UsageError(without_encoding(given.model))
    with bar(given.file) as shown:
        check = check_file(given.file, CheckOptions(given.model), shown.update)
    if check.errors or check.size is None:
        raise InputError("cannot be used as it is; evalkit dataset check shows why", file=given.file)
    found = estimate_cost(check, options)
    text = json.dumps(_as_json(found, given.calls), indent=2) if given.json else _report(found, given)
    print(text)
    return Exit.OK


def _parser() -> argparse.ArgumentParser:
    made = Parser("dataset cost", "What training on a file costs, and from when on it pays.", EXAMPLE)
    add = made.add_argument
    add("file", type=Path, metavar="FILE", help="examples, JSONL")
    add("--model", required=True, metavar="M", help="the model that is fine-tuned")
    add("--epochs", type=count_from(1), metavar="N", help="default: what a job takes by itself")
    prompts = made.add_mutually_exclusive_group()
    prompts.add_argument("--prompt", type=Path, metavar="FILE", help="the long prompt that it does without")
    prompts.add_argument("--suite", type=Path, metavar="DIR", help="the suite whose prompt that is")
    add("--calls", type=count_from(1), metavar="N", help="what N calls cost, training included")
    add(
        "--cached-share",
        type=_share,
        default=1.0,
        metavar="S",
        help="how many calls of the base model find the prompt in the cache, 0 to 1 (default 1)",
    )
    add("--json", action="store_true", help="one JSON object; null is unknown")
    return made


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, write a share such as 0.8")
    return share


def _prompt(given: argparse.Namespace) -> str | None:
    """The text of the long prompt, of whichever kind."""
    if given.prompt is not None:
        return _text(given.prompt)
    if given.suite is None:
        return None
    prompt = load_suite(given.suite).prompt
    if prompt is None:
        raise UsageError(f"{given.suite} has no prompt to compare with; name one with --prompt FILE")
    return "\n".join(filter(None, (prompt.system, prompt.user)))


def _text(file: Path) -> str:
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as UTF-8 text: {error}", file=file) from error
    if not text.strip():
        raise InputError("is empty; write the long prompt", file=file)
    return text


def _report(found: CostEstimate, given: argparse.Namespace) -> str:
    sections = [[_training(found)]]
    if found.comparison:
        sections.append([_table(found.comparison, given.cached_share), *_verdicts(found, given)])
    else:
        sections.append(["--prompt FILE or --suite DIR compares its calls with those of a long prompt"])
    if found.closing:
        sections.append([textwrap.fill(found.closing, WIDTH)])
    return "\n\n".join("\n".join(lines) for lines in sections)


def _training(found: CostEstimate) -> str:
    price = "an unknown price" if found.training_price is None else f"${found.training_price:g} per 1M"
    usd = "unknown" if found.training_usd is None else f"${dollars(found.training_usd)}"
    tokens = f"{found.epoch_tokens:,} tokens x {found.epochs} epochs = {found.charged_tokens:,} tokens"
    lines = [
        f"training {printable(found.model)} on {found.examples:,} examples: {usd}",
        f"  {tokens}, at {price}",
    ]
    if found.source:
        lines.append(f"  prices: {printable(found.source)}")
    return "\n".join(lines)


def _table(comparison: Comparison, share: float) -> str:
    cached = (
        f"base, prompt cached in {share:.0%}" if comparison.cacheable else "base, too short for the cache"
    )
    rows = (
        ("base, long prompt", comparison.base),
        (cached, comparison.base_cached),
        ("ft, without it", comparison.tuned),
    )
    return tabulate(
        [_row(name, call) for name, call in rows],
        ["a call on average", "input tokens", "cached", "output tokens", "$ per 1,000"],
        disable_numparse=True,
        colalign=("left", *["right"] * 4),
    )


def _row(name: str, call: CallCost) -> tuple[str, ...]:
    tokens = (f"{count:,.0f}" for count in (call.input, call.cached, call.output))
    return (name, *tokens, "unknown" if call.usd_per_1000 is None else dollars(call.usd_per_1000))


def _verdicts(found: CostEstimate, given: argparse.Namespace) -> Iterator[str]:
    comparison = found.comparison
    if comparison is None:
        return
    yield ""
    yield f"against the prompt uncached: {_pays(found.break_even(comparison.base))}"
    if comparison.cacheable:
        yield f"against the prompt cached:   {_pays(found.break_even(comparison.base_cached))}"
    if given.calls:
        yield from (
            f"{given.calls:,} calls, {name}: {_usd(total)}"
            for name, total in _totals(found, given.calls).items()
        )


def _pays(calls: float | None) -> str:
    if calls is None:
        return "unknown, for want of a price"
    if math.isinf(calls):
        return "never pays: no call of the fine-tune is cheaper"
    return f"training has paid for itself after {calls:,.0f} calls"


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else f"${dollars(amount)}"


def _totals(found: CostEstimate, calls: int) -> dict[str, float | None]:
    """What so many calls cost; the fine-tune's with its training."""
    comparison, training = found.comparison, found.training_usd
    if comparison is None:
        return {}

    def total(call: CallCost, before: float | None) -> float | None:
        return (
            None if call.usd_per_1000 is None or before is None else before + calls * call.usd_per_1000 / 1000
        )

    return {
        "base": total(comparison.base, 0.0),
        "base_cached": total(comparison.base_cached, 0.0),
        "ft": total(comparison.tuned, training),
    }


def _as_json(found: CostEstimate, calls: int | None) -> dict[str, Any]:
    """The estimate's fields; `break_even_calls` is null where it is unknown, and may be "never"."""
    comparison = found.comparison
    even = {} if comparison is None else {"base": comparison.base, "base_cached": comparison.base_cached}
    return {
        **asdict(found),
        "charged_tokens": found.charged_tokens,
        "training_usd": found.training_usd,
        "break_even_calls": {name: _finite(found.break_even(call)) for name, call in even.items()},
        "calls": calls,
        "calls_usd": _totals(found, calls) if calls else None,
    }


def _finite(calls: float | None) -> float | str | None:
    return "never" if calls is not None and math.isinf(calls) else calls
