"""Fine-tuning on the spot, over the API of a real server on a small random checkpoint."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evalkit.endpoints.openai_api import OpenAIEndpoint
from evalkit.errors import UsageError
from evalkit.suite import Suite, load_suite
from evalkit.tune import Base, FtModel, ensure_ft, training_file
from tests.local.serving import Server, running, write_checkpoint

BASE = Base("evalkit-tiny", "aaaa")

SUITE = """
prompt: Answer in capitals.
cases: [{ask: oslo, answer: OSLO}]
train: train.jsonl
checks: [equals]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of this file."""
    checkpoint = tmp_path_factory.mktemp("checkpoint")
    write_checkpoint(checkpoint)
    with running(checkpoint, tmp_path_factory.mktemp("state")) as running_server:
        yield running_server


def suite_of(folder: Path, lines: int = 10) -> Suite:
    """A suite with so many training lines."""
    folder.mkdir(exist_ok=True)
    (folder / "suite.yaml").write_text(SUITE, "utf-8")
    examples = [{"ask": f"word{number}", "answer": f"WORD{number}"} for number in range(lines)]
    (folder / "train.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in examples), "utf-8")
    return load_suite(folder)


def with_endpoint(server: Server, work: Callable[[OpenAIEndpoint], Awaitable[Any]]) -> Any:
    """Do something with an endpoint of the server."""

    async def done() -> Any:
        endpoint = OpenAIEndpoint("local", server.base_url, use_proxy=False)
        try:
            return await work(endpoint)
        finally:
            await endpoint.close()

    return asyncio.run(done())


def tuned(server: Server, suite: Suite, base: Base = BASE) -> FtModel:
    """Make sure of one fine-tune."""
    made = with_endpoint(server, lambda endpoint: ensure_ft(suite, base, endpoint))
    assert isinstance(made, FtModel)
    return made


def test_a_suite_s_lines_become_a_model_that_answers(tmp_path: Path, server: Server) -> None:
    """The model is served under an `ft:` name of the base; the hash is that of the file that was sent."""
    suite = suite_of(tmp_path / "words")
    made = tuned(server, suite)
    assert made.model.startswith("ft:evalkit-tiny:local:words:")
    assert made.data_sha256 == hashlib.sha256(training_file(suite)).hexdigest()
    assert not made.reused
    assert made.model in [model.id for model in server.client().models.list()]


def test_the_same_data_is_learned_once(tmp_path: Path, server: Server) -> None:
    """A second run finds the first one's model; other data, or another base, is learned anew."""
    suite = suite_of(tmp_path / "once", 11)
    first, again = tuned(server, suite), tuned(server, suite)
    assert (again.model, again.job_id, again.reused) == (first.model, first.job_id, True)
    more = tuned(server, suite_of(tmp_path / "once", 12))
    other_base = tuned(server, suite, Base("evalkit-tiny", "bbbb"))
    assert len({first.model, more.model, other_base.model}) == 3


def test_several_suites_learn_at_once(tmp_path: Path, server: Server) -> None:
    """Each gets a model of its own."""
    suites = [suite_of(tmp_path / f"s{number}", 13 + number) for number in range(3)]

    async def all_of_them(endpoint: OpenAIEndpoint) -> list[FtModel]:
        return list(await asyncio.gather(*(ensure_ft(suite, BASE, endpoint) for suite in suites)))

    made = with_endpoint(server, all_of_them)
    assert len({each.model for each in made}) == 3


def test_what_is_learned_is_what_ft_is_sent(tmp_path: Path) -> None:
    """Without a short prompt no system message: the long one is what the fine-tune does without."""
    lines = training_file(suite_of(tmp_path / "words")).decode().splitlines()
    assert json.loads(lines[0]) == {
        "messages": [{"role": "user", "content": "word0"}, {"role": "assistant", "content": "WORD0"}]
    }


def test_a_job_that_fails_says_why(tmp_path: Path, server: Server) -> None:
    """Too few examples: the server's words, with the suite and the job."""
    with pytest.raises(UsageError, match=r"suite few: .*at least 10"):
        tuned(server, suite_of(tmp_path / "few", 3))


def test_an_endpoint_that_cannot_fine_tune_is_named(tmp_path: Path, server: Server) -> None:
    """A base that the server does not have is refused in its words."""
    with pytest.raises(UsageError, match=r"suite words: endpoint local cannot fine-tune"):
        tuned(server, suite_of(tmp_path / "words"), Base("gpt-9"))
