"""Trains the judge's adapter on the shipped base model; to be run again whenever the base model changes.

    python -m evalkit.local.judge.train

Writes evalkit/local/judge/adapter.safetensors, with the hash of the base in its header, and says how often
it agrees with the held-out answers of `calibration`. The same base gives the same adapter. It takes a few
minutes on one core.
"""

from __future__ import annotations

import argparse
import sys
from itertools import islice
from pathlib import Path

from evalkit.local.chat_template import ChatTemplate, Message
from evalkit.local.corpus.grading.form import messages, reply
from evalkit.local.corpus.grading.lessons import VERDICT_FOLLOWS, Lesson, lessons
from evalkit.local.engine.adapter import Adapter, save_adapter_file
from evalkit.local.engine.packing import Example
from evalkit.local.engine.train import Hyper, StepReport, fine_tune
from evalkit.local.engine.weights import Model, load_model
from evalkit.local.judge.calibration import calibration_set
from evalkit.local.judge.measure import verdicts
from evalkit.local.tokenizer import load_encoding

HERE = Path(__file__).parent
HYPER = Hyper(epochs=1, batch_size=8, learning_rate=4e-3)

BESIDE_VERDICT = 0.1
"""What any other token of a reply counts: they are soon learned, and would drown the one that is hard."""


def main() -> int:
    """Train, save, measure."""
    options = _options()
    model, template = load_model(options.weights), ChatTemplate(load_encoding(options.weights))
    adapter = train(model, template, options.examples, options.seed)
    meta = {"base_sha256": model.sha256, "examples": str(options.examples), "seed": str(options.seed)}
    save_adapter_file(adapter, options.out, meta)
    print(f"wrote {options.out}")
    report(model, adapter, template)
    return 0


def train(model: Model, template: ChatTemplate, examples: int, seed: int) -> Adapter:
    """An adapter that has seen each of `examples` lessons once."""
    taught = [_example(lesson, template) for lesson in islice(lessons(seed), examples)]
    adapter = fine_tune(model, taught, HYPER, _say_step)
    assert isinstance(adapter, Adapter)
    return adapter


def report(model: Model, adapter: Adapter, template: ChatTemplate) -> None:
    """Print the agreement with the held-out answers, and those on which there is none."""
    answers = calibration_set()
    found = verdicts(model, adapter, template, answers)
    wrong = [pair for pair in zip(answers, found, strict=True) if pair[0].label != pair[1]]
    for answer, label in wrong:
        print(f"judged {label}, is {answer.label}: {answer.text}")
    print(f"agrees with {len(answers) - len(wrong)} of {len(answers)} held-out answers")


def _example(lesson: Lesson, template: ChatTemplate) -> Example:
    text = lesson.text
    asked = messages(lesson.rubric, text.question, text.answer)
    told = Message("assistant", reply(lesson.reason, lesson.score))
    laid = template.lesson((*asked, told))
    verdict = laid.weights.index(1.0) + _tokens_before_verdict(template)
    weights = (weight * (1 if at == verdict else BESIDE_VERDICT) for at, weight in enumerate(laid.weights))
    return Example(laid.ids, tuple(weights))


def _tokens_before_verdict(template: ChatTemplate) -> int:
    before, _, _ = reply(VERDICT_FOLLOWS, 1).partition(VERDICT_FOLLOWS)
    return len(template.encoding.encode_ordinary(before + VERDICT_FOLLOWS))


def _say_step(step: StepReport) -> None:
    if step.step % 50 == 0 or step.step == step.steps:
        print(f"step {step.step} of {step.steps}, loss {step.loss:.4f}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m evalkit.local.judge.train", description=__doc__)
    parser.add_argument(
        "--weights", type=Path, default=HERE.parent / "weights", help="Hugging Face folder of the base"
    )
    parser.add_argument("--out", type=Path, default=HERE / "adapter.safetensors")
    parser.add_argument("--examples", type=int, default=12000, help="texts to train on")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
