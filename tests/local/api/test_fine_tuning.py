"""Fine-tuning over HTTP: upload, job, events, the model that comes of it; and what becomes of bad ones."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from openai import NotFoundError, OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.local.openai_description import assert_conforms
from tests.local.serving import Server

BASE = "evalkit-tiny"
CHATS = [
    {
        "messages": [
            {"role": "system", "content": "Answer."},
            {"role": "user", "content": f"Question {number}"},
            {"role": "assistant", "content": "the user is in"},
        ]
    }
    for number in range(12)
]
PAIRS = [{"prompt": f"{number} plus", "completion": " the end"} for number in range(12)]


def upload(client: OpenAI, lines: Sequence[Any]) -> str:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return client.files.create(file=("train.jsonl", text.encode()), purpose="fine-tune").id


def tune(client: OpenAI, lines: Sequence[Any], **options: Any) -> FineTuningJob:
    """Upload, create, wait for the end."""
    job = client.fine_tuning.jobs.create(model=BASE, training_file=upload(client, lines), **options)
    return ended(client, job.id)


def ended(client: OpenAI, job_id: str) -> FineTuningJob:
    deadline = time.monotonic() + 600
    while (job := client.fine_tuning.jobs.retrieve(job_id)).status not in (
        "succeeded",
        "failed",
        "cancelled",
    ):
        assert time.monotonic() < deadline, job.status
        time.sleep(0.05)
    return job


def fingerprint(client: OpenAI, job: FineTuningJob) -> str:
    assert job.fine_tuned_model is not None, job.error
    extra = client.models.retrieve(job.fine_tuned_model).model_extra
    assert extra is not None
    return str(extra["fingerprint"])


def said(client: OpenAI, model: str) -> str | None:
    messages: list[Any] = CHATS[0]["messages"][:2]
    answer = client.chat.completions.create(model=model, messages=messages, temperature=0, max_tokens=12)
    return answer.choices[0].message.content


def test_from_file_to_model(server: Server, client: OpenAI) -> None:
    """A job ends as a model that says what it was taught; the base still says what it said."""
    before = said(client, BASE)
    job = tune(
        client, CHATS, suffix="taught", hyperparameters={"n_epochs": 30}, seed=4, metadata={"for": "test"}
    )
    assert job.status == "succeeded"
    assert job.fine_tuned_model is not None
    assert job.fine_tuned_model.startswith("ft:evalkit-tiny:local:taught:")
    assert job.trained_tokens is not None
    assert job.trained_tokens > 30 * 12 * 10
    assert job.finished_at is not None
    assert job.finished_at >= job.created_at
    assert said(client, job.fine_tuned_model) == "the user is in"
    assert said(client, BASE) == before
    assert job.fine_tuned_model in [model.id for model in client.models.list()]
    assert_conforms(server.send("GET", f"/fine_tuning/jobs/{job.id}").json(), "FineTuningJob")


def test_history_is_told_step_by_step(server: Server, client: OpenAI) -> None:
    """Events go from creation to success, newest first, with the training loss of each step between."""
    job = tune(client, CHATS)
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=4))  # pages of four
    messages = [event.message for event in reversed(events)]
    assert messages[0] == f"Created fine-tuning job: {job.id}"
    assert messages[-1] == "The job has successfully completed"
    metrics = [event.data for event in reversed(events) if event.type == "metrics"]
    assert [figures["step"] for figures in metrics] == list(range(1, 25))  # type: ignore[index]
    assert all(figures["train_loss"] > 0 for figures in metrics)  # type: ignore[index]
    page = server.send("GET", f"/fine_tuning/jobs/{job.id}/events").json()
    assert_conforms(page, "ListFineTuningJobEventsResponse")


def test_same_job_same_model(client: OpenAI) -> None:
    """Content, base, hyperparameters and seed decide: the model is the same to the last bit."""
    first, second, other = tune(client, CHATS, suffix="a"), tune(client, CHATS), tune(client, CHATS, seed=1)
    assert fingerprint(client, first) == fingerprint(client, second)
    assert fingerprint(client, first) != fingerprint(client, other)
    assert first.fine_tuned_model != second.fine_tuned_model


def test_auto_is_resolved_and_shown(client: OpenAI) -> None:
    """ "auto" and nothing are the same numbers, wherever they stand."""
    chosen = {"n_epochs": "auto", "batch_size": 6, "learning_rate_multiplier": 0.5}
    old = tune(client, CHATS, hyperparameters=chosen)
    new = tune(client, CHATS, method={"type": "supervised", "supervised": {"hyperparameters": chosen}})
    assert old.hyperparameters.n_epochs == 8  # 100 examples seen in all
    assert old.hyperparameters.batch_size == 6
    assert old.hyperparameters == new.hyperparameters
    assert fingerprint(client, old) == fingerprint(client, new)


def test_weight_0_is_not_learned(client: OpenAI) -> None:
    """An assistant message of weight 0 leaves the model as if it were only read."""
    first = {"role": "assistant", "content": "skip me", "weight": 0}
    skipped = [{"messages": [line["messages"][1], first, *line["messages"][1:]]} for line in CHATS]
    learned = [
        {"messages": [line["messages"][1], first | {"weight": 1}, *line["messages"][1:]]} for line in CHATS
    ]
    assert fingerprint(client, tune(client, skipped)) != fingerprint(client, tune(client, learned))


def test_legacy_pairs_teach_completions(client: OpenAI) -> None:
    """Pairs are learned as plain text, to be asked through /v1/completions."""
    job = tune(client, [*PAIRS, ""], hyperparameters={"n_epochs": 30})
    assert job.fine_tuned_model is not None
    answer = client.completions.create(model=job.fine_tuned_model, prompt="3 plus", temperature=0)
    assert answer.choices[0].text == " the end"
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [
        (CHATS[:3], "invalid_n_examples", "file has 3 example(s), but must have at least 10 examples"),
        (["\n"], "invalid_n_examples", "file has 0 example(s), but must have at least 10 examples"),
        ([*CHATS[:10], "{"], "invalid_training_file", "Line 11: invalid_json"),
    ],
)
def test_bad_files_fail_their_job(client: OpenAI, lines: list[Any], code: str, message: str) -> None:
    """The job fails with OpenAI's code, and a message that names the line; the server goes on."""
    job = tune(client, lines)
    assert job.status == "failed"
    assert job.error is not None
    assert (job.error.code, job.error.param) == (code, "training_file")
    assert message in job.error.message
    assert job.fine_tuned_model is None


