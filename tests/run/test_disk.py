"""A disk that is full or read-only, and several runs that want the same folder."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.loopback import Loopback, Reply, Rule, shouting
from tests.run.helpers import config_for, run_in, write_suite
from tests.run.process import asking, ended, file_limit, run_folder, said, start, stored, write_cases

CASES = 300


class Disk:
    """A file system of its own, in memory."""

    def __init__(self, folder: Path, size: str):
        self.folder = folder
        self._mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs")

    def remount(self, options: str) -> None:
        """Make it larger, or read-only."""
        self._mount("-o", f"remount,{options}")

    def close(self) -> None:
        """Take it away."""
        subprocess.run(["umount", "-l", str(self.folder)], check=True)

    def _mount(self, *arguments: str) -> None:
        subprocess.run(["mount", *arguments, str(self.folder)], check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Disk]]:
    """Makes a disk of a size such as `300k`."""
    made: list[Disk] = []

    def make(size: str) -> Disk:
        try:
            made.append(Disk(tmp_path, size))
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("only root can mount a file system")
        return made[-1]

    yield make
    for each in made:
        each.close()


def late(seconds: float) -> Rule:
    """The usual rule, but each answer comes later."""
    return lambda body: Reply(body=shouting(body).body, delay_s=seconds)


def words_asked(server: Loopback) -> list[str]:
    """What the server has been asked, in order."""
    return [body["messages"][-1]["content"] for body in server.questions]


def cases_of(run: Path) -> list[str]:
    """Whose records a run has."""
    return [record["case"] for record in stored(run)]


def begun(folder: Path) -> Path:
    """The one run that `folder` holds."""
    run = run_folder(folder)
    assert run is not None, said(folder)
    return run


@pytest.mark.slow
@pytest.mark.parametrize("flags", [[], ["--no-cache"]])
def test_a_full_disk_ends_a_run_that_goes_on_once_there_is_room(
    flags: list[str], tmp_path: Path, loopback: Loopback, disk: Callable[[str], Disk]
) -> None:
    """Exit 4 with the file and the remedy; later only what is missing is asked; each case has one record."""
    full = disk("160k")
    words = write_cases(tmp_path / "words", CASES)
    assert ended(start(tmp_path, *asking(loopback, *flags))) == 4
    assert "free space" in said(tmp_path)
    run = begun(tmp_path)
    kept, asked = set(cases_of(run)), len(loopback.questions)
    assert 0 < len(kept) < CASES
    full.remount("size=20m")
    assert ended(start(tmp_path, "--resume", str(run))) == 0, said(tmp_path)
    assert sorted(cases_of(run)) == sorted(words)
    assert not kept & set(words_asked(loopback)[asked:])


def test_files_that_may_not_grow_end_a_run_in_the_same_way(tmp_path: Path, loopback: Loopback) -> None:
    """A quota takes a part of a record first, then nothing: the torn line is not counted, and asked anew."""
    words = write_cases(tmp_path / "words", CASES)
    limited = start(tmp_path, *asking(loopback, "--no-cache"), prepare=file_limit(40_000))
    assert ended(limited) == 4
    assert "records.jsonl: cannot be written" in said(tmp_path)
    run = begun(tmp_path)
    kept = cases_of(run)
    assert 0 < len(kept) < CASES
    assert ended(start(tmp_path, "--resume", str(run))) == 0, said(tmp_path)
    assert sorted(cases_of(run)) == sorted(words)
    assert b"\n\n" not in (run / "records.jsonl").read_bytes()


@pytest.mark.slow
def test_a_read_only_folder_is_told_before_anything_is_asked(
    tmp_path: Path, loopback: Loopback, disk: Callable[[str], Disk]
) -> None:
    """At a first run, and at --resume; the message names the place. What was stored stays."""
    mounted = disk("20m")
    write_cases(tmp_path / "words", CASES)
    first = start(tmp_path, *asking(loopback, "-x", "--candidate", "base"))
    assert ended(first) == 0, said(tmp_path)
    run, asked = begun(tmp_path), len(loopback.questions)
    before = (run / "records.jsonl").read_bytes()
    mounted.remount("ro")
    for flags in (asking(loopback), ("--resume", str(run))):
        assert ended(start(tmp_path, *flags)) == 4, said(tmp_path)
        assert len(loopback.questions) == asked
    assert said(tmp_path).count("cannot be written") == 2
    assert (run / "records.jsonl").read_bytes() == before


@pytest.mark.slow
def test_two_runs_at_once_share_a_folder(tmp_path: Path, loopback: Loopback) -> None:
    """Each has a folder of its own and all of its records; what one has stored, the cache gives the other."""
    loopback.rule = late(0.05)
    words = write_cases(tmp_path / "words", CASES)
    both = [start(tmp_path, *asking(loopback)) for _ in range(2)]
    assert [ended(process) for process in both] == [0, 0], said(tmp_path)
    runs = [path.parent for path in (tmp_path / "reports").glob("2*/records.jsonl")]
    assert [sorted(cases_of(run)) for run in runs] == [sorted(words)] * 2
    assert (tmp_path / "reports" / "latest").resolve() in runs
    assert set(words_asked(loopback)) == set(words)
    asked = len(loopback.questions)
    assert ended(start(tmp_path, *asking(loopback))) == 0
    assert len(loopback.questions) == asked


@pytest.mark.slow
def test_a_run_has_one_writer(tmp_path: Path, loopback: Loopback) -> None:
    """--resume is refused while another process is at work on the run; that one comes to its end."""
    loopback.rule = late(0.5)
    words = write_cases(tmp_path / "words", CASES)
    first = start(tmp_path, *asking(loopback))
    until_asked(loopback, 20)
    run = begun(tmp_path)
    assert ended(start(tmp_path, "--resume", str(run))) == 4
    first.kill()
    first.wait()
    second = start(tmp_path, "--resume", str(run))
    until_asked(loopback, len(loopback.questions) + 1)
    assert ended(start(tmp_path, "--resume", str(run))) == 4
    assert said(tmp_path).count("another evalkit is at work on") == 2
    loopback.rule = shouting
    assert ended(second) == 0, said(tmp_path)
    assert sorted(cases_of(run)) == sorted(words)


def until_asked(server: Loopback, count: int) -> None:
    """Wait for so many questions."""
    deadline = time.monotonic() + 30
    while len(server.questions) < count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_link_that_a_killed_run_left_half_made_is_no_hindrance(tmp_path: Path, loopback: Loopback) -> None:
    """In containers every process has the same number, and so had the one that was killed."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / f"latest.{os.getpid()}.part").symlink_to("nowhere")
    outcome, _ = run_in(
        tmp_path, write_suite(tmp_path / "cities", ["oslo"]), config_for(tmp_path, loopback, "base")
    )
    assert (tmp_path / "reports" / "latest").resolve() == outcome.folder.resolve()
