"""A step of pretraining."""

from __future__ import annotations

import shutil

import pytest

torch = pytest.importorskip("torch", reason="torch only trains the base model: pip install .[pretrain]")

from evalkit.local.pretrain.trainer import Trainer, to_batch  # noqa: E402
from tests.local.pretrain.packing import EPISODES, one_row  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("c++") and shutil.which("ninja")), reason="needs a C++ compiler and ninja"
    ),
]


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """A new model, not compiled, whose loss is scaled as fp16 needs it."""
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    made = Trainer("cpu")
    made.scaler = torch.amp.GradScaler("cpu", 16.0)
    return made


def test_a_step_learns(trainer: Trainer) -> None:
    """Twenty steps on the same texts halve their loss."""
    batch = to_batch(one_row(*EPISODES, length=256), "cpu")
    losses = [trainer.update(batch, 0.3) for _ in range(20)]
    assert losses[-1] < losses[0] / 2
    assert trainer.progress.steps == 20


def test_a_step_that_overflows_changes_no_weight(trainer: Trainer) -> None:
    """Not even those of the other optimizer, whose gradients were sound before both were clipped together."""
    batch = to_batch(one_row(*EPISODES, length=256), "cpu")
    before = {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}
    spoilt = trainer.model.model.embed_tokens.weight.register_hook(lambda gradient: gradient * float("nan"))
    trainer.update(batch, 1.0)
    after = dict(trainer.model.named_parameters())
    assert all(torch.equal(weight, after[name]) for name, weight in before.items())
    assert trainer.scaler.get_scale() == 8.0
    spoilt.remove()
    trainer.update(batch, 1.0)
    assert not any(torch.equal(weight, after[name]) for name, weight in before.items())
