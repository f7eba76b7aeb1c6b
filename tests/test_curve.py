"""The learning curve: nested shares, and what the last doubling says of the next."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.config import Config, ModelFlags, load_config
from evalkit.curve import (
    Share,
    asking,
    curve_of,
    curve_svg,
    outlook_of,
    recipes_of,
    shares_of,
    to_json,
    tune_all,
)
from evalkit.endpoints.openai_api import OpenAIEndpoint
from evalkit.errors import UsageError
from evalkit.suite import Suite, load_suite, training_file
from evalkit.tune import Base, FtModel
from tests.conftest import MakeRecord
from tests.run.helpers import run_in
from tests.tune.platform import Platform, serving

SUITE = """
prompt: Answer in capitals.
cases: [{id: oslo, ask: oslo, answer: OSLO}, {id: rome, ask: rome, answer: ROME}]
train: train.jsonl
checks: [equals]
"""


def suite_of(folder: Path, lines: int = 40) -> Suite:
    """A suite with so many training lines."""
    folder.mkdir()
    (folder / "suite.yaml").write_text(SUITE, "utf-8")
    examples = [{"ask": f"word{number}", "answer": f"WORD{number}"} for number in range(lines)]
    (folder / "train.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in examples), "utf-8")
    return load_suite(folder)


def test_smaller_shares_lie_within_larger_ones(tmp_path: Path) -> None:
    """In the file's order; all of the lines are the file that `run` itself would train on."""
    suite = suite_of(tmp_path / "words")
    shares = shares_of(suite, (25, 50, 100), seed=1)
    assert [share.examples for share in shares] == [10, 20, 40]
    lines = [share.data.splitlines() for share in shares]
    assert set(lines[0]) < set(lines[1]) < set(lines[2])
    assert shares[-1].data == training_file(suite)
    assert shares[0].data == b"".join(
        line for line in training_file(suite).splitlines(keepends=True) if line.strip() in set(lines[0])
    )
    assert shares_of(suite, (25, 50, 100), seed=1) == shares
    assert shares_of(suite, (25, 50, 100), seed=2)[0] != shares[0]


def test_no_share_is_smaller_than_a_job_allows(tmp_path: Path) -> None:
    """12% of 40 lines are brought up to 10; what is the same then is tried once."""
    suite = suite_of(tmp_path / "words")
    assert [share.examples for share in shares_of(suite, (12, 25, 50, 100), 0)] == [10, 20, 40]
    with pytest.raises(UsageError, match="at least two shares that differ"):
        shares_of(suite_of(tmp_path / "few", 10), (12, 100), 0)


OLD, NEW = Share(48, 50.0, b""), Share(96, 100.0, b"")


def word_of(make_record: MakeRecord, old: list[bool], new: list[bool]) -> str:
    """The outlook after so many cases, by who passed."""
    records = [
        make_record(f"c{number}", variant, passed)
        for variant, verdicts in ((OLD.variant, old), (NEW.variant, new))
        for number, passed in enumerate(verdicts)
    ]
    return outlook_of((OLD, NEW), records).word


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ([False] * 60 + [True] * 40, [True] * 90 + [False] * 10, "likely"),
        ([True] * 200, [True] * 200, "unlikely"),
        ([True] * 10, [True] * 10, "cannot tell"),
        ([True] * 100 + [False] * 100, [False] * 100 + [True] * 100, "cannot tell"),
        ([True] * 90 + [False] * 10, [True] * 40 + [False] * 60, "unlikely"),
        ([True], [True], "cannot tell"),
    ],
)
def test_the_last_doubling_decides(
    make_record: MakeRecord, old: list[bool], new: list[bool], word: str
) -> None:
    """A sure gain is likely to go on; a gain that is surely below 5 points is not; few cases tell nothing."""
    assert word_of(make_record, old, new) == word


def test_undecided_cases_are_left_out_on_both_sides(make_record: MakeRecord) -> None:
    """An error, or a judge that could not be read, is neither a gain nor a loss."""
    records = [
        make_record("a", OLD.variant, True),
        make_record("a", NEW.variant, error="late"),
        make_record("b", OLD.variant, None),
        make_record("b", NEW.variant, True),
        *(make_record(case, share.variant, True) for case in "cde" for share in (OLD, NEW)),
    ]
    gain = outlook_of((OLD, NEW), records).gain
    assert gain is not None
    assert gain.n == 3


@given(st.lists(st.booleans(), min_size=3, max_size=3))
def test_a_case_asked_often_passes_by_majority(make_record: MakeRecord, verdicts: list[bool]) -> None:
    """Repeats are not taken for further cases."""
    records = [
        make_record("a", share.variant, passed, repeat=repeat)
        for share in (OLD, NEW)
        for repeat, passed in enumerate(verdicts)
    ] + [make_record("b", share.variant, False) for share in (OLD, NEW)]
    outlook = outlook_of((OLD, NEW), records)
    assert outlook.gain is not None
    assert outlook.gain.n == 2
    assert outlook.gain.value == 0


def models_of(suite: Suite, config: Config, platform: Platform) -> tuple[tuple[Share, ...], Config]:
    """Fine-tunes of all shares, and the configuration that asks them."""
    (name,) = {ref.endpoint for ref in config.models.values()}

    async def made() -> tuple[tuple[Share, ...], tuple[FtModel, ...]]:
        endpoint = OpenAIEndpoint(name, platform.base_url, use_proxy=False)
        shares = shares_of(suite, (25, 50, 100), 0)
        try:
            return shares, await tune_all(recipes_of(suite, shares, Base("gpt-x")), endpoint)
        finally:
            await endpoint.close()

    shares, models = asyncio.run(made())
    return shares, asking(config, shares, models, name)


def test_a_curve_is_a_run_over_the_models_of_all_shares(tmp_path: Path) -> None:
    """Base and prompted learned nothing; each share has a model and a rate; the figures can be drawn."""
    suite = suite_of(tmp_path / "words")
    with serving() as platform:
        config = load_config(tmp_path, ModelFlags(base=f"gpt-x@{platform.base_url}"), {})
        shares, config = models_of(suite, config, platform)
        _, records = run_in(tmp_path, suite, config, max_cost=None)
        assert len(platform.jobs) == 3
    curve = curve_of(suite, shares, records)
    assert [point.variant for point in curve.references] == ["base", "prompted"]
    assert [(point.examples, point.passed.n) for point in curve.points] == [(10, 2), (20, 2), (40, 2)]
    assert len({point.model for point in curve.points}) == 3
    assert (curve.outlook.before, curve.outlook.after) == (20, 40)
    drawn = curve_svg(curve)
    assert b"training examples" in drawn
    assert curve_svg(curve) == drawn
    figures: dict[str, Any] = json.loads(json.dumps(to_json(curve)))
    assert figures["points"][2]["pass_rate"] == 1.0
    assert figures["outlook"]["word"] == curve.outlook.word