def test_a_bad_validation_file_is_named(client: OpenAI) -> None:
    """One example is enough for it, but it must be one."""
    job = tune(client, CHATS, validation_file=upload(client, ["{"]))
    assert job.error is not None
    assert (job.error.code, job.error.param) == ("invalid_training_file", "validation_file")
    assert "invalid validation file" in job.error.message


def test_nothing_left_to_learn_fails_the_job(client: OpenAI) -> None:
    """An example whose answer lies beyond the longest context is named, not silently dropped."""
    asked = {"role": "user", "content": "ü" * 1200}
    job = tune(client, [*CHATS, {"messages": [asked, {"role": "assistant", "content": "x"}]}])
    assert job.error is not None
    assert job.error.code == "invalid_training_file"
    assert "example 13 has no token to learn" in job.error.message


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": "gpt-9"}, "model", "model_not_available"),
        ({"model": "ft:gpt-4o:x"}, "model", "model_not_available"),
        ({"training_file": None}, "training_file", "missing_required_parameter"),
        ({"training_file": "file-none"}, "training_file", "invalid_training_file"),
        ({"training_file": 3}, "training_file", "invalid_type"),
        ({"validation_file": "file-none"}, "validation_file", "invalid_validation_file"),
        ({"suffix": "x" * 65}, "suffix", "string_above_max_length"),
        ({"suffix": "a:b"}, "suffix", "invalid_value"),
        ({"seed": -1}, "seed", "integer_below_min_value"),
        ({"metadata": {"a": 1}}, "metadata.a", "invalid_type"),
        ({"metadata": {"a": "x" * 513}}, "metadata.a", "string_above_max_length"),
        ({"metadata": {str(key): "" for key in range(17)}}, "metadata", "object_above_max_properties"),
        ({"hyperparameters": {"n_epochs": 51}}, "hyperparameters.n_epochs", "integer_above_max_value"),
        ({"hyperparameters": {"n_epochs": "many"}}, "hyperparameters.n_epochs", "invalid_type"),
        ({"hyperparameters": {"batch_size": 0}}, "hyperparameters.batch_size", "integer_below_min_value"),
        (
            {"hyperparameters": {"learning_rate_multiplier": 0}},
            "hyperparameters.learning_rate_multiplier",
            "decimal_below_min_value",
        ),
        ({"hyperparameters": {"rank": 4}}, None, None),
        (
            {"method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": 3}}}},
            "method.dpo.hyperparameters.beta",
            "decimal_above_max_value",
        ),
        ({"method": {"type": "supervised", "supervised": {"hyperparameters": {"beta": 1}}}}, None, None),
        ({"method": {"type": "reinforcement"}}, "method", "invalid_value"),
        ({"method": {"type": "magic"}}, "method.type", "invalid_value"),
        ({"integrations": [{"type": "wandb"}]}, "integrations", "invalid_value"),
        ({"epochs": 3}, None, None),
    ],
)
def test_refusals(
    server: Server, client: OpenAI, change: dict[str, Any], param: str | None, code: str | None
) -> None:
    """What can be seen without reading the file is a 400 at once, and no job is made."""
    file = upload(client, ["x"])
    jobs = len(client.fine_tuning.jobs.list(limit=100).data)
    error = server.refused({"model": BASE, "training_file": file, **change}, "/fine_tuning/jobs")
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)
    assert len(client.fine_tuning.jobs.list(limit=100).data) == jobs


