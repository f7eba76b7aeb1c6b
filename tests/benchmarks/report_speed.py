"""How long the report of a run takes, and how much memory, by the number of its records.

    python -m tests.benchmarks.report_speed [--records 100000,1000000]

The records are of 2 suites and 3 variants, with prompts of 300 characters and three verdicts each; one in ten
fails. Each report (figures, decision, report.md, .csv, .html, summary.json) is made in a process of its own,
whose CPU time and greatest resident set are printed, beside the time that it takes to count the lines.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from evalkit.endpoints.base import Request, Response, Usage
from evalkit.run.codec import dump_line, record_to_json
from evalkit.run.gating import Gating
from evalkit.run.records import Record, RecordedVerdict
from evalkit.run.shape import Asked, Chosen, Counted, Estimated, Info, Place, Planned

SUITES = ("headlines", "tickets")
VARIANTS: dict[str, Literal["none", "long"]] = {"base": "none", "prompted": "long", "ft": "none"}
CHECKS = ("language", "json_schema", "json_fields")
SYSTEM = (
    "You turn a sports headline into one JSON object with the fields player, team, sport and gender. " * 3
)
WHY = {True: "", False: 'player: want "Olga" got "Olga Marga"', None: "the reference is no JSON"}


def main() -> None:
    """Generate, report, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", default="100000,1000000", metavar="N,N")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)  # the child: report this folder
    given = parser.parse_args()
    if given.one:
        report(given.one)
        return
    for count in map(int, given.records.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder), count)
            measure(Path(folder), count)


def measure(folder: Path, count: int) -> None:
    """Print a line."""
    size = (folder / "records.jsonl").stat().st_size
    began = time.perf_counter()
    with (folder / "records.jsonl").open("rb") as file:
        lines = sum(1 for _ in file)
    read_s = time.perf_counter() - began
    command = [sys.executable, "-m", "tests.benchmarks.report_speed", "--one", str(folder)]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    print(
        f"{lines:>9,} records of {size / lines:,.0f} bytes: reported in {found['wall_s']:.1f} s "
        f"({found['cpu_s']:.1f} s of CPU, {1e6 * found['wall_s'] / count:.1f} us a record), "
        f"at most {found['rss_mb']:.0f} MB resident; its lines counted in {read_s:.1f} s",
        flush=True,
    )


def report(folder: Path) -> None:
    """Report one run, imports included, and print what that took as JSON."""
    began = time.perf_counter()
    from evalkit.report.load import load_report
    from evalkit.report.write import write_report

    write_report(load_report(folder), folder)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
    print(
        json.dumps(
            {
                "wall_s": time.perf_counter() - began,
                "cpu_s": usage.ru_utime + usage.ru_stime,
                "rss_mb": usage.ru_maxrss * unit / 1e6,
            }
        )
    )


def generate(folder: Path, count: int) -> None:
    """A run's folder with so many records, variants of a case beside each other."""
    cases = count // (len(SUITES) * len(VARIANTS))
    (folder / "run.json").write_bytes(msgspec.json.encode(info(cases)))
    with (folder / "records.jsonl").open("wb") as file:
        file.writelines(dump_line(record_to_json(record)) for record in records(cases))


def records(cases: int) -> Iterator[Record]:
    """In the order of asking, drawn by a fixed seed."""
    rng = random.Random(0)
    for number in rng.sample(range(cases), cases):
        for suite in SUITES:
            for variant in VARIANTS:
                yield record(rng, suite, f"case-{number:07}", variant)


def record(rng: random.Random, suite: str, case: str, variant: str) -> Record:
    """An answer with three verdicts; one in a thousand could not be judged."""
    found, latency_ms = rng.random(), rng.lognormvariate(6, 0.5)
    passed = None if found < 0.001 else found > 0.1
    got = {"player": "Olga Marga", "team": "Marvels", "sport": "tennis", "gender": "female"}
    messages = ({"role": "system", "content": SYSTEM}, {"role": "user", "content": f"Marga wins set {case}"})
    return Record(
        suite=suite,
        case=case,
        variant=variant,
        repeat=0,
        endpoint="openai",
        request=Request("gpt-5-mini", "chat", messages, params={"temperature": 0, "max_tokens": 80}),
        response=Response(
            "gpt-5-mini",
            json.dumps(got),
            finish_reason="stop",
            request_id=f"req_{rng.getrandbits(64):016x}",
            usage=Usage(rng.randrange(90, 120), 0, rng.randrange(20, 40), rng.randrange(120, 150)),
            latency_ms=latency_ms,
            ttft_ms=latency_ms * rng.uniform(0.1, 0.4),
        ),
        verdicts=(
            RecordedVerdict(CHECKS[0], "property", True, 1.0),
            RecordedVerdict(CHECKS[1], "property", True, 1.0, got),
            RecordedVerdict(CHECKS[2], "correctness", passed, 0.75, got, WHY[passed]),
        ),
        cost_usd=rng.random() / 1000,
        cached=False,
        attempts=1,
        at="2026-11-22T08:00:00Z",
    )


def info(cases: int) -> Info:
    """Of run.json what reports look at."""
    variants = {name: Asked(name, "gpt-5-mini", "openai", prompt) for name, prompt in VARIANTS.items()}
    requests = cases * len(SUITES) * len(VARIANTS)
    return Info(
        status="finished",
        partial=False,
        options=Chosen(16, 5.0, gate=True),
        plan=Planned(
            dict.fromkeys(SUITES, variants), suites=dict.fromkeys(SUITES, Counted(cases)), records=requests
        ),
        estimate=Estimated(requests, usd=0.4),
        gate=dict.fromkeys(SUITES, Gating("ft", "prompted", 0.05, 0.05, "fail", {}, CHECKS)),
        endpoints={"openai": Place("https://api.openai.com/v1", "OPENAI_API_KEY")},
    )


if __name__ == "__main__":
    main()
