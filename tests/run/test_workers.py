"""Several processes that ask, one that writes: nothing is lost, asked twice or counted wrong."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.config import ModelFlags, load_config
from evalkit.errors import EvalkitError, StorageError
from tests.loopback import Json, Loopback, Reply, refused, said, shouting
from tests.run.helpers import Watching, config_for, run_in, write_suite

WORDS = [f"word{number}" for number in range(30)]

pytestmark = pytest.mark.slow


def verdicts(records: list[Json]) -> list[tuple[object, ...]]:
    """What the records say, in an order of their own."""
    return sorted((one["case"], one["variant"], one["response"]["text"], one["passed"]) for one in records)


def on_disk(folder: Path) -> list[Json]:
    """The records, as JSON."""
    return [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]


def test_two_workers_ask_what_one_asks(tmp_path: Path, loopback: Loopback) -> None:
    """The same records, each question once; all of it is told to the observer."""
    suite, config = write_suite(tmp_path / "cities", WORDS), config_for(tmp_path, loopback)
    alone, _ = run_in(tmp_path, suite, config, use_cache=False)
    loopback.asked.clear()
    watching = Watching()
    together, _ = run_in(tmp_path, suite, config, watching, use_cache=False, workers=2)
    assert verdicts(on_disk(together.folder)) == verdicts(on_disk(alone.folder))
    assert len(watching.records) == together.asked == len(loopback.questions) == 90
    assert json.loads((together.folder / "run.json").read_text())["status"] == "finished"


def test_workers_refuse_a_suite_that_has_changed(tmp_path: Path, loopback: Loopback) -> None:
    """They read it again: what this process has checked must be what they ask."""
    suite, config = write_suite(tmp_path / "cities", WORDS), config_for(tmp_path, loopback)
    with (tmp_path / "cities" / "suite.yaml").open("a") as file:
        file.write("description: another\n")
    with pytest.raises(EvalkitError, match="a suite has changed since the run began; run again"):
        run_in(tmp_path, suite, config, workers=2)
    assert not loopback.questions


def test_workers_share_the_cache(tmp_path: Path, loopback: Loopback) -> None:
    """What two have put there, three find."""
    suite, config = write_suite(tmp_path / "cities", WORDS), config_for(tmp_path, loopback)
    run_in(tmp_path, suite, config, workers=2)
    again, _ = run_in(tmp_path, suite, config, workers=3)
    assert (again.asked, again.cached) == (0, 90)


def test_workers_go_on_with_a_run_and_stop_at_maxfail(tmp_path: Path, loopback: Loopback) -> None:
    """What is done is not asked again; the candidate's failures are counted over all workers."""
    suite, config = write_suite(tmp_path / "cities", WORDS), config_for(tmp_path, loopback)
    stopped, _ = run_in(tmp_path, suite, config, workers=2, maxfail=2, concurrency=2, use_cache=False)
    assert stopped.stopped == "maxfail"
    assert 2 <= stopped.asked < 90
    before = Counter(str(question) for question in loopback.questions)
    whole, records = run_in(tmp_path, suite, config, workers=2, resume=stopped.folder, use_cache=False)
    assert stopped.asked + whole.asked == len(records) == 90
    asked = Counter(str(question) for question in loopback.questions)
    kept = {str(question) for question, count in before.items() if count and asked[question] > 1}
    assert len(kept) <= len(before) - stopped.asked, "what was on disk was asked again"


def test_an_endpoint_that_refuses_the_key_is_left_alone(tmp_path: Path, loopback: Loopback) -> None:
    """By every worker; the rest is told as not asked."""
    loopback.rule = lambda _: refused(401, "invalid_api_key")
    suite, config = write_suite(tmp_path / "cities", WORDS), config_for(tmp_path, loopback, "base")
    outcome, records = run_in(tmp_path, suite, config, workers=2, concurrency=4)
    assert len(records) == outcome.errors <= 4
    assert outcome.errors + outcome.unasked == 30


