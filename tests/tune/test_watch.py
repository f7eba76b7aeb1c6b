"""A job followed to its end: every event once, in order, through outages."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.errors import AskError
from evalkit.tune import Base, Event, Job, Recipe
from evalkit.tune import watch as watching
from evalkit.tune.folder import fetch, folder_of, write
from evalkit.tune.start import create
from evalkit.tune.watch import follow
from tests.tune.conftest import Asking
from tests.tune.platform import Platform

RECIPE = Recipe(Base("gpt-x"), "words", b"{}\n")


class Seen:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.statuses: list[str] = []

    def looked(self, job: Job) -> None:
        """Keep the status."""
        self.statuses.append(job.status)

    def event(self, event: Event) -> None:
        """Keep the event."""
        self.events.append(event.id)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks follow at once."""
    monkeypatch.setattr(watching, "NEAR_S", 0.01)
    monkeypatch.setattr(watching, "RETRY_S", 0.01)


def test_every_event_is_told_once_and_in_order(platform: Platform, ask: Asking) -> None:
    """Though each look lists them anew, newest first; those of the last moment too."""
    platform.steps = 4
    ask(lambda server: create(server, RECIPE))
    seen = Seen()
    job = ask(lambda server: follow(server, "ftjob-0", seen))
    assert job.fine_tuned_model == "ft:gpt-x:org::0"
    assert seen.events == ["ev-1", "ev-2", "ev-3", "ev-4"]
    assert seen.statuses[-1] == "succeeded"


def test_an_outage_is_waited_out(platform: Platform, ask: Asking) -> None:
    """The job goes on while its server cannot be asked."""
    platform.outages = 3
    ask(lambda server: create(server, RECIPE))
    assert ask(lambda server: follow(server, "ftjob-0", Seen())).status == "succeeded"


def test_a_job_that_is_not_there_is_not_waited_for(ask: Asking) -> None:
    """A typing error ends at once."""
    with pytest.raises(AskError, match="fine_tune_not_found"):
        ask(lambda server: follow(server, "ftjob-9", Seen()))


def test_all_that_is_known_of_a_job_is_kept(platform: Platform, ask: Asking, tmp_path: Path) -> None:
    """Object, history, result and a plot of the losses, in a folder of its own; the same each time."""
    ask(lambda server: create(server, RECIPE))
    job = ask(lambda server: follow(server, "ftjob-0", Seen()))
    kept = ask(lambda server: fetch(server, job))
    folder = folder_of(tmp_path, job.id)
    write(folder, kept)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(first) == {"job.json", "events.jsonl", "result.csv", "loss.svg"}
    assert first["result.csv"] == platform.result
    assert b"validation" in first["loss.svg"]
    write(folder, kept)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_a_server_s_id_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    """It is the server's text, and may be anything."""
    assert folder_of(tmp_path, "../../etc/passwd").parent == tmp_path
    assert folder_of(tmp_path, "ftjob-1").name == "tune-ftjob-1"
