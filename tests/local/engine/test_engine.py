"""What a job may ask for, and how it ends."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit.errors import UsageError
from evalkit.local.engine.batch import Engine
from evalkit.local.engine.job import ContextLengthExceeded, GenerationFailed, Job, TokenEvent
from tests.local.engine.answering import answer, answers, make_job, random_adapter, random_ids
from tests.local.tiny import SMALL, random_model

MODEL = random_model(SMALL)
PROMPT = random_ids(SMALL, 20, seed=1)


def test_ends_at_max_tokens() -> None:
    """The last permitted token says "length", none before it says anything."""
    events = answer(Engine(MODEL), make_job(PROMPT, max_tokens=6))
    assert [event.finished for event in events] == [None] * 5 + ["length"]


def test_ends_at_a_stop_token() -> None:
    """The stop token itself is sent, marked "stop", and nothing follows it."""
    free = answer(Engine(MODEL), make_job(PROMPT, max_tokens=6))
    stop = free[3].id
    events = answer(Engine(MODEL), make_job(PROMPT, max_tokens=6, stop_ids=frozenset({stop})))
    first = [event.id for event in free].index(stop)
    assert events == [*free[:first], replace(free[first], finished="stop")]


def test_ends_where_the_context_is_full() -> None:
    """Prompt and answer together never pass max_len; the token that fills it says "length"."""
    events = answer(Engine(MODEL, max_len=32), make_job(PROMPT, max_tokens=100))
    assert len(events) == 12
    assert events[-1].finished == "length"


def test_reports_as_many_alternatives_as_asked_for() -> None:
    """`logprobs` alternatives, best first; at temperature 0 the chosen one leads them."""
    for event in answer(Engine(MODEL), make_job(PROMPT, max_tokens=3, logprobs=5)):
        assert len(event.top) == 5
        assert event.top[0] == (event.id, event.logprob)
        assert sorted(event.top, key=lambda pair: -pair[1]) == list(event.top)
    assert answer(Engine(MODEL), make_job(PROMPT, max_tokens=1))[0].top == ()


def test_a_seed_repeats_an_answer() -> None:
    """The same seed gives the same answer, another one another, and no seed a fresh one each time."""
    ask = [make_job(PROMPT, max_tokens=12, temperature=1.5, seed=seed) for seed in (1, 1, 2, None, None)]
    ids = [[event.id for event in events] for events in answers(Engine(MODEL), ask)]
    assert ids[0] == ids[1]
    assert len({tuple(one) for one in ids}) == 4


@pytest.mark.parametrize("length", [32, 33, 500])
def test_a_prompt_without_room_for_an_answer_is_refused(length: int) -> None:
    """The error carries both figures, and the engine goes on."""
    engine = Engine(MODEL, max_len=32)
    with pytest.raises(ContextLengthExceeded, match=f"{length} tokens.*32") as caught:
        engine.submit(make_job([1] * length))
    assert (caught.value.tokens, caught.value.max_len) == (length, 32)
    assert answer(engine, make_job([1] * 31, max_tokens=5))[0].finished == "length"


@pytest.mark.parametrize(
    "job",
    [
        make_job([]),
        make_job([SMALL.vocab]),
        make_job([-1]),
        make_job([1], max_tokens=0),
        make_job([1], adapter=random_adapter(replace(SMALL, layers=1), seed=0)),
    ],
)
def test_an_impossible_job_is_refused_at_once(job: Job) -> None:
    """What would fail in the engine's thread fails where it was asked."""
    with pytest.raises(UsageError):
        Engine(MODEL).submit(job)


def test_more_jobs_than_slots_are_all_answered() -> None:
    """Slots are filled anew as they fall free; short answers do not wait for long ones to end."""
    company = [make_job(PROMPT, max_tokens=1 + 7 * (number % 3)) for number in range(50)]
    assert [len(events) for events in answers(Engine(MODEL), company)] == [job.max_tokens for job in company]


def test_a_cancelled_job_frees_its_place() -> None:
    """Cancelled from its own callback, while running and while waiting: silence, and the others go on."""
    engine, sent = Engine(MODEL, slots=2), []

    def cancel_at_third(event: TokenEvent) -> None:
        sent.append(event)
        if len(sent) == 3:
            engine.cancel(own)

    own = Job(PROMPT, cancel_at_third, max_tokens=50)
    running, waiting = (replace(make_job(PROMPT), on_token=sent.append, max_tokens=60) for _ in range(2))
    engine.submit(own)
    while len(sent) < 3:
        engine.step()
    engine.submit(running)
    engine.step()
    before = len(sent)
    engine.cancel(running)
    engine.submit(waiting)
    engine.cancel(waiting)
    assert len(answer(engine, make_job(PROMPT, max_tokens=9))) == 9
    assert len(sent) == before
    assert not engine.step()