def test_a_full_disk_is_told_by_the_one_that_writes(
    tmp_path: Path, loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends with the fault, and no process stays behind."""
    monkeypatch.setattr("evalkit.run.store.RunFolder.append", _full)
    suite, config = write_suite(tmp_path / "cities", WORDS), config_for(tmp_path, loopback)
    with pytest.raises(StorageError, match="no room"):
        run_in(tmp_path, suite, config, workers=2)


def _full(*_: object) -> None:
    raise StorageError("no room")


def test_a_worker_that_dies_is_told(tmp_path: Path, loopback: Loopback) -> None:
    """Not waited for without end; what had come is on disk."""
    killed: list[int] = []

    def rule(body: Json) -> Reply:
        if not killed and len(loopback.questions) > 10:
            killed.append(_worker())
            os.kill(killed[0], signal.SIGKILL)
        return shouting(body)

    loopback.rule = rule
    suite, config = write_suite(tmp_path / "cities", WORDS), config_for(tmp_path, loopback)
    with pytest.raises(EvalkitError, match="worker process died; go on with --resume"):
        run_in(tmp_path, suite, config, workers=2)
    loopback.rule = shouting
    (folder,) = (tmp_path / "reports").glob("2*")
    _, records = run_in(tmp_path, suite, config, workers=2, resume=folder)
    assert len({(record.case, record.variant) for record in records}) == len(records) == 90


def _worker() -> int:
    """A process that works for this one."""
    pid = multiprocessing.active_children()[0].pid
    assert pid is not None
    return pid


def test_killed_it_leaves_no_worker_behind(tmp_path: Path, loopback: Loopback) -> None:
    """Workers end with the process that writes for them."""
    loopback.rule = lambda _: Reply(200, said("x").body, delay_s=0.2)
    write_suite(tmp_path / "cities", WORDS)
    model = f"plain@{loopback.base_url}"
    command = [sys.executable, "-m", "evalkit", "run", "cities", "--base", model, "--variants", "base"]
    with subprocess.Popen(
        [*command, "--no-gate", "-q", "--workers", "2", "-n", "4"], cwd=tmp_path
    ) as running:
        while len(loopback.questions) < 6:
            time.sleep(0.05)
        running.kill()
    asked = 0
    for _ in range(40):
        time.sleep(0.5)
        if len(loopback.questions) == asked:
            return
        asked = len(loopback.questions)
    raise AssertionError(f"{asked} questions, and more still come")


def test_workers_keep_to_a_limit_below_their_number(tmp_path: Path, loopback: Loopback) -> None:
    """An endpoint that bears one request at a time gets one, whoever sends it."""
    loopback.rule = lambda body: replace(shouting(body), delay_s=0.02)
    settings = f'[endpoints.one]\nbase_url = "{loopback.base_url}"\nmax_concurrency = 1\n'
    (tmp_path / "evalkit.toml").write_text(settings, "utf-8")
    config = load_config(tmp_path, ModelFlags(base="m@one", variants=("prompted",)), {})
    suite = write_suite(tmp_path / "cities", WORDS)
    outcome, _ = run_in(tmp_path, suite, config, use_cache=False, workers=3)
    assert (outcome.asked, loopback.busiest) == (len(WORDS), 1)


def test_workers_wait_for_what_is_under_way(tmp_path: Path, loopback: Loopback) -> None:
    """Stopped once, by failures or Ctrl-C, they ask nothing more and lose nothing: all is recorded."""
    loopback.rule = lambda body: replace(said("wrong"), delay_s=0.05 * len(body["messages"][-1]["content"]))
    words = [letter * length for letter in "abcdefgh" for length in (1, 4, 8)]
    suite, config = write_suite(tmp_path / "cities", words), config_for(tmp_path, loopback)
    flags = {"workers": 2, "concurrency": 8, "maxfail": 1, "use_cache": False}
    outcome, records = run_in(tmp_path, suite, config, **flags)
    assert outcome.stopped == "maxfail"
    assert len(records) == len(loopback.questions) < 3 * len(words)


def test_workers_that_drop_what_is_under_way_say_so(tmp_path: Path, loopback: Loopback) -> None:
    """Interrupted twice: what the server may charge is possibly billed, and not forgotten."""
    loopback.rule = lambda body: replace(shouting(body), delay_s=60)
    suite, config = write_suite(tmp_path / "cities", WORDS), config_for(tmp_path, loopback)

    def press() -> None:
        for _ in range(2):
            while len(loopback.questions) < 8:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.3)

    pressing = threading.Thread(target=press)
    pressing.start()
    outcome, records = run_in(tmp_path, suite, config, workers=2, concurrency=8)
    pressing.join()
    assert outcome.stopped == "interrupted"
    assert sum(record.possibly_billed for record in records) == len(loopback.questions) == 8
