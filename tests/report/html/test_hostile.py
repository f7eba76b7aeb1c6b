"""What models and suites wrote is text in the page, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.report.html.made import VARIANTS, gating, info, record, verdict, write_page, write_run

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

HOSTILE = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "end of script": "</script><script>alert(3)</script>",
    "comment": "<!-- <script> -->]]>",
    "link": "[click](javascript:alert(4)) ![x](https://evil.example/x.png)",
    "address": "javascript:alert(5)",
    "template": "{{ 7 * 7 }} {% raw %}",
    "terminal": "\x1b[31mred\x1b[0m \x07",
    "bidi": "safe \u202egnp.exe\u2066",
    "nul": "a\x00b",
    "surrogate": "half \ud83d of a pair",
    "zero width": "pass\u200bword",
    "carriage return": "one\rtwo",
}
SHOWN = {
    "terminal": r"\x1b[31mred\x1b[0m \x07",
    "bidi": r"safe \u202egnp.exe\u2066",
    "nul": r"a\x00b",
    "surrogate": r"half \ud83d of a pair",
    "zero width": r"pass\u200bword",
    "carriage return": r"one\rtwo",
}
NAMES = ("__proto__", "constructor", "a/b \"c\" 'd' é 日本", "<b>x</b>&amp;#case=")


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case a text, in every place that a model or a suite fills; and cases with names that are traps."""
    lines = [
        record(
            "texts", name, variant, verdict("equals", variant != "ft", text, value=text), text=text, ask=text,
            response={"text": text, "tool_calls": [{"function": {"name": text}}], "refusal": text,
                      "reasoning": text, "finish_reason": text},
        )
        for name, text in HOSTILE.items()
        for variant in VARIANTS
    ]  # fmt: skip
    lines += [
        record(name, name, variant, verdict(name, False, name)) for name in NAMES for variant in VARIANTS
    ]
    lines += [record("huge", "huge", "ft", verdict("equals", False, "y" * 50_000), text="word " * 60_000)]
    gate = {name: gating(checks=[name], tags={name: [name]}) for name in NAMES}
    run = info({**gate, "texts": gating(checks=["equals"]), "huge": gating(checks=["equals"])})
    return write_page(write_run(tmp_path_factory.mktemp("hostile") / "run", lines, run))


def opened_case(page: Any, suite: str, case: str) -> Any:
    """The case, opened through the list as a reader would."""
    page.click("#start-over")
    page.select_option("#by-suite", suite)
    page.click(f"[role=option] >> nth={sorted(HOSTILE).index(case) if suite == 'texts' else 0}")
    sync_api.expect(page.locator("#opened")).to_have_text(case)
    return page


def test_hostile_texts_are_shown_as_text(open_page, hostile_page: Path) -> None:
    """Nothing runs, nothing is fetched, no element comes of them; what has no shape is written out."""
    page = open_page(hostile_page)
    for case, text in HOSTILE.items():
        answer = opened_case(page, "texts", case).locator(".answer[aria-label=ft]")
        want = SHOWN.get(case, text)
        assert answer.locator(".text").first.text_content() == want
        assert want in answer.locator(".why").text_content()
        assert want in page.text_content(".talk")
    made = "#cases :is(script, img, iframe, style, b:not(fieldset b))"
    assert page.query_selector(made) is None
    assert page.query_selector("[href^='javascript']") is None


@pytest.mark.parametrize("name", NAMES)
def test_names_are_only_names(open_page, hostile_page: Path, name: str) -> None:
    """Suites, cases, checks and tags may be called what JavaScript, HTML or an address has a meaning for."""
    page = open_page(hostile_page)
    opened_case(page, name, name)
    again = open_page(hostile_page, page.evaluate("location.hash"))
    sync_api.expect(again.locator("#opened")).to_have_text(name)
    assert again.text_content(".verdicts .check") == name
    page.click("#start-over")
    page.select_option("#by-check", name)
    assert page.text_content("#count") == "1 of 17 cases"
    page.select_option("#by-tag", name)
    assert page.text_content("#count") == "1 of 17 cases"


def test_a_huge_text_is_shown_in_part_and_whole_on_demand(open_page, hostile_page: Path) -> None:
    """To 20,000 characters, and the page says how many are left out."""
    page = open_page(hostile_page)
    opened_case(page, "huge", "huge")
    text = page.locator(".answer[aria-label=ft] .text").first
    assert len(text.text_content()) < 2200
    text.locator("button").click()
    assert 20_000 < len(text.text_content()) < 20_100
    assert "[280,000 more characters in records.jsonl]" in text.text_content()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
