"""Asking until it is decided: at most four looks, planned beforehand, and no more cases than they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.config import Config
from evalkit.gate.looking import take_looks
from evalkit.gate.model import SPOKEN, Decision
from evalkit.gate.schedule import SHARES, Schedule, looks_at
from evalkit.run.options import RunOptions
from evalkit.run.outcome import Observer, Outcome
from evalkit.run.run import run
from evalkit.run.store import read_info
from evalkit.suite.model import Suite


@dataclass(frozen=True, slots=True)
class Looked:
    """How far the looks have come.

    Attributes:
        cases: that a suite's last look has seen, by its name.
        decided: suites that need no further look.
    """

    cases: dict[str, int]
    decided: frozenset[str] = frozenset()

    def after(self, due: dict[str, int], found: Sequence[Decision]) -> Looked:
        """With one look more."""
        ended = {decision.suite for decision in found if decision.word != "inconclusive"}
        return Looked({**self.cases, **due}, self.decided | ended)


def run_until_decided(
    suites: Sequence[Suite], config: Config, options: RunOptions, observer: Observer, place: Path
) -> Outcome:
    """Ask what each look takes, look, and go on with the suites that are not decided; one run in all.

    Args:
        suites, config, observer: as of `run`.
        options: likewise; `resume` goes on with the look that comes next, `max_cost` caps all looks together.
        place: where evalkit.lock lies.

    Raises:
        EvalkitError: as `run` and `take_looks`.
    """
    plans = {suite.name: looks_at(options.most(len(suite.cases))) for suite in suites}
    looked = _begun(options.resume)
    for number in range(len(SHARES)):
        due = {
            name: looks[number]
            for name, looks in plans.items()
            if name not in looked.decided and looks[number:] and looks[number] > looked.cases.get(name, 0)
        }
        if due or number == len(SHARES) - 1:
            outcome = run(suites, config, replace(options, upto={**looked.cases, **due}), observer)
            if outcome.stopped:
                return outcome
            schedules = {name: Schedule(plans[name], number) for name in due}
            found = take_looks(outcome.folder, place, schedules) if due else ()
            for decision in found:
                observer.note(f"look {number + 1}, {_told(decision)}")
            looked, options = looked.after(due, found), _going_on(options, outcome)
    return outcome


def _begun(folder: Path | None) -> Looked:
    """As the looks at a run stand, if it is gone on with."""
    looks = read_info(folder).get("looks", {}) if folder else {}
    cases = {suite: look["cases"] for suite, look in looks.items()}
    return Looked(cases, frozenset(suite for suite, look in looks.items() if look["word"] != "inconclusive"))


def _told(decision: Decision) -> str:
    word, seen = SPOKEN[decision.word], f"{decision.cases:,} cases, level {decision.level:.4f}"
    return f"{decision.suite}: {word} after {seen}"


def _going_on(options: RunOptions, outcome: Outcome) -> RunOptions:
    """The options of the next look: the same run, with what is left of the money."""
    left = None if options.max_cost is None else max(0.0, options.max_cost - outcome.spent_usd)
    return replace(options, resume=outcome.folder, max_cost=left)
