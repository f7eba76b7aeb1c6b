"""`evalkit serve --model FOLDER`, asked by the official client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from openai import BadRequestError, OpenAI

from tests.local.hf.needs import torch_extra

torch_extra()

from tests.local.hf.conftest import WEIGHTS  # noqa: E402
from tests.local.hf.folders import write_mistral  # noqa: E402
from tests.local.serving import running  # noqa: E402

pytestmark = pytest.mark.slow

ASK: Any = [{"role": "system", "content": "Answer with one word."}, {"role": "user", "content": "Say it."}]
BASE = "weights"  # the folder's name


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    """The official client of a server of the shipped folder, by torch."""
    state = tmp_path_factory.mktemp("state")
    with running(WEIGHTS, state, "--model", str(WEIGHTS)) as server, server.client(timeout=120) as client:
        yield client


def said(client: OpenAI, model: str, **options: Any) -> str | None:
    """The greedy answer to ASK."""
    asked = client.chat.completions.create(model=model, messages=ASK, max_tokens=8, temperature=0, **options)
    return asked.choices[0].message.content


def tuned(client: OpenAI, word: str) -> str:
    """The name of a model that has learned to say a word."""
    lines = [{"messages": [*ASK, {"role": "assistant", "content": word}]}] * 10
    data = "\n".join(map(json.dumps, lines)).encode()
    file = client.files.create(file=("train.jsonl", data), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model=BASE,
        training_file=file.id,
        suffix=word,
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 8, "batch_size": 5}}},
    )
    deadline = time.monotonic() + 240
    while job.status not in ("succeeded", "failed") and time.monotonic() < deadline:
        time.sleep(0.3)
        job = client.fine_tuning.jobs.retrieve(job.id)
    assert job.status == "succeeded", job
    assert job.fine_tuned_model
    return job.fine_tuned_model


def test_chat_stream_and_completions(client: OpenAI) -> None:
    """The folder's name is the model's; a stream says what the whole answer does."""
    assert [model.id for model in client.models.list()] == [BASE]
    whole = said(client, BASE)
    stream = client.chat.completions.create(
        model=BASE, messages=ASK, max_tokens=8, temperature=0, stream=True
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == whole
    legacy = client.completions.create(model=BASE, prompt=["The capital of", "Hi"], max_tokens=4, logprobs=1)
    assert [choice.finish_reason for choice in legacy.choices] == ["length", "length"]


def test_an_answer_may_be_held_to_a_schema(client: OpenAI) -> None:
    """By the folder's own tokens."""
    schema = {
        "type": "object",
        "properties": {"word": {"enum": ["yes", "no"]}},
        "required": ["word"],
        "additionalProperties": False,
    }
    form: Any = {"type": "json_schema", "json_schema": {"name": "form", "schema": schema, "strict": True}}
    answer = client.chat.completions.create(model=BASE, messages=ASK, response_format=form, max_tokens=40)
    assert json.loads(answer.choices[0].message.content or "")["word"] in ("yes", "no")


def test_two_adapters_and_the_base_are_asked_at_once(client: OpenAI) -> None:
    """Each says its own word, in one batch, and the base what it said before; PEFT's files are there."""
    before = said(client, BASE)
    models = [tuned(client, "kiwi"), BASE, tuned(client, "lemon")]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda model: said(client, model), models * 2))
    assert answers == ["kiwi", before, "lemon"] * 2
    assert [model.id for model in client.models.list()][:1] == [BASE]


def test_what_the_template_refuses_is_the_clients_fault(tmp_path: Path) -> None:
    """A system message where the model was trained on none: 400, in the template's words."""
    folder = write_mistral(tmp_path / "mistral-like")
    with running(folder, tmp_path / "state", "--model", str(folder)) as server, server.client() as client:
        with pytest.raises(BadRequestError, match="Only user and assistant roles are supported!"):
            said(client, "mistral-like")
        user = client.chat.completions.create(
            model="mistral-like", messages=ASK[1:], max_tokens=3, temperature=0
        )
        assert user.usage
        assert user.usage.completion_tokens == 3


def test_a_refused_folder_ends_the_command(tmp_path: Path) -> None:
    """Exit code 4, and what to do about it, in one line."""
    command = [
        sys.executable,
        "-m",
        "evalkit.local",
        "--model",
        str(tmp_path),
        "--state",
        str(tmp_path / "s"),
    ]
    root = Path(__file__).parents[3]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=root, env=os.environ, check=False)
    assert ended.returncode == 4
    assert ended.stderr.strip() == f"{tmp_path}: no config.json: give a folder saved by transformers"
