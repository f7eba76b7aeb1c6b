"""What the tests of this folder need beyond the environment that runs all others."""

from __future__ import annotations

import pytest


def torch_extra() -> None:
    """Skip the file that calls it where the extra `torch` is not installed."""
    for name in ("torch", "transformers", "peft"):
        pytest.importorskip(name, reason=f"{name} serves folders of one's own: pip install .[torch]")
