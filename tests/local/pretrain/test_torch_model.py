"""The training model computes for a packed turn what it computes for that conversation alone."""

from __future__ import annotations

import shutil

import pytest

torch = pytest.importorskip("torch", reason="torch only trains the base model: pip install .[pretrain]")

from evalkit.local.pretrain.attention import attend_masked, attend_pieces, build_kernel  # noqa: E402
from evalkit.local.pretrain.pack import Rows, visible  # noqa: E402
from evalkit.local.pretrain.torch_model import Llama, Shape  # noqa: E402
from tests.local.pretrain.packing import EPISODES, alone, one_row  # noqa: E402

LENGTH = 256


@pytest.fixture(scope="module")
def model() -> Llama:
    """Random weights, wide enough that what is seen matters."""
    torch.manual_seed(1)
    model = Llama(Shape(), attend_masked)
    for parameter in model.parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
    return model


def hidden(model: Llama, rows: Rows) -> torch.Tensor:
    """Hidden states of the one row, (T, width)."""
    arrays = (rows.ids, rows.positions, visible(rows))
    states: torch.Tensor = model(*map(torch.from_numpy, arrays))[0]
    return states


def test_a_packed_turn_gets_the_logits_of_its_conversation_alone(model: Llama) -> None:
    """Sibling turns and other documents in the row change nothing."""
    packed = one_row(*EPISODES, length=LENGTH)
    together = model.logits(hidden(model, packed))
    place = 0
    for episode in EPISODES:
        shared = bool(episode.system)
        for number, turn in enumerate(episode.turns):
            single = one_row(alone(episode, turn), length=LENGTH)
            by_itself = model.logits(hidden(model, single))
            start, end = packed.pieces[place + shared + number, 2:]
            own_start, own_end = single.pieces[int(shared), 2:]
            assert torch.allclose(together[start:end], by_itself[own_start:own_end], atol=1e-4)
        place += shared + len(episode.turns)


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which("c++") and shutil.which("ninja")), reason="needs a C++ compiler and ninja"
)
def test_the_kernel_computes_what_dense_attention_computes() -> None:
    """Mixed values and all gradients agree with attention under the mask."""
    build_kernel()
    rows = one_row(*EPISODES, length=LENGTH)
    used = int(rows.pieces[:, 3][rows.pieces[:, 3] < LENGTH].max())
    pieces, mask = torch.from_numpy(rows.pieces), torch.from_numpy(visible(rows))
    results = []
    for attend, seen in ((attend_masked, mask), (attend_pieces, pieces)):
        torch.manual_seed(2)
        inputs = [torch.randn(1, LENGTH, heads, 32, requires_grad=True) for heads in (6, 2, 2)]
        mixed = attend(*inputs, seen)[:, :used]
        gradients = torch.autograd.grad(mixed, inputs, torch.randn_like(mixed))
        results.append((mixed, *gradients))
    for dense, sparse in zip(*results, strict=True):
        assert torch.allclose(dense[:, :used], sparse[:, :used], atol=2e-5)
