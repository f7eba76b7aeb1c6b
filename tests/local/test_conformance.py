"""The whole API, asked by the official client.

`Server.client` holds every exchange against OpenAI's description (see conforming.py); these tests
walk through all of it, page after page and chunk after chunk, and see that the typed objects hold what they
should.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types import FileObject
from openai.types.fine_tuning import FineTuningJob

from tests.local.openai_description import FILE
from tests.local.serving import HELLO, Server

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"OpenAI's API description is not at {FILE}")
PATIENCE_S = 60
LESSON = {"messages": [{"role": "user", "content": "Ada"}, {"role": "assistant", "content": "Oslo"}]}
PAIR = {
    "input": {"messages": [{"role": "user", "content": "Ada"}]},
    "preferred_output": [{"role": "assistant", "content": "Oslo"}],
    "non_preferred_output": [{"role": "assistant", "content": "Rome"}],
}
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "set_light",
        "description": "Switch a light.",
        "parameters": {
            "type": "object",
            "properties": {"room": {"type": "string", "enum": ["kitchen", "hall"]}},
            "required": ["room"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
SCHEMA: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "city",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"big": {"type": "boolean"}},
            "required": ["big"],
            "additionalProperties": False,
        },
    },
}


@pytest.fixture(scope="module")
def client(small_server: Server) -> Iterator[OpenAI]:
    """The official client of a server of this file's own."""
    with small_server.client() as client:
        yield client


def uploaded(client: OpenAI, line: dict[str, Any], **more: Any) -> FileObject:
    content = "\n".join([json.dumps(line)] * 12).encode()
    return client.files.create(file=("train.jsonl", content), purpose="fine-tune", **more)


def ended(client: OpenAI, job: FineTuningJob) -> FineTuningJob:
    deadline = time.monotonic() + PATIENCE_S
    while job.status not in ("succeeded", "failed", "cancelled"):
        assert time.monotonic() < deadline, f"the job is still {job.status}"
        time.sleep(0.1)
        job = client.fine_tuning.jobs.retrieve(job.id)
    return job


@pytest.fixture(scope="module")
def job(client: OpenAI) -> FineTuningJob:
    """A job that has succeeded, with a validation file and every choice made."""
    job = client.fine_tuning.jobs.create(
        model="gpt-4o-mini",
        training_file=uploaded(client, LESSON).id,
        validation_file=uploaded(client, LESSON).id,
        suffix="towns",
        seed=7,
        metadata={"night": "1"},
        method={
            "type": "supervised",
            "supervised": {
                "hyperparameters": {"n_epochs": 4, "batch_size": "auto", "learning_rate_multiplier": 1.5}
            },
        },
    )
    job = ended(client, job)
    assert job.status == "succeeded", job.error
    return job


def test_files(client: OpenAI) -> None:
    """Uploaded, listed from both ends, page after page, described, downloaded, deleted."""
    files = [
        uploaded(client, LESSON, expires_after={"anchor": "created_at", "seconds": 3600}) for _ in range(3)
    ]
    newest = [file.id for file in client.files.list(purpose="fine-tune", limit=2)]
    assert newest[:3] == [file.id for file in files[::-1]]
    assert [file.id for file in client.files.list(order="asc", limit=2)] == newest[::-1]
    assert client.files.retrieve(files[0].id).expires_at == files[0].created_at + 3600
    assert client.files.content(files[0].id).text.count("Oslo") == 12
    assert client.files.delete(files[0].id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(files[0].id)
    assert client.files.list(purpose="evals").data == []


def test_job(client: OpenAI, job: FineTuningJob) -> None:
    """Its choices are told, with "auto" resolved; it is found by its metadata; its result file is a table."""
    assert job.model == "evalkit-tiny"
    assert (job.seed, job.metadata, job.organization_id) == (7, {"night": "1"}, "local")
    assert job.hyperparameters.n_epochs == 4
    assert isinstance(job.hyperparameters.batch_size, int)
    assert job.fine_tuned_model == f"ft:evalkit-tiny:local:towns:{job.id[-8:]}"
    assert [found.id for found in client.fine_tuning.jobs.list(metadata={"night": "1"})] == [job.id]
    assert client.fine_tuning.jobs.list(metadata={"night": "2"}).data == []
    (result,) = job.result_files
    assert client.files.content(result).text.startswith("step,train_loss,train_accuracy,valid_loss,")


def test_events_and_checkpoints_are_paged(client: OpenAI, job: FineTuningJob) -> None:
    """The client fetches page after page: all events, newest first, each once; the last three checkpoints."""
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=3))
    whole = client.fine_tuning.jobs.list_events(job.id, limit=100)
    assert [event.id for event in events] == [event.id for event in whole.data]
    assert len(events) > 6
    assert events[-1].message.startswith("Created fine-tuning job")
    assert "metrics" in {event.type for event in events}
    made = list(client.fine_tuning.jobs.checkpoints.list(job.id, limit=1))
    assert [checkpoint.step_number for checkpoint in made] == sorted(
        (checkpoint.step_number for checkpoint in made), reverse=True
    )
    assert len(made) == 3
    assert made[0].fine_tuned_model_checkpoint.startswith(f"{job.fine_tuned_model}:ckpt-step-")


