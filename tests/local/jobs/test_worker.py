"""The training process: one order in, reports, checkpoints and an adapter out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from evalkit.local.engine.adapter import load_adapter
from evalkit.local.jobs.order import Order

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "evalkit.local.jobs.worker"]


@pytest.fixture
def order(checkpoint: Path, tmp_path: Path) -> Order:
    """An order that can be carried out."""
    lines = [json.dumps({"prompt": f"{number} plus", "completion": " the end"}) for number in range(10)]
    (tmp_path / "train.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return Order(
        weights=str(checkpoint),
        training_file=str(tmp_path / "train.jsonl"),
        validation_file=None,
        adapter=str(tmp_path / "made"),
        training=str(tmp_path / "training"),
        longest=100,
        method="supervised",
        n_epochs=2,
        batch_size=4,
        learning_rate_multiplier=1.0,
        beta=None,
        seed=0,
    )


@contextmanager
def working(order: Order) -> Iterator[subprocess.Popen[str]]:
    """A worker that has its order, and whose server lives as long as the block."""
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as worker:
        assert worker.stdin is not None
        worker.stdin.write(json.dumps(asdict(order)) + "\n")
        worker.stdin.flush()
        try:
            yield worker
        finally:
            worker.kill()


def carried_out(order: Order) -> list[dict[str, Any]]:
    """Run a worker on an order; give its reports."""
    with working(order) as worker:
        assert worker.stdout is not None
        return [json.loads(line) for line in worker.stdout]


def digest(folder: str) -> str:
    return sha256((Path(folder) / "adapter_model.safetensors").read_bytes()).hexdigest()


def test_reports_each_step_and_leaves_a_whole_adapter(order: Order) -> None:
    """Three batches of at most four, twice: a checkpoint behind each third step, then the adapter's hash."""
    reports = carried_out(order)
    assert [report["kind"] for report in reports] == [*(["step"] * 3 + ["checkpoint"]) * 2, "done"]
    steps = [report["figures"] for report in reports if report["kind"] == "step"]
    assert [(step["step"], step["total_steps"]) for step in steps] == [(n, 6) for n in range(1, 7)]
    assert reports[-1]["sha256"] == digest(order.adapter) == digest(f"{order.adapter}-step-6")
    assert load_adapter(Path(order.adapter)).rank == 16
    assert reports[3]["sha256"] == digest(f"{order.adapter}-step-3") != reports[-1]["sha256"]
    made = {path.name for path in Path(order.adapter).parent.glob("made*")}
    assert made == {"made", "made-step-3", "made-step-6"}


def test_validation_is_told_now_and_then(order: Order) -> None:
    """At the end of an epoch a sample and the whole validation file are measured, elsewhere neither."""
    reports = carried_out(replace(order, validation_file=order.training_file))
    steps = [report["figures"] for report in reports if report["kind"] == "step"]
    measured = [step["step"] for step in steps if "full_valid_loss" in step and "valid_loss" in step]
    assert measured == [3, 6]
    assert all(("valid_mean_token_accuracy" in step) == (step["step"] in measured) for step in steps)
    assert steps[5]["full_valid_loss"] < steps[2]["full_valid_loss"]


@pytest.mark.parametrize("heard", [2, 5])
def test_a_killed_training_goes_on_to_the_same_bits(order: Order, heard: int) -> None:
    """What was reported is reported again, word for word; the adapter is that of an undisturbed one."""
    long = replace(order, n_epochs=3)
    with working(long) as worker:
        assert worker.stdout is not None
        before = [json.loads(worker.stdout.readline()) for _ in range(heard)]
    again = carried_out(long)
    assert again[:heard] == before
    elsewhere = replace(long, adapter=f"{order.adapter}2", training=f"{order.training}2")
    assert again == carried_out(elsewhere)
    assert digest(long.adapter) == digest(elsewhere.adapter)


def test_two_workers_never_train_the_same_job(order: Order) -> None:
    """The second waits for the first to end, and then finds its work done."""
    long = replace(order, n_epochs=20)
    with working(long) as first, working(long) as second:
        assert first.stdout is not None
        assert second.stdout is not None
        heard = first.stdout.readline()
        told = [json.loads(line) for line in first.stdout]
        assert [json.loads(line) for line in second.stdout] == [json.loads(heard), *told]


def test_long_examples_are_cut_at_their_end(order: Order) -> None:
    """Tokens beyond the longest context are not trained on, nor counted."""
    *_, cut = carried_out(replace(order, longest=9))
    assert cut["trained_tokens"] == 2 * 10 * 9


def test_diverging_is_reported(order: Order) -> None:
    """A learning rate beyond reason ends in a report that says what to lower, and leaves no adapter."""
    *_, failed = carried_out(replace(order, learning_rate_multiplier=1e30))
    assert (failed["kind"], failed["code"]) == ("failed", "training_diverged")
    assert "lower the learning rate" in failed["message"]
    assert not Path(order.adapter).exists()


def test_dies_with_its_server(order: Order) -> None:
    """However the server ends, the worker's stdin ends with it, and then the worker at once."""
    with working(replace(order, n_epochs=50)) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdout.readline()
        worker.stdin.close()
        assert worker.wait(10) == 1
    assert not Path(order.adapter).exists()
