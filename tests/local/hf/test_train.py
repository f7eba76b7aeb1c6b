"""Training in torch is training in numpy: gradients, adapters, what is kept and gone on from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.local.hf.needs import torch_extra

torch_extra()

import torch  # noqa: E402
from peft import PeftModel  # noqa: E402

from evalkit.local.backend import Backend  # noqa: E402
from evalkit.local.engine.adapter import load_adapter as load_numpys  # noqa: E402
from evalkit.local.engine.adapter import save_adapter  # noqa: E402
from evalkit.local.engine.backward import gradients, mean_loss  # noqa: E402
from evalkit.local.engine.dpo import Preference, Preferring  # noqa: E402
from evalkit.local.engine.objective import Imitation, full_score  # noqa: E402
from evalkit.local.engine.packing import Example, pack  # noqa: E402
from evalkit.local.engine.train import Hyper, Training  # noqa: E402
from evalkit.local.engine.trainable import LoraTraining  # noqa: E402
from evalkit.local.engine.weights import load_model  # noqa: E402
from evalkit.local.hf.adapters import load_adapter  # noqa: E402
from evalkit.local.hf.checkpoint import load_checkpoint  # noqa: E402
from evalkit.local.hf.train import HfTraining, predict, predictions  # noqa: E402
from tests.local.engine.answering import answers, make_job  # noqa: E402
from tests.local.hf.conftest import WEIGHTS  # noqa: E402
from tests.local.hf.folders import write_gpt2, write_qwen  # noqa: E402


def lessons(count: int = 6) -> list[Example]:
    """Texts of different lengths, of which the second half is learned."""
    found = []
    for number in range(count):
        ids = tuple(np.random.default_rng(number).integers(3, 300, 8 + 3 * number).tolist())
        found.append(Example(ids, tuple(float(at * 2 >= len(ids)) for at in range(len(ids)))))
    return found


def test_gradients_are_numpys(tmp_path: Path) -> None:
    """Of every factor of the same LoRA on the same batch of the shipped model: to 1e-4 of the largest."""
    model, batch = load_model(WEIGHTS), pack(lessons(4))
    lora = LoraTraining(model, rank=4, alpha=8.0, seed=0)
    gradients(lora.model(), batch, lora)
    lora.parameters -= 0.05 * lora.gradient / np.abs(lora.gradient).max()  # off its start, where B is zero
    score = gradients(lora.model(), batch, lora)
    save_adapter(lora.result(), tmp_path / "adapter")
    lora.parameters[:] = lora.gradient
    slopes = lora.result().factors  # under PEFT's names; those of B times the scale, as B itself is

    worn = PeftModel.from_pretrained(
        load_checkpoint(WEIGHTS).model, str(tmp_path / "adapter"), is_trainable=True
    ).eval()
    surprise, hits = predictions(worn, batch)
    found, along = mean_loss(batch)(surprise.detach().numpy(), hits.numpy())
    surprise.backward(torch.from_numpy(along))
    assert found.loss == pytest.approx(score.loss, rel=1e-5)
    assert found.accuracy == score.accuracy
    largest = max(float(np.abs(slope).max()) for slope in slopes.values())
    for name, parameter in worn.named_parameters():
        if "lora_" in name:
            slope = slopes[name.replace(".default", "")]
            slope = slope / 4 if "lora_B" in name else slope  # B as saved is 2 * B: d/d(2B) is half of d/dB
            np.testing.assert_allclose(parameter.grad.numpy(), slope, atol=1e-4 * largest)


@pytest.mark.parametrize("write", [write_qwen, write_gpt2])
def test_a_training_learns_and_repeats_itself(write: Callable[[Path], Path], tmp_path: Path) -> None:
    """The loss falls; the same seed makes the same file, in one go or gone on from half-way by another."""
    folder = write(tmp_path / "m")
    first, second, third = (begun(folder) for _ in range(3))
    losses = finish(first)
    assert losses[-1] < losses[0]
    for _ in range(5):
        second.advance()
    third.restore(second.snapshot())
    for number, training in enumerate((first, second, third)):
        finish(training)
        training.save(tmp_path / str(number))
    assert len({load_adapter(tmp_path / str(number)).sha256 for number in range(3)}) == 1


def begun(folder: Path) -> HfTraining:
    """A training that has not done a step."""
    checkpoint = load_checkpoint(folder)
    hyper = Hyper(epochs=6, batch_size=3, rank=4, learning_rate=1e-2)
    return HfTraining(checkpoint.model, Imitation(lessons(), checkpoint), hyper)


def finish(training: HfTraining | Training) -> list[float]:
    """Do the steps that are left; give the loss of each."""
    return [training.advance().loss for _ in range(training.steps - training.step)]


def test_preferences_are_learned_in_torch_as_in_numpy() -> None:
    """DPO on the shipped model: it begins at log 2, and better answers gain."""
    checkpoint = load_checkpoint(WEIGHTS)
    pairs = [Preference(*lessons()[at : at + 2]) for at in (0, 2)]
    objective = Preferring(pairs, checkpoint, lambda batch: predict(checkpoint.model, batch), beta=0.3)
    losses = finish(HfTraining(checkpoint.model, objective, Hyper(epochs=5, batch_size=2, rank=4)))
    assert losses[0] == pytest.approx(np.log(2), abs=1e-4)
    assert losses[-1] < losses[0] - 0.05


def test_validation_is_numpys() -> None:
    """The same figures for the same texts, before anything is learned."""
    checkpoint, model = load_checkpoint(WEIGHTS), load_model(WEIGHTS)
    objective = Imitation(lessons(), checkpoint)
    mine = full_score(lambda batch: predict(checkpoint.model, batch), objective, 4)
    theirs = full_score(Training(model, objective, Hyper()).predict, objective, 4)
    assert mine.loss == pytest.approx(theirs.loss, rel=1e-5)
    assert mine.accuracy == theirs.accuracy


def test_an_adapter_of_either_engine_answers_equally_in_both(
    tmp_path: Path, by_torch: Backend, by_numpy: Backend
) -> None:
    """Trained by numpy or by torch, worn by both beside the base and each other, in one batch."""
    checkpoint, hyper = load_checkpoint(WEIGHTS), Hyper(epochs=8, batch_size=2, rank=4)
    objective = Imitation(lessons(), checkpoint)
    mine, theirs = (
        HfTraining(checkpoint.model, objective, hyper),
        Training(load_model(WEIGHTS), objective, hyper),
    )
    for training in (mine, theirs):
        finish(training)
    mine.save(tmp_path / "torch")
    save_adapter(theirs.result(), tmp_path / "numpy")  # type: ignore[arg-type]
    found = []
    for backend, load in ((by_torch, load_adapter), (by_numpy, load_numpys)):
        worn = [load(tmp_path / "torch"), load(tmp_path / "numpy"), None]
        ids = lessons()[5].ids[:10]
        jobs = [make_job(ids, max_tokens=12, adapter=adapter) for adapter in worn]
        events = answers(backend.engine, jobs)  # type: ignore[arg-type]
        found.append([[event.id for event in one] for one in events])
    assert found[0] == found[1]
    assert len({tuple(one) for one in found[0]}) == 3
