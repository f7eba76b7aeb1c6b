"""A run must reach its report without the packages that only notebooks and curves need."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "pandas",
    "numpy",
    "scipy",
    "matplotlib",
    "datasketch",
    "openai",
    "aiohttp",
    "jsonschema",
    "tiktoken",
)


def test_a_report_loads_nothing_heavy() -> None:
    """Reading a run takes a third of a second; pandas alone would take another."""
    needed = "evalkit.report.load, evalkit.report.terminal, evalkit.report.write"
    code = f"import sys, {needed}; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
