"""Models that are shut down on a known day."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from evalkit.report.closing import closing_notes

TODAY = date(2026, 11, 23)
OPENAI = "https://api.openai.com/v1"


def notes(*models: str, url: str | None = OPENAI, endpoint: str = "there", **dates: str) -> list[str]:
    """Of a run that asked these models of one endpoint, which told these dates of them."""
    variants = {model: {"model": model, "endpoint": endpoint} for model in models}
    place = {"base_url": url, "shutdown_dates": dates}
    info: dict[str, Any] = {"plan": {"variants": {"cities": variants}}, "endpoints": {endpoint: place}}
    return list(closing_notes(info, TODAY))


def test_a_known_day_is_told_with_what_to_do() -> None:
    """By the shipped table, for models of OpenAI and their fine-tunes."""
    assert notes("ft:gpt-4.1:acme::Abc1") == [
        "ft:gpt-4.1:acme::Abc1 is shut down on 2027-01-14, in 52 days: record its answers before that "
        "(evalkit record)."
    ]


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-11-24", "m is shut down on 2026-11-24, in 1 day: record its answers"),
        ("2026-11-23", "m is shut down today, 2026-11-23: record its answers"),
        ("2026-11-22", "m was shut down on 2026-11-22, 1 day ago."),
    ],
)
def test_the_server_s_word_counts_and_past_days_say_so(day: str, said: str) -> None:
    """Wherever it answers."""
    (note,) = notes("m", url="http://gpu7:8000/v1", m=day)
    assert note.startswith(said)


def test_the_server_s_word_comes_before_the_table() -> None:
    """A day that was put off."""
    told = {"gpt-4.1": "2027-06-01"}
    variants = {"base": {"model": "gpt-4.1", "endpoint": "openai"}}
    place = {"base_url": OPENAI, "shutdown_dates": told}
    (note,) = closing_notes({"plan": {"variants": {"s": variants}}, "endpoints": {"openai": place}}, TODAY)
    assert "on 2027-06-01, in 190 days" in note


def test_what_is_over_without_a_date_says_so() -> None:
    """Fine-tunes of gpt-4.1-nano are gone, the model itself is not."""
    (note,) = notes("ft:gpt-4.1-nano:acme::Abc1", "gpt-4.1-nano")
    assert note == "ft:gpt-4.1-nano:acme::Abc1 is shut down already (OpenAI's price list, 2026-11-22)."


def test_models_of_one_day_share_a_sentence() -> None:
    """Three are named, the others counted."""
    (note,) = notes(*(f"ft:gpt-4o:acme::Abc{number}" for number in range(5)))
    assert note.startswith(
        "ft:gpt-4o:acme::Abc0, ft:gpt-4o:acme::Abc1, ft:gpt-4o:acme::Abc2 and 2 more are shut down on 2027"
    )


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://gpu7:8000/v1", "vllm"),
        ("https://openai.com.evil.test/v1", "there"),
        (OPENAI, "local"),
        (OPENAI, "recorded"),
        (None, "there"),
    ],
)
def test_the_table_holds_where_openai_answers(url: str | None, endpoint: str) -> None:
    """Not for a namesake on one's own hardware, nor for answers that are recorded already."""
    assert notes("ft:gpt-4.1:acme::Abc1", url=url, endpoint=endpoint) == []
