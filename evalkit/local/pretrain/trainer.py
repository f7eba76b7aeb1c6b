"""The model with its optimizers: one update, the held-out loss, saving and loading."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from evalkit.local.pretrain.attention import attend_masked, attend_pieces, build_kernel
from evalkit.local.pretrain.checkpoint import Progress, load_checkpoint, save_checkpoint
from evalkit.local.pretrain.optimizer import Optimizers
from evalkit.local.pretrain.pack import Rows, visible
from evalkit.local.pretrain.torch_model import Llama, Shape

LEARNED_SHARE = 0.45  # of a batch's tokens, at most, are predicted: a fixed count keeps shapes static


class Batch(NamedTuple):
    """Packed rows on the device, and the tokens of them that are predicted.

    ids, positions: (B, T). seen: pieces on a CPU, else the mask of `pack.visible`.
    source, target, weight: (K,), the place among the B * T that predicts, what, and how much it counts.
    """

    ids: Tensor
    positions: Tensor
    seen: Tensor
    source: Tensor
    target: Tensor
    weight: Tensor

    @property
    def answers(self) -> Tensor:
        """(K,): 1 where a token of an answer is predicted, else 0."""
        return (self.weight >= 1.0).float()


def to_batch(rows: Rows, device: str) -> Batch:
    """The rows as tensors; the K tokens of most weight are predicted."""
    weight = rows.weight.reshape(-1)
    count = int(weight.size * LEARNED_SHARE)
    chosen = np.sort(np.argpartition(-weight, count)[:count])
    seen = rows.pieces if device == "cpu" else visible(rows)
    read = (rows.ids, rows.positions, seen)
    learned = (np.maximum(chosen - 1, 0), rows.ids.reshape(-1)[chosen], weight[chosen])
    return Batch(*(torch.from_numpy(array).to(device) for array in (*read, *learned)))


def half_type(device: str) -> torch.dtype:
    """The type of matrix products.

    Measured on two cores of a Xeon with AVX512-FP16: 235 GFLOP/s in fp16, 150 in bf16, 155 in fp32.
    """
    has_fp16 = device == "cpu" and torch.cpu.get_capabilities().get("avx512_fp16", False)
    return torch.float16 if has_fp16 else torch.bfloat16


class Trainer:
    """Model, optimizers and loss scale, and how far they have come."""

    def __init__(self, device: str) -> None:
        if device == "cpu":
            build_kernel()
        torch.manual_seed(0)
        half = half_type(device)
        self.device = device
        self.model = Llama(Shape(), attend_pieces if device == "cpu" else attend_masked).to(device)
        self.optimizers = Optimizers(self.model)
        self.autocast = torch.autocast(device, half)
        self.scaler = torch.amp.GradScaler(device, 2.0**12, enabled=half is torch.float16)
        self.progress = Progress()
        self._compiled = torch.compile(self._losses, dynamic=False, fullgraph=True)

    def _losses(self, batch: Batch) -> Tensor:
        """(2,): the weighted sum of losses, and the sum over the tokens of answers."""
        hidden = self.model(batch.ids, batch.positions, batch.seen)
        logits = self.model.logits(hidden.flatten(0, 1)[batch.source])
        each = F.cross_entropy(logits, batch.target, reduction="none")
        return torch.stack((each @ batch.weight, each.detach() @ batch.answers))

    def update(self, batch: Batch, rate: float) -> float:
        """One step at `rate` of the full learning rates; the mean loss of a token of an answer."""
        self.optimizers.set_rate(rate)
        with self.autocast:
            weighted, answers = self._compiled(batch)
        self.scaler.scale(weighted / batch.weight.sum()).backward()
        for optimizer in self.optimizers.all:
            self.scaler.unscale_(optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers.all:
            if norm.isfinite():  # one optimizer's overflow has spoilt the other's gradients too, by the norm
                self.scaler.step(optimizer)
            optimizer.zero_grad(set_to_none=True)
        self.scaler.update()
        self.progress.tokens += batch.ids.numel()
        self.progress.steps += 1
        return float(answers.detach() / batch.answers.sum())

    def held_out_loss(self, held_out: Sequence[Batch]) -> float:
        """The mean loss of a token of an answer in batches that are never trained on."""
        with torch.no_grad(), self.autocast:
            total = sum(float(self._compiled(batch)[1]) for batch in held_out)
        return total / sum(float(batch.answers.sum()) for batch in held_out)

    def save(self, folder: Path) -> None:
        """Write a checkpoint."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers.all],
            "scaler": self.scaler.state_dict(),
        }
        save_checkpoint(folder, self.progress, state)

    def load(self, folder: Path) -> None:
        """Go on from the checkpoint in `folder`. Raises FileNotFoundError where there is none."""
        self.progress, state = load_checkpoint(folder, self.device)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers.all, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.scaler.load_state_dict(state["scaler"])

    def start_from(self, folder: Path) -> None:
        """Begin with weights that were exported, and with optimizers that know nothing yet."""
        self.model.load_state_dict(load_file(folder / "model.safetensors", device=self.device))
