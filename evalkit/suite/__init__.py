"""Suites: a folder with suite.yaml, read into frozen data; which of it is asked, and what is sent."""

from __future__ import annotations

from evalkit.suite.compose import compose, training_lines
from evalkit.suite.load import load_suite
from evalkit.suite.model import Case, GateRule, NamedCheck, Prompt, Suite, Variant
from evalkit.suite.select import Selection, find_suites, select
from evalkit.suite.shape import schema
from evalkit.suite.training import training_file

__all__ = [
    "Case",
    "GateRule",
    "NamedCheck",
    "Prompt",
    "Selection",
    "Suite",
    "Variant",
    "compose",
    "find_suites",
    "load_suite",
    "schema",
    "select",
    "training_file",
    "training_lines",
]
