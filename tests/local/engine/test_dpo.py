"""Direct preference optimisation: its loss, its slopes, and what it does to a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from evalkit.errors import UsageError
from evalkit.local.engine.backward import gradients, predictions
from evalkit.local.engine.dpo import Preference, Preferring
from evalkit.local.engine.packing import Example
from evalkit.local.engine.train import Hyper, Training
from evalkit.local.engine.trainable import LoraTraining
from evalkit.local.engine.weights import Model
from tests.local.engine.answering import random_ids
from tests.local.engine.naive import logprobs
from tests.local.tiny import SMALL, random_model

BETA = 0.3


def pairs(count: int = 4) -> list[Preference]:
    """Prompts with a better and a worse answer, of different lengths."""
    found = []
    for number in range(count):
        prompt = random_ids(SMALL, 4 + number, seed=number)
        better, worse = random_ids(SMALL, 3, seed=50 + number), random_ids(SMALL, 5, seed=90 + number)
        found.append(Preference(lesson(prompt, better), lesson(prompt, worse)))
    return found


def lesson(prompt: tuple[int, ...], answer: tuple[int, ...]) -> Example:
    return Example(prompt + answer, (0.0,) * len(prompt) + (1.0,) * len(answer))


def log_probability(model: Model, example: Example) -> float:
    rows = logprobs(model, example.ids)
    places = [at for at, weight in enumerate(example.weights) if weight]
    return float(sum(rows[at - 1, example.ids[at]] for at in places))


def lead(model: Model, pair: Preference) -> float:
    return log_probability(model, pair.better) - log_probability(model, pair.worse)


def preferring(chosen: Sequence[Preference], base: Model) -> Preferring:
    """The objective, with the model as its own reference."""
    dtype = base.embedding.dtype.type
    return Preferring(chosen, base.config, partial(predictions, base), BETA, dtype)


def trained_a_little(base: Model) -> LoraTraining:
    """A LoRA off its start, where it equals the base."""
    lora = LoraTraining(base, rank=3, alpha=6, seed=0)
    chance = np.random.default_rng(3)
    lora.parameters += 0.05 * chance.normal(size=lora.parameters.shape)
    return lora


def test_the_loss_is_that_of_the_paper() -> None:
    """In float64, against the formula written out over the naive model."""
    base = random_model(SMALL, dtype=np.float64)
    lora = trained_a_little(base)
    batch, loss = preferring(pairs(), base).batch([2, 0])
    found = gradients(lora.model(), batch, lora, loss)
    margins = [BETA * (lead(lora.model(), pair) - lead(base, pair)) for pair in (pairs()[2], pairs()[0])]
    assert found.loss == pytest.approx(np.mean([np.log1p(np.exp(-margin)) for margin in margins]), rel=1e-9)


def test_slopes_match_finite_differences() -> None:
    """100 parameters at random: the slopes agree to five digits."""
    base, step = random_model(SMALL, dtype=np.float64), 1e-5
    lora = trained_a_little(base)
    batch, loss = preferring(pairs(), base).batch(range(4))
    gradients(lora.model(), batch, lora, loss)
    slopes = lora.gradient.copy()
    for place in np.random.default_rng(2).choice(np.flatnonzero(slopes), 100, replace=False):
        losses = []
        for shift in (step, -2 * step, step):  # there, across, and back
            lora.parameters[place] += shift
            losses.append(gradients(lora.model(), batch, lora, loss).loss)
        assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(slopes[place], rel=1e-4, abs=1e-9)


def trained() -> tuple[Training, list[float]]:
    base = random_model(SMALL)
    hyper = Hyper(epochs=30, batch_size=2, learning_rate=3e-3, rank=4)
    training = Training(base, preferring(pairs(), base), hyper)
    return training, [training.advance().loss for _ in range(training.steps)]


def test_better_answers_gain_on_worse_ones() -> None:
    """The loss begins at log 2, where nothing is preferred, and falls, as every pair's lead grows."""
    (training, losses), base = trained(), random_model(SMALL)
    assert losses[0] == pytest.approx(np.log(2), abs=1e-3)
    assert losses[-1] < 0.1
    assert all(lead(training.model(), pair) > lead(base, pair) + 5 for pair in pairs())


def test_dpo_repeats_itself_to_the_bit() -> None:
    """The same pairs twice make the same adapter."""
    assert trained()[0].result().sha256 == trained()[0].result().sha256


@pytest.mark.parametrize("side", ["better", "worse"])
def test_an_answer_without_a_token_is_named(side: str) -> None:
    """The second pair is at fault."""
    empty: Sequence[Preference] = [pairs()[0], replace(pairs()[1], **{side: Example((1, 2), (0.0, 0.0))})]
    with pytest.raises(UsageError, match="example 2 has no token to learn"):
        preferring(empty, random_model(SMALL))
