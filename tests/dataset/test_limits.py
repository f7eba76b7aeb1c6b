"""How long a training example may be, by the model's name."""

from __future__ import annotations

import pytest

from evalkit.dataset.limits import token_limit


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("gpt-3.5-turbo-0613", 4096),
        ("gpt-3.5-turbo", 16_385),
        ("gpt-3.5-turbo-0125", 16_385),
        ("ft:gpt-3.5-turbo-0613:me::x", 4096),
        ("gpt-4o-mini-2024-07-18", 65_536),
        ("ft:gpt-4.1-mini:me:v2:abc:ckpt-step-80", 65_536),
        ("gpt-4-0613", 8192),
        ("gpt-4-turbo", None),
        ("gpt-5", None),
        ("llama3:8b", None),
        ("", None),
    ],
)
def test_the_longest_name_that_fits_decides(model: str, limit: int | None) -> None:
    """An `ft:` name goes by its base; a name that says nothing has no limit that is known."""
    assert token_limit(model) == limit
