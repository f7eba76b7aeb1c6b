"""What a run will take, told before anything is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.config import ModelFlags, load_config
from evalkit.endpoints.base import Request
from evalkit.errors import UsageError
from evalkit.prices import Price
from evalkit.run.estimate import Estimate, bound_usd, estimate, reserved_usd
from evalkit.run.options import RunOptions
from evalkit.run.prepare import prepare
from evalkit.run.run import run
from evalkit.run.store import read_records
from evalkit.suite import load_suite
from evalkit.tokens import count, count_messages
from tests.loopback import Loopback
from tests.run.helpers import Watching, config_for, options_for, run_in, write_suite

SUITES = Path(__file__).resolve().parents[2] / "suites"
EMBEDDED = ("evalkit-tiny", "evalkit-tiny-judge")

SUITE = """
prompt: Answer with the city's name only.
params: {max_tokens: 20}
cases:
  - {ask: What is the capital of Norway?, answer: Oslo}
  - {ask: What is the capital of Peru?, answer: Lima}
checks: [equals]
"""


def estimated(
    folder: Path, suite: str = SUITE, toml: str = "", flags: ModelFlags | None = None, out: Path | None = None
) -> Estimate:
    """The estimate for one suite."""
    (folder / "cities").mkdir(exist_ok=True)
    (folder / "cities" / "suite.yaml").write_text(suite, "utf-8")
    (folder / "evalkit.toml").write_text(toml, "utf-8")
    config = load_config(folder, flags or ModelFlags(), {})
    options = RunOptions(gate=False)
    return estimate(prepare([load_suite(folder / "cities")], config, options).plan, config, out)


def test_the_embedded_run_is_counted_and_free(tmp_path: Path) -> None:
    """Prompts by the model's own encoding; answers as long as their references, but for the base without a
    prompt, which says more: as much as it may."""
    found = estimated(tmp_path)
    system = {"role": "system", "content": "Answer with the city's name only."}
    asks = [{"role": "user", "content": f"What is the capital of {land}?"} for land in ("Norway", "Peru")]
    prompts = [messages for ask in asks for messages in ([ask], [system, ask])]
    assert found.requests == 4
    assert found.prompt_tokens == sum(count_messages(m, "evalkit-tiny") or 0 for m in prompts)
    assert found.completion_tokens == 2 * 20 + sum(
        count(city, "evalkit-tiny") or 0 for city in ("Oslo", "Lima")
    )
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


def test_training_data_tell_how_long_answers_are(tmp_path: Path) -> None:
    """References may be no more than a word that the answer must contain."""
    (tmp_path / "cities").mkdir()
    lines = [{"ask": f"Where is {n}?", "answer": "It is in the north of that land."} for n in range(10)]
    (tmp_path / "cities" / "train.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    flags = ModelFlags(variants=("prompted", "ft"))
    found = estimated(tmp_path, f"{SUITE}train: train.jsonl\n", flags=flags)
    assert found.completion_tokens == 4 * (count(lines[0]["answer"], "evalkit-tiny") or 0)


def test_an_earlier_run_tells_it_better(tmp_path: Path, loopback: Loopback) -> None:
    """Also how long prompts are where the encoding is unknown; a run that is damaged tells nothing."""
    suite = write_suite(tmp_path / "words")
    config = config_for(tmp_path, loopback)
    plan = prepare([suite], config, options_for(tmp_path)).plan
    reports = tmp_path / "reports"
    guessed = estimate(plan, config, reports)
    outcome, records = run_in(tmp_path, suite, config)
    (reports / "20991122T000000Z-abcdef").mkdir()
    (reports / "20991122T000000Z-abcdef" / "run.json").write_text("{}")
    with (outcome.folder / "records.jsonl").open("ab") as file:
        file.write(b'{"suite": "\xff"}\n')
    learned = estimate(plan, config, outcome.folder.parent)
    usages = [record.response.usage for record in records if record.response]
    assert learned.prompt_tokens == sum(usage.prompt_tokens or 0 for usage in usages)
    assert learned.completion_tokens == sum(usage.completion_tokens or 0 for usage in usages)
    assert guessed.tokens > learned.tokens


def test_another_model_s_run_tells_nothing(tmp_path: Path, loopback: Loopback) -> None:
    """Models differ in how much they say."""
    suite = write_suite(tmp_path / "words")
    outcome, _ = run_in(tmp_path, suite, config_for(tmp_path, loopback))
    flags = ModelFlags(base=f"wordy@{loopback.base_url}", variants=("base", "prompted"))
    config = load_config(tmp_path, flags, {})
    plan = prepare([suite], config, options_for(tmp_path, gate=False)).plan
    assert estimate(plan, config, outcome.folder.parent) == estimate(plan, config)


def test_of_many_cases_a_part_is_counted(tmp_path: Path) -> None:
    """Drawn evenly: close to the whole, also where the file is sorted by length."""
    (tmp_path / "cities").mkdir()
    asks = [f"{'why ' * (1 + place // 100)}{place}" for place in range(6000)]
    lines = "".join(f"{json.dumps({'ask': ask, 'answer': 'so'})}\n" for ask in asks)
    (tmp_path / "cities" / "cases.jsonl").write_text(lines)
    suite = "params: {max_tokens: 20}\ncases: cases.jsonl\nchecks: [equals]\n"
    found = estimated(tmp_path, suite, flags=ModelFlags(variants=("base",)))
    whole = sum(count_messages([{"role": "user", "content": ask}], "evalkit-tiny") or 0 for ask in asks)
    assert found.requests == 6000
    assert found.prompt_tokens == pytest.approx(whole, rel=0.005)


def test_a_fine_tune_to_be_made_has_the_price_of_the_one_before(tmp_path: Path) -> None:
    """Its name is not known before the run; the price stands under the name that the last run gave it."""
    (tmp_path / "cities").mkdir()
    line = json.dumps({"ask": "Where?", "answer": "There."})
    (tmp_path / "cities" / "train.jsonl").write_text(f"{line}\n" * 10)
    toml = '[[prices]]\nmodel = "ft:evalkit-tiny:local:cities:0a1b2c3d"\nin = 3\nout = 5\n'
    flags = ModelFlags(variants=("ft",))
    found = estimated(tmp_path, f"{SUITE}train: train.jsonl\n", toml, flags)
    assert found.usd == pytest.approx((found.prompt_tokens * 3 + found.completion_tokens * 5) / 1e6)


def test_a_bound_is_never_below_the_count() -> None:
    """Of anything that may be sent."""
    price = Price("evalkit-tiny", 1.0, 1.0)
    tools = ({"type": "function", "function": {"name": "f", "parameters": {"properties": {"x": {}}}}},)
    for text in ("", "hello", "ß漢字🙂" * 50, "a b " * 100):
        messages = ({"role": "system", "content": text}, {"role": "user", "content": text})
        request = Request("evalkit-tiny", "chat", messages, params={"max_tokens": 5, "tools": tools})
        assert (bound_usd(request, price) or 0) >= (reserved_usd(request, price) or 0) > 0


@pytest.mark.slow
def test_it_is_within_a_tenth_of_what_a_run_costs(tmp_path: Path, local_server: str) -> None:
    """On the embedded server, whose answers are given prices here: tools, a judge, legacy prompts included;
    within 3% once there was a run, of other cases."""
    prices = [f'[[prices]]\nmodel = "{name}"\nin = 0.10\nout = 0.40\n' for name in EMBEDDED]
    (tmp_path / "evalkit.toml").write_text("".join(prices))
    flags = ModelFlags(variants=("base", "prompted"))
    config = load_config(tmp_path, flags, {}).with_local(local_server)
    folders = [SUITES / name for name in ("marv", "smart-home", "ticket-labels")]
    suites = [load_suite(folder) for folder in folders]
    off = []
    for seed in (0, 1):
        options = options_for(tmp_path, limit=24, seed=seed, gate=False, use_cache=False)
        planned = estimate(prepare(suites, config, options).plan, config, tmp_path / "reports").usd
        records = list(read_records(run(suites, config, options, Watching()).folder))
        cost = sum((record.cost_usd or 0) + (record.judge.get("cost_usd") or 0) for record in records)
        off.append(abs((planned or 0) / cost - 1))
    assert off[0] < 0.1
    assert off[1] < 0.03
