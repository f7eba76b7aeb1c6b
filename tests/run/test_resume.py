"""Runs that end early: killed, interrupted, out of money, out of disk; and what is left to ask then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evalkit.errors import StorageError, UsageError
from evalkit.run.describe import resumed
from evalkit.run.run import run
from evalkit.run.store import latest, read_info, read_records
from tests.loopback import Json, Loopback, Reply, refused, shouting
from tests.run.helpers import Watching, config_for, options_for, run_in, write_suite

RUN = """
import sys
from pathlib import Path
from tests.run.helpers import Watching, config_for, options_for, write_suite
from evalkit.run.run import run
folder, url = Path(sys.argv[1]), sys.argv[2]
words = [f"w{number}" for number in range(100)]
suite = write_suite(folder / "cities", words)
outcome = run([suite], config_for(folder, url), options_for(folder, use_cache=False), Watching())
print(outcome.stopped)
"""


def start(folder: Path, server: Loopback) -> subprocess.Popen[str]:
    """A run of 300 records in a process of its own."""
    root = str(Path(__file__).resolve().parents[2])
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder), server.base_url],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )


def newest_with_records(folder: Path, at_least: int) -> Path:
    """Wait until the run in `folder` has written so many records."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        run_folder = latest(folder / "reports")
        if run_folder and len((run_folder / "records.jsonl").read_bytes().splitlines()) >= at_least:
            return run_folder
        time.sleep(0.01)
    raise AssertionError("the run wrote nothing")


def slowly(body: Json) -> Reply:
    """As usual, but 20 ms later."""
    answer = shouting(body)
    return Reply(body=answer.body, delay_s=0.02)


def go_on(folder: Path, server: Loopback) -> tuple[int, list[tuple[str, str]]]:
    """Resume the newest run: how many were asked, and the records' (case, variant) in the end."""
    newest = latest(folder / "reports")
    assert newest is not None
    _, options = resumed(newest)
    suite = write_suite(folder / "cities", [f"w{number}" for number in range(100)])
    outcome = run([suite], config_for(folder, server), options, Watching())
    assert (outcome.stopped, outcome.folder) == (None, newest)
    return outcome.asked, [(record.case, record.variant) for record in read_records(newest)]


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path, loopback: Loopback) -> None:
    """kill -9: what was stored stays and is not asked again; in the end every case has one record."""
    loopback.rule = slowly
    with start(tmp_path, loopback) as process:
        newest_with_records(tmp_path, 60)
        process.kill()
    stored = [(record.case, record.variant) for record in read_records(newest_with_records(tmp_path, 60))]
    loopback.asked.clear()
    asked, records = go_on(tmp_path, loopback)
    assert asked == 300 - len(stored)
    assert len(loopback.questions) == asked
    assert len(records) == len(set(records)) == 300


@pytest.mark.slow
def test_an_interrupted_run_ends_in_order(tmp_path: Path, loopback: Loopback) -> None:
    """Ctrl-C: nothing new is asked, what is under way is kept, run.json says so, and the run can go on."""
    loopback.rule = slowly
    process = start(tmp_path, loopback)
    folder = newest_with_records(tmp_path, 60)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert (process.returncode, output.strip()) == (0, "interrupted")
    assert read_info(folder)["status"] == "interrupted"
    assert len(list(read_records(folder))) == len(loopback.questions), "an answer under way was lost"
    _, records = go_on(tmp_path, loopback)
    assert len(records) == len(set(records)) == 300
    assert read_info(folder)["status"] == "finished"


def test_interrupting_twice_drops_what_hangs(tmp_path: Path, loopback: Loopback) -> None:
    """A second Ctrl-C does not wait for answers; the server may charge them, and is counted to have done."""
    loopback.rule = lambda body: Reply(body=shouting(body).body, delay_s=60)
    suite, config = write_suite(tmp_path / "cities"), config_for(tmp_path, loopback)

    def press() -> None:
        while len(loopback.questions) < 16:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
        while not watching.notes:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    watching = Watching()
    pressing = threading.Thread(target=press)
    pressing.start()
    outcome, records = run_in(tmp_path, suite, config, watching)
    pressing.join()
    assert outcome.stopped == "interrupted"
    assert {(record.error and record.error.type, record.possibly_billed) for record in records} == {
        ("dropped", 1)
    }
    assert len(records) == len(loopback.questions) == 16


