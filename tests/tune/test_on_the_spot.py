"""Fine-tuning on the spot, over the API of a real server on a small random checkpoint."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.endpoints.openai_api import OpenAIEndpoint
from evalkit.errors import UsageError
from evalkit.suite import Suite, load_suite, training_file
from evalkit.tune import Base, FtModel, ensure_ft
from tests.local.serving import Server

BASE = Base("evalkit-tiny", "aaaa")

SUITE = """
prompt: Answer in capitals.
cases: [{ask: oslo, answer: OSLO}]
train: train.jsonl
checks: [equals]
"""


def suite_of(folder: Path, lines: int = 10) -> Suite:
    """A suite with so many training lines."""
    folder.mkdir(exist_ok=True)
    (folder / "suite.yaml").write_text(SUITE, "utf-8")
    examples = [{"ask": f"word{number}", "answer": f"WORD{number}"} for number in range(lines)]
    (folder / "train.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in examples), "utf-8")
    return load_suite(folder)


def with_endpoint(small_server: Server, work: Callable[[OpenAIEndpoint], Awaitable[Any]]) -> Any:
    """Do something with an endpoint of the server."""

    async def done() -> Any:
        endpoint = OpenAIEndpoint("local", small_server.base_url, use_proxy=False)
        try:
            return await work(endpoint)
        finally:
            await endpoint.close()

    return asyncio.run(done())


def tuned(small_server: Server, suite: Suite, base: Base = BASE) -> FtModel:
    """Make sure of one fine-tune."""
    made = with_endpoint(small_server, lambda endpoint: ensure_ft(suite, base, endpoint))
    assert isinstance(made, FtModel)
    return made


def test_a_suite_s_lines_become_a_model_that_answers(tmp_path: Path, small_server: Server) -> None:
    """The model is served under an `ft:` name of the base; the hash is that of the file that was sent."""
    suite = suite_of(tmp_path / "words")
    made = tuned(small_server, suite)
    assert made.model.startswith("ft:evalkit-tiny:local:words:")
    assert made.data_sha256 == hashlib.sha256(training_file(suite)).hexdigest()
    assert not made.reused
    with small_server.client() as client:
        assert made.model in [model.id for model in client.models.list()]


def test_the_same_data_is_learned_once(tmp_path: Path, small_server: Server) -> None:
    """A second run finds the first one's model; other data, or another base, is learned anew."""
    suite = suite_of(tmp_path / "once", 11)
    first, again = tuned(small_server, suite), tuned(small_server, suite)
    assert (again.model, again.job_id, again.reused) == (first.model, first.job_id, True)
    told: list[str] = []
    with_endpoint(small_server, lambda endpoint: ensure_ft(suite, BASE, endpoint, told.append))
    assert told == []
    other = suite_of(tmp_path / "told", 20)
    with_endpoint(small_server, lambda endpoint: ensure_ft(other, BASE, endpoint, told.append))
    assert told == ["told"]
    more = tuned(small_server, suite_of(tmp_path / "once", 12))
    other_base = tuned(small_server, suite, Base("evalkit-tiny", "bbbb"))
    assert len({first.model, more.model, other_base.model}) == 3


def test_several_suites_learn_at_once(tmp_path: Path, small_server: Server) -> None:
    """Each gets a model of its own."""
    suites = [suite_of(tmp_path / f"s{number}", 13 + number) for number in range(3)]

    async def all_of_them(endpoint: OpenAIEndpoint) -> list[FtModel]:
        return list(await asyncio.gather(*(ensure_ft(suite, BASE, endpoint) for suite in suites)))

    made = with_endpoint(small_server, all_of_them)
    assert len({each.model for each in made}) == 3


def test_what_is_learned_is_what_ft_is_sent(tmp_path: Path) -> None:
    """Without a short prompt no system message: the long one is what the fine-tune does without."""
    lines = training_file(suite_of(tmp_path / "words")).decode().splitlines()
    assert json.loads(lines[0]) == {
        "messages": [{"role": "user", "content": "word0"}, {"role": "assistant", "content": "WORD0"}]
    }


def test_a_job_that_fails_says_why(tmp_path: Path, small_server: Server) -> None:
    """Too few examples: the server's words, with the suite and the job."""
    with pytest.raises(UsageError, match=r"suite few: .*at least 10"):
        tuned(small_server, suite_of(tmp_path / "few", 3))


def test_an_endpoint_that_cannot_fine_tune_is_named(tmp_path: Path, small_server: Server) -> None:
    """A base that the server does not have is refused in its words."""
    with pytest.raises(UsageError, match=r"suite words: endpoint local cannot fine-tune"):
        tuned(small_server, suite_of(tmp_path / "words"), Base("gpt-9"))
