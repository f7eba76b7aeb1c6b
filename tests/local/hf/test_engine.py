"""The shipped model answers in torch as in numpy, and any model's job alike alone and in company."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.local.hf.needs import torch_extra

torch_extra()

from evalkit.local.backend import Backend  # noqa: E402
from evalkit.local.chat_template import Message  # noqa: E402
from evalkit.local.engine.batch import BatchEngine  # noqa: E402
from evalkit.local.engine.job import Job  # noqa: E402
from evalkit.local.hf.checkpoint import load_checkpoint  # noqa: E402
from evalkit.local.hf.slots import HfSlots  # noqa: E402
from tests.local.engine.answering import answer, answers, make_job  # noqa: E402
from tests.local.hf.folders import write_gpt2, write_mistral, write_qwen  # noqa: E402

SUITES = Path(__file__).parents[3] / "suites"
CASES = 5  # of each suite
LENGTHS = (3, 40, 17, 3, 90, 8)  # prompts of one batch, in tokens
IDS = list(range(100, 250))


def shipped_jobs(backend: Backend) -> Iterator[Job]:
    """The first cases of every shipped suite, with its long prompt, as greedy jobs."""
    for suite in sorted(SUITES.iterdir()):
        system = Message("system", (suite / "prompt.md").read_text("utf-8"))
        with (suite / "cases.jsonl").open(encoding="utf-8") as lines:
            for case in map(json.loads, islice(lines, CASES)):
                prompt = (
                    backend.template.text_prompt(case["prompt"])
                    if "prompt" in case
                    else backend.template.prompt([system, Message("user", _asked(case))])
                )
                yield make_job(
                    prompt.ids, prefix=prompt.prefix, max_tokens=24, stop_ids=backend.template.stop_ids
                )


def _asked(case: dict[str, Any]) -> str:
    asked: str = case["ask"] if "ask" in case else case["messages"][0]["content"]
    return asked


def test_greedy_text_is_numpys(by_torch: Backend, by_numpy: Backend) -> None:
    """Token by token on cases of all shipped suites, in a batch, with log probabilities equal to 1e-3."""
    found = [list(shipped_jobs(backend)) for backend in (by_torch, by_numpy)]
    assert len(found[0]) >= 20
    assert [job.ids for job in found[0]] == [job.ids for job in found[1]]
    mine, theirs = (
        answers(backend.engine, jobs)  # type: ignore[arg-type]
        for backend, jobs in zip((by_torch, by_numpy), found, strict=True)
    )
    for one, other in zip(mine, theirs, strict=True):
        assert [event.id for event in one] == [event.id for event in other]
        for event, twin in zip(one, other, strict=True):
            assert event.logprob == pytest.approx(twin.logprob, abs=1e-3)


def engine_of(folder: Path, **sizes: int) -> BatchEngine:
    """An engine on a folder, without its template."""
    return BatchEngine(HfSlots(load_checkpoint(folder), **sizes))


@pytest.mark.parametrize("write", [write_qwen, write_mistral, write_gpt2])
def test_a_job_in_company_is_answered_as_alone(write: Callable[[Path], Path], tmp_path: Path) -> None:
    """Whatever the architecture, positions and window, and whoever comes and goes meanwhile."""
    folder = write(tmp_path / "m")
    jobs = [
        make_job(IDS[number : number + length], max_tokens=4 + 3 * number, logprobs=2)
        for number, length in enumerate(LENGTHS)
    ]
    engine = engine_of(folder, count=4)  # fewer slots than jobs: rows come while others are under way
    together = answers(engine, jobs, arrive=[0, 0, 2, 3, 5, 5])  # type: ignore[arg-type]
    for job, found in zip(jobs, together, strict=True):
        alone = answer(engine, job)  # type: ignore[arg-type]
        assert [event.id for event in found] == [event.id for event in alone]
        for event, twin in zip(found, alone, strict=True):
            assert event.logprob == pytest.approx(twin.logprob, abs=1e-4)
            assert [token for token, _ in event.top] == [token for token, _ in twin.top]


def test_a_known_prefix_changes_nothing_but_time(tmp_path: Path) -> None:
    """The second job with it says so in `cached`, and gets the tokens that it gets without."""
    engine = engine_of(write_mistral(tmp_path / "m"))
    shared = make_job(IDS[:50], prefix=30, max_tokens=6)
    first, second, plain = (
        answer(engine, job)  # type: ignore[arg-type]
        for job in (shared, shared, make_job(IDS[:50], max_tokens=6))
    )
    assert (first[0].cached, second[0].cached, plain[0].cached) == (0, 30, 0)
    assert [event.id for event in first] == [event.id for event in second] == [event.id for event in plain]


def test_draws_repeat_with_the_seed_and_end_as_asked(tmp_path: Path) -> None:
    """The rules of sampling are numpy's own: seed, stop tokens, max_tokens, room."""
    engine = engine_of(write_qwen(tmp_path / "m"), max_len=40)
    drawn = make_job(IDS[:5], temperature=1.3, top_p=0.9, seed=7, max_tokens=8)
    first, second = answers(engine, [drawn, drawn])  # type: ignore[arg-type]
    assert [event.id for event in first] == [event.id for event in second]
    assert first[-1].finished == "length"
    stop = first[3].id
    stopped = make_job(IDS[:5], temperature=1.3, top_p=0.9, seed=7, max_tokens=8, stop_ids=frozenset([stop]))
    assert answer(engine, stopped)[-1].finished == "stop"  # type: ignore[arg-type]
    long = answer(engine, make_job(IDS[:30], max_tokens=99))  # type: ignore[arg-type]
    assert len(long) == 10
    assert long[-1].finished == "length"


def test_a_cancelled_job_leaves_its_slot(tmp_path: Path) -> None:
    """The others go on as if it had never been."""
    engine = engine_of(write_mistral(tmp_path / "m"), count=2)
    kept = make_job(IDS[:12], max_tokens=20)
    alone = answer(engine, kept)  # type: ignore[arg-type]
    gone = make_job(IDS[20:60], max_tokens=200)
    found: list[Any] = []
    engine.submit(gone)
    engine.submit(Job(ids=kept.ids, max_tokens=20, on_token=found.append))
    for _ in range(5):
        engine.step()
    engine.cancel(gone)
    while engine.step():
        pass
    assert [event.id for event in found] == [event.id for event in alone]