def test_jobs_are_found_by_metadata(client: OpenAI) -> None:
    """A client that lost the answer to its create finds its job again by a key that it put there."""
    made = [
        client.fine_tuning.jobs.create(model=BASE, training_file=upload(client, ["x"]), metadata={"k": key})
        for key in ("one", 'tw"o', "one")
    ]
    for key, expected in (("one", [made[2].id, made[0].id]), ('tw"o', [made[1].id]), ("three", [])):
        found = client.fine_tuning.jobs.list(metadata={"k": key}, limit=1)
        assert [job.id for job in found] == expected


@pytest.mark.parametrize("limit", ["0", "101", "x", "-1", "²", "9" * 5000])
def test_limits_are_checked(server: Server, limit: str) -> None:
    """A limit is from 1 to 100."""
    answer = server.send("GET", "/fine_tuning/jobs", params={"limit": limit})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "limit"


def test_unknown_job_is_404(client: OpenAI) -> None:
    """So are its events."""
    with pytest.raises(NotFoundError) as refusal:
        client.fine_tuning.jobs.retrieve("ftjob-none")
    assert refusal.value.code == "fine_tune_not_found"
    with pytest.raises(NotFoundError):
        client.fine_tuning.jobs.list_events("ftjob-none")


def test_names_of_openais_models_stand_for_the_base(client: OpenAI) -> None:
    """An existing script goes on working; the job says what is trained, and that it is not what was named."""
    file = upload(client, CHATS)
    for name in ("gpt-4o-mini-2024-07-18", "gpt-3.5-turbo", "davinci-002", "gpt-4.1-nano"):
        job = client.fine_tuning.jobs.create(model=name, training_file=file)
        assert job.model == BASE
        told = {event.level: event.message for event in client.fine_tuning.jobs.list_events(job.id)}
        assert name in told["warn"]
        assert BASE in told["warn"]
        client.fine_tuning.jobs.cancel(job.id)


def test_auto_is_shown_until_the_file_is_read(client: OpenAI) -> None:
    """What depends on the number of examples is not known at first."""
    job = client.fine_tuning.jobs.create(
        model=BASE, training_file=upload(client, CHATS), hyperparameters={"batch_size": 2}
    )
    assert (job.hyperparameters.n_epochs, job.hyperparameters.batch_size) == ("auto", 2)
    assert ended(client, job.id).hyperparameters.n_epochs == 8


