"""What a run was asked to do: the one object in place of thirty parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The flags of `evalkit run` that do not name models.

    Attributes:
        paths: the suites' paths as given; kept so that the run can be repeated.
        keyword, tag, limit: which cases are asked (`-k`, `-m`, `--limit`).
        last_failed: only the cases that the gate's candidate failed in an earlier run (`--lf`).
        failed_in: that run's folder; None is the newest.
        maxfail: stop once the gate's candidate has failed this many cases (`-x` is 1).
        repeat: how often each case is asked.
        seed: of the order of asking and of the sample that `limit` draws.
        concurrency: requests under way at once (`-n`).
        max_cost: cap on spending in USD, judges included; None is `--max-cost none`.
        use_cache: answer from the cache, and keep answers in it.
        gate: False is `--no-gate`: variants may be missing.
        stream: answers are streamed, which tells the time to the first token (`--stream`).
        workers: processes that ask, side by side.
        until_decided: the gate looks several times, and no more is asked once it has decided.
        max_cases: of each suite, the most that it may take then; None is all.
        upto: how many cases of each suite, by its name, the next look takes: the first by their lots.
        resume: the folder of a run to go on with.
        out: where run folders are made.
        state: where the cache is kept.
    """

    paths: tuple[str, ...] = ()
    keyword: str | None = None
    tag: str | None = None
    limit: int | None = None
    last_failed: bool = False
    failed_in: Path | None = None
    maxfail: int | None = None
    repeat: int = 1
    seed: int = 0
    concurrency: int = 16
    max_cost: float | None = 5.0
    use_cache: bool = True
    gate: bool = True
    stream: bool = False
    workers: int = 1
    until_decided: bool = False
    max_cases: int | None = None
    upto: Mapping[str, int] = field(default_factory=dict)
    resume: Path | None = None
    out: Path = Path("reports")
    state: Path = Path(".evalkit")

    @property
    def cache(self) -> Path | None:
        """The folder of the cache that all runs share; None without it."""
        return self.state / "cache" if self.use_cache else None

    def most(self, cases: int) -> int:
        """How many of a suite's cases are asked at most."""
        return min(cases, self.max_cases or cases)

    @property
    def partial(self) -> bool:
        """Whether cases are left out, so that the run must not be gated."""
        chosen = (self.keyword, self.tag, self.limit, self.maxfail)
        return self.last_failed or any(choice is not None for choice in chosen)
