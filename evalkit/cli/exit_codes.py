"""The exit codes, in one place, and which of them wins."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # this module is loaded by every command, the run's are not
    from evalkit.gate import Decisions
    from evalkit.run.outcome import Outcome


class Exit(IntEnum):
    """What a command says to the shell."""

    OK = 0  # gate passed, or nothing was gated and all was asked
    GATE_FAILED = 1
    INTERRUPTED = 2
    INTERNAL = 3
    BAD_INPUT = 4
    NOTHING_COLLECTED = 5
    INCONCLUSIVE = 10
    BUDGET = 11
    NOT_ALL_ASKED = 12


_PRECEDENCE = (
    Exit.INTERNAL,
    Exit.INTERRUPTED,
    Exit.BAD_INPUT,
    Exit.NOTHING_COLLECTED,
    Exit.BUDGET,
    Exit.NOT_ALL_ASKED,
    Exit.GATE_FAILED,
    Exit.INCONCLUSIVE,
    Exit.OK,
)


def weightiest(codes: Iterable[Exit]) -> Exit:
    """The one to give where several apply; OK where none does."""
    return min(codes, key=_PRECEDENCE.index, default=Exit.OK)


def of_outcome(outcome: Outcome) -> Exit:
    """What a run that was not gated comes to: OK only where every case was asked."""
    stops = {"interrupted": Exit.INTERRUPTED, "budget": Exit.BUDGET, "maxfail": Exit.NOT_ALL_ASKED}
    stopped = stops[outcome.stopped] if outcome.stopped else Exit.OK
    return weightiest([stopped, Exit.NOT_ALL_ASKED if outcome.errors or outcome.unasked else Exit.OK])


def of_gate(gate: Decisions | None) -> Exit:
    """What the decisions come to: OK where nothing was decided, and where each suite lets it pass."""
    codes = {"ship": Exit.OK, "dont_ship": Exit.GATE_FAILED, "inconclusive": Exit.INCONCLUSIVE}
    found = gate.suites if gate else ()
    return weightiest(
        Exit.OK if each.word == "inconclusive" and each.inconclusive_passes else codes[each.word]
        for each in found
    )