def test_validation_checkpoints_and_results(server: Server, client: OpenAI) -> None:
    """With a validation file: its figures at the ends of epochs, three checkpoints to ask, a table of all."""
    settings = {"n_epochs": 5, "batch_size": 4}
    job = tune(client, CHATS, validation_file=upload(client, CHATS[:5]), hyperparameters=settings)
    assert job.status == "succeeded"
    made = list(client.fine_tuning.jobs.checkpoints.list(job.id, limit=2))  # a page of two, and one of one
    assert [checkpoint.step_number for checkpoint in made] == [15, 12, 9]
    assert all((checkpoint.metrics.full_valid_loss or 0) > 0 for checkpoint in made)
    page = server.send("GET", f"/fine_tuning/jobs/{job.id}/checkpoints").json()
    assert_conforms(page, "ListFineTuningJobCheckpointsResponse")
    names = [checkpoint.fine_tuned_model_checkpoint for checkpoint in made]
    assert names == [f"{job.fine_tuned_model}:ckpt-step-{step}" for step in (15, 12, 9)]
    assert said(client, names[0]) == said(client, job.fine_tuned_model or "")
    assert len({client.models.retrieve(name).model_dump()["fingerprint"] for name in names}) == 3
    (file,) = job.result_files
    assert client.files.retrieve(file).purpose == "fine-tune-results"
    head, *rows = client.files.content(file).text.splitlines()
    assert head == "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy"
    assert [row.split(",")[0] for row in rows] == [str(step) for step in range(1, 16)]
    assert [bool(row.split(",")[3]) for row in rows] == [step % 3 == 0 or step == 10 for step in range(1, 16)]


def test_preferences_are_learned(client: OpenAI) -> None:
    """After DPO the model prefers the better answer; the job shows its beta."""
    lines = [
        {
            "input": {"messages": line["messages"][:2]},
            "preferred_output": [{"role": "assistant", "content": "the user"}],
            "non_preferred_output": [{"role": "assistant", "content": said(client, BASE) or "x"}],
        }
        for line in CHATS
    ]
    hyperparameters = {"n_epochs": 10, "learning_rate_multiplier": 1.0}
    job = tune(client, lines, method={"type": "dpo", "dpo": {"hyperparameters": hyperparameters}})
    assert job.status == "succeeded", job.error
    assert job.method is not None
    assert job.method.dpo is not None
    assert job.method.dpo.hyperparameters is not None
    assert job.method.dpo.hyperparameters.beta == 0.1
    losses = [
        event.data["train_loss"]  # type: ignore[index]
        for event in client.fine_tuning.jobs.list_events(job.id, limit=100)
        if event.type == "metrics"
    ]
    assert losses[-1] == pytest.approx(0.693, abs=0.01)
    assert losses[0] < 0.3
    assert said(client, job.fine_tuned_model or "") != said(client, BASE)


def test_tools_are_learned(client: OpenAI) -> None:
    """A model that was shown calls of a tool writes such a call."""
    tool: Any = {
        "type": "function",
        "function": {"name": "is", "parameters": {"type": "object", "properties": {}}},
    }
    call = {"id": "c1", "type": "function", "function": {"name": "is", "arguments": "{}"}}
    question: Any = {"role": "user", "content": "user"}
    shown = {
        "messages": [question, {"role": "assistant", "content": None, "tool_calls": [call]}],
        "tools": [tool],
    }
    job = tune(client, [shown] * 12, hyperparameters={"n_epochs": 20})
    assert job.status == "succeeded", job.error
    answer = client.chat.completions.create(
        model=job.fine_tuned_model or "", messages=[question], tools=[tool], temperature=0, max_tokens=100
    )
    assert answer.choices[0].finish_reason == "tool_calls"
    (called,) = answer.choices[0].message.tool_calls or []
    assert called.type == "function"
    assert called.function.name == "is"