def test_jobs_are_paged_and_stopped(client: OpenAI, job: FineTuningJob) -> None:
    """Paused, resumed, cancelled; a DPO job among them; the list has them all."""
    training = uploaded(client, PAIR).id
    method: Any = {"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 50, "beta": 0.2}}}
    dpo = client.fine_tuning.jobs.create(model="evalkit-tiny", training_file=training, method=method)
    assert client.fine_tuning.jobs.pause(dpo.id).to_dict()["status"] == "paused"
    assert client.fine_tuning.jobs.resume(dpo.id).to_dict()["status"] != "paused"
    assert client.fine_tuning.jobs.cancel(dpo.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError):
        client.fine_tuning.jobs.cancel(dpo.id)
    listed = [found.id for found in client.fine_tuning.jobs.list(limit=1)]
    assert listed[:2] == [dpo.id, job.id]


def test_models(client: OpenAI, job: FineTuningJob) -> None:
    """Base, fine-tuned model and checkpoints are listed and described; what was fine-tuned can be deleted."""
    assert job.fine_tuned_model is not None
    names = [model.id for model in client.models.list()]
    assert {"evalkit-tiny", job.fine_tuned_model} <= set(names)
    assert client.models.retrieve(job.fine_tuned_model).owned_by
    answer = client.chat.completions.create(**{**HELLO, "model": job.fine_tuned_model})
    assert answer.model == job.fine_tuned_model
    with pytest.raises(openai.PermissionDeniedError):
        client.models.delete("evalkit-tiny")
    assert client.models.delete(job.fine_tuned_model).deleted
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve(job.fine_tuned_model)


@pytest.mark.parametrize(
    "more",
    [
        {"n": 3, "seed": 1, "logprobs": True, "top_logprobs": 2, "stop": ["x", "y"]},
        {"frequency_penalty": 1, "presence_penalty": -1, "logit_bias": {"70": 5}, "top_p": 0.5},
        {"response_format": SCHEMA, "max_tokens": 30},
        {"response_format": {"type": "json_object"}, "max_tokens": 30},
        {"tools": [TOOL], "tool_choice": "required", "max_tokens": 60},
        {
            "tools": [TOOL],
            "tool_choice": {"type": "function", "function": {"name": "set_light"}},
            "max_tokens": 60,
        },
        {"tools": [TOOL], "parallel_tool_calls": False, "max_tokens": 60},
    ],
    ids=lambda more: "-".join(more),
)
def test_chats(client: OpenAI, more: dict[str, Any]) -> None:
    """Whole, and streamed with the usage at the end: both say the same at temperature 0."""
    words = [{"role": "system", "content": "Answer in json."}, {"role": "user", "content": "Hello"}]
    asked: dict[str, Any] = {**HELLO, "messages": words, "temperature": 0, **more}
    whole = client.chat.completions.create(**asked)
    chunks = list(
        client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    )
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    for choice in whole.choices:
        deltas = [one.delta for chunk in chunks for one in chunk.choices if one.index == choice.index]
        calls = [call for delta in deltas for call in delta.tool_calls or ()]
        assert "".join(delta.content or "" for delta in deltas) == (choice.message.content or "")
        arguments = "".join(call.function.arguments or "" for call in calls if call.function)
        assert arguments == "".join(call.function.arguments for call in choice.message.tool_calls or ())


def test_results_of_tools_are_taken(client: OpenAI) -> None:
    """A conversation that has called a tool goes on."""
    call: Any = {"id": "call_1", "type": "function", "function": {"name": "set_light", "arguments": "{}"}}
    messages: Any = [
        {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": "Light!", "name": "ada"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "done"},
    ]
    answer = client.chat.completions.create(
        model="evalkit-tiny", messages=messages, max_completion_tokens=4, tools=[TOOL]
    )
    assert answer.choices[0].message.role == "assistant"


@pytest.mark.parametrize("prompt", ["Ada", ["Ada", "Bob"], [70, 71], [[70, 71], [72]]], ids=str)
@pytest.mark.parametrize("more", [{"logprobs": 2}, {"echo": True}], ids=str)
def test_completions(client: OpenAI, prompt: Any, more: dict[str, Any]) -> None:
    """All four forms of a prompt, whole and streamed; see test_completions.py for both wishes at once.

    The log probability of an echoed prompt's first token is null, at OpenAI too, whatever it describes.
    """
    asked: dict[str, Any] = {"model": "evalkit-tiny", "prompt": prompt, "max_tokens": 4, "n": 2, **more}
    whole = client.completions.create(**asked, temperature=0)
    chunks = list(client.completions.create(**asked, temperature=0, stream=True))
    for choice in whole.choices:
        parts = [one.text for chunk in chunks for one in chunk.choices if one.index == choice.index]
        assert "".join(parts) == choice.text


@pytest.mark.parametrize(
    "more", [{}, {"tools": [{**TOOL["function"], "type": "function"}]}], ids=["text", "tools"]
)
def test_responses(client: OpenAI, more: dict[str, Any]) -> None:
    """Whole, streamed, stored, gone on from, listed with what they answer, and deleted."""
    asked: dict[str, Any] = {"model": "evalkit-tiny", "max_output_tokens": 16, "temperature": 0, **more}
    first = client.responses.create(input="Hello", instructions="Be brief.", **asked)
    with client.responses.stream(input="Hello", instructions="Be brief.", **asked) as stream:
        last: Any = list(stream)[-1]
    assert last.response.output_text == first.output_text
    assert client.responses.retrieve(first.id).output == first.output
    second = client.responses.create(input="And?", previous_response_id=first.id, **asked)
    items = list(client.responses.input_items.list(second.id, limit=1, order="asc"))
    assert [item.to_dict()["role"] for item in items] == ["user", "assistant", "user"]
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda client: client.models.retrieve("gpt-9"), openai.NotFoundError),
        (lambda client: client.files.retrieve("file-9"), openai.NotFoundError),
        (lambda client: client.fine_tuning.jobs.retrieve("ftjob-9"), openai.NotFoundError),
        (lambda client: client.fine_tuning.jobs.list_events("ftjob-9"), openai.NotFoundError),
        (lambda client: client.fine_tuning.jobs.checkpoints.list("ftjob-9"), openai.NotFoundError),
        (lambda client: client.fine_tuning.jobs.create(model="m", training_file="f"), openai.BadRequestError),
        (lambda client: client.fine_tuning.jobs.list(limit=0), openai.BadRequestError),
        (lambda client: client.batches.retrieve("batch_9"), openai.NotFoundError),
        (lambda client: client.files.create(file=b"", purpose="fine-tune"), openai.BadRequestError),
        (lambda client: client.chat.completions.create(**{**HELLO, "model": "m"}), openai.NotFoundError),
        (lambda client: client.chat.completions.create(**{**HELLO, "n": 0}), openai.BadRequestError),
        (lambda client: client.responses.create(model="m", input="x"), openai.NotFoundError),
        (lambda client: client.responses.create(model="evalkit-tiny"), openai.BadRequestError),
        (lambda client: client.completions.create(model="evalkit-tiny", prompt=[-1]), openai.BadRequestError),
    ],
)
def test_errors(client: OpenAI, ask: Any, error: type[Exception]) -> None:
    """Each refusal has OpenAI's body, and is the error that the official client has for it."""
    with pytest.raises(error):
        ask(client)
