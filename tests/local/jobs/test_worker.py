"""The training process: one order in, reports and an adapter out."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.local.engine.adapter import load_adapter
from evalkit.local.jobs.order import Order

ROOT = Path(__file__).parents[3]


@pytest.fixture
def order(checkpoint: Path, tmp_path: Path) -> Order:
    """An order that can be carried out."""
    lines = [json.dumps({"prompt": f"{number} plus", "completion": " the end"}) for number in range(10)]
    (tmp_path / "train.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return Order(
        weights=str(checkpoint),
        training_file=str(tmp_path / "train.jsonl"),
        adapter=str(tmp_path / "made.safetensors"),
        longest=100,
        n_epochs=1,
        batch_size=4,
        learning_rate_multiplier=1.0,
        seed=0,
    )


def carried_out(order: Order) -> list[dict[str, Any]]:
    """Run a worker on an order; give its reports."""
    command = [sys.executable, "-m", "evalkit.local.jobs.worker"]
    text = json.dumps(asdict(order)) + "\n"
    ended = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=300, cwd=ROOT, check=True
    )
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_reports_each_step_and_leaves_a_whole_adapter(order: Order) -> None:
    """Three batches of at most four: three steps, then the hash of the adapter that lies at its place."""
    *steps, done = carried_out(order)
    assert [(step["kind"], step["step"], step["steps"]) for step in steps] == [
        ("step", n, 3) for n in (1, 2, 3)
    ]
    assert done["kind"] == "done"
    assert done["sha256"] == load_adapter(Path(order.adapter)).sha256
    assert [path.name for path in Path(order.adapter).parent.glob("made*")] == ["made.safetensors"]


def test_long_examples_are_cut_at_their_end(order: Order) -> None:
    """Tokens beyond the longest context are not trained on, nor counted."""
    *_, whole = carried_out(order)
    *_, cut = carried_out(replace(order, longest=9))
    assert cut["trained_tokens"] == 10 * 9 < whole["trained_tokens"]


def test_diverging_is_reported(order: Order) -> None:
    """A learning rate beyond reason ends in a report that says what to lower, and leaves no adapter."""
    *_, failed = carried_out(replace(order, learning_rate_multiplier=1e30))
    assert (failed["kind"], failed["code"]) == ("failed", "training_diverged")
    assert "lower the learning rate" in failed["message"]
    assert not Path(order.adapter).exists()


def test_ends_when_nobody_listens(order: Order) -> None:
    """A worker whose server is gone stops at its next report."""
    command = [sys.executable, "-m", "evalkit.local.jobs.worker"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(json.dumps(asdict(replace(order, n_epochs=50))) + "\n")
        worker.stdin.flush()
        worker.stdout.readline()
        worker.stdout.close()
        assert worker.wait(120) == 1
    assert not Path(order.adapter).exists()
