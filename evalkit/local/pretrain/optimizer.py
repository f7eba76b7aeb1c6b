"""Muon for the matrices inside the blocks, AdamW for embeddings and norms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

MUON_RATE = 0.02
ADAM_RATE = 3e-3
_QUINTIC = (3.4445, -4.7750, 2.0315)  # fast, and only roughly orthogonal (Jordan et al., Muon, 2024)


def orthogonal(stack: Tensor) -> Tensor:
    """(N, rows, columns) -> the same with singular values near 1, by five Newton-Schulz steps."""
    wide = stack.mT if stack.shape[-2] > stack.shape[-1] else stack
    x = wide / (wide.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    x = x.to(torch.bfloat16 if x.is_cuda else torch.float16)
    a, b, c = _QUINTIC
    for _ in range(5):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if wide is not stack else x).to(stack.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal matrix by matrix; matrices of one shape are computed together.

    Keller Jordan's Muon (https://kellerjordan.github.io/posts/muon/), with its scale by sqrt(rows / columns).
    """

    def __init__(self, matrices: Iterable[Tensor], momentum: float = 0.95, decay: float = 0.01) -> None:
        alike: dict[torch.Size, list[Tensor]] = defaultdict(list)
        for matrix in matrices:
            alike[matrix.shape].append(matrix)
        groups = [{"params": group} for group in alike.values()]
        super().__init__(groups, {"lr": MUON_RATE, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One update of every matrix."""
        for group in self.param_groups:
            matrices: list[Tensor] = group["params"]
            gradient = torch.stack([matrix.grad for matrix in matrices if matrix.grad is not None])
            state = self.state[matrices[0]]  # one for the whole group
            if "velocity" not in state:
                state["velocity"] = torch.zeros_like(gradient)
            velocity: Tensor = state["velocity"]
            velocity.lerp_(gradient, 1 - group["momentum"])
            update = orthogonal(gradient.lerp(velocity, group["momentum"]))
            scale = max(1.0, gradient.shape[-2] / gradient.shape[-1]) ** 0.5
            for matrix, change in zip(matrices, update, strict=True):
                matrix.mul_(1 - group["lr"] * group["decay"]).sub_(change, alpha=group["lr"] * scale)


class Optimizers:
    """Both optimizers as one, with one common factor on their learning rates."""

    def __init__(self, model: nn.Module) -> None:
        named = dict(model.named_parameters())
        matrices = {name for name, p in named.items() if p.dim() == 2 and "embed" not in name}
        rest = [p for name, p in named.items() if name not in matrices]
        self.all: tuple[torch.optim.Optimizer, ...] = (
            Muon(p for name, p in named.items() if name in matrices),
            torch.optim.AdamW(rest, lr=ADAM_RATE, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
        )

    def set_rate(self, factor: float) -> None:
        """Learning rates as a share of their full value."""
        for optimizer, rate in zip(self.all, (MUON_RATE, ADAM_RATE), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
