"""Hand-derived gradients are those that finite differences find."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evalkit.local.engine.adapter import Adapter
from evalkit.local.engine.backward import gradients
from evalkit.local.engine.packing import LEAST_SHARED, Batch, Example, pack
from evalkit.local.engine.trainable import FullTraining, LoraTraining
from tests.local.engine.naive import logprobs
from tests.local.tiny import SMALL, random_model

STEP = 1e-5


def random_batch(seed: int) -> Batch:
    """Three examples of different lengths, with weights of all sizes and gaps between them."""
    chance = np.random.default_rng(seed)
    examples = []
    for length in (9, 14, 5):
        weights = chance.random(length) * (chance.random(length) > 0.4)
        examples.append(
            Example(tuple(chance.integers(0, SMALL.vocab, length).tolist()), tuple(weights.tolist()))
        )
    return pack(examples, np.float64)


def subject(method: str, tied: bool) -> FullTraining | LoraTraining:
    """Something to train in float64; a LoRA is a little off its start, where half of it has no slope."""
    base = random_model(replace(SMALL, tied=tied), dtype=np.float64)
    if method == "full":
        return FullTraining(base)
    lora = LoraTraining(base, rank=3, alpha=6, seed=0)
    gradients(lora.model(), random_batch(seed=5), lora)
    lora.parameters -= 0.5 * lora.gradient
    return lora


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("method", ["full", "lora"])
def test_gradients_match_finite_differences(method: str, tied: bool) -> None:
    """In float64, 150 parameters at random, for every kind of weight: the slopes agree to six digits."""
    trained, batch = subject(method, tied), random_batch(seed=1)
    gradients(trained.model(), batch, trained)
    slopes = trained.gradient.copy()
    chosen = np.random.default_rng(2).choice(np.flatnonzero(slopes), 150, replace=False)
    for place in chosen:
        losses = []
        for shift in (STEP, -2 * STEP, STEP):  # there, across, and back
            trained.parameters[place] += shift
            losses.append(gradients(trained.model(), batch, trained).loss)
        assert (losses[0] - losses[1]) / (2 * STEP) == pytest.approx(slopes[place], rel=1e-5, abs=1e-9)


def test_every_weight_has_a_slope() -> None:
    """Full training leaves no array out: each gets some gradient that is not zero."""
    trained = subject("full", tied=False)
    gradients(trained.model(), random_batch(seed=1), trained)
    share = (trained.gradient != 0).mean()
    assert share > 0.6  # all but rows of the embedding whose tokens do not occur


def test_lora_stays_within_its_parts() -> None:
    """Queries, keys and values share one fused factor, but no slope leads from one's B to another's A."""
    trained = subject("lora", tied=True)
    gradients(trained.model(), random_batch(seed=1), trained)
    adapter = trained.result()
    assert isinstance(adapter, Adapter)
    for layer in adapter.layers:
        assert (layer["qkv"].up[:32, 3:] == 0).all()
        assert (layer["qkv"].up[32:, :3] == 0).all()
    assert adapter.fits(SMALL)


def test_loss_is_that_of_the_naive_model() -> None:
    """Packed side by side, examples do not see one another: the loss is the mean over each by itself."""
    model = random_model(SMALL, dtype=np.float64)
    one = Example((3, 1, 4, 1, 5), (0, 0, 1, 0, 0.5))
    other = Example((9, 2, 6), (1, 2, 1))
    total = 0.0
    for example in (one, other):
        rows = logprobs(model, example.ids)
        total -= sum(rows[at - 1, example.ids[at]] * example.weights[at] for at in range(1, len(example.ids)))
    trained = FullTraining(model)
    score = gradients(trained.model(), pack([one, other], np.float64), trained)
    assert score.loss == pytest.approx(total / 4.5, rel=1e-12)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_beginning_that_all_examples_share_is_read_once(method: str) -> None:
    """Loss and slopes are those of examples that lie side by side, each with its own copy of it."""
    chance = np.random.default_rng(3)
    beginning = tuple(chance.integers(0, SMALL.vocab, LEAST_SHARED + 3).tolist())
    examples = []
    for first, length in ((1, 5), (2, 9), (3, 2)):
        ids = (*beginning, first, *chance.integers(0, SMALL.vocab, length - 1).tolist())
        weights = (*[0.0] * (len(beginning) + 1), *(0.1 + chance.random(length - 1)))
        examples.append(Example(ids, tuple(weights)))
    together, alone = pack(examples, np.float64), pack([*examples, Example((5, 6), (0.0, 1e-30))], np.float64)
    assert (together.shared, alone.shared) == (len(beginning), 0)
    assert len(together.ids) < len(alone.ids) / 2
    found = []
    for batch in (together, alone):
        trained = subject(method, tied=True)
        found.append((gradients(trained.model(), batch, trained).loss, trained.gradient.copy()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-9, atol=1e-13)


def test_what_is_shared_ends_before_the_first_target() -> None:
    """A turn that all examples have is learned in each of them."""
    ids = tuple(range(40))
    examples = [Example((*ids, last), (*[0.0] * 30, *[1.0] * 11)) for last in (41, 42)]
    batch = pack(examples)
    assert batch.shared == 29
    assert len(batch.targets) == 22
    assert pack(examples[:1]).shared == 0
