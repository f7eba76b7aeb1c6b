"""A run's folder -> what is reported of it, and with which remarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalkit.comparison import compare
from evalkit.errors import UsageError
from evalkit.report.heading import asked_lines, plan_line
from evalkit.report.load import load_report
from evalkit.report.notes import EMBEDDED, notes
from evalkit.run.codec import record_to_json
from evalkit.run.estimate import Estimate
from evalkit.run.records import Record, RecordedVerdict


def gating(**changes: Any) -> dict[str, Any]:
    """What run.json keeps of the suite's gate."""
    rule = {"candidate": "ft", "baseline": "prompted", "margin": 0.05, "alpha": 0.05, "inconclusive": "fail"}
    return {**rule, "require": {}, "checks": ["check_0"], **changes}


def info(**changes: Any) -> dict[str, Any]:
    """A run.json, as far as reports look at it."""
    variant = {"model": "tiny", "endpoint": "vllm", "prompt": "short", "params": {}}
    variants = {name: {"name": name, **variant} for name in ("base", "prompted", "ft")}
    return {
        "status": "finished",
        "partial": False,
        "options": {"concurrency": 16, "max_cost": 5.0, "gate": True},
        "plan": {
            "repeat": 1,
            "suites": {"cities": {"cases": 1, "sha256": "0"}},
            "variants": {"cities": variants},
            "judges": {"cities": {"model": "judge", "endpoint": "vllm"}},
        },
        "estimate": {"requests": 3, "prompt_tokens": 60, "completion_tokens": 15, "usd": 0.4},
        "endpoints": {"vllm": {"base_url": "http://gpu7:8000/v1", "api_key_env": None}},
        "gate": {"cities": gating()},
        "calibrations": {},
        **changes,
    }


@pytest.fixture
def three(make_record) -> list[Record]:
    """One case under three variants; ft fails what prompted passes."""
    return [
        make_record("a", "base", False),
        make_record("a", "prompted", True),
        make_record("a", "ft", False),
    ]


def remarks(records: list[Record], **changes: Any) -> str:
    """The notes of a run, a line each."""
    return "\n".join(notes(info(**changes), compare(records)))


def test_a_report_is_made_from_the_folder_alone(tmp_path: Path, three: list[Record]) -> None:
    """Heading, plan, figures and pairs come from run.json and records.jsonl, so it can be made again."""
    rule = gating(candidate="base", baseline="ft")
    (tmp_path / "run.json").write_text(json.dumps(info(gate={"cities": rule})))
    lines = (json.dumps(record_to_json(record)) for record in three)
    (tmp_path / "records.jsonl").write_text("".join(f"{line}\n" for line in lines))
    report = load_report(tmp_path)
    assert report.run == tmp_path.name
    assert [(line.variants, line.model, line.host, line.key) for line in report.asked] == [
        (("base", "prompted", "ft"), "tiny", "gpu7:8000/v1", "no key")
    ]
    assert report.plan == "3 requests, about 75 tokens, about $0.40, cap $5.00"
    (suite,) = report.comparison.suites
    assert [row.variant for row in suite.watched] == ["base"]


def test_an_unknown_price_is_explained(make_record) -> None:
    """A `?` under cost is either a missing price, which can be added, or a server that counts no tokens."""
    assert "? no price for tiny: add it under [[prices]]." in remarks([make_record("a", "ft", cost_usd=None)])
    uncounted = make_record("a", "ft", cost_usd=None, usage=(None, None))
    assert "? the server of tiny does not say how many tokens it used." in remarks([uncounted])
    assert "?" not in remarks([make_record("a", "ft")])


def test_latency_is_said_with_its_load(make_record) -> None:
    """Latency means nothing without the number of requests under way; cached answers are not in it."""
    assert "Latency at 16 under way, interleaved." in remarks([make_record("a", "ft")])
    assert "interleaved; 1 cached answers are left out" in remarks([make_record("a", "ft", cached=True)])


def test_a_run_that_went_on_with_more_under_way_says_both(make_record) -> None:
    """Its latencies are of both."""
    found = notes(info(concurrencies=[1, 64]), compare([make_record("a", "ft")]))
    assert "Latency at 1 and 64 under way, interleaved." in list(found)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"gate": None}, r"Expected `object`, got `null` - at `\$.gate`"),
        ({"gate": {"cities": ["ft", "prompted"]}}, r"at `\$.gate\[...\]`"),
        ({"plan": {"variants": {"cities": {"ft": {"name": 3}}}}}, r"at `\$.plan.variants.*"),
        ({"options": {"concurrency": 16}}, r"missing required field `max_cost` - at `\$.options`"),
        ({"estimate": {"requests": "many"}}, r"at `\$.estimate.requests`"),
        ({"endpoints": []}, r"at `\$.endpoints`"),
        ({"partial": "no"}, r"at `\$.partial`"),
    ],
)
def test_a_damaged_run_json_is_told_with_its_place(
    tmp_path: Path, changes: dict[str, Any], place: str
) -> None:
    """What is missing or of another kind ends in one message, not in a fault of evalkit's own."""
    (tmp_path / "run.json").write_text(json.dumps(info(**changes)))
    with pytest.raises(UsageError, match=rf"run\.json: .*{place}: it is damaged, or of another version"):
        load_report(tmp_path)


