"""Records in pandas, for notebooks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import evalkit
from evalkit.run import read_records
from evalkit.run.codec import dump_line, record_to_json


def test_the_table_has_a_row_a_record(make_record) -> None:
    """Nullable where something is not known; an error has a row, but nothing passed or failed in it."""
    table = evalkit.frame(
        [
            make_record("a", "ft", True, False, latency_ms=12.5, ttft_ms=3.0, possibly_billed=2),
            make_record("b", "ft", None, usage=(None, None), cached=True),
            make_record("c", "ft", error="slow", attempts=5),
        ],
        {"cities": {"b"}},
    )
    assert list(table.case) == ["a", "b", "c"]
    assert list(table.answered) == [True, True, False]
    assert list(table.leaked) == [False, True, False]
    assert table.passed.to_list() == [False, pd.NA, pd.NA]
    assert table.form.iloc[:2].to_list() == [True, pd.NA]
    assert table.content.isna().to_list() == [False, True, True]
    assert table.prompt_tokens.isna().to_list() == [False, True, True]
    assert (table.latency_ms[0], table.ttft_ms[0], table.possibly_billed[0]) == (12.5, 3.0, 2)
    assert table.attempts.to_list() == [1, 1, 5]


@pytest.mark.slow
def test_a_hundred_thousand_records_load_in_one_call(make_record, tmp_path: Path) -> None:
    """By pandas itself, straight from records.jsonl, and as the table that figures are checked against."""
    lines = [
        dump_line(record_to_json(make_record(f"c{number}", "ft", number % 4 > 0))) for number in range(8)
    ]
    with (tmp_path / "records.jsonl").open("wb") as file:
        file.writelines(lines * 12_500)
    raw = pd.read_json(tmp_path / "records.jsonl", lines=True)
    assert (len(raw), raw.passed.mean()) == (100_000, 0.75)
    assert raw.usage.str["prompt_tokens"].sum() == 2_000_000
    table = evalkit.frame(read_records(tmp_path))
    assert (len(table), table.passed.mean(), table.prompt_tokens.sum()) == (100_000, 0.75, 2_000_000)
