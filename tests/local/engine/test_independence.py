"""A request gets the same tokens and the same log probabilities, to the last bit, in whatever company."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalkit.local.engine.batch import Engine
from evalkit.local.engine.config import Config
from evalkit.local.engine.job import Job, TokenEvent
from tests.local.engine.answering import answer, answers, make_job, random_adapter, random_ids
from tests.local.tiny import SHIPPED, SMALL, random_model

MODELS = {config: random_model(config) for config in (SMALL, SHIPPED)}
ADAPTERS = {config: (None, *(random_adapter(config, seed) for seed in (1, 2))) for config in MODELS}
SYSTEM_LENGTHS = (0, 20, 64, 90)


def without_cached(events: list[TokenEvent]) -> list[TokenEvent]:
    """What is promised to be the same; how much was cached is not."""
    return [replace(event, cached=0) for event in events]


@st.composite
def jobs(draw: st.DrawFn, config: Config) -> Job:
    """A job with one of a few system prefixes, so that they are shared, and a prompt of its own."""
    system = random_ids(config, draw(st.sampled_from(SYSTEM_LENGTHS)), seed=7)
    own = random_ids(config, draw(st.integers(1, 100)), seed=draw(st.integers(0, 9)))
    return make_job(
        system + own,
        prefix=len(system),
        adapter=draw(st.sampled_from(ADAPTERS[config])),
        max_tokens=draw(st.integers(1, 12)),
        temperature=draw(st.sampled_from((0.0, 0.7, 1.5))),
        top_p=draw(st.sampled_from((1.0, 0.8))),
        seed=draw(st.integers(0, 3)),
        logprobs=draw(st.sampled_from((None, 3))),
        given=random_ids(config, draw(st.sampled_from((0, 0, 3))), seed=5),
        frequency_penalty=draw(st.sampled_from((0.0, 0.5))),
    )


def check_company(config: Config, company: list[Job], arrive: list[int]) -> None:
    """Each job's tokens in company are those it gets alone, from an engine that has seen nothing."""
    model = MODELS[config]
    together = answers(Engine(model, max_len=256), company, arrive)
    for job, events in zip(company, together, strict=True):
        assert without_cached(events) == without_cached(answer(Engine(model, max_len=256), job))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_company_changes_nothing(data: st.DataObject) -> None:
    """Mixed lengths, adapters, temperatures, shared prefixes and times of arrival change no bit."""
    company = data.draw(st.lists(jobs(SMALL), min_size=1, max_size=24))
    check_company(
        SMALL, company, data.draw(st.lists(st.integers(0, 9), min_size=24, max_size=24))[: len(company)]
    )


@pytest.mark.slow
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_company_changes_nothing_at_the_shipped_size(data: st.DataObject) -> None:
    """BLAS chooses its kernels by size: the same holds at the sizes that are shipped."""
    company = data.draw(st.lists(jobs(SHIPPED), min_size=1, max_size=20))
    check_company(
        SHIPPED, company, data.draw(st.lists(st.integers(0, 9), min_size=20, max_size=20))[: len(company)]
    )


@pytest.mark.parametrize("config", MODELS, ids=("small", "shipped"))
def test_place_changes_nothing(config: Config) -> None:
    """Sixteen copies of one job, one in each slot, all get the same answer."""
    job = make_job(random_ids(SMALL, 40, seed=3), max_tokens=8, logprobs=5)
    copies = answers(Engine(MODELS[config]), [job] * 16)
    assert all(events == copies[0] for events in copies)


def test_a_cached_prefix_changes_nothing() -> None:
    """The second of two equal jobs finds its prefix cached, says so, and gets the same answer."""
    job = make_job(random_ids(SMALL, 100, seed=1), prefix=80, max_tokens=10, logprobs=2)
    engine = Engine(MODELS[SMALL])
    first, second = answer(engine, job), answer(engine, job)
    assert (first[0].cached, second[0].cached) == (0, 80)
    assert without_cached(first) == without_cached(second)


def test_a_prefix_belongs_to_its_adapter() -> None:
    """Keys computed with one adapter are never given to a job with another."""
    engine, ids = Engine(MODELS[SMALL]), random_ids(SMALL, 60, seed=1)
    for adapter in ADAPTERS[SMALL]:
        job = make_job(ids, prefix=40, adapter=adapter, max_tokens=4)
        assert answer(engine, job)[0].cached == 0
        assert answer(engine, job)[0].cached == 40


def test_the_prefix_cache_is_bounded() -> None:
    """With room for one prefix, the one used last stays and the one before is computed anew."""
    config = SMALL
    size = 2 * 4 * config.layers * config.kv_heads * config.head_dim * 64  # one chunk of keys and values
    engine = Engine(MODELS[config], prefix_bytes=size)
    one, other = (make_job(random_ids(config, 60, seed), prefix=50, max_tokens=1) for seed in (1, 2))
    cached = [answer(engine, job)[0].cached for job in (one, one, other, other, one)]
    assert cached == [0, 50, 0, 50, 0]
