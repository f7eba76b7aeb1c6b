"""Loss and gradients of a Llama: the hand-derived parts of blocks.py, chained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.local.engine.blocks import Attended, Gated, Normed
from evalkit.local.engine.config import Config
from evalkit.local.engine.forward import Rotation, rotation
from evalkit.local.engine.packing import Batch, Pieces
from evalkit.local.engine.weights import Array, Layer, Linear, Model


class RestSink(Protocol):
    """Takes what the gradients of all parameters but the linears are made of."""

    def norm(self, layer: int | None, name: str, normed: Array, d_out: Array) -> None:
        """`out = weight * normed`; `name` is the attribute of the layer or (None) the model."""
        ...

    def head(self, x: Array, d_logits: Array) -> None:
        """`logits = head @ x`."""
        ...

    def embedding(self, ids: NDArray[np.intp], d_x: Array) -> None:
        """`x[:, t] = embedding[ids[t]]`; called after `head`."""
        ...


class Sink(Protocol):
    """Takes what the gradients of the linears are made of; `rest`, where there is one, takes the others."""

    @property
    def rest(self) -> RestSink | None:
        """None where norms, head and embedding are frozen."""
        ...

    def linear(self, layer: int, name: Linear, x: Array, d_out: Array) -> None:
        """`out = weight @ x`, within a layer."""
        ...


@dataclass(frozen=True, slots=True)
class Score:
    """How well a batch is predicted.

    Attributes:
        loss: what training makes smaller, in nats.
        accuracy: share of the targets that are the most probable token.
    """

    loss: float
    accuracy: float


class Loss(Protocol):
    """What a batch costs, told from how its targets are predicted."""

    def __call__(self, surprise: Array, hits: NDArray[np.bool_], /) -> tuple[Score, Array]:
        """Tell the score, and the slope of its loss along each surprise.

        `surprise` (predictions,): -log probability of each target; `hits`: whether it is the most probable.
        """
        ...


def mean_loss(batch: Batch) -> Loss:
    """The weighted mean of the cross-entropy."""

    def loss(surprise: Array, hits: NDArray[np.bool_]) -> tuple[Score, Array]:
        return Score(float((surprise * batch.weights).sum()), float(hits.mean())), batch.weights

    return loss


def gradients(model: Model, batch: Batch, sink: Sink, loss: Loss | None = None) -> Score:
    """Run a batch forward and backward; the gradients of its loss (else the mean) go to `sink`."""
    passes, x = _through_layers(model, batch)
    predicted = Predicted.forward(x, model, batch)
    score, slopes = (loss or mean_loss(batch))(predicted.surprise, predicted.hits)
    d_x = predicted.backward(slopes, model, batch, sink)
    for layer_pass in reversed(passes):
        d_x = layer_pass.backward(d_x, sink)
    if sink.rest:
        sink.rest.embedding(batch.ids, d_x)
    return score


def predictions(model: Model, batch: Batch) -> tuple[Array, NDArray[np.bool_]]:
    """How the targets of a batch are predicted, nothing being learned: surprise and hits, see `Loss`."""
    predicted = Predicted.forward(_through_layers(model, batch)[1], model, batch)
    return predicted.surprise, predicted.hits


def _through_layers(model: Model, batch: Batch) -> tuple[list[LayerPass], Array]:
    """What the layers keep for their way back, and the residual stream (width, predictions)."""
    rotate = rotation(model.config, batch.positions, model.embedding.dtype)
    x = np.ascontiguousarray(model.embedding[batch.ids].T)
    passes, pieces = [], batch.pieces()
    for index, layer in enumerate(model.layers):
        # nobody looks at the last layer's other tokens: they stop at their keys and values
        columns = batch.wanted if index == model.config.layers - 1 else None
        passes.append(LayerPass(model.config, layer, index, rotate, pieces, columns))
        x = passes[-1].forward(x)
    return passes, x


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """The head's way forward and back.

    Attributes:
        normed: what the head read.
        odds: (vocab, predictions) of each token against the most probable one; overwritten by `backward`.
        total: (predictions,) their sums.
        surprise, hits: see `Loss`.
    """

    normed: Normed
    odds: Array
    total: Array
    surprise: Array
    hits: NDArray[np.bool_]

    @classmethod
    def forward(cls, x: Array, model: Model, batch: Batch) -> Predicted:
        """x (width, predictions), as the last layer leaves it."""
        normed = Normed.forward(x, model.norm, model.config.norm_eps)
        logits = model.head @ normed.out  # (vocab, predictions)
        best = logits.max(axis=0)
        targets = logits[batch.targets, np.arange(len(batch.targets))]
        odds = np.exp(np.subtract(logits, best, out=logits), out=logits)
        total = odds.sum(axis=0)
        return cls(normed, odds, total, best + np.log(total) - targets, targets >= best)

    def backward(self, slopes: Array, model: Model, batch: Batch, sink: Sink) -> Array:
        """`slopes` of the loss along each surprise -> d_x."""
        d_logits = self.odds
        d_logits *= slopes / self.total
        d_logits[batch.targets, np.arange(len(batch.targets))] -= slopes
        d_out = model.head.T @ d_logits
        if sink.rest:
            sink.rest.head(self.normed.out, d_logits)
            sink.rest.norm(None, "norm", self.normed.normed, d_out)
        return self.normed.backward(d_out)


class LayerPass:
    """One layer's way forward and back; `columns` (or all) are the tokens whose result is needed."""

    before: Normed
    attended: Attended
    mixed: Array
    after: Normed
    gated: Gated

    def __init__(
        self,
        config: Config,
        layer: Layer,
        index: int,
        rotate: Rotation,
        pieces: Pieces,
        columns: NDArray[np.intp] | None,
    ):
        self.config, self.layer, self.index = config, layer, index
        self.rotate, self.pieces, self.columns = rotate, pieces, columns

    def forward(self, x: Array) -> Array:
        """The residual stream (width, tokens) before the layer -> after it, (width, columns)."""
        linear, eps = self.layer.linear, self.config.norm_eps
        self.before = Normed.forward(x, self.layer.norm_attention, eps)
        qkv = linear["qkv"] @ self.before.out
        self.attended = Attended.forward(qkv, self.config, self.rotate, self.pieces)
        self.mixed = self._pick(self.attended.out)
        x = self._pick(x) + linear["o"] @ self.mixed
        self.after = Normed.forward(x, self.layer.norm_mlp, eps)
        self.gated = Gated.forward(linear["gate_up"] @ self.after.out)
        x += linear["down"] @ self.gated.out
        return x

    def backward(self, d_x: Array, sink: Sink) -> Array:
        """d of what `forward` returned -> d of what it was given."""
        d_x = self._mlp_backward(d_x, sink)
        d_mixed = self._through("o", self.mixed, d_x, sink)
        d_qkv = self.attended.backward(self._unpick(d_mixed), self.rotate, self.pieces)
        d_x = self._unpick(d_x)
        if self.index == 0 and not sink.rest:
            sink.linear(0, "qkv", self.before.out, d_qkv)
            return d_x  # what comes before the first layer is not trained
        d_normed = self._through("qkv", self.before.out, d_qkv, sink)
        if sink.rest:
            sink.rest.norm(self.index, "norm_attention", self.before.normed, d_normed)
        return d_x + self.before.backward(d_normed)

    def _mlp_backward(self, d_x: Array, sink: Sink) -> Array:
        d_hidden = self._through("down", self.gated.out, d_x, sink)
        d_normed = self._through("gate_up", self.after.out, self.gated.backward(d_hidden), sink)
        if sink.rest:
            sink.rest.norm(self.index, "norm_mlp", self.after.normed, d_normed)
        return d_x + self.after.backward(d_normed)

    def _through(self, name: Linear, x: Array, d_out: Array, sink: Sink) -> Array:
        """Back through `out = weight @ x`: hands the weight's gradient on, returns d_x."""
        sink.linear(self.index, name, x, d_out)
        d_x: Array = self.layer.linear[name].T @ d_out
        return d_x

    def _pick(self, x: Array) -> Array:
        return x if self.columns is None else x[:, self.columns]

    def _unpick(self, d_x: Array) -> Array:
        """The gradient of `_pick`: nothing came from the tokens that were left out."""
        if self.columns is None:
            return d_x
        spread = np.zeros((len(d_x), self.rotate.cos.shape[1]), d_x.dtype)
        spread[:, self.columns] = d_x
        return spread
