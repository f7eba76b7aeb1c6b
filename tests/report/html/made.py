"""Run folders written by hand, as a run would have left them, and the pages made of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evalkit.report.html import write_html
from evalkit.report.load import load_report

VARIANTS = ("base", "prompted", "ft")

Json = dict[str, Any]


def verdict(check: str, passed: bool | None, reason: str = "", kind: str = "property", **more: Any) -> Json:
    """One of a record's verdicts."""
    score = None if passed is None else float(passed)
    return {"check": check, "kind": kind, "passed": passed, "score": score, "reason": reason, **more}


def record(
    suite: str,
    case: str,
    variant: str,
    *verdicts: Json,
    text: str | None = "Oslo",
    ask: str = "?",
    **more: Any,
) -> Json:
    """A line of records.jsonl; name what the test is about, the rest is plausible."""
    system = [{"role": "system", "content": f"Be brief about {suite}."}] if variant == "prompted" else []
    outcomes = {each["passed"] for each in verdicts}
    return {
        "suite": suite,
        "case": case,
        "variant": variant,
        "repeat": 0,
        "model": "tiny",
        "endpoint": "vllm",
        "request": {"messages": [*system, {"role": "user", "content": ask}], "params": {}},
        "response": {"model": "tiny", "text": text, "tool_calls": [], "finish_reason": "stop"},
        "usage": {"prompt_tokens": 240 if system else 30, "completion_tokens": 12},
        "cost_usd": 0.0004 if system else 0.0001,
        "latency_ms": (240.0 if system else 90.0) + sum(map(ord, case + variant)) % 97,
        "cached": False,
        "verdicts": verdicts,
        "passed": False if False in outcomes else None if None in outcomes else True,
        "error": None,
        "at": "2026-11-22T08:00:00Z",
        **more,
    }


def gating(**more: Any) -> Json:
    """What run.json keeps of a suite's gate."""
    return {
        "candidate": "ft", "baseline": "prompted", "margin": 0.05, "alpha": 0.05, "inconclusive": "fail",
        "require": {}, "checks": ["short", "equals"], **more,
    }  # fmt: skip


def info(gate: Mapping[str, Json], **more: Any) -> Json:
    """A run.json, as far as a report looks at it."""
    variant = {"model": "tiny", "endpoint": "vllm", "prompt": "short", "params": {}, "responses": None}
    variants = {name: {"name": name, **variant} for name in VARIANTS}
    return {
        "status": "finished",
        "partial": False,
        "options": {"concurrency": 16, "max_cost": 5.0, "gate": True},
        "plan": {"suites": {}, "variants": dict.fromkeys(gate, variants), "judges": {}, "repeat": 1},
        "estimate": {"requests": 3, "prompt_tokens": 60, "completion_tokens": 15, "usd": 0.4},
        "endpoints": {"vllm": {"base_url": "http://gpu7:8000/v1", "api_key_env": None}},
        "gate": gate,
        "calibrations": {},
        **more,
    }  # fmt: skip


def write_run(folder: Path, records: Iterable[Json], run: Json) -> Path:
    """The folder, with run.json and records.jsonl; no page yet."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(run), "utf-8")
    with (folder / "records.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(each)}\n" for each in records)
    return folder


def write_page(folder: Path) -> Path:
    """The page of a run folder."""
    write_html(load_report(folder), folder)
    return folder / "report.html"


def ordinary() -> list[Json]:
    """Two suites: 40 cities once, and 12 rivers asked twice.

    Cities: base fails all, prompted passes all but c3 and c4, ft all but c1, c2 and c3. Rivers: all pass, but
    for ft, which flips on r1 and is undecided on r2, and base, which could not be asked r3.
    """
    return [*_cities(), *_rivers()]


def _cities() -> Iterable[Json]:
    failed = {"base": {f"c{n}" for n in range(40)}, "prompted": {"c3", "c4"}, "ft": {"c1", "c2", "c3"}}
    for number in range(40):
        case = f"c{number}"
        for name in VARIANTS:
            passed = case not in failed[name]
            verdicts = (
                verdict("short", passed or name != "base", "" if passed else "12 words, at most 5"),
                verdict("equals", passed, "" if passed else 'want "Oslo" got "Bergen"', "correctness"),
            )
            text = (
                "The capital of Norway is Oslo"
                if passed
                else f"The largest town of Norway is Bergen, says {name}"
            )
            yield record("cities", case, name, *verdicts, text=text, ask=f"Capital of country {number}?")


def _rivers() -> Iterable[Json]:
    for number in range(12):
        case = f"r{number}"
        for name in VARIANTS:
            for repeat in (0, 1):
                error = (
                    {"type": "timeout", "message": "no answer in 60 s"}
                    if (case, name) == ("r3", "base")
                    else None
                )
                outcome = {("r1", "ft"): repeat == 0, ("r2", "ft"): None}.get((case, name), True)
                found = verdict(
                    "equals", outcome, "the judge could not be read" if outcome is None else "", "correctness"
                )
                more: Json = (
                    {"response": None, "verdicts": [], "passed": None, "error": error} if error else {}
                )
                yield record("rivers", case, name, found, ask=f"River {number}?", repeat=repeat, **more)


ORDINARY = info(
    {
        "cities": gating(
            require={"equals": 0.5, "p95_latency_ms": 800}, tags={"c1": ["north"], "c2": ["north", "fjord"]}
        ),
        "rivers": gating(checks=["equals"]),
    }
)
