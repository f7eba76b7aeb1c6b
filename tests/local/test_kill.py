"""kill -9 at any moment of upload, training and chat: nothing that was acknowledged is lost."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from openai import APIConnectionError, APIError, OpenAI

from tests.local.serving import Server, running

BASE = "evalkit-tiny"
KILLS, LONGEST_LIFE_S = 50, 1.0
LINES = [
    {"messages": [{"role": "user", "content": f"Question {n}"}, {"role": "assistant", "content": "the user"}]}
    for n in range(12)
]


@dataclass
class Acknowledged:
    """What the servers have said is done."""

    files: dict[str, bytes] = field(default_factory=dict)
    jobs: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    chats: int = 0


@pytest.mark.slow
def test_fifty_kills_lose_nothing(checkpoint: Path, tmp_path: Path) -> None:
    """After each restart every acknowledged file, job and model is there; at the end all jobs succeed."""
    chance, known = random.Random(0), Acknowledged()
    for _ in range(KILLS):
        with running(checkpoint, tmp_path) as server, server.client(timeout=30) as client:
            check(client, known)
            with busy(server, known):
                time.sleep(chance.uniform(0, LONGEST_LIFE_S))
                server.process.kill()
                server.process.wait()
    with running(checkpoint, tmp_path) as server, server.client() as client:
        check(client, known)
        finish(client)
        check(client, known)
    assert known.chats > 10
    assert len(known.files) > 10
    assert len(known.jobs) > 5


def check(client: OpenAI, known: Acknowledged) -> None:
    """Compare what is there with what was acknowledged."""
    listed = {file.id for file in client.files.list()}
    assert known.files.keys() <= listed
    assert not known.deleted & listed
    for name, data in known.files.items():
        assert client.files.content(name).read() == data
    assert known.jobs <= {job.id for job in client.fine_tuning.jobs.list(limit=100)}
    for job in client.fine_tuning.jobs.list(limit=100):
        assert job.status not in ("failed", "cancelled"), job.error
        if job.fine_tuned_model:
            known.models.add(job.fine_tuned_model)
    assert known.models <= {model.id for model in client.models.list()}


def finish(client: OpenAI) -> None:
    """Wait for all jobs; each of their models can be asked."""
    deadline = time.monotonic() + 300
    while any(job.status != "succeeded" for job in client.fine_tuning.jobs.list(limit=100)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for job in client.fine_tuning.jobs.list(limit=100):
        steps = [event.data for event in client.fine_tuning.jobs.list_events(job.id, limit=100) if event.data]
        assert sorted(figures["step"] for figures in steps) == list(range(1, 10))  # type: ignore[index]
        client.chat.completions.create(
            model=job.fine_tuned_model or "", messages=[{"role": "user", "content": "x"}], max_tokens=1
        )


@contextmanager
def busy(server: Server, known: Acknowledged) -> Iterator[None]:
    """Keep uploading, tuning, deleting and chatting until the server is gone."""
    work = (upload_and_tune, upload_and_delete, chat)
    threads = [threading.Thread(target=until_gone, args=(server, known, each)) for each in work]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()


def until_gone(server: Server, known: Acknowledged, work: Callable[[OpenAI, Acknowledged], None]) -> None:
    with server.client(timeout=30) as client, contextlib.suppress(APIConnectionError):
        while True:
            try:
                work(client, known)
            except APIError as refusal:
                if server.process.poll() is None and not isinstance(refusal, APIConnectionError):
                    raise
                return


def upload_and_tune(client: OpenAI, known: Acknowledged) -> None:
    """One more job, unless there are enough to be done in the end."""
    data = "\n".join(map(json.dumps, LINES)).encode()
    file = client.files.create(file=("train.jsonl", data), purpose="fine-tune")
    known.files[file.id] = data
    if len(known.jobs) < 10:
        job = client.fine_tuning.jobs.create(
            model=BASE, training_file=file.id, hyperparameters={"n_epochs": 3}
        )
        known.jobs.add(job.id)
    time.sleep(0.1)


def upload_and_delete(client: OpenAI, known: Acknowledged) -> None:
    """A large file, then a small one that is deleted again."""
    data = random.Random(len(known.files)).randbytes(200_000)
    large = client.files.create(file=("large.bin", data), purpose="user_data")
    known.files[large.id] = data
    small = client.files.create(file=("small.bin", b"x"), purpose="user_data")
    client.files.delete(small.id)
    known.deleted.add(small.id)
    time.sleep(0.1)


def chat(client: OpenAI, known: Acknowledged) -> None:
    """One short answer."""
    client.chat.completions.create(model=BASE, messages=[{"role": "user", "content": "x"}], max_tokens=8)
    known.chats += 1
