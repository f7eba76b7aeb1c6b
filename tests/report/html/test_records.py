"""records.jsonl, read for a page: which cases it shows, and that they are whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.errors import UsageError
from evalkit.report.html.records import choose, places, read_cases
from tests.report.html.made import VARIANTS, record, verdict, write_run


def written(folder: Path, *failed: tuple[str, str]) -> Path:
    """Ten cases under three variants, interleaved as a run does; `failed`: (case, variant)."""
    lines = [
        record("cities", f"c{number}", name, verdict("equals", (f"c{number}", name) not in failed))
        for name in VARIANTS
        for number in (3, 0, 9, 1, 7, 2, 8, 4, 6, 5)
    ]
    return write_run(folder, lines, {})


def shown(folder: Path, most_cases: int, most_bytes: int = 1 << 30) -> list[str]:
    """The ids of the cases that a page would show."""
    chosen = choose(places(folder, {"cities": "ft"}), most_cases, most_bytes)
    assert chosen.total == 10
    found = list(read_cases(folder, chosen))
    assert all([seen.variant for seen in case] == list(VARIANTS) for case in found)
    assert all(len({seen.case for seen in case}) == 1 for case in found)
    return [case[0].case for case in found]


def test_all_cases_are_shown_where_they_fit(tmp_path: Path) -> None:
    """Each with all its records, in the order in which they were first asked."""
    assert shown(written(tmp_path), 10) == ["c3", "c0", "c9", "c1", "c7", "c2", "c8", "c4", "c6", "c5"]


def test_the_candidates_failures_stay_where_not_all_fit(tmp_path: Path) -> None:
    """Then what another variant failed, then the rest."""
    folder = written(tmp_path, ("c5", "ft"), ("c4", "base"), ("c6", "prompted"))
    assert shown(folder, 1) == ["c5"]
    assert shown(folder, 3) == ["c4", "c6", "c5"]
    assert shown(folder, 4) == ["c3", "c4", "c6", "c5"]


def test_a_page_is_bounded_in_bytes_too(tmp_path: Path) -> None:
    """A browser has to hold the texts, however few cases they belong to."""
    folder = written(tmp_path)
    assert len(shown(folder, 10, (folder / "records.jsonl").stat().st_size // 2)) in (4, 5)


def test_a_last_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    """The run is still writing it."""
    folder = written(tmp_path)
    with (folder / "records.jsonl").open("a") as file:
        file.write('{"suite": "cities", "case": "c1')
    assert len(shown(folder, 10)) == 10


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    """With its number."""
    folder = written(tmp_path)
    with (folder / "records.jsonl").open("a") as file:
        file.write("[]\n")
    with pytest.raises(UsageError, match=r"records\.jsonl:31: damaged record .* delete the line"):
        places(folder, {})


def test_latencies_are_of_answers_that_were_asked_for(tmp_path: Path) -> None:
    """Not of cached ones, nor where none was measured."""
    lines = [
        record("cities", "a", "ft", verdict("equals", True), latency_ms=120.0),
        record("cities", "b", "ft", verdict("equals", True), latency_ms=5.0, cached=True),
        record("cities", "c", "base", verdict("equals", True), latency_ms=None),
    ]
    found = places(write_run(tmp_path, lines, {}), {})
    assert {name: list(values) for name, values in found.latency_ms.items()} == {"ft": [120.0]}


def test_a_run_without_records_has_no_cases(tmp_path: Path) -> None:
    """Its file is not even there."""
    chosen = choose(places(tmp_path, {}), 10, 10)
    assert (len(chosen), chosen.total, list(read_cases(tmp_path, chosen))) == (0, 0, [])
