"""Which exit code wins where several apply."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from evalkit.cli.exit_codes import Exit, of_outcome, weightiest
from evalkit.run.outcome import Outcome, Stopped

DESIGNED = (3, 2, 4, 5, 11, 12, 1, 10, 0)


@pytest.mark.parametrize(("heavy", "light"), list(pairwise(map(Exit, DESIGNED))))
def test_the_designed_order(heavy: Exit, light: Exit) -> None:
    """3, 2, 4, 5, 11, 12, 1, 10, 0: the first that applies is given, whatever the order they come in."""
    assert weightiest([heavy, light]) == weightiest([light, heavy]) == heavy


def test_nothing_wrong_is_0() -> None:
    """Where nothing applies, all was asked."""
    assert weightiest([]) == 0


@pytest.mark.parametrize(
    ("stopped", "errors", "code"),
    [
        (None, 0, 0),
        (None, 3, 12),
        ("maxfail", 0, 12),
        ("budget", 0, 11),
        ("budget", 3, 11),
        ("interrupted", 3, 2),
    ],
)
def test_how_a_run_ends(stopped: Stopped | None, errors: int, code: int) -> None:
    """An interrupted run is 2, one at its budget 11, one with cases that were not asked 12."""
    assert of_outcome(Outcome(Path(), 10, 5, 0, errors, 0, stopped)) == code
