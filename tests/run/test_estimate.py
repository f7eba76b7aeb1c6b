"""What a run will take, told before anything is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.config import ModelFlags, load_config
from evalkit.errors import UsageError
from evalkit.run.estimate import BY_LENGTH, EXACT, Counter, Estimate, estimate
from evalkit.run.options import RunOptions
from evalkit.run.prepare import prepare
from evalkit.suite import load_suite
from evalkit.tokens import count, count_messages

SUITE = """
prompt: Answer with the city's name only.
params: {max_tokens: 20}
cases:
  - {ask: What is the capital of Norway?, answer: Oslo}
  - {ask: What is the capital of Peru?, answer: Lima}
checks: [equals]
"""


def estimated(
    folder: Path,
    suite: str = SUITE,
    toml: str = "",
    flags: ModelFlags | None = None,
    counter: Counter = BY_LENGTH,
) -> Estimate:
    """The estimate for one suite."""
    (folder / "cities").mkdir(exist_ok=True)
    (folder / "cities" / "suite.yaml").write_text(suite, "utf-8")
    (folder / "evalkit.toml").write_text(toml, "utf-8")
    config = load_config(folder, flags or ModelFlags(), {})
    options = RunOptions(gate=False)
    return estimate(prepare([load_suite(folder / "cities")], config, options).plan, config, counter)


def test_the_embedded_run_is_counted_and_free(tmp_path: Path) -> None:
    """Prompts by the model's own encoding, answers as long as their references, at no cost."""
    found = estimated(tmp_path)
    system = {"role": "system", "content": "Answer with the city's name only."}
    asks = [{"role": "user", "content": f"What is the capital of {land}?"} for land in ("Norway", "Peru")]
    prompts = [messages for ask in asks for messages in ([ask], [system, ask])]
    assert found.requests == 4
    assert found.prompt_tokens == sum(count_messages(m, "evalkit-tiny") or 0 for m in prompts)
    assert found.completion_tokens == 2 * sum(count(city, "evalkit-tiny") or 0 for city in ("Oslo", "Lima"))
    assert found.usd == 0.0


def test_prices_make_a_sum(tmp_path: Path) -> None:
    """Tokens times the price of evalkit.toml."""
    free = estimated(tmp_path)
    toml = '[[prices]]\nmodel = "evalkit-tiny"\nin = 3\nout = 5\n'
    found = estimated(tmp_path, toml=toml)
    assert found.usd == pytest.approx((free.prompt_tokens * 3 + free.completion_tokens * 5) / 1e6)


def test_an_unknown_price_makes_the_sum_unknown(tmp_path: Path) -> None:
    """On one's own server: null, not 0; an unknown encoding is guessed at from the length."""
    place = "http://127.0.0.1:9/v1"
    found = estimated(tmp_path, flags=ModelFlags(base=f"llama@{place}", ft=f"tuned@{place}"))
    assert (found.requests, found.usd) == (6, None)
    assert found.prompt_tokens > 0


def test_a_judge_s_requests_are_in_it(tmp_path: Path) -> None:
    """One for every answer and rubric, with the rubric's tokens in each."""
    rubric = "Is it polite? " * 40
    suite = f"{SUITE.replace('checks: [equals]', '')}checks:\n  - rubric: {json.dumps(rubric)}\n"
    plain, judged = estimated(tmp_path), estimated(tmp_path, suite)
    assert judged.judge_requests == 4
    assert judged.prompt_tokens > plain.prompt_tokens + 4 * (count(rubric, "evalkit-tiny") or 0)


def test_without_reference_an_answer_is_as_long_as_allowed(tmp_path: Path) -> None:
    """max_tokens bounds what an answer may cost."""
    suite = "params: {max_tokens: 20}\ncases: [{ask: Why?}]\nchecks: [{contains: because}]\n"
    assert estimated(tmp_path, suite).completion_tokens == 2 * 20


def test_a_public_model_without_price_is_refused_under_a_cap(tmp_path: Path) -> None:
    """Also by --dry-run: nothing of the kind would be asked."""
    with pytest.raises(UsageError, match=r"no price for gpt-99 .*--max-cost none"):
        estimated(tmp_path, flags=ModelFlags(base="gpt-99@https://203.0.113.9/v1", variants=("base",)))


def test_the_process_that_asks_guesses_what_a_dry_run_counts(tmp_path: Path) -> None:
    """By length, rather too high: OpenAI's encodings would take 60 MB. Only embedded models are counted."""
    flags = ModelFlags(base="gpt-4.1@http://127.0.0.1:9/v1", variants=("base", "prompted"))
    guessed, counted = estimated(tmp_path, flags=flags), estimated(tmp_path, flags=flags, counter=EXACT)
    assert 1.0 <= guessed.prompt_tokens / counted.prompt_tokens < 1.6
    assert estimated(tmp_path) == estimated(tmp_path, counter=EXACT)
