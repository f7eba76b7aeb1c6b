"""Which encoding a model has."""

from __future__ import annotations

import pytest

from evalkit import tokens


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o-mini", "o200k_base"),
        ("gpt-4.1-nano-2025-04-14", "o200k_base"),
        ("gpt-5-mini", "o200k_base"),
        ("o4-mini", "o200k_base"),
        ("gpt-4-0613", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("babbage-002", "cl100k_base"),
        ("ft:gpt-4.1-mini-2025-04-14:acme::Abc1", "o200k_base"),
        ("ft:o4-mini-2025-04-16:acme:x:Abc1", "o200k_base"),
        ("ft:gpt-3.5-turbo-0125:acme:x:Abc1:ckpt-step-80", "cl100k_base"),
        ("ft:evalkit-tiny:local:marv:1", "evalkit-tiny"),
        ("evalkit-tiny-judge", "evalkit-tiny"),
        ("llama3:8b", None),
        ("headlines-v2", None),
    ],
)
def test_the_encoding_goes_by_the_parsed_base(model: str, encoding: str | None) -> None:
    """tiktoken alone gives ft:gpt-4.1 the wrong encoding, and knows no ft:o4-mini."""
    assert tokens.encoding_name(model) == encoding


@pytest.mark.parametrize(
    ("model", "base"),
    [
        ("ft:gpt-4o-mini:acme::Abc1", "gpt-4o-mini"),
        ("ft:evalkit-tiny:local:marv:1:ckpt-step-20", "evalkit-tiny"),
        ("llama3:8b", None),
        ("gpt-4.1", None),
    ],
)
def test_only_ft_names_are_taken_apart(model: str, base: str | None) -> None:
    """Other engines use colons of their own."""
    assert tokens.ft_base(model) == base