def test_a_torn_last_line_is_not_trusted(tmp_path: Path, loopback: Loopback) -> None:
    """What was cut off in the middle of a line is asked again, and the file is whole afterwards."""
    suite, config = write_suite(tmp_path / "cities"), config_for(tmp_path, loopback)
    outcome, records = run_in(tmp_path, suite, config, use_cache=False)
    path = outcome.folder / "records.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    assert len(list(read_records(outcome.folder))) == 23
    outcome, again = run_in(tmp_path, suite, config, use_cache=False, resume=outcome.folder)
    assert outcome.asked == 1
    assert {(r.case, r.variant) for r in again} == {(r.case, r.variant) for r in records}
    assert len(again) == 24


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path, loopback: Loopback) -> None:
    """Damage that no kill can cause is not passed over."""
    outcome, _ = run_in(tmp_path, write_suite(tmp_path / "cities"), config_for(tmp_path, loopback))
    path = outcome.folder / "records.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b'{"suite": 1}\n', *lines[1:]]))
    with pytest.raises(UsageError, match=r"records\.jsonl:2: damaged record"):
        list(read_records(outcome.folder))


def test_cases_that_could_not_be_asked_are_asked_again(tmp_path: Path, loopback: Loopback) -> None:
    """On resume each of them ends with one record: its answer's."""
    suite, config = write_suite(tmp_path / "cities"), config_for(tmp_path, loopback)
    loopback.rule = lambda body: refused(400, "bad") if body["model"] == "tuned" else shouting(body)
    outcome, _ = run_in(tmp_path, suite, config)
    assert outcome.errors == 8
    loopback.rule = shouting
    outcome, records = run_in(tmp_path, suite, config, resume=outcome.folder)
    assert (outcome.asked, outcome.errors) == (8, 0)
    assert Counter(record.variant for record in records) == {"base": 8, "prompted": 8, "ft": 8}
    assert all(record.error is None for record in records)


def test_a_run_says_at_which_loads_it_was_asked(tmp_path: Path, loopback: Loopback) -> None:
    """Latencies are of all of them; a session that had nothing left to ask is none."""
    suite, config = write_suite(tmp_path / "cities"), config_for(tmp_path, loopback)
    loopback.rule = lambda _: refused(400, "bad")
    outcome, _ = run_in(tmp_path, suite, config)
    loopback.rule = shouting
    for concurrency in (64, 4):
        run_in(tmp_path, suite, config, resume=outcome.folder, concurrency=concurrency)
    assert read_info(outcome.folder)["concurrencies"] == [16, 64]


def test_a_changed_suite_is_not_mixed_into_a_run(tmp_path: Path, loopback: Loopback) -> None:
    """Resuming with another suite is refused, and names what changed."""
    config = config_for(tmp_path, loopback)
    outcome, _ = run_in(tmp_path, write_suite(tmp_path / "cities"), config)
    suite = write_suite(tmp_path / "cities", ["oslo"])
    with pytest.raises(UsageError, match="suites, records changed since that run began"):
        run_in(tmp_path, suite, config, resume=outcome.folder)


def test_the_budget_stops_a_run_before_it_is_passed(tmp_path: Path, loopback: Loopback) -> None:
    """What is under way counts; the run can go on with more money."""
    prices = (
        '[[prices]]\nmodel = "tuned"\nin = 0\nout = 100000\n'  # 1 token an answer, 10 cents; 256 reserved
    )
    suite = write_suite(tmp_path / "cities", more="params: {max_tokens: 2}\n")
    config, watching = config_for(tmp_path, loopback, "ft", toml=prices), Watching()
    outcome, records = run_in(tmp_path, suite, config, watching, max_cost=0.55, use_cache=False)
    assert outcome.stopped == "budget"
    assert 1 <= len(records) < 8
    assert sum(record.cost_usd or 0 for record in records) <= 0.55
    assert "--max-cost is 0.55" in watching.notes[-1]
    outcome, records = run_in(tmp_path, suite, config, max_cost=5.0, use_cache=False, resume=outcome.folder)
    assert (outcome.stopped, len(records)) == (None, 8)


