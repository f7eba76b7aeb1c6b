"""Suites written into a temporary folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

WriteSuite = Callable[..., Path]

SMALL = """\
cases:
  - {ask: What is the capital of Norway?, answer: Oslo}
checks:
  - equals
"""


@pytest.fixture
def write_suite(tmp_path: Path) -> WriteSuite:
    """Write suite.yaml and further files (`prompt_md` is prompt.md); gives the folder."""

    def write(yaml: str | bytes = SMALL, *, name: str = "cities", **files: str | bytes) -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        texts = {key[::-1].replace("_", ".", 1)[::-1]: text for key, text in files.items()}
        for file, text in {"suite.yaml": yaml, **texts}.items():
            (folder / file).write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder

    return write
