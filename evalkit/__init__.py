"""evalkit: may this fine-tuned model replace my long prompt?

Whatever the command line does can be done from Python with the names below. Each is loaded when it is first
used: `import evalkit` itself loads nothing. A run is started by `evalkit.run.run`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.checks import Check, Grade, Seen, Verdict
    from evalkit.comparison import Comparison, compare
    from evalkit.comparison.run import Run
    from evalkit.comparison.table import frame
    from evalkit.config import Config, ModelFlags, load_config
    from evalkit.dataset.check import CheckOptions, check_file
    from evalkit.dataset.cost import CostEstimate, CostOptions, estimate_cost
    from evalkit.dataset.finding import Finding
    from evalkit.errors import AskError, EvalkitError, InputError, UsageError
    from evalkit.run import Outcome, Record, RunOptions
    from evalkit.suite import Case, Suite, Variant, find_suites, load_suite

__all__ = [
    "AskError",
    "Case",
    "Check",
    "CheckOptions",
    "Comparison",
    "Config",
    "CostEstimate",
    "CostOptions",
    "EvalkitError",
    "Finding",
    "Grade",
    "InputError",
    "ModelFlags",
    "Outcome",
    "Record",
    "Run",
    "RunOptions",
    "Seen",
    "Suite",
    "UsageError",
    "Variant",
    "Verdict",
    "__version__",
    "check_file",
    "compare",
    "estimate_cost",
    "find_suites",
    "frame",
    "load_config",
    "load_suite",
]

_HOMES = {
    "evalkit.checks": ("Check", "Grade", "Seen", "Verdict"),
    "evalkit.comparison": ("Comparison", "compare"),
    "evalkit.comparison.run": ("Run",),
    "evalkit.comparison.table": ("frame",),
    "evalkit.config": ("Config", "ModelFlags", "load_config"),
    "evalkit.dataset.check": ("CheckOptions", "check_file"),
    "evalkit.dataset.cost": ("CostEstimate", "CostOptions", "estimate_cost"),
    "evalkit.dataset.finding": ("Finding",),
    "evalkit.errors": ("AskError", "EvalkitError", "InputError", "UsageError"),
    "evalkit.run": ("Outcome", "Record", "RunOptions"),
    "evalkit.suite": ("Case", "Suite", "Variant", "find_suites", "load_suite"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name from its module (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("evalkit-ft")
    if name not in _HOME:
        raise AttributeError(f"module 'evalkit' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