def test_cached_answers_cost_nothing_again(tmp_path: Path, loopback: Loopback) -> None:
    """A rerun from the cache passes any cap."""
    prices = '[[prices]]\nmodel = "tuned"\nin = 0\nout = 100000\n'
    suite = write_suite(tmp_path / "cities", more="params: {max_tokens: 2}\n")
    config = config_for(tmp_path, loopback, "ft", toml=prices)
    run_in(tmp_path, suite, config, max_cost=5.0)
    outcome, _ = run_in(tmp_path, suite, config, max_cost=0.0)
    assert (outcome.stopped, outcome.cached) == (None, 8)


def test_a_resumed_run_has_the_flags_of_its_beginning(tmp_path: Path, loopback: Loopback) -> None:
    """run.json holds all that `--resume` alone needs."""
    suite, config = write_suite(tmp_path / "cities"), config_for(tmp_path, loopback, "ft", "base")
    outcome, _ = run_in(tmp_path, suite, config, seed=7, repeat=2, paths=("cities",), max_cost=None)
    flags, options = resumed(outcome.folder)
    assert flags == config.flags
    wanted = options_for(tmp_path, seed=7, repeat=2, paths=("cities",), max_cost=None, resume=outcome.folder)
    assert options == wanted


def test_a_folder_that_is_no_run_cannot_be_resumed(tmp_path: Path) -> None:
    """The message says what is missing."""
    with pytest.raises(UsageError, match="no run there"):
        resumed(tmp_path)
    (tmp_path / "run.json").write_text('{"flags": ', "utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        resumed(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, loopback: Loopback) -> None:
    """A file where a folder is due stands for a disk that cannot be written; nothing is asked then."""
    (tmp_path / "reports").write_text("in the way", "utf-8")
    with pytest.raises(StorageError, match=r"reports.*cannot be written.*--out"):
        run_in(tmp_path, write_suite(tmp_path / "cities"), config_for(tmp_path, loopback))
    assert loopback.questions == []


@pytest.fixture
def small_files() -> Iterator[Callable[[int], None]]:
    """Limits the size of files, as a disk that fills up does: a part of a line is written, then nothing."""
    resource = pytest.importorskip("resource", reason="only POSIX systems can limit the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_stops_the_run_and_loses_nothing(
    tmp_path: Path, loopback: Loopback, small_files: Callable[[int], None]
) -> None:
    """One message that says how to go on; with room again, only what is missing is asked."""
    suite, config = write_suite(tmp_path / "cities"), config_for(tmp_path, loopback)
    small_files(8_000)
    with pytest.raises(StorageError, match=r"records\.jsonl: cannot be written.*--resume"):
        run_in(tmp_path, suite, config, use_cache=False)
    small_files(-1)
    folder = latest(tmp_path / "reports")
    assert folder is not None
    stored = len(list(read_records(folder)))
    assert stored > 0
    outcome, records = run_in(tmp_path, suite, config, use_cache=False, resume=folder)
    assert (outcome.asked, len(records)) == (24 - stored, 24)


def test_a_cache_that_cannot_be_used_is_named(tmp_path: Path, loopback: Loopback) -> None:
    """A damaged file is neither trusted nor overwritten; the message says how to do without."""
    file = tmp_path / ".evalkit" / "cache" / "answers.v3.sqlite"
    file.parent.mkdir(parents=True)
    file.write_text("not a database, and long enough to be taken for one" * 20, "utf-8")
    with pytest.raises(StorageError, match=r"answers.*\.sqlite: the cache cannot be used.*--no-cache"):
        run_in(tmp_path, write_suite(tmp_path / "cities"), config_for(tmp_path, loopback))