def test_noise_is_told_where_cases_were_asked_twice(tmp_path: Path, make_record) -> None:
    """A difference that is less than how far a variant differs from itself is called noise."""
    records = [
        make_record(
            f"c{number}", variant, bool((number + repeat) % 4 or variant == "prompted"), repeat=repeat
        )
        for number in range(8)
        for repeat in (0, 1)
        for variant in ("ft", "prompted")
    ]
    plan = info()["plan"] | {"repeat": 2}
    (tmp_path / "run.json").write_text(json.dumps(info(plan=plan)))
    lines = (json.dumps(record_to_json(record)) for record in records)
    (tmp_path / "records.jsonl").write_text("".join(f"{line}\n" for line in lines))
    told = "\n".join(load_report(tmp_path).notes)
    assert (
        "cities: asked twice, ft passes otherwise on 50% of 8 cases (22-78%); ft and prompted differ" in told
    )
    assert "cities: asked twice, prompted passes otherwise on 0% of 8 cases (0-32%)." in told


def test_partial_runs_say_so(three: list[Record]) -> None:
    """What was left out on purpose is told."""
    assert "Partial run" in remarks(three, partial=True)


def test_a_judge_is_printed_with_its_kappa(three: list[Record]) -> None:
    """Beside rubric results stands how far the judge agrees with labels, or that nobody knows."""
    found = {
        "judge": "judge", "fingerprint": None, "rubric_sha256": "", "threshold": 0.7, "n": 240,
        "kappa": 0.9, "low": 0.85, "high": 0.95, "labels": "generated",
    }  # fmt: skip
    shown = remarks(three, calibrations={"cities": {"tone": found, "wit": None}})
    assert "cities tone: judge judge agrees with 240 generated labels, kappa 0.90 (0.85 to 0.95)" in shown
    assert "cities wit: judge judge is not calibrated" in shown


def test_a_judges_errors_are_taken_out_of_what_it_saw(make_record) -> None:
    """It passed 75% of ft's answers, at TPR 0.95 and TNR 0.9: truly 0.65 / 0.85."""
    rates = {"tpr": {"passed": 190, "n": 200}, "tnr": {"passed": 180, "n": 200}}
    unlabelled = {"tpr": {"passed": 0, "n": 0}, "tnr": {"passed": 0, "n": 0}}
    found = {
        "judge": "judge", "fingerprint": None, "rubric_sha256": "", "threshold": 0.7, "n": 400,
        "kappa": 0.9, "low": 0.85, "high": 0.95, "labels": "human", "accuracy": rates,
        "variants": {"ft": rates, "prompted": unlabelled},
    }  # fmt: skip
    records = [
        make_record(f"c{number}", variant, RecordedVerdict("tone", "property", number < 30, 1.0, 1.0, ""))
        for number in range(40)
        for variant in ("ft", "prompted", "base")
    ]
    shown = remarks(records, calibrations={"cities": {"tone": found}})
    assert "; ft: TPR 95% of 200, TNR 90% of 200; prompted: TPR ? of 0, TNR ? of 0" in shown
    true = "ft passes 76% (58-90), seen 75%"
    assert f"cities tone, the judge's errors taken out: prompted passes ?, seen 75%; {true}" in shown


def test_nulls_are_explained(make_record) -> None:
    """The most frequent reasons for null verdicts are told."""
    unread = RecordedVerdict("tone", "property", None, None, None, "the judge's reply is no JSON")
    assert "cities null: the judge's reply is no JSON (1)" in remarks([make_record("a", "ft", unread)])


def test_the_embedded_model_is_called_what_it_is(three: list[Record]) -> None:
    """A run on the embedded model says that it is tiny; others do not."""
    assert EMBEDDED not in remarks(three)
    plan = info()["plan"]
    plan["variants"]["cities"]["base"]["endpoint"] = "local"
    assert EMBEDDED in remarks(three, plan=plan)


def test_models_that_differ_by_suite_share_a_line() -> None:
    """The fine-tunes of several suites are one line; the embedded server is called so."""
    variants = [("ft", f"ft:evalkit-tiny:local:{suite}:1", "local") for suite in ("marv", "terse")]
    lines = asked_lines([*variants, ("base", "evalkit-tiny", "local")], {"local": (None, None)})
    assert [(line.variants, line.model, line.host) for line in lines] == [
        (("base",), "evalkit-tiny", "embedded"),
        (("ft",), "2 fine-tunes of evalkit-tiny", "embedded"),
    ]


def test_a_key_is_named_and_credentials_in_an_address_are_not_shown() -> None:
    """The heading names the key's variable; a user and password in a URL stay out of it."""
    (line,) = asked_lines([("base", "m", "x")], {"x": ("https://me:secret@api.example/v1", "MY_API_KEY")})
    assert (line.host, line.key) == ("api.example/v1", "MY_API_KEY")


@pytest.mark.parametrize(
    ("usd", "cap", "ending"),
    [
        (0.412, 5.0, "about $0.41, cap $5.00"),
        (None, None, "cost unknown, no cap"),
        (0.0, 5.0, "free: all on this machine"),
    ],
)
def test_the_plan_says_what_it_may_cost(usd: float | None, cap: float | None, ending: str) -> None:
    """Cost and cap, or that the cost is not known, never 0 for unknown."""
    line = plan_line(Estimate(1200, 120, 60_000, 3_000, usd), cap)
    assert line == f"1,200 requests and 120 to the judge, about 63,000 tokens, {ending}"
