"""A recipe becomes one job: whatever the network does, nothing is uploaded or paid twice."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from evalkit.errors import AskError, UsageError
from evalkit.tune import Base, Job, Recipe
from evalkit.tune import start as starting
from evalkit.tune.recipe import DATA, KEY
from evalkit.tune.start import READY_WITHIN_S, create, find, uploaded
from tests.tune.conftest import Asking
from tests.tune.platform import Platform

RECIPE = Recipe(
    Base("gpt-x"), "words", b'{"messages": []}\n', suffix="words", hyperparameters={"n_epochs": 2}
)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost jobs are looked for at once."""
    monkeypatch.setattr(starting, "LOOKS_S", (0.0, 0.01))


def test_the_job_is_asked_for_as_the_recipe_says(platform: Platform, ask: Asking) -> None:
    """Base, files, suffix, method, seed; and a key of its own, by which it is found again."""
    recipe = replace(RECIPE, validation=b'{"messages": [1]}\n')
    job = ask(lambda server: create(server, recipe))
    body = platform.jobs[0]
    assert (body["model"], body["training_file"], body["validation_file"]) == ("gpt-x", "file-0", "file-1")
    assert body["method"] == {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}}
    assert (body["suffix"], body["seed"]) == ("words", 0)
    assert body["metadata"] == {KEY: recipe.key, DATA: recipe.data_sha256}
    assert ask(lambda server: find(server, recipe)).id == job.id


def test_the_same_bytes_are_uploaded_once(platform: Platform, ask: Asking) -> None:
    """Under whichever name they come; other bytes are another file."""
    first = ask(lambda server: uploaded(server, "one", b"abc"))
    assert ask(lambda server: uploaded(server, "two", b"abc")) == first
    assert ask(lambda server: uploaded(server, "one", b"abd")) != first
    assert platform.count("POST", "/files") == 2


def test_a_file_s_name_alone_proves_nothing(platform: Platform, ask: Asking) -> None:
    """A file that was cut short on its way, or that the server could not read, is uploaded anew."""
    first = ask(lambda server: uploaded(server, "one", b"abc"))
    platform.files[0]["bytes"] = 2
    second = ask(lambda server: uploaded(server, "one", b"abc"))
    platform.files[1]["status"] = "error"
    third = ask(lambda server: uploaded(server, "one", b"abc"))
    assert len({first, second, third}) == 3


def test_a_job_whose_creation_was_not_answered_is_found_not_made_again(
    platform: Platform, ask: Asking
) -> None:
    """The connection breaks after the server has made the job: there is one job, and it is ours."""
    platform.lose = 1
    job = ask(lambda server: create(server, RECIPE))
    assert isinstance(job, Job)
    assert [each["id"] for each in platform.jobs] == [job.id]
    assert platform.count("POST", "/fine_tuning/jobs") == 1


def test_a_job_that_was_never_made_is_not_made_blindly(platform: Platform, ask: Asking) -> None:
    """The request was lost on its way: the user is told that the same command may be run again."""
    platform.drop = 1
    with pytest.raises(UsageError, match=r"run the same\s+command again"):
        ask(lambda server: create(server, RECIPE))
    assert platform.count("POST", "/fine_tuning/jobs") == 1
    assert platform.jobs == []


def test_a_closed_platform_is_explained(platform: Platform, ask: Asking) -> None:
    """403 training_not_available: since when, and what runs the same job instead."""
    platform.refusal = (403, "training_not_available")
    with pytest.raises(UsageError) as refused:
        ask(lambda server: create(server, RECIPE))
    text = str(refused.value)
    assert all(date in text for date in ("2026-05-07", "2026-07-02", "2027-01-06"))
    assert "evalkit tune start SUITE --model evalkit-tiny" in text
    assert "evalkit serve --port 8000" in text


def test_another_refusal_is_passed_on(platform: Platform, ask: Asking) -> None:
    """A 400 or 429 says that no job was made: nothing is looked for."""
    platform.refusal = (400, "model_not_available")
    with pytest.raises(AskError, match="model_not_available"):
        ask(lambda server: create(server, RECIPE))


def test_a_job_that_failed_is_not_found_again(platform: Platform, ask: Asking) -> None:
    """Nor one that was cancelled: the same recipe may be tried anew. One that still runs is."""
    ask(lambda server: create(server, RECIPE))
    assert ask(lambda server: find(server, RECIPE)).status == "queued"
    for status in ("failed", "cancelled"):
        platform.jobs[0]["status"] = status
        assert ask(lambda server: find(server, RECIPE)) is None


def test_a_model_that_was_deleted_is_made_anew(platform: Platform, ask: Asking) -> None:
    """A job that ended long ago counts while its model is served; one of a moment ago need not be ready."""
    ask(lambda server: create(server, RECIPE))
    ask(lambda server: server.job("ftjob-0"))
    assert ask(lambda server: find(server, RECIPE)).status == "succeeded"
    platform.models.clear()
    assert ask(lambda server: find(server, RECIPE)).status == "succeeded"
    platform.jobs[0]["finished_at"] = int(time.time()) - READY_WITHIN_S - 1
    assert ask(lambda server: find(server, RECIPE)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"base": Base("gpt-y")},
        {"base": Base("gpt-x", "abcd")},
        {"data": b"{}\n"},
        {"validation": b"{}\n"},
        {"method": "dpo"},
        {"hyperparameters": {"n_epochs": 3}},
        {"seed": 1},
    ],
)
def test_whatever_changes_the_model_changes_the_key(change: dict[str, object]) -> None:
    """Two recipes share a job only if the same model comes of both; the suffix is but a name."""
    assert replace(RECIPE, **change).key != RECIPE.key  # type: ignore[arg-type]
    assert replace(RECIPE, suffix="other").key == RECIPE.key
