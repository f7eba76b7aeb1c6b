"""How long /v1/models takes when the server is idle, and while it generates and fine-tunes.

    python -m tests.benchmarks.server_latency

Sixteen clients ask for answers without a pause, a fine-tuning job runs, and one more client asks for the list
of models. Weights: a random checkpoint of the shipped model's sizes.
"""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.local.engine.weights import save_model
from tests.local.serving import Server, running, write_checkpoint
from tests.local.tiny import SHIPPED, random_model

CLIENTS, ASKED = 16, 400
CHAT = {"model": "evalkit-tiny", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 100}
EMPTY = {"model": "evalkit-tiny", "prompt": "hello", "max_tokens": 0, "echo": True}


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "checkpoint"
        write_checkpoint(checkpoint)
        vocabulary = json.loads((checkpoint / "config.json").read_text())["vocab_size"]
        save_model(random_model(replace(SHIPPED, vocab=vocabulary)), checkpoint)
        with running(checkpoint, Path(folder) / "state") as server:
            measure(server)


def measure(server: Server) -> None:
    """Print the figures of one server."""
    print(f"a request that generates nothing: {cpu_per_request(server):.2f} ms of the server's CPU")
    print(f"idle:                             {latencies(server)}")
    with generating(server):
        print(f"while 16 answers are generated:   {latencies(server)}")
        job = start_job(server)
        print(f"... and a model is fine-tuned:    {latencies(server)}")
        status = server.client().fine_tuning.jobs.retrieve(job).status
        print(f"(the job at the end: {status})")


def latencies(server: Server) -> str:
    """Ask for the list of models, a hundred times a second at most."""
    connection, took = connect(server), []
    for _ in range(ASKED):
        began = time.perf_counter()
        connection.request("GET", "/v1/models")
        connection.getresponse().read()
        took.append((time.perf_counter() - began) * 1000)
        time.sleep(0.01)
    p95 = statistics.quantiles(took, n=20)[-1]
    return f"p50 {statistics.median(took):5.2f}  p95 {p95:5.2f}  max {max(took):6.2f} ms"


def cpu_per_request(server: Server, count: int = 2000) -> float:
    """Milliseconds of CPU that a request costs beside what it generates."""
    connection, began = connect(server), _cpu_seconds(server)
    for _ in range(count):
        post(connection, "/v1/completions", EMPTY)
    return (_cpu_seconds(server) - began) * 1000 / count


def _cpu_seconds(server: Server) -> float:
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100  # user and system time, in clock ticks


@contextmanager
def generating(server: Server) -> Iterator[None]:
    """Keep all slots of the engine busy."""
    done = threading.Event()

    def ask() -> None:
        connection = connect(server)
        while not done.is_set():
            post(connection, "/v1/chat/completions", CHAT)

    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(1)
    yield
    done.set()
    for client in clients:
        client.join()


def start_job(server: Server) -> str:
    """Begin a fine-tune that outlasts the measurement."""
    line = {"messages": [{"role": "user", "content": "hello " * 20}, {"role": "assistant", "content": "hi"}]}
    client = server.client()
    file = client.files.create(
        file=("a.jsonl", (json.dumps(line) + "\n").encode() * 200), purpose="fine-tune"
    )
    job = client.fine_tuning.jobs.create(
        model="evalkit-tiny", training_file=file.id, hyperparameters={"n_epochs": 20}
    )
    while client.fine_tuning.jobs.retrieve(job.id).status != "running":
        time.sleep(0.05)
    time.sleep(1)
    return job.id


def connect(server: Server) -> http.client.HTTPConnection:
    """Open a connection that is kept."""
    return http.client.HTTPConnection(server.base_url.split("/")[2])


def post(connection: http.client.HTTPConnection, path: str, body: dict[str, Any]) -> None:
    """Post a body and read the answer."""
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    assert connection.getresponse().read()


if __name__ == "__main__":
    main()
