"""Attention over packed rows: exactly what is seen on a CPU, everything under a mask elsewhere.

Both functions have one signature, and the model is given one of them:
query (B, T, heads, size), key and value (B, T, kv_heads, size), seen -> (B, T, heads, size).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils import cpp_extension

_SOURCE = Path(__file__).with_name("attention.cpp")


def attend_masked(query: Tensor, key: Tensor, value: Tensor, seen: Tensor) -> Tensor:
    """Dense; `seen` is the mask (B, T, T) of `pack.visible`."""
    q, k, v = (x.to(value.dtype).transpose(1, 2) for x in (query, key, value))
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=seen[:, None], enable_gqa=True)
    return mixed.transpose(1, 2)


def attend_pieces(query: Tensor, key: Tensor, value: Tensor, seen: Tensor) -> Tensor:
    """By the kernel in attention.cpp, once `build_kernel` has run; `seen` is `pack.Rows.pieces`."""
    scaled = query * query.shape[-1] ** -0.5
    flat = [x.float().flatten(0, 1).contiguous() for x in (scaled, key, value)]
    mixed: Tensor = torch.ops.evalkit.attend(*flat, seen)[0]
    return mixed.view_as(query)


@cache
def build_kernel() -> None:
    """Compile attention.cpp (about a minute, then kept by torch) and make autograd know it.

    Raises RuntimeError where there is no C++ compiler or no ninja.
    """
    cpp_extension.load(
        "evalkit_attention",
        [str(_SOURCE)],
        extra_cflags=["-O3", "-march=native", "-fopenmp", *_vector_flags()],
        is_python_module=False,
    )
    torch.library.register_fake("evalkit::attend", _attend_shapes)
    torch.library.register_fake("evalkit::attend_backward", _backward_shapes)
    torch.library.register_autograd("evalkit::attend", _gradient, setup_context=_remember)


def _vector_flags() -> list[str]:
    """What makes ATen's headers use the vectors that this CPU has."""
    capability = torch.backends.cpu.get_cpu_capability()  # e.g. AVX512
    return [f"-DCPU_CAPABILITY={capability}", f"-DCPU_CAPABILITY_{capability}"]


def _attend_shapes(query: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
    return torch.empty_like(query), query.new_empty(query.shape[:2])


def _backward_shapes(*tensors: Tensor) -> tuple[Tensor, ...]:
    _, query, key, value, *_ = tensors
    return torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)


def _remember(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(*inputs, *output)
    ctx.set_materialize_grads(False)


def _gradient(ctx: Any, gradient: Tensor, _: Tensor | None) -> tuple[Tensor | None, ...]:
    return (*torch.ops.evalkit.attend_backward(gradient.contiguous(), *ctx.saved_tensors), None)
