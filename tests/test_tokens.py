"""Counting tokens by the model's own encoding, offline."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit import tokens
from evalkit.local.chat_template import ChatTemplate, Message, Role, Tool


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


def test_an_unknown_model_has_no_count() -> None:
    """None, not a guess."""
    assert tokens.count("hello", "llama3:8b") is None
    assert tokens.count_messages([{"role": "user", "content": "hello"}], "llama3:8b") is None


@given(st.text(max_size=60))
def test_special_tokens_in_a_text_are_text(text: str) -> None:
    """No text can make counting fail, and what looks like a special token counts as its letters."""
    counted = tokens.count(f"{text}<|im_start|>", "evalkit-tiny")
    assert counted is not None
    assert counted > 1


@given(
    system=st.none() | st.text(max_size=40),
    user=st.text(max_size=40) | st.sampled_from(["<|im_end|>", "\n\n", "assistant\n"]),
)
def test_a_chat_counts_as_the_embedded_server_lays_it_out(system: str | None, user: str) -> None:
    """Token for token, the opening of the answer included."""
    encoding = tokens.encoding_for("evalkit-tiny")
    assert encoding is not None
    turns: list[tuple[Role, str]] = (
        [("user", user)] if system is None else [("system", system), ("user", user)]
    )
    laid_out = ChatTemplate(encoding).prompt([Message(role, text) for role, text in turns])
    messages = [{"role": role, "content": text} for role, text in turns]
    assert tokens.count_messages(messages, "evalkit-tiny") == len(laid_out.ids)


@pytest.mark.parametrize("system", [None, "Be kind."])
def test_tools_count_as_the_embedded_server_lays_them_out(system: str | None) -> None:
    """In the system turn, or alone in its place; for OpenAI's models they are counted too."""
    encoding = tokens.encoding_for("evalkit-tiny")
    assert encoding is not None
    parameters = {"properties": {"on": {"type": "boolean"}, "room": {"enum": ["hall"]}}, "required": ["on"]}
    function = {"name": "set_light", "description": "Switch it.", "parameters": parameters}
    turns: list[tuple[Role, str]] = (
        [("user", "On!")] if system is None else [("system", system), ("user", "On!")]
    )
    tool = Tool("set_light", "Switch it.", parameters)
    laid_out = ChatTemplate(encoding).prompt([Message(role, text) for role, text in turns], [tool])
    messages = [{"role": role, "content": text} for role, text in turns]
    declared = [{"type": "function", "function": function}]
    assert tokens.count_messages(messages, "evalkit-tiny", declared) == len(laid_out.ids)


def test_parts_of_a_content_list_are_counted() -> None:
    """A message given as a list of parts counts like its text."""
    whole = [{"role": "user", "content": "hello there"}]
    parts = [
        {"role": "user", "content": [{"type": "text", "text": "hello"}, {"type": "text", "text": " there"}]}
    ]
    assert tokens.count_messages(parts, "evalkit-tiny") == tokens.count_messages(whole, "evalkit-tiny")


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache of tiktoken's, no network, and no installed package that carries rank files."""

    def no_package(name: str) -> NoReturn:
        raise tokens.metadata.PackageNotFoundError(name)

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens on the discard port
    monkeypatch.setattr(tokens.metadata, "files", no_package)
    tokens._load.cache_clear()
    yield tmp_path
    tokens._load.cache_clear()


@pytest.mark.usefixtures("nowhere")
def test_without_rank_files_and_network_the_count_is_unknown_and_soon() -> None:
    """tiktoken's own download has no time limit; ours gives up, and counting says None."""
    began = time.perf_counter()
    assert tokens.count("hello", "gpt-4.1") is None
    assert time.perf_counter() - began < 2 * tokens.DOWNLOAD_TIMEOUT_S


def test_a_damaged_rank_file_is_not_used(nowhere: Path) -> None:
    """A cached file with another hash is no rank file."""
    (nowhere / tokens._RANK_FILES["cl100k_base"].cache_name).write_bytes(b"torn")
    assert tokens.encoding_for("gpt-4") is None