def test_a_failing_callback_ends_its_own_job_only() -> None:
    """The job that raised hears why, once; its neighbour is answered as if nothing had happened."""
    engine = Engine(MODEL)
    failures: list[GenerationFailed] = []

    def fail(_: TokenEvent) -> None:
        raise ZeroDivisionError("oh")

    engine.submit(Job(PROMPT, fail, on_error=failures.append))
    neighbour = make_job(PROMPT, max_tokens=8)
    assert answer(engine, neighbour) == answer(Engine(MODEL), neighbour)
    assert [type(failure) for failure in failures] == [GenerationFailed]
    assert isinstance(failures[0].__cause__, ZeroDivisionError)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_overflowing_adapter_harms_nobody_else() -> None:
    """Numbers beyond float32 end that job with an error; later jobs in its slot are untouched by them."""
    engine = Engine(MODEL, slots=1)
    failures: list[GenerationFailed] = []
    wild = random_adapter(SMALL, seed=1)
    for factor in wild.factors.values():
        factor *= np.float32(1e30)
    engine.submit(replace(make_job(PROMPT, adapter=wild), on_error=failures.append))
    sound = make_job(PROMPT, max_tokens=5)
    assert answer(engine, sound) == answer(Engine(MODEL, slots=1), sound)
    assert "overflow" in str(failures[0])


def test_a_thread_of_its_own_sleeps_and_wakes() -> None:
    """`run_forever` answers what is submitted while it sleeps, and ends when told to."""
    engine, stop, done = Engine(MODEL), threading.Event(), threading.Event()

    def note_end(event: TokenEvent) -> None:
        if event.finished:
            done.set()

    thread = threading.Thread(target=engine.run_forever, args=(stop,))
    thread.start()
    try:
        for _ in range(3):
            done.clear()
            engine.submit(Job(PROMPT, note_end, max_tokens=4))
            assert done.wait(10)
    finally:
        stop.set()
        thread.join(5)
    assert not thread.is_alive()


class OneOf:
    """The answer is one of these texts, and then stops with token 0."""

    def __init__(self, *texts: tuple[int, ...]):
        self._texts, self._written = texts, 0

    def mask(self) -> NDArray[np.bool_]:
        """The tokens that come next in one of the texts."""
        following = [text[self._written] if self._written < len(text) else 0 for text in self._texts]
        return np.isin(np.arange(SMALL.vocab), following)

    def consume(self, token: int) -> None:
        """Keep the texts that go on with the token."""
        self._texts = tuple(
            text for text in self._texts if text[self._written : self._written + 1] == (token,)
        )
        self._written += 1


@pytest.mark.parametrize("temperature", [0.0, 1.0, 5.0])
def test_a_constrained_answer_holds_its_form(temperature: float) -> None:
    """Whatever the model would rather say, one of the permitted texts comes out, and then the end."""
    texts = ((5, 17, 40), (5, 9), (33,))
    engine, seen = Engine(MODEL), set()
    for seed in range(12):
        job = make_job(
            PROMPT, allow=OneOf(*texts), stop_ids=frozenset({0}), temperature=temperature, seed=seed
        )
        *events, end = answer(engine, job)
        assert (end.id, end.finished) == (0, "stop")
        seen.add(tuple(event.id for event in events))
    assert seen <= set(texts)
    assert len(seen) == 1 if temperature == 0 else len(seen) > 1


def test_a_constraint_that_permits_nothing_is_an_error() -> None:
    """No token and no end permitted: the job is given up, not sent in circles."""
    failures: list[GenerationFailed] = []
    engine = Engine(MODEL)
    engine.submit(replace(make_job(PROMPT, allow=OneOf()), on_error=failures.append))
    assert not engine.step()
    assert "constraint" in str(failures[0])


def test_given_tokens_are_scored_and_then_gone_on_from() -> None:
    """Given tokens come first with their log probabilities; the answer goes on as behind them in a prompt."""
    engine, given = Engine(MODEL), (5, 6, 7)
    free = answer(engine, make_job((*PROMPT, *given), max_tokens=3))
    events = answer(engine, make_job(PROMPT, given=given, max_tokens=3, stop_ids=frozenset({5})))
    assert [event.id for event in events] == [*given, *(event.id for event in free)]
    assert [event.logprob for event in events[3:]] == pytest.approx(
        [event.logprob for event in free], abs=1e-4
    )
    scored = answer(engine, make_job(PROMPT, given=(5, 6), max_tokens=0))
    assert [event.id for event in scored] == [5, 6]
    assert scored[-1].finished == "length"


def test_bias_and_penalties_change_what_is_chosen() -> None:
    """A bias of 100 makes a token certain; a penalty of 2 drives repetitions out of a greedy answer."""
    biased = answer(Engine(MODEL), make_job(PROMPT, max_tokens=4, bias={7: 100.0}))
    assert [event.id for event in biased] == [7] * 4
    assert biased[0].logprob < -0.01  # reported is what the model thought of it
    penalised = answer(Engine(MODEL), make_job(PROMPT, max_tokens=20, bias={7: 3.0}, frequency_penalty=2.0))
    assert [event.id for event in penalised].count(7) < 6
