"""Fine-tuning over HTTP: upload, job, events, the model that comes of it; and what becomes of bad ones."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from openai import NotFoundError, OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.local.openai_description import assert_conforms
from tests.local.serving import Server, running

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
    while (job := client.fine_tuning.jobs.retrieve(job_id)).status not in ("succeeded", "failed"):
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
    assert [figures["step"] for figures in metrics] == list(range(1, 10))  # type: ignore[index]
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
    assert old.hyperparameters.n_epochs == 3
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


def chat(**changes: Any) -> list[Any]:
    """Twelve lines, the fourth of which has another last message."""
    line = {"messages": [*CHATS[0]["messages"][:2], {"role": "assistant", "content": "x", **changes}]}
    return [*CHATS[:3], line, *CHATS[4:]]


@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [
        (CHATS[:3], "invalid_n_examples", "file has 3 example(s), but must have at least 10 examples"),
        ([], "invalid_n_examples", "file has 0 example(s), but must have at least 10 examples"),
        ([*CHATS[:10], "{"], "invalid_training_file", "Line 11:"),
        ([*CHATS, "[]"], "invalid_training_file", "Line 13: expected an object"),
        ([*CHATS, "[" * 100_000], "invalid_training_file", "Line 13: nested too deeply"),
        ([*CHATS, {"text": "x"}], "invalid_training_file", 'Line 13: expected "messages"'),
        ([*CHATS, {"messages": []}], "invalid_training_file", "Line 13: "),
        ([*CHATS, {"messages": ["x"]}], "invalid_training_file", "Line 13: message 0: expected an object"),
        (chat(role="boss"), "invalid_training_file", "Line 4: message 2: role 'boss'"),
        (chat(content=None), "invalid_training_file", 'Line 4: message 2: "content" must be a text'),
        (chat(weight=0.5), "invalid_training_file", "Line 4: message 2: weight 0.5 is neither 0 nor 1"),
        (chat(weight=0), "invalid_training_file", "Line 4: there is no assistant message to learn from"),
        ([*CHATS, CHATS[0] | {"tools": [{}]}], "invalid_training_file", '"tools" is not supported'),
        ([*CHATS, {"messages": [{"role": "user", "content": "x"}]}], "invalid_training_file", "there is no"),
    ],
)  # fmt: skip
def test_bad_files_fail_their_job(client: OpenAI, lines: list[Any], code: str, message: str) -> None:
    """The job fails with OpenAI's code, and a message that names the line; the server goes on."""
    job = tune(client, lines)
    assert job.status == "failed"
    assert job.error is not None
    assert (job.error.code, job.error.param) == (code, "training_file")
    assert message in job.error.message
    assert job.fine_tuned_model is None


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
        ({"model": "gpt-4.1"}, "model", "model_not_available"),
        ({"training_file": None}, "training_file", "missing_required_parameter"),
        ({"training_file": "file-none"}, "training_file", "invalid_training_file"),
        ({"training_file": 3}, "training_file", "invalid_type"),
        ({"validation_file": "file-none"}, "validation_file", "unsupported_parameter"),
        ({"suffix": "x" * 65}, "suffix", "string_above_max_length"),
        ({"suffix": "a:b"}, "suffix", "invalid_value"),
        ({"seed": -1}, "seed", "integer_below_min_value"),
        ({"metadata": {"a": 1}}, "metadata.a", "invalid_type"),
        ({"metadata": {"a": "x" * 513}}, "metadata.a", None),
        ({"metadata": {str(key): "" for key in range(17)}}, "metadata", None),
        ({"hyperparameters": {"n_epochs": 51}}, "hyperparameters.n_epochs", "integer_above_max_value"),
        ({"hyperparameters": {"n_epochs": "many"}}, "hyperparameters.n_epochs", "invalid_type"),
        ({"hyperparameters": {"batch_size": 0}}, "hyperparameters.batch_size", "integer_below_min_value"),
        (
            {"hyperparameters": {"learning_rate_multiplier": 0}},
            "hyperparameters.learning_rate_multiplier",
            "decimal_below_min_value",
        ),
        ({"hyperparameters": {"rank": 4}}, None, None),
        ({"method": {"type": "dpo"}}, "method", "unsupported_parameter"),
        ({"method": {"type": "magic"}}, "method.type", "invalid_value"),
        ({"integrations": [{"type": "wandb"}]}, "integrations", "unsupported_parameter"),
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


@pytest.mark.slow
def test_killed_server_takes_its_jobs_up_again(checkpoint: Path, tmp_path: Path, client: OpenAI) -> None:
    """kill -9 in the middle of a training loses nothing: the job ends as the model it would have been."""
    with running(checkpoint, tmp_path) as first, first.client() as dying:
        file = upload(dying, CHATS * 10)
        jobs = [
            dying.fine_tuning.jobs.create(
                model=BASE, training_file=file, hyperparameters={"n_epochs": epochs}
            )
            for epochs in (12, 2)
        ]
        while not any(event.type == "metrics" for event in dying.fine_tuning.jobs.list_events(jobs[0].id)):
            time.sleep(0.02)
        first.process.kill()
        first.process.wait()
    with running(checkpoint, tmp_path) as second, second.client() as living:
        assert len(living.files.content(file).read().splitlines()) == 120
        done = [ended(living, job.id) for job in jobs]
        assert [job.status for job in done] == ["succeeded", "succeeded"]
        undisturbed = tune(client, CHATS * 10, hyperparameters={"n_epochs": 12})
        assert fingerprint(living, done[0]) == fingerprint(client, undisturbed)
