"""What training leaves is a folder that the engine reads, and that answers as the training model does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch only trains the base model: pip install .[pretrain]")

from evalkit.local.engine.batch import Engine  # noqa: E402
from evalkit.local.engine.job import Job, TokenEvent  # noqa: E402
from evalkit.local.engine.weights import load_model  # noqa: E402
from evalkit.local.pretrain.attention import attend_masked  # noqa: E402
from evalkit.local.pretrain.checkpoint import FILE, Progress, load_checkpoint, save_checkpoint  # noqa: E402
from evalkit.local.pretrain.export import export  # noqa: E402
from evalkit.local.pretrain.torch_model import Llama, Shape  # noqa: E402
from evalkit.local.tokenizer import load_encoding  # noqa: E402
from tests.local.pretrain.packing import WEIGHTS  # noqa: E402


def random_model() -> Llama:
    """Random weights that fp16 holds exactly, so that export loses nothing."""
    torch.manual_seed(3)
    model = Llama(Shape(), attend_masked)
    for parameter in model.parameters():
        std = parameter.shape[-1] ** -0.5 if parameter.dim() == 2 else 0.1
        parameter.data = (torch.randn_like(parameter) * std + (parameter.dim() == 1)).half().float()
    return model


def next_logprob(model: Llama, ids: list[int]) -> tuple[int, float]:
    """The likeliest next token and its log probability."""
    row, places = torch.tensor([ids]), torch.arange(len(ids))[None]
    causal = torch.ones(1, len(ids), len(ids), dtype=torch.bool).tril()
    with torch.no_grad():
        best = model.logits(model(row, places, causal)[0, -1]).log_softmax(-1).max(-1)
    return int(best.indices), float(best.values)


def test_the_engine_answers_as_the_training_model_does(tmp_path: Path) -> None:
    """Exported and loaded, the likeliest next tokens and their log probabilities are the same."""
    model = random_model()
    save_checkpoint(tmp_path, Progress(tokens=5), {"model": model.state_dict()})
    assert export(tmp_path, WEIGHTS, tmp_path / "out").tokens == 5
    ids = load_encoding(tmp_path / "out").encode("Wer schrieb Faust?")
    events: list[TokenEvent] = []
    engine = Engine(load_model(tmp_path / "out"))
    engine.submit(Job(ids=tuple(ids), max_tokens=4, temperature=0.0, on_token=events.append))
    while engine.step():
        pass
    for event in events:
        token, logprob = next_logprob(model, ids)
        assert (event.id, event.logprob) == (token, pytest.approx(logprob, abs=1e-3))
        ids.append(token)


def test_the_folder_is_small(tmp_path: Path) -> None:
    """All files together stay under the 12 MB that the repository allows itself."""
    save_checkpoint(tmp_path, Progress(), {"model": random_model().state_dict()})
    export(tmp_path, WEIGHTS, tmp_path / "out")
    assert sum(file.stat().st_size for file in (tmp_path / "out").iterdir()) < 12e6


def test_a_checkpoint_is_replaced_whole(tmp_path: Path) -> None:
    """The newer one is read back, and no partial file is left beside it."""
    for tokens in (1, 2):
        save_checkpoint(tmp_path, Progress(tokens=tokens), {"model": {"x": torch.zeros(3)}})
    progress, state = load_checkpoint(tmp_path)
    assert (progress.tokens, np.asarray(state["model"]["x"]).shape) == (2, (3,))
    assert [file.name for file in tmp_path.iterdir()] == [FILE]
