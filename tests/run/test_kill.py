"""kill -9 at any moment of a run: nothing that was stored is lost, or asked for again."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from evalkit.run.cache import FILE_NAME, Asked
from evalkit.suite import Variant, compose, load_suite
from tests.loopback import Json, Loopback, Reply, shouting
from tests.run.process import ROOT, asking, ended, run_folder, said, start, stored, write_cases

UNDER_WAY = 16
LATENCY_S = 0.02
LONGEST_START_S = 1.0


class Counting(Loopback):
    """Answers after LATENCY_S, and counts the connections that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.open = 0
        self.rule = _late

    @property
    def words(self) -> list[str]:
        """What has been asked, in order."""
        return [body["messages"][-1]["content"] for body in self.questions]

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.open += 1
        try:
            await super()._serve(reader, writer)
        finally:
            self.open -= 1


def _late(body: Json) -> Reply:
    return Reply(body=shouting(body).body, delay_s=LATENCY_S)


@pytest.fixture
def counting() -> Iterator[Counting]:
    """A server for one test."""
    server = Counting()
    yield server
    server.close()


@dataclass
class Life:
    """A run that is killed again and again.

    Attributes:
        folder: where it runs.
        server: that it asks.
        flags: of its first start; later it is resumed.
        words: its questions.
        kept: whose answers it had stored at some kill.
        phases: how many kills hit it while it started, while it asked, and when nothing was left to ask.
    """

    folder: Path
    server: Counting
    flags: tuple[str, ...]
    words: list[str]
    kept: set[str] = field(default_factory=set)
    phases: Counter[str] = field(default_factory=Counter)

    def start(self) -> subprocess.Popen[bytes]:
        """Begin, or go on."""
        run = run_folder(self.folder)
        return start(self.folder, *(("--resume", str(run)) if run else self.flags))

    def killed(self, after: int, wait_s: float) -> None:
        """Run until `after` further questions have come, then `wait_s` longer, and no more."""
        seen = len(self.server.asked)
        before = len(self.server.words)
        process = self.start()
        deadline = time.monotonic() + 30
        while len(self.server.words) < before + after and process.poll() is None:
            assert time.monotonic() < deadline, said(self.folder)
            time.sleep(0.002)
        time.sleep(wait_s)
        process.kill()
        process.wait()
        self._take_stock(seen)

    def end(self) -> Path:
        """Let it come to its end; the run's folder."""
        seen = len(self.server.asked)
        assert ended(self.start(), 120) == 0, said(self.folder)
        self._take_stock(seen)
        run = run_folder(self.folder)
        assert run is not None
        return run

    def _take_stock(self, seen: int) -> None:
        """What this life has asked for was not stored before it; what is stored now counts from here on."""
        while self.server.open:  # what it had sent may still be on its way
            time.sleep(0.002)
        new = [body["messages"][-1]["content"] for path, _, body in self.server.asked[seen:] if body]
        assert not self.kept & set(new), "asked again, though the answer was stored"
        assert len(set(new)) == len(new), "asked twice in one life"
        whole = len(self.kept) == len(self.words)
        self.phases["asking" if new else "after" if whole else "start"] += 1
        run = run_folder(self.folder)
        self.kept |= {record["case"] for record in stored(run)} if run else set()
        self.kept |= set(self._cached())

    def _cached(self) -> Iterator[str]:
        """Whose answers lie in the cache."""
        file = self.folder / ".evalkit" / "cache" / FILE_NAME
        if not file.exists():
            return
        with closing(sqlite3.connect(file, timeout=10)) as cache:
            if not cache.execute("SELECT name FROM sqlite_master").fetchall():
                return
            keys = {key for (key,) in cache.execute("SELECT key FROM answers")}
        suite = load_suite(self.folder / "words")
        base = Variant("base", "plain", "")
        for case in suite.cases:
            if Asked(self.server.base_url, None, compose(suite, case, base), 0).key in keys:
                yield case.id


def live(folder: Path, server: Counting, cases: int, kills: int, *flags: str) -> Life:
    """Kill a run at random moments: mostly while it asks, a few at its start, and some at its end."""
    chance = random.Random(kills)
    words = write_cases(folder / "words", cases)
    life = Life(folder, server, asking(server, "-n", str(UNDER_WAY), *flags), words)
    for left in range(kills, 0, -1):
        ahead = cases - len(life.kept)
        if chance.random() < 0.2 or not ahead:
            life.killed(0, chance.uniform(0, 2 * LONGEST_START_S if not ahead else LONGEST_START_S))
        else:
            life.killed(
                chance.randint(1, min(ahead, 1 + 2 * ahead // left)), chance.uniform(0, 2 * LATENCY_S)
            )
    return life


def check_whole(life: Life, run: Path) -> None:
    """One record for each case, with its own answer; the summary counts all of them; no line is torn."""
    lines = (run / "records.jsonl").read_bytes().split(b"\n")
    assert lines.pop() == b""
    records = [json.loads(line) for line in lines]
    assert sorted(record["case"] for record in records) == sorted(life.words)
    assert all(record["response"]["text"] == record["case"] for record in records)
    assert not any(record["error"] for record in records)
    summary = json.loads((run / "summary.json").read_bytes())
    figures = summary["suites"]["words"]["variants"]["base"]
    assert (figures["cases"], figures["errors"]) == (len(life.words), 0)
    assert json.loads((run / "run.json").read_bytes())["status"] == "finished"


def test_a_few_kills_lose_nothing(tmp_path: Path, counting: Counting) -> None:
    """Five kills of a run of 200."""
    life = live(tmp_path, counting, 200, 5)
    check_whole(life, life.end())


KILLED_AT = """
import os, signal, sys
from pathlib import Path
from evalkit.cli import main
whole = Path.replace
def replace(part, file):
    if Path(file).name == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(part, file)
Path.replace = replace
main(sys.argv[2:])
"""


@pytest.mark.parametrize("file", ["report.md", "summary.json"])
def test_killed_while_it_writes_its_report(file: str, tmp_path: Path, counting: Counting) -> None:
    """All answers are on disk then: `--resume` asks for none of them, and its report counts them all."""
    life = Life(tmp_path, counting, asking(counting), write_cases(tmp_path / "words", 20))
    command = [sys.executable, "-c", KILLED_AT, file, "run", *life.flags]
    killed = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert killed.returncode == -signal.SIGKILL
    run = run_folder(tmp_path)
    assert run is not None
    assert len(list(stored(run))) == 20
    assert not (run / "summary.json").exists()
    check_whole(life, life.end())
    assert len(counting.words) == 20


@pytest.mark.slow
def test_kills_of_the_writer_of_several_processes_lose_nothing(tmp_path: Path, counting: Counting) -> None:
    """With --workers the processes that ask end with the one that writes."""
    life = live(tmp_path, counting, 300, 5, "--workers", "2")
    check_whole(life, life.end())


@pytest.mark.slow
@pytest.mark.parametrize(("kills", "flags"), [(30, []), (100, ["--no-cache"])])
def test_a_hundred_kills_lose_nothing(
    kills: int, flags: list[str], tmp_path: Path, counting: Counting
) -> None:
    """Kills at random moments of a run of 2,000, each followed by --resume: in the end 2,000 records stand
    there, and none was asked for again once its answer was stored."""
    life = live(tmp_path, counting, 2_000, kills, *flags)
    check_whole(life, life.end())
    assert life.phases["asking"] > kills / 2
    assert life.phases["start"] > kills / 20
