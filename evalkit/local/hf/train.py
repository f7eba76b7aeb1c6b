"""LoRA training by torch and peft, step by step as `engine.train.Training` does it.

The order of examples, the schedule and the losses are those of numpy's engine, so that from the same start
both make nearly the same adapter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from peft import LoraConfig, get_peft_model
from torch import Tensor

from evalkit.local.engine.objective import Objective
from evalkit.local.engine.packing import Batch
from evalkit.local.engine.train import (
    BETAS,
    CLIP,
    DECAY,
    Hyper,
    Snapshot,
    StepReport,
    TrainingDiverged,
    order_of,
    schedule,
)
from evalkit.local.engine.weights import Array

VECTORS = ("parameters", "mean", "square")


def predictions(model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """How a model of transformers predicts the targets of a batch.

    Returns:
        -log probability of each target, (predictions,), and whether it is the most probable token.
    """

    def tensor(values: Any) -> Tensor:
        return torch.as_tensor(values, dtype=torch.long, device=model.device)

    shared = batch.ids[: batch.shared]
    rows = [np.concatenate((shared, batch.ids[span])) for span in batch.spans]
    columns, at_column = np.unique(batch.positions[batch.wanted], return_inverse=True)
    out = model(input_ids=tensor(_filled(rows)), logits_to_keep=tensor(columns), use_cache=False).logits
    kept = out if out.shape[1] == len(columns) else out[:, tensor(columns)]  # some models give them all
    logits = kept[tensor(batch.owners()), tensor(at_column)].float()
    chosen = logits.gather(1, tensor(batch.targets)[:, None])[:, 0]
    return logits.logsumexp(1) - chosen, chosen >= logits.max(1).values


def _filled(rows: Sequence[NDArray[np.intp]]) -> NDArray[np.intp]:
    """(rows, longest): zeros behind the shorter ones, which nothing before them sees."""
    out = np.zeros((len(rows), max(map(len, rows))), np.intp)
    for row, ids in zip(out, rows, strict=True):
        row[: len(ids)] = ids
    return out


@torch.no_grad()
def predict(model: Any, batch: Batch) -> tuple[Array, NDArray[np.bool_]]:
    """The same in numbers alone, nothing being learned; see `objective.Predict`."""
    surprise, hits = predictions(model, batch)
    return as_numpy(surprise), as_numpy(hits)


def as_numpy(values: Tensor) -> Any:
    """The numbers, without their history."""
    return values.detach().cpu().numpy()


class HfTraining:
    """A training that can be left after any step and taken up again.

    Args:
        model: the base, of transformers; its linears are wrapped in place, but for the head, and keep their
            weights.
        objective: what it learns.
        hyper: how.
    """

    def __init__(self, model: Any, objective: Objective, hyper: Hyper):
        self._objective, self._hyper = objective, hyper
        self._model = _with_lora(model, hyper)
        self.parameters = [parameter for parameter in self._model.parameters() if parameter.requires_grad]
        self._optimiser = torch.optim.AdamW(
            self.parameters, lr=hyper.learning_rate, betas=BETAS, eps=1e-8, weight_decay=DECAY
        )
        self.step = 0
        self.steps_an_epoch = math.ceil(len(objective) / hyper.batch_size)
        self.steps = hyper.epochs * self.steps_an_epoch

    def advance(self) -> StepReport:
        """Do the next step.

        Raises:
            TrainingDiverged: the learning rate is too high.
        """
        self.step += 1
        batch, loss = self._objective.batch(self._chosen())
        surprise, hits = predictions(self._model, batch)
        score, slopes = loss(as_numpy(surprise), as_numpy(hits))
        if not math.isfinite(score.loss):
            what = f"the loss is {score.loss} at step {self.step} of {self.steps}"
            raise TrainingDiverged(f"{what}; lower the learning rate, now {self._hyper.learning_rate}")
        self._optimiser.zero_grad()
        surprise.backward(torch.from_numpy(slopes).to(surprise))
        torch.nn.utils.clip_grad_norm_(self.parameters, CLIP)
        for group in self._optimiser.param_groups:
            group["lr"] = self._hyper.learning_rate * schedule(self.step, self.steps)
        self._optimiser.step()
        return StepReport(self.step, self.steps, score.loss, score.accuracy)

    def predict(self, batch: Batch) -> tuple[Array, NDArray[np.bool_]]:
        """How the model predicts a batch as it stands; see `objective.Predict`."""
        return predict(self._model, batch)

    def save(self, folder: Path) -> None:
        """Write the adapter as it stands, in PEFT's layout."""
        self._model.save_pretrained(str(folder), safe_serialization=True)

    def snapshot(self) -> Snapshot:
        """What `restore` goes on from."""
        states = zip(*map(self._state, self.parameters), strict=True)
        joined = (np.concatenate([as_numpy(part).ravel() for part in parts]) for parts in states)
        return Snapshot(self.step, dict(zip(VECTORS, joined, strict=True)))

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from what a training of the same arguments had reached.

        Raises:
            ValueError: it was another training.
        """
        sizes = [parameter.numel() for parameter in self.parameters]
        for name in VECTORS:
            if name not in snapshot.vectors or len(snapshot.vectors[name]) != sum(sizes):
                raise ValueError(f"{name} is missing or of another size than {sum(sizes)}")
        self.step = snapshot.step
        parted = [np.split(snapshot.vectors[name], np.cumsum(sizes)[:-1]) for name in VECTORS]
        for parameter, *parts in zip(self.parameters, *parted, strict=True):
            for into, part in zip(self._state(parameter), parts, strict=True):
                into.data.copy_(torch.from_numpy(part).reshape(into.shape))

    def _state(self, parameter: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A parameter and its two moments, which the optimiser makes at the first step, if not this does."""
        state = self._optimiser.state[parameter]
        if not state:
            state["step"] = torch.tensor(float(self.step))
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        return parameter, state["exp_avg"], state["exp_avg_sq"]

    def _chosen(self) -> Sequence[int]:
        epoch, place = divmod(self.step - 1, self.steps_an_epoch)
        size = self._hyper.batch_size
        return order_of(len(self._objective), self._hyper.seed, epoch)[place * size : (place + 1) * size]


def _with_lora(model: Any, hyper: Hyper) -> Any:
    """Wrap a model in one adapter, B at zero and A at random; eval: in the base nothing drops out either."""
    torch.manual_seed(hyper.seed)
    lora = LoraConfig(
        r=hyper.rank,
        lora_alpha=hyper.alpha,
        lora_dropout=0.0,
        bias="none",
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, lora).eval()
