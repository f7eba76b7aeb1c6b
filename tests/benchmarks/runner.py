"""What evalkit costs beside the bare client loops of ../shared/bench/raw.py, measured in turns.

    python -m tests.benchmarks.runner                 everything, about 6 minutes
    python -m tests.benchmarks.runner --quick         small sizes, about 3 minutes
    python -m tests.benchmarks.runner --only cpu      or wall, memory, disk, start

What was tried and did not help, or too little: turning the garbage collector off while questions are asked
(nothing per sample; at the start it helps: evalkit/__main__.py); the SDK's own `post` without typed models
(0.64 ms of CPU where its HTTP client alone takes 0.23); a thread for every grading (0.1 ms, where two checks
take 0.01); a transaction for every cached answer, or a lock for every look into the cache (0.05 ms each);
loading matplotlib for the page in a thread beside the asking of `--workers 2` (0.1 s of its 0.5 are gained).

Needs ../shared/bench, and nginx with its echo module (Debian: nginx-light, libnginx-mod-http-echo). On a busy
machine all of it takes longer: look at the ratios, which are of neighbours in one round.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.contenders import (
    Bare,
    Evalkit,
    evalkit_record,
    evalkit_run,
    stored_bytes,
    text_bytes,
    used,
    write_suite,
)
from tests.benchmarks.stub import Stub, stub

AIOHTTP, POST, TYPED = Bare("aiohttp"), Bare("openai_aiohttp_post"), Bare("openai_aiohttp")
PLAIN, CACHED = Evalkit(), Evalkit(cache=True)

Contenders = Mapping[str, Bare | Evalkit]
CPU: Contenders = {
    "aiohttp, bare": AIOHTTP,
    "openai on aiohttp, post, bare": POST,
    "openai on aiohttp, typed, bare": TYPED,
    "evalkit, all in, --no-cache": PLAIN,
    "evalkit, all in, with the cache": CACHED,
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    rounds: int
    few: int
    many: int
    late: int
    memory: tuple[int, int]


FULL = Sizes(rounds=5, few=1_000, many=4_000, late=8_000, memory=(2_000, 100_000))
QUICK = Sizes(rounds=3, few=500, many=2_000, late=2_000, memory=(2_000, 20_000))


@dataclass(frozen=True, slots=True)
class Row:
    """One measure: its values, and the most that is aimed at."""

    what: str
    unit: str
    values: Sequence[float]
    aim: float | None = None

    def __str__(self) -> str:
        middle = median(self.values)
        spread = f"{min(self.values):.2f}-{max(self.values):.2f}" if len(self.values) > 1 else ""
        aim = "" if self.aim is None else f"{self.aim:g}"
        fits = "" if self.aim is None else "reached" if middle <= self.aim else "NOT reached"
        return f"{self.what:52} {aim:>6} {middle:>9.2f} {self.unit:10} {spread:>15} {fits}".rstrip()


@dataclass(frozen=True, slots=True)
class Bench:
    """Where and how much is measured."""

    folder: Path
    ports: Stub
    sizes: Sizes

    def cpu(self) -> Iterator[Row]:
        """Processor milliseconds of one more sample, and how many bare loops that is."""
        rounds = [
            {name: self._marginal_ms(contender) for name, contender in CPU.items()}
            for _ in range(self.sizes.rounds)
        ]
        plain, cached = "evalkit, all in, --no-cache", "evalkit, all in, with the cache"
        for name in CPU:
            yield Row(name, "ms/sample", _of(rounds, name), 1.0 if name in (plain, cached) else None)
        for name in (plain, cached):
            for bare, aim in (
                ("openai on aiohttp, typed, bare", 0.71),
                ("openai on aiohttp, post, bare", None),
            ):
                yield Row(f"{name} / {bare.split(', ')[1]}", "times", _ratios(rounds, name, bare), aim)

    def _marginal_ms(self, contender: Bare | Evalkit) -> float:
        few, many = self.sizes.few, self.sizes.many
        less = contender.run(self.folder, few, self.ports.at_once).cpu_s
        more = contender.run(self.folder, many, self.ports.at_once).cpu_s
        return (more - less) / (many - few) * 1000

    def wall(self) -> Iterator[Row]:
        """Wall seconds where each answer takes 50 ms, from the start of the process to its end."""
        pairs = {
            "one process": (PLAIN, POST, 1.25),
            "two": (Evalkit(workers=2), Bare("openai_aiohttp_post", procs=2), 1.1),
        }
        samples = self.sizes.late
        for name, (ours, bare, aim) in pairs.items():
            rounds = [
                {
                    "ours": ours.run(self.folder, samples, self.ports.late).wall_s,
                    "bare": bare.run(self.folder, samples, self.ports.late).wall_s,
                }
                for _ in range(self.sizes.rounds)
            ]
            yield Row(f"{samples:,} at 50 ms, post, bare, {name}", "s", _of(rounds, "bare"))
            yield Row(f"{samples:,} at 50 ms, evalkit, {name}", "s", _of(rounds, "ours"))
            yield Row(f"evalkit / post, {name}", "times", _ratios(rounds, "ours", "bare"), aim)

    def memory(self) -> Iterator[Row]:
        """Peak memory of the whole run, its report included."""
        few, many = self.sizes.memory
        least = PLAIN.run(self.folder, few, self.ports.at_once).peak_mb
        most = PLAIN.run(self.folder, many, self.ports.at_once).peak_mb
        yield Row(f"peak memory, {few:,} samples", "MB", [least], 150)
        yield Row(f"peak memory, {many:,} samples", "MB", [most], 150)
        yield Row(f"{many:,} samples over {few:,}", "MB more", [most - least], 30)

    def disk(self) -> Iterator[Row]:
        """Bytes that a sample leaves, less the text of its prompt and its answer."""
        samples = self.sizes.many
        for name, contender in (("run folder", PLAIN), ("run folder and cache", CACHED)):
            contender.run(self.folder, samples, self.ports.at_once)
            beyond = (stored_bytes(self.folder) - text_bytes(samples)) / samples
            yield Row(f"on disk beyond the text, {name}", "bytes", [beyond], 1024)

    def start(self) -> Iterator[Row]:
        """Processor seconds before anything is in full swing."""
        suite, recorded = write_suite(self.folder, 1), self.folder / "recorded.jsonl"
        commands = {
            "import openai, aiohttp": ([sys.executable, "-c", "import openai, aiohttp"], None),
            "evalkit --help": ([sys.executable, "-m", "evalkit", "--help"], 0.25),
            "evalkit record, one case": (evalkit_record(suite, self.ports.at_once, recorded), 1.0),
            "evalkit run, one case, with its report": (evalkit_run(suite, self.ports.at_once), 3.0),
        }
        rounds = []
        for _ in range(self.sizes.rounds):
            recorded.unlink(missing_ok=True)
            shutil.rmtree(self.folder / ".evalkit", ignore_errors=True)
            took = {name: used(command, self.folder).cpu_s for name, (command, _) in commands.items()}
            rounds.append(took)
        for name, (_, aim) in commands.items():
            yield Row(name, "CPU s", _of(rounds, name), aim)


Rounds = Sequence[Mapping[str, float]]


def _of(rounds: Rounds, name: str) -> list[float]:
    return [measured[name] for measured in rounds]


def _ratios(rounds: Rounds, ours: str, theirs: str) -> list[float]:
    return [measured[ours] / measured[theirs] for measured in rounds]


def main() -> None:
    """Measure, and print a line for each measure as soon as it is known."""
    parts: dict[str, Callable[[Bench], Iterator[Row]]] = {
        "start": Bench.start,
        "cpu": Bench.cpu,
        "wall": Bench.wall,
        "memory": Bench.memory,
        "disk": Bench.disk,
    }
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--only", choices=parts, help="one part")
    given = parser.parse_args()
    print(f"{'measure':52} {'aim':>6} {'median':>9} {'':10} {'min-max':>15}")
    with stub() as ports, tempfile.TemporaryDirectory(prefix="evalkit-bench-") as folder:
        bench = Bench(Path(folder), ports, QUICK if given.quick else FULL)
        for name, part in parts.items():
            if given.only in (None, name):
                for row in part(bench):
                    print(row, flush=True)


if __name__ == "__main__":
    main()
