"""The rank files of OpenAI's encodings: where they come from, and what happens without them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from evalkit import tokens
from evalkit.tokens import models, ranks


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache of tiktoken's, no network, and no installed package that carries rank files."""

    def no_package(name: str) -> NoReturn:
        raise ranks.metadata.PackageNotFoundError(name)

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens on the discard port
    monkeypatch.setattr(ranks.metadata, "files", no_package)
    models._load.cache_clear()
    yield tmp_path
    models._load.cache_clear()


@pytest.mark.usefixtures("nowhere")
def test_without_rank_files_and_network_the_count_is_unknown_and_soon() -> None:
    """tiktoken's own download has no time limit; ours gives up, and counting says None."""
    began = time.perf_counter()
    assert tokens.count("hello", "gpt-4.1") is None
    assert time.perf_counter() - began < 2 * ranks.DOWNLOAD_TIMEOUT_S


def test_a_damaged_rank_file_is_not_used(nowhere: Path) -> None:
    """A cached file with another hash is no rank file."""
    (nowhere / ranks.RANK_FILES["cl100k_base"].cache_name).write_bytes(b"torn")
    assert tokens.encoding_for("gpt-4") is None
