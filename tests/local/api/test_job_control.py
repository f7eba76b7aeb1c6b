"""Jobs that are cancelled, paused and resumed, and jobs whose server was killed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from openai import BadRequestError, OpenAI

from tests.local.serving import Server, running

BASE = "evalkit-tiny"
LINES = [
    {"messages": [{"role": "user", "content": f"Question {n}"}, {"role": "assistant", "content": "the user"}]}
    for n in range(40)
]


def begun(client: OpenAI, **options: Any) -> str:
    """A job that is being trained, and will be for a while."""
    data = "\n".join(map(json.dumps, LINES)).encode()
    file = client.files.create(file=("train.jsonl", data), purpose="fine-tune").id
    settings = {"n_epochs": 50} | options.pop("hyperparameters", {})
    job = client.fine_tuning.jobs.create(model=BASE, training_file=file, hyperparameters=settings, **options)
    await_steps(client, job.id, 1)
    return job.id


def await_steps(client: OpenAI, job: str, count: int) -> None:
    deadline = time.monotonic() + 120
    while len(steps(client, job)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def steps(client: OpenAI, job: str) -> list[int]:
    """The steps that a job's history tells, newest first."""
    events = client.fine_tuning.jobs.list_events(job, limit=100)
    return [event.data["step"] for event in events if event.type == "metrics"]  # type: ignore[index]


def await_status(client: OpenAI, job: str, status: str) -> None:
    deadline = time.monotonic() + 300
    while (found := client.fine_tuning.jobs.retrieve(job).status) != status:
        assert found not in ("failed", "cancelled", "succeeded"), found
        assert time.monotonic() < deadline
        time.sleep(0.05)


def fingerprint(client: OpenAI, job: str) -> Any:
    model = client.fine_tuning.jobs.retrieve(job).fine_tuned_model
    return client.models.retrieve(model or "").model_dump()["fingerprint"]


def test_a_running_job_is_cancelled_at_once(client: OpenAI) -> None:
    """Within a second, for good: no step comes after it, and the next job has its turn."""
    job = begun(client)
    assert client.fine_tuning.jobs.retrieve(job).estimated_finish is not None
    began = time.monotonic()
    cancelled = client.fine_tuning.jobs.cancel(job)
    assert time.monotonic() - began < 1
    assert cancelled.status == "cancelled"
    assert cancelled.finished_at is not None
    assert cancelled.estimated_finish is None
    told = steps(client, job)
    after = begun(client)
    assert steps(client, job) == told
    client.fine_tuning.jobs.cancel(after)


def test_a_waiting_job_is_cancelled(client: OpenAI) -> None:
    """A job that is queued behind another never begins."""
    first, file = begun(client), client.files.list(purpose="fine-tune", limit=1).data[0].id
    waiting = client.fine_tuning.jobs.create(model=BASE, training_file=file)
    await_status(client, waiting.id, "queued")
    assert client.fine_tuning.jobs.cancel(waiting.id).status == "cancelled"
    client.fine_tuning.jobs.cancel(first)
    assert steps(client, waiting.id) == []


def test_a_paused_job_goes_on_to_the_same_bits(client: OpenAI) -> None:
    """Nothing happens until it is resumed; then no step is told twice, and the model is what it would be."""
    few = {"n_epochs": 4}
    straight = begun(client, hyperparameters=few)
    await_status(client, straight, "succeeded")
    paused = begun(client, hyperparameters=few)
    await_steps(client, paused, 12)
    assert str(client.fine_tuning.jobs.pause(paused).status) == "paused"  # which the client's types forget
    told = steps(client, paused)
    time.sleep(0.3)
    assert steps(client, paused) == told
    assert client.fine_tuning.jobs.resume(paused).status == "queued"
    await_status(client, paused, "succeeded")
    assert steps(client, paused) == list(range(40, 0, -1))
    assert fingerprint(client, paused) == fingerprint(client, straight)


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume"])
def test_a_job_that_has_ended_stays_so(server: Server, client: OpenAI, verb: str) -> None:
    """What makes no sense for a job's status is a 400 that names the status."""
    job = begun(client)
    client.fine_tuning.jobs.cancel(job)
    with pytest.raises(BadRequestError, match="'cancelled'"):
        getattr(client.fine_tuning.jobs, verb)(job)
    assert server.send("POST", f"/fine_tuning/jobs/ftjob-none/{verb}").status_code == 404


def test_a_deleted_file_is_still_read_by_its_job(client: OpenAI) -> None:
    """A job goes on with the file that it was given, though a client can see the file no more."""
    first = begun(client)
    file = client.fine_tuning.jobs.retrieve(first).training_file
    waiting = client.fine_tuning.jobs.create(
        model=BASE, training_file=file, hyperparameters={"n_epochs": 1}
    ).id
    assert client.files.delete(file).deleted
    client.fine_tuning.jobs.cancel(first)
    await_status(client, waiting, "succeeded")


@pytest.mark.slow
def test_a_killed_server_takes_its_jobs_up_again(checkpoint: Path, tmp_path: Path, client: OpenAI) -> None:
    """kill -9 in the middle of a training: it goes on where it was, and ends as it would have."""
    few = {"n_epochs": 8}
    with running(checkpoint, tmp_path) as first, first.client() as dying:
        job = begun(dying, hyperparameters=few)
        await_steps(dying, job, 25)
        first.process.kill()
        first.process.wait()
    with running(checkpoint, tmp_path) as second, second.client() as living:
        await_status(living, job, "succeeded")
        assert sorted(steps(living, job)) == list(range(1, 81))
        messages = [event.message for event in living.fine_tuning.jobs.list_events(job, limit=100)]
        assert "The server was restarted: the job goes on where it was" in messages
        undisturbed = begun(client, hyperparameters=few)
        await_status(client, undisturbed, "succeeded")
        assert fingerprint(living, job) == fingerprint(client, undisturbed)
