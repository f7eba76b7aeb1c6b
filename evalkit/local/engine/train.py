"""Fine-tuning on one core: LoRA or all weights, repeatable to the last bit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import UsageError
from evalkit.local.engine.adapter import Adapter
from evalkit.local.engine.backward import gradients, predictions
from evalkit.local.engine.objective import Imitation, Objective
from evalkit.local.engine.packing import Batch, Example
from evalkit.local.engine.trainable import FullTraining, LoraTraining
from evalkit.local.engine.weights import Array, Model

WARMUP_STEPS = 5
LAST_RATE = 0.1  # of the learning rate, reached in a straight line
CLIP = 1.0  # longest gradient
BETAS = (0.9, 0.98)
DECAY = 0.01  # AdamW's pull towards zero, times the learning rate


@dataclass(frozen=True, slots=True)
class Hyper:
    """How to train.

    Attributes:
        method: "lora" trains an adapter, "full" a copy of the model.
        epochs: how often each example is seen.
        batch_size: examples a step.
        learning_rate: its peak; 3e-3 suits LoRA, 5e-4 full training of the shipped model.
        rank, alpha: of the adapter; what it adds is scaled by alpha / rank.
        seed: of the first factors and the order of examples.
    """

    method: Literal["lora", "full"] = "lora"
    epochs: int = 3
    batch_size: int = 4
    learning_rate: float = 3e-3
    rank: int = 16
    alpha: float = 32.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "rank", "alpha"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} is {getattr(self, name)}; a number above 0 is needed")


@dataclass(frozen=True, slots=True)
class StepReport:
    """How one step went, measured before its update.

    Attributes:
        step, steps: this one, from 1, of so many.
        loss: weighted mean of the cross-entropy over the batch, in nats.
        token_accuracy: share of the batch's targets that were the most probable token.
    """

    step: int
    steps: int
    loss: float
    token_accuracy: float


class TrainingDiverged(UsageError):
    """The loss is no number any more."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """All that a training needs to go on: the steps done, and the three vectors that they left."""

    step: int
    vectors: Mapping[str, Array]


class Training:
    """A training that can be left after any step and taken up again: the bits are the same.

    Args:
        model: what is trained; it is left as it is.
        objective: what it learns.
        hyper: how.
    """

    def __init__(self, model: Model, objective: Objective, hyper: Hyper):
        _keep_freed_memory()
        self._objective, self._hyper = objective, hyper
        self._subject = _subject(model, hyper)
        self._optimiser = AdamW(self._subject.parameters)
        self.steps_an_epoch = math.ceil(len(objective) / hyper.batch_size)
        self.steps = hyper.epochs * self.steps_an_epoch

    @property
    def step(self) -> int:
        """How many steps are done."""
        return self._optimiser.steps

    def advance(self) -> StepReport:
        """Do the next step.

        Raises:
            TrainingDiverged: the learning rate is too high.
        """
        step = self.step + 1
        batch, loss = self._objective.batch(self._chosen(step))
        score = gradients(self._subject.model(), batch, self._subject, loss)
        if not math.isfinite(score.loss):
            what = f"the loss is {score.loss} at step {step} of {self.steps}"
            raise TrainingDiverged(f"{what}; lower the learning rate, now {self._hyper.learning_rate}")
        self._optimiser.step(self._subject.gradient, self._hyper.learning_rate * schedule(step, self.steps))
        return StepReport(step, self.steps, score.loss, score.accuracy)

    def model(self) -> Model:
        """The model as it stands; the same arrays each time."""
        return self._subject.model()

    def predict(self, batch: Batch) -> tuple[Array, NDArray[np.bool_]]:
        """How it predicts a batch as it stands; see `objective.Predict`."""
        return predictions(self.model(), batch)

    def result(self) -> Adapter | Model:
        """What has been made so far."""
        return self._subject.result()

    def snapshot(self) -> Snapshot:
        """What `restore` goes on from; the arrays are the training's own."""
        return Snapshot(self.step, self._optimiser.vectors)

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from what a training of the same arguments had reached.

        Raises:
            ValueError: it was another training.
        """
        self._optimiser.restore(snapshot.step, snapshot.vectors)

    def _chosen(self, step: int) -> Sequence[int]:
        """The examples of a step: every one once an epoch, each epoch in an order of its own."""
        epoch, place = divmod(step - 1, self.steps_an_epoch)
        size = self._hyper.batch_size
        return order_of(len(self._objective), self._hyper.seed, epoch)[place * size : (place + 1) * size]


def fine_tune(
    model: Model,
    examples: Sequence[Example],
    hyper: Hyper,
    on_step: Callable[[StepReport], None] | None = None,
) -> Adapter | Model:
    """Train on examples; the same arguments give the same bits.

    Returns:
        an Adapter for method "lora", a Model for "full"; `model` itself is left as it is.

    Raises:
        UsageError: an example cannot be trained on.
        TrainingDiverged: the learning rate is too high.
    """
    training = Training(model, Imitation(examples, model.config, model.embedding.dtype.type), hyper)
    while training.step < training.steps:
        report = training.advance()
        if on_step:
            on_step(report)
    return training.result()


def _keep_freed_memory() -> None:
    """Teach glibc's malloc to keep the megabytes that each step frees for the next one.

    It keeps twice the size of the largest block freed so far. Left alone, it hands activations back to
    the system and spends a fifth of the time on page faults.
    """
    np.empty(31 * 2**20, np.uint8)  # freed at once; malloc learns from blocks of up to 32 MiB


def _subject(model: Model, hyper: Hyper) -> LoraTraining | FullTraining:
    if hyper.method == "full":
        return FullTraining(model)
    return LoraTraining(model, hyper.rank, hyper.alpha, hyper.seed)


@lru_cache(maxsize=2)
def order_of(count: int, seed: int, epoch: int) -> tuple[int, ...]:
    """The order in which an epoch takes so many examples."""
    return tuple(np.random.default_rng((seed, 1, epoch)).permutation(count).tolist())


def schedule(step: int, steps: int) -> float:
    """Share of the learning rate at a step from 1 on: a short rise, then a straight line down."""
    return min(1.0, step / WARMUP_STEPS) * (1 - (1 - LAST_RATE) * (step - 1) / steps)


class AdamW:
    """Adam with decoupled weight decay, over one vector of parameters (updated in place)."""

    def __init__(self, parameters: Array):
        self._parameters = parameters
        self._mean, self._square = np.zeros_like(parameters), np.zeros_like(parameters)
        self.steps = 0

    @property
    def vectors(self) -> Mapping[str, Array]:
        """What the steps have left."""
        return {"parameters": self._parameters, "mean": self._mean, "square": self._square}

    def restore(self, steps: int, vectors: Mapping[str, Array]) -> None:
        """Go on from there.

        Raises:
            ValueError: the vectors are of other sizes.
        """
        for name, vector in self.vectors.items():
            if name not in vectors or vectors[name].shape != vector.shape:
                raise ValueError(f"{name} is missing or of another size than {len(vector)}")
        for name, vector in self.vectors.items():
            vector[:] = vectors[name]
        self.steps = steps

    def step(self, gradient: Array, learning_rate: float) -> None:
        """One update; `gradient` is clipped to length `CLIP` and overwritten."""
        self.steps += 1
        gradient *= min(1.0, CLIP / (math.sqrt(float(gradient @ gradient)) + 1e-6))
        moments = ((self._mean, gradient), (self._square, np.square(gradient)))
        for beta, (moment, news) in zip(BETAS, moments, strict=True):
            moment *= beta
            moment += (1 - beta) * news
        unbias_mean, unbias_square = (1 - beta**self.steps for beta in BETAS)
        root = np.sqrt(self._square * (1 / unbias_square))
        root += 1e-8
        self._parameters *= 1 - learning_rate * DECAY
        self._parameters -= (learning_rate / unbias_mean) * self._mean / root
