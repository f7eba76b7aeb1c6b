"""Two run folders, compared suite by suite."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import UsageError
from evalkit.gate.two_runs import run_changes
from evalkit.run.codec import dump_line, record_to_json
from evalkit.stats import Pairs

Outcomes = Mapping[str, Sequence[Sequence[bool]]]
"""By suite, by case: what `ft` came to in each repeat."""

WriteRun = Callable[..., Path]


@pytest.fixture
def write_run(tmp_path: Path, make_record) -> WriteRun:
    """A factory of run folders with as much of run.json as is compared."""

    def written(name: str, outcomes: Outcomes, repeat: int = 1, candidate: str = "ft", **gating: Any) -> Path:
        rule = {"candidate": candidate, "baseline": "prompted", "margin": 0.05, "alpha": 0.05}
        rest = {"inconclusive": "fail", "require": {}, "checks": ["short"]}
        plan = {
            "suites": {suite: {"sha256": "x", "cases": len(cases)} for suite, cases in outcomes.items()},
            "variants": {suite: {candidate: {}} for suite in outcomes},
            "repeat": repeat,
        }
        info = {"plan": plan, "gate": {suite: {**rule, **rest, **gating} for suite in outcomes}}
        records = [
            make_record(f"c{number:03}", candidate, passed, suite=suite, repeat=turn)
            for suite, cases in outcomes.items()
            for number, repeats in enumerate(cases)
            for turn, passed in enumerate(repeats)
        ]
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(json.dumps(info))
        lines = b"".join(dump_line(record_to_json(record)) for record in records)
        (tmp_path / name / "records.jsonl").write_bytes(lines)
        return tmp_path / name

    return written


def lost(count: int, of: int = 40) -> list[list[bool]]:
    """Cases of which the first `count` fail."""
    return [[number >= count] for number in range(of)]


def test_many_suites_are_no_excuse_for_chance(write_run: WriteRun) -> None:
    """A loss that one suite would show by itself is none among seven, each of which had its chance (Holm)."""
    names = [f"s{number}" for number in range(7)]
    old = write_run("old", {name: lost(0) for name in names})
    new = write_run("new", {name: lost(4 if name == "s0" else 0) for name in names})
    alone = run_changes(write_run("old1", {"s0": lost(0)}), write_run("new1", {"s0": lost(4)}))
    together = run_changes(old, new)
    assert (alone.suites[0].state, together.suites[0].state) == ("worse", "open")
    assert together.suites[0].p.worse == pytest.approx(7 * alone.suites[0].p.worse)
    assert together.suites[0].p.alike == alone.suites[0].p.alike


def test_repeats_tell_what_is_noise(write_run: WriteRun) -> None:
    """Of the newer run if it has repeats, else of the older; a shown loss is no noise, however small."""
    steady, noisy = [[True, True]] * 40, [[True, False]] * 4 + [[True, True]] * 36
    once = write_run("once", {"cities": lost(0)})
    twice = write_run("twice", {"cities": noisy}, repeat=2)
    (found,) = run_changes(once, twice).suites
    assert found.changes.noise is not None
    assert found.changes.noise.pairs == Pairs(40, 0, 4)
    assert (found.difference, found.within_noise) == (-0.05, True)
    (back,) = run_changes(twice, once).suites
    assert back.changes.noise == found.changes.noise
    (calm,) = run_changes(write_run("calm", {"cities": steady}, repeat=2), once).suites
    assert calm.changes.noise is not None
    assert calm.within_noise is False
    (worse,) = run_changes(twice, write_run("worse", {"cities": lost(4)})).suites
    assert worse.within_noise == (worse.state == "open")


def test_candidates_are_compared_whatever_they_are_called(write_run: WriteRun) -> None:
    """A run's own candidate, unless a variant is named; the newer run's groups and alpha count."""
    old = write_run("old", {"cities": lost(0)}, candidate="v1")
    groups = {f"c{number:03}": "g" for number in range(10)}
    new = write_run("new", {"cities": lost(10)}, candidate="v2", groups=groups, alpha=0.01)
    (found,) = run_changes(old, new).suites
    assert (found.before, found.now, found.alpha, found.unit) == ("v1", "v2", 0.01, "group")
    assert found.pairs.n == 31
    with pytest.raises(UsageError, match="cities: v1 was not asked; there are v2"):
        run_changes(old, new, ["v1"])


def test_suites_of_one_run_alone_are_named(write_run: WriteRun) -> None:
    """They are not compared, and not forgotten."""
    old = write_run("old", {"cities": lost(0), "rivers": lost(0)})
    new = write_run("new", {"cities": lost(0), "towns": lost(0)})
    found = run_changes(old, new)
    assert ([each.suite for each in found.suites], found.gone, found.added) == (
        ["cities"],
        ("rivers",),
        ("towns",),
    )


def test_a_run_of_another_version_is_said(write_run: WriteRun) -> None:
    """What is missing of its run.json is named."""
    old = write_run("old", {"cities": lost(0)})
    (old / "run.json").write_text('{"plan": {}}')
    with pytest.raises(UsageError, match=r"run\.json: gate is missing"):
        run_changes(old, old)
