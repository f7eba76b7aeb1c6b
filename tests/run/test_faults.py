"""Runs against a server that goes wrong: nothing is lost, nothing counted twice, no fault scored."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from evalkit.endpoints.answers import MAX_BODY_BYTES
from evalkit.endpoints.retry import RetryPolicy
from evalkit.run.records import Record
from evalkit.run.run import run
from evalkit.run.store import read_records
from evalkit.suite import Suite, load_suite
from tests import faulty
from tests.faulty import FAULTS, HUGE_BYTES, STREAM_FAULTS, Fault, FaultyServer, faulty_server
from tests.run.helpers import Watching, config_for, options_for

SOON = RetryPolicy(attempts=8, first_wait_s=0.01, longest_wait_s=0.5)
"""Half a second of patience at least: a busy machine may keep a port closed for longer than it should be."""

ENDLESS = (faulty.silent, faulty.endless_drip)
"""Only the client's patience ends these."""

LIMITED = (faulty.rate_limited, faulty.rate_limited_until)
"""Whoever is told too often that he is too fast rightly goes slowly."""

SOCKET_BUFFERS = 20_000_000
"""What two ends of a connection hold that nobody has read, at most."""


def write_cases(folder: Path, number: int) -> Suite:
    """A suite of many cases, each a word of its own that is wanted in capitals."""
    folder.mkdir(parents=True)
    words = [f"word {place:05d} hoho" for place in range(number)]
    lines = [
        json.dumps({"id": f"c{place}", "ask": word, "answer": word.upper()})
        for place, word in enumerate(words)
    ]
    (folder / "cases.jsonl").write_text("\n".join(lines), "utf-8")
    (folder / "suite.yaml").write_text("prompt: Shout.\ncases: cases.jsonl\nchecks:\n  - equals\n", "utf-8")
    return load_suite(folder)


def run_against(
    server: FaultyServer, folder: Path, cases: int, timeout_s: float, **options: object
) -> list[Record]:
    """Ask every case of one variant; the records as they are on disk."""
    toml = f"[endpoints.faulty]\nbase_url = '{server.base_url}'\ntimeout_s = {timeout_s}\n"
    toml += "[variants.only]\nmodel = 'm@faulty'\nprompt = 'none'\n"
    config = config_for(folder, server.base_url, "only", toml=toml)
    suite, watching = write_cases(folder / "suite", cases), Watching()
    outcome = run([suite], config, options_for(folder, gate=False, **options), watching, policy=SOON)
    records = list(read_records(outcome.folder))
    assert len(watching.records) == len(records)
    return records


def word_of(record: Record) -> str:
    """What was asked."""
    assert record.request.messages
    return str(record.request.messages[-1]["content"])


def check_books(server: FaultyServer, records: list[Record], cases: int, unseen: int = 0) -> None:
    """What every run must hold to, whatever went wrong.

    Nothing that may have been billed is left out. At most `unseen` requests are listed that the server did
    not see: a machine that stands still for longer than a request has time lets a poolful run out of it.
    """
    assert Counter(record.case for record in records) == Counter(f"c{place}" for place in range(cases))
    listed = 0
    for record in records:
        word = word_of(record)
        whole = record.response is not None
        assert whole == (record.error is None)
        assert record.possibly_billed + whole >= server.given[word], record
        listed += record.possibly_billed + whole
        assert record.attempts >= server.received[word]
        assert bool(record.verdicts) == whole, "an error is never graded, an answer always"
        if record.response:
            assert record.response.text in (word.upper(), None), "an answer to another question"
    assert listed - server.given.total() <= unseen
    assert server.stray == [], "the other host was asked"


ANY = [(fault, stream) for fault in FAULTS for stream in (False, True)]
ONLY_STREAMED = [(fault, True) for fault in STREAM_FAULTS]


@pytest.mark.parametrize(
    ("fault", "stream"),
    [
        pytest.param(fault, stream, id=f"{fault.__name__}-{'streamed' if stream else 'whole'}")
        for fault, stream in ANY + ONLY_STREAMED
    ],
)
def test_each_fault_alone(
    fault: Fault, stream: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Many requests go wrong in one way: each case ends with one record, and the books agree."""
    share = 0.2 if fault in LIMITED else 0.5
    with faulty_server(fault, share=share) as server:
        timeout_s, unseen = (0.3, 16) if fault in ENDLESS else (10.0, 0)
        records = run_against(server, tmp_path, 40, timeout_s, stream=stream)
        check_books(server, records, 40, unseen)
        assert server.drawn[fault.__name__] >= 20 * share
        refused = sum(record.attempts for record in records) - server.received.total()
        assert refused > 0 if fault is faulty.closed_port else refused <= unseen
        assert server.longest < MAX_BODY_BYTES + SOCKET_BUFFERS < HUGE_BYTES
    assert caplog.text == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cases", "stream", "workers"),
    [(5000, False, 1), (1500, True, 1), (1500, False, 2)],
    ids=["whole", "streamed", "two-workers"],
)
def test_all_faults_mixed(
    cases: int,
    stream: bool,
    workers: int,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Of thousands of cases a fifth of all requests go wrong, in one of all ways."""
    faults = [*FAULTS, *(STREAM_FAULTS if stream else ())]
    with faulty_server(*faults, share=0.2) as server:
        how = {"concurrency": 64, "stream": stream, "workers": workers}
        records = run_against(server, tmp_path, cases, timeout_s=2.0, **how)
        check_books(server, records, cases, unseen=64)
        assert server.drawn.keys() == {fault.__name__ for fault in faults}
        given_up = Counter(record.error.type for record in records if record.error)
        assert given_up.pop("http_307") == server.drawn["redirect"]
        assert (
            0 < given_up.pop("too_large") <= server.drawn["huge"]
        )  # on a busy machine some are too late first
        assert given_up.total() < 5, "all others are worth another try"
    written = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert written < cases * 4000, "a huge answer was stored"
    assert caplog.text == ""
    assert "Traceback" not in "".join(capfd.readouterr())
