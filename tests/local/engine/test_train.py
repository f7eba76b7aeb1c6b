"""Fine-tuning learns, repeats itself, and refuses what it cannot train on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit.errors import UsageError
from evalkit.local.engine.adapter import Adapter
from evalkit.local.engine.batch import Engine
from evalkit.local.engine.kept import keep_snapshot, kept_snapshot
from evalkit.local.engine.objective import Imitation
from evalkit.local.engine.packing import Example, pack
from evalkit.local.engine.train import (
    AdamW,
    Hyper,
    StepReport,
    Training,
    TrainingDiverged,
    fine_tune,
    schedule,
)
from evalkit.local.engine.weights import Model
from tests.local.engine.answering import answer, make_job, random_ids
from tests.local.tiny import SMALL, random_model

MODEL = random_model(SMALL)


def lessons(count: int = 6) -> list[Example]:
    """Prompts of different lengths, each with an answer of its own that ends with token 0."""
    found = []
    for number in range(count):
        prompt = random_ids(SMALL, 5 + number, seed=number)
        reply = (*random_ids(SMALL, 3, seed=100 + number), 0)
        found.append(Example(prompt + reply, (0.0,) * len(prompt) + (1.0,) * len(reply)))
    return found


def tune(**settings: Any) -> tuple[Adapter | Model, list[StepReport]]:
    """Train on the lessons."""
    reports: list[StepReport] = []
    chosen = {"epochs": 40, "batch_size": 4, "rank": 4, "learning_rate": 1e-2} | settings
    return fine_tune(MODEL, lessons(), Hyper(**chosen), reports.append), reports


@pytest.mark.parametrize("method", ["lora", "full"])
def test_learns_its_lessons(method: str) -> None:
    """After training, the engine answers each prompt with what stood in its example; the base does not."""
    trained, reports = tune(method=method)
    assert reports[-1].loss < 0.5 < 3 < reports[0].loss
    assert reports[-1].token_accuracy == 1
    assert replies(trained) == [example.ids[-4:] for example in lessons()]
    assert replies(MODEL) != replies(trained)


def replies(trained: Adapter | Model) -> list[tuple[int, ...]]:
    """What is answered to the prompts of the lessons."""
    adapter = trained if isinstance(trained, Adapter) else None
    engine = Engine(trained if isinstance(trained, Model) else MODEL)
    asked = [make_job(example.ids[:-4], adapter=adapter, max_tokens=4) for example in lessons()]
    return [tuple(event.id for event in answer(engine, job)) for job in asked]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_repeats_itself_to_the_bit(method: str) -> None:
    """Same arguments, same bits and reports; another seed gives another result. The base is not touched."""
    before = MODEL.sha256, MODEL.embedding.copy()
    (one, reports), (same, same_reports) = (tune(method=method, epochs=2, seed=1) for _ in range(2))
    other, _ = tune(method=method, epochs=2, seed=2)
    assert one.sha256 == same.sha256 != other.sha256
    assert reports == same_reports
    assert before[0] == MODEL.sha256
    assert np.array_equal(before[1], MODEL.embedding)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_training_that_was_left_goes_on_to_the_same_bits(method: Any, tmp_path: Path) -> None:
    """Left after any step, kept on disk and taken up by other objects: nothing differs at the end."""
    objective, hyper = Imitation(lessons(), SMALL), Hyper(method, epochs=3, rank=4)
    whole = Training(MODEL, objective, hyper)
    while whole.step < whole.steps:
        left, again = Training(MODEL, objective, hyper), Training(MODEL, objective, hyper)
        left.restore(whole.snapshot())
        keep_snapshot(left.snapshot(), tmp_path, {"note": "x"})
        snapshot, notes = kept_snapshot(tmp_path)
        again.restore(snapshot)
        assert (again.step, notes) == (whole.step, {"note": "x"})
        assert whole.advance() == again.advance()
        for name, vector in whole.snapshot().vectors.items():
            assert np.array_equal(vector, again.snapshot().vectors[name])


def test_a_snapshot_of_another_training_is_refused() -> None:
    """Another rank has other sizes."""
    one, other = (Training(MODEL, Imitation(lessons(), SMALL), Hyper(rank=rank)) for rank in (4, 8))
    with pytest.raises(ValueError, match="another size"):
        one.restore(other.snapshot())


def test_reports_every_step() -> None:
    """Six examples, four a step, three epochs: six steps, counted from 1."""
    _, reports = tune(epochs=3)
    assert [(report.step, report.steps) for report in reports] == [(step, 6) for step in range(1, 7)]


def test_weight_zero_is_not_learned() -> None:
    """Two examples that differ only in tokens of weight 0 behind the last target train to the same bits."""
    first, second = (Example((5, 6, 7, 8, last), (0, 0, 1, 1, 0)) for last in (9, 10))
    adapters = [fine_tune(MODEL, [example], Hyper(epochs=2)) for example in (first, second)]
    assert adapters[0].sha256 == adapters[1].sha256


def test_packing_lays_examples_side_by_side() -> None:
    """No padding: tokens end with the last one that has a successor to predict, weights add up to 1."""
    batch = pack([Example((4, 5, 6, 7), (0, 0, 3, 0)), Example((8, 9), (0, 1))])
    assert batch.ids.tolist() == [4, 5, 8]
    assert batch.positions.tolist() == [0, 1, 0]
    assert batch.spans == (slice(0, 2), slice(2, 3))
    assert batch.wanted.tolist() == [1, 2]
    assert batch.targets.tolist() == [6, 9]
    assert batch.weights.tolist() == [0.75, 0.25]


@pytest.mark.parametrize(
    ("example", "complaint"),
    [
        (Example((1, 2), (0, 1, 1)), "2 tokens but 3 weights"),
        (Example((1,) * 300, (1,) * 300), "300 tokens"),
        (Example((1, 64), (0, 1)), "outside 0 to 63"),
        (Example((1, 2, 3), (1, 0, 0)), "no token to learn"),
        (Example((1, 2, 3), (0, 1, -1)), "no token to learn"),
        (Example((), ()), "no token to learn"),
    ],
)
def test_an_unfit_example_is_named_by_its_number(example: Example, complaint: str) -> None:
    """The second example is at fault, and the message says what about it."""
    with pytest.raises(UsageError, match=f"example 2 .*{complaint}"):
        fine_tune(MODEL, [lessons()[0], example], Hyper())


def test_no_examples_are_refused() -> None:
    """An empty file trains nothing."""
    with pytest.raises(UsageError, match="no examples"):
        fine_tune(MODEL, [], Hyper())


@pytest.mark.parametrize("setting", ["epochs", "batch_size", "learning_rate", "rank", "alpha"])
def test_hyperparameters_must_be_positive(setting: str) -> None:
    """The message names the setting."""
    with pytest.raises(UsageError, match=setting):
        Hyper(**{setting: 0})  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_divergence_is_told() -> None:
    """A learning rate that blows the numbers up ends training with the step and the remedy."""
    with pytest.raises(TrainingDiverged, match="learning rate"):
        tune(learning_rate=1e18)


def test_schedule_rises_and_falls() -> None:
    """A short rise to the full rate, then down to a tenth of it; never zero."""
    rates = [schedule(step, 60) for step in range(1, 61)]
    assert max(rates) == rates[4] > 0.9
    assert rates[:5] == sorted(rates[:5])
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert 0.1 < rates[-1] < 0.12


def test_adamw_is_adamw() -> None:
    """Two steps on one parameter, against the paper's formulas written out."""
    parameter, mean, square, expected = np.array([2.0]), 0.0, 0.0, 2.0
    optimiser = AdamW(parameter)
    for step, slope in enumerate((0.5, -0.25), 1):
        optimiser.step(np.array([slope]), 0.1)
        mean, square = 0.9 * mean + 0.1 * slope, 0.98 * square + 0.02 * slope**2
        update = mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.98**step)) + 1e-8)
        expected -= 0.1 * (update + 0.01 * expected)
    assert parameter[0] == pytest.approx(expected, rel=1e-12)
