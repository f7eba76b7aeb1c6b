"""Taking a look: deciding on a run that has just ended, and keeping in evalkit.lock that it was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from evalkit.config.looks import Look, keep_look, read_looks
from evalkit.gate.counts import Counts
from evalkit.gate.decide import decide
from evalkit.gate.ledger import allowance, identity
from evalkit.gate.model import Decision
from evalkit.gate.run import Info, counted, terms, why_undecided
from evalkit.gate.schedule import Schedule
from evalkit.run.gating import read_gating
from evalkit.run.store import RunFolder, read_info


def take_looks(
    folder: Path, place: Path, planned: Mapping[str, Schedule] | None = None
) -> tuple[Decision, ...]:
    """Decide each suite of a run, by what its candidate's earlier looks have left of alpha.

    Args:
        folder: the run's; its run.json is told what each look was tested at.
        place: where evalkit.lock lies.
        planned: by suite, the looks that were planned beforehand; the others are not looked at then.

    Raises:
        InputError, StorageError: evalkit.lock, or the run's folder, cannot be read or written.
    """
    info = read_info(folder)
    gatings = read_gating(info) if info["options"]["gate"] else {}
    if not gatings or why_undecided(info, gatings):
        return ()
    found = [
        _look(folder, place, info, suite, counts, planned[suite] if planned else None)
        for suite, counts in sorted(counted(folder, info, gatings).items())
        if planned is None or suite in planned
    ]
    store = RunFolder(folder)
    store.note(looks={**info.get("looks", {}), **{decision.suite: kept for decision, kept in found}})
    store.close()
    return tuple(decision for decision, _ in found)


def _look(
    folder: Path, place: Path, info: Info, suite: str, counts: Counts, planned: Schedule | None
) -> tuple[Decision, dict[str, object]]:
    """The decision, and what run.json keeps of the look."""
    gating = counts.gating
    new = Look(
        suite=suite,
        candidate=identity(info, suite, gating.candidate),
        baseline=identity(info, suite, gating.baseline),
        data=f"{counts.data:016x}",
        rules=info["plan"]["suites"][suite]["sha256"],
        cases=counts.pairs,
        margin=gating.margin,
        alpha=gating.alpha,
        level=0.0,
        spent=0.0,
        word="inconclusive",
        run=folder.resolve().name,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    before = [look for look in read_looks(place) if look.same_models(new)]
    allowed = allowance(before, new, planned)
    own = replace(terms(info, suite, gating, ()), level=allowed.level, labels=allowed.labels)
    decision = decide(suite, counts, own)
    _keep(place, new, decision, allowed.spent)
    kept = {
        "cases": planned.cases[planned.number] if planned else info["plan"]["suites"][suite]["cases"],
        "word": decision.word,
        "level": allowed.level,
        "alpha": gating.alpha,
        "labels": allowed.labels,
    }
    return decision, kept


def _keep(place: Path, new: Look, decision: Decision, spent: float) -> None:
    import msgspec

    keep_look(place, msgspec.structs.replace(new, level=decision.level, spent=spent, word=decision.word))
