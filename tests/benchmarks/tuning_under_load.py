"""How long a fine-tune of 100 examples x 3 epochs takes, and what it costs those who chat meanwhile.

    python -m tests.benchmarks.tuning_under_load

The shipped model learns lines of the shipped suites, the whole training set of one and a few of another. One
client chats without a pause: for a while with the server idle otherwise, then while the job runs, then idle
again, round after round, so that what else the machine does falls on both alike.
"""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import threading
import time
from itertools import chain, islice
from pathlib import Path

from openai import OpenAI

from evalkit.cli.embedded import embedded_server

ROUNDS, EXAMPLES, EPOCHS = 3, 100, 3
ROOT = Path(__file__).parents[2]
SUITES = ("sports-headlines", "marv")
MOST_S, MOST_RATIO = 10.0, 2.0  # the aims
CHAT = {
    "model": "evalkit-tiny",
    "messages": [{"role": "user", "content": "What is the capital of Norway?"}],
    "max_tokens": 24,
    "temperature": 0,
}


def main() -> None:
    """Measure and print."""
    idle: list[float] = []
    loaded: list[float] = []
    jobs: list[float] = []
    with tempfile.TemporaryDirectory() as state, embedded_server(Path(state)) as base_url:
        client = OpenAI(base_url=base_url, api_key="none", max_retries=0)
        file = client.files.create(file=("train.jsonl", training_lines()), purpose="fine-tune").id
        latencies(base_url, 20)  # what is only done once
        for _ in range(ROUNDS):
            idle += latencies(base_url, 60)
            took, meanwhile = tuned(client, base_url, file)
            jobs.append(took)
            loaded += meanwhile
        idle += latencies(base_url, 60)
    print(f"fine-tune of {EXAMPLES} examples x {EPOCHS} epochs, aim: at most {MOST_S:.0f} s")
    print(f"  took       {', '.join(f'{took:.1f}' for took in jobs)} s; median {p50(jobs):.1f}")
    print(f"chats, aim: under {MOST_RATIO:.0f} times the idle latency")
    print(f"  idle       p50 {p50(idle):6.1f}  p95 {p95(idle):6.1f} ms  ({len(idle)} asked)")
    print(f"  meanwhile  p50 {p50(loaded):6.1f}  p95 {p95(loaded):6.1f} ms  ({len(loaded)} asked)")
    print(f"  ratio      p50 {p50(loaded) / p50(idle):6.2f}  p95 {p95(loaded) / p95(idle):6.2f}")


def training_lines() -> bytes:
    """The first lines of the shipped suites' training files."""
    files = (ROOT / "suites" / suite / "train.jsonl" for suite in SUITES)
    lines = chain.from_iterable(file.read_bytes().splitlines(keepends=True) for file in files)
    return b"".join(islice(lines, EXAMPLES))


def tuned(client: OpenAI, base_url: str, file: str) -> tuple[float, list[float]]:
    """Run one job: the seconds from create to success, and the latencies of chats meanwhile."""
    meanwhile: list[float] = []
    done = threading.Event()
    asking = threading.Thread(target=ask_until, args=(base_url, done, meanwhile))
    began = time.perf_counter()
    job = client.fine_tuning.jobs.create(
        model="evalkit-tiny", training_file=file, hyperparameters={"n_epochs": EPOCHS}
    )
    asking.start()
    while (status := client.fine_tuning.jobs.retrieve(job.id).status) not in ("succeeded", "failed"):
        time.sleep(0.1)
    took = time.perf_counter() - began
    done.set()
    asking.join()
    assert status == "succeeded"
    return took, meanwhile


def latencies(base_url: str, count: int) -> list[float]:
    """Ask one chat after the other: milliseconds of each."""
    connection = http.client.HTTPConnection(base_url.split("/")[2])
    return [ask(connection) for _ in range(count)]


def ask_until(base_url: str, done: threading.Event, took: list[float]) -> None:
    connection = http.client.HTTPConnection(base_url.split("/")[2])
    while not done.is_set():
        took.append(ask(connection))


def ask(connection: http.client.HTTPConnection) -> float:
    began = time.perf_counter()
    connection.request("POST", "/v1/chat/completions", json.dumps(CHAT), {"content-type": "application/json"})
    assert connection.getresponse().read()
    return (time.perf_counter() - began) * 1000


def p50(values: list[float]) -> float:
    return statistics.median(values)


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


if __name__ == "__main__":
    main()
