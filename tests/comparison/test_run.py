"""A run, as a notebook gets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import evalkit
from evalkit.report.load import load_report
from tests.loopback import Loopback
from tests.loopback import loopback as loopback
from tests.run.helpers import config_for, run_in, write_suite


def test_a_run_is_read_from_its_folder(tmp_path: Path, loopback: Loopback) -> None:
    """Its run.json, records, table and figures: those of the report."""
    outcome, records = run_in(tmp_path, write_suite(tmp_path / "cities"), config_for(tmp_path, loopback))
    run = evalkit.Run.latest(tmp_path / "reports")
    assert run.folder.samefile(outcome.folder)
    assert run.info["status"] == "finished"
    assert list(run.records()) == records
    assert run.comparison() == load_report(outcome.folder).comparison
    table = run.frame()
    assert len(table) == 24
    assert table[table.variant == "prompted"].passed.mean() == 1
    assert not table.leaked.any()


def test_a_run_s_table_tells_leaked_cases(tmp_path: Path, loopback: Loopback) -> None:
    """Those that run.json names, in every variant."""
    outcome, _ = run_in(tmp_path, write_suite(tmp_path / "cities"), config_for(tmp_path, loopback))
    path = outcome.folder / "run.json"
    leaks = {"cities": {"cases": {"oslo": {"train": "train.jsonl"}}}}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"leaks": leaks}))
    run = evalkit.Run(str(outcome.folder))
    assert run == evalkit.Run(outcome.folder)
    table = run.frame()
    assert set(table[table.leaked].case) == {"oslo"}
    assert run.comparison().suites[0].rows[0].leaks is not None


def test_a_run_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Whether none was named or a wrong one."""
    with pytest.raises(evalkit.UsageError, match="no run there yet"):
        evalkit.Run.latest(tmp_path)
    with pytest.raises(evalkit.UsageError, match=r"run\.json is missing"):
        evalkit.Run(tmp_path).frame()
