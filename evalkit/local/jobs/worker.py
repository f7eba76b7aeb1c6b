"""The process that trains one model: an order on stdin, reports on stdout, the adapter in a file.

    python -m evalkit.local.jobs.worker

It reads one line of JSON (an `Order`) and writes lines of JSON, each with a `kind`: `step` after every
batch, then `done` or `failed`. The adapter is written aside and renamed: at its place is a whole one or none.
When the server dies, the next report finds nobody listening, and the worker ends.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalkit.errors import UsageError
from evalkit.local.backend import Template
from evalkit.local.chat_template import ChatTemplate
from evalkit.local.engine.adapter import Adapter, save_adapter
from evalkit.local.engine.packing import Example
from evalkit.local.engine.train import Hyper, StepReport, TrainingDiverged, fine_tune
from evalkit.local.engine.weights import load_model
from evalkit.local.jobs.order import Order
from evalkit.local.jobs.training_file import BadTrainingFile, lesson, read_examples
from evalkit.local.tokenizer import load_encoding

NICENESS = 5  # answers come before training
PEAK_RATE = 3e-3  # what a learning_rate_multiplier of 1 stands for


def main() -> int:
    """Carry out the order on stdin."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    order = Order(**json.loads(sys.stdin.readline()))
    try:
        carry_out(order)
    except BadTrainingFile as fault:
        report("failed", code=fault.code, message=fault.message, param=fault.param)
    except TrainingDiverged as fault:
        report("failed", code="training_diverged", message=str(fault), param="hyperparameters")
    except UsageError as fault:
        report("failed", code="invalid_training_file", message=str(fault), param="training_file")
    except BrokenPipeError:  # the server is gone
        return 1
    return 0


def carry_out(order: Order) -> None:
    """Train, and write the adapter to its place.

    Raises:
        BadTrainingFile: the file cannot be trained on.
        BrokenPipeError: nobody listens any more.
    """
    weights = Path(order.weights)
    examples = read_lessons(Path(order.training_file), ChatTemplate(load_encoding(weights)), order.longest)
    adapter = fine_tune(load_model(weights), examples, _hyper(order), on_step=_report_step)
    assert isinstance(adapter, Adapter)
    place = Path(order.adapter)
    aside = place.with_suffix(".part")
    save_adapter(adapter, aside)
    aside.replace(place)
    tokens = order.n_epochs * sum(len(example.ids) for example in examples)
    report("done", sha256=adapter.sha256, trained_tokens=tokens)


def read_lessons(path: Path, template: Template, longest: int) -> Sequence[Example]:
    """Read a training file as tokens; what is longer than `longest` is cut at its end, as at OpenAI."""
    lessons = (lesson(template, example) for example in read_examples(path))
    return [Example(laid.ids[:longest], laid.weights[:longest]) for laid in lessons]


def report(kind: str, **values: Any) -> None:
    """Send one line to the server."""
    print(json.dumps({"kind": kind, **values}), flush=True)


def _hyper(order: Order) -> Hyper:
    return Hyper(
        epochs=order.n_epochs,
        batch_size=order.batch_size,
        learning_rate=PEAK_RATE * order.learning_rate_multiplier,
        seed=order.seed,
    )


def _report_step(step: StepReport) -> None:
    report("step", step=step.step, steps=step.steps, loss=step.loss, accuracy=step.token_accuracy)


if __name__ == "__main__":
    sys.exit(main())
