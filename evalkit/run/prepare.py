"""What is decided before anything is asked: which cases and variants, who judges, whether it has a price."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.checks.rubric import Rubric
from evalkit.config import UNTUNED, Config, ModelRef, gate_roles, judge_for, variants_for
from evalkit.config.hosts import host_of, is_private
from evalkit.errors import NothingCollected, UsageError
from evalkit.prices import price_of
from evalkit.run.codec import passed
from evalkit.run.options import RunOptions
from evalkit.run.plan import Plan, make_plan
from evalkit.run.store import latest, read_records
from evalkit.suite import Selection, select
from evalkit.suite.model import Suite, Variant
from evalkit.suite.stored import Chosen


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that could begin.

    Attributes:
        suites: with the selected cases only.
        variants: by suite name; a fine-tune that is still to be made has the model UNTUNED.
        judges: by suite name, for suites with rubrics.
        plan: every task, in order.
    """

    suites: tuple[Suite, ...]
    variants: Mapping[str, tuple[Variant, ...]]
    judges: Mapping[str, ModelRef]
    plan: Plan

    @property
    def refs(self) -> frozenset[ModelRef]:
        """Every model that will be asked and is known by name."""
        every = (variant for variants in self.variants.values() for variant in variants)
        asked = {ModelRef(each.model, each.endpoint) for each in every if each.responses is None}
        return frozenset(ref for ref in asked | set(self.judges.values()) if ref.model != UNTUNED)

    @property
    def untuned(self) -> tuple[Suite, ...]:
        """The suites whose fine-tune is still to be made."""
        return tuple(
            suite for suite in self.suites if any(v.model == UNTUNED for v in self.variants[suite.name])
        )

    def tuned(self, models: Mapping[str, str]) -> Prepared:
        """The same run with the fine-tunes that were made, by suite name."""
        return self._renamed(lambda suite, model: models[suite] if model == UNTUNED else model)

    def untuning(self, gone: Collection[str]) -> Prepared:
        """The same run, whose models `gone` are still to be made."""
        return self._renamed(lambda _, model: UNTUNED if model in gone else model)

    def _renamed(self, name: Callable[[str, str], str]) -> Prepared:
        """The same run with models by the names that `name` gives for suite and model."""

        def named(suite: str, variant: Variant) -> Variant:
            return replace(variant, model=name(suite, variant.model))

        variants = {
            suite: tuple(named(suite, variant) for variant in found) for suite, found in self.variants.items()
        }
        return replace(self, variants=variants, plan=replace(self.plan, variants=variants))


def settled(options: RunOptions) -> RunOptions:
    """The options with the run named that `--lf` looks at: at a resume, another may be the newest.

    Raises:
        UsageError: there is no run yet.
    """
    if not options.last_failed or options.failed_in:
        return options
    newest = latest(options.out)
    if newest is None:
        raise UsageError(f"--lf: no run under {options.out} yet; run once without it")
    return replace(options, failed_in=newest)


def prepare(suites: Sequence[Suite], config: Config, options: RunOptions) -> Prepared:
    """Decide what will be asked. Asks nothing: `--collect-only` and `--dry-run` end here.

    Raises:
        UsageError: a model, variant, judge or price is missing.
        NothingCollected: no case is left.
    """
    options = settled(options)
    if options.maxfail is not None or options.last_failed:
        _check_candidate(suites, config, options)
    asked = chosen(suites, config, options)
    variants = {suite.name: variants_for(config, suite, need_ft=options.gate) for suite in asked}
    plan = make_plan(asked, variants, options)
    judges = {suite.name: judge_for(config, suite) for suite in asked if has_rubrics(suite)}
    prepared = Prepared(asked, variants, judges, plan)
    if options.max_cost is not None:
        check_priced(prepared.refs, config)
    return prepared


def chosen(suites: Sequence[Suite], config: Config, options: RunOptions) -> tuple[Suite, ...]:
    """The suites with the cases that are asked; `options` are settled.

    Raises:
        NothingCollected: none is left.
    """
    if options.failed_in:
        suites = _only_failed(suites, config, options.failed_in)
    picked = Selection(options.keyword, options.tag, options.limit, options.seed, options.upto)
    return select(suites, picked)


def _check_candidate(suites: Sequence[Suite], config: Config, options: RunOptions) -> None:
    """What goes by the candidate's failures needs the candidate."""
    for suite in suites:
        names = [each.name for each in variants_for(config, suite, need_ft=options.gate)]
        if (candidate := gate_roles(config, suite)[0]) not in names:
            raise UsageError(
                f"-x, --maxfail and --lf go by the candidate's failures, and {candidate} is not asked in "
                f"{suite.name}: add --candidate with one of {', '.join(names)}"
            )


def has_rubrics(suite: Suite) -> bool:
    """Whether any of its checks asks a judge."""
    own = (case.checks for case in suite.cases) if suite.case_checks else ()
    return any(isinstance(named.check, Rubric) for checks in (suite.checks, *own) for named in checks)


def _only_failed(suites: Sequence[Suite], config: Config, folder: Path) -> tuple[Suite, ...]:
    """The suites with the cases that the gate's candidate failed in an earlier run, or could not be asked."""
    candidates = {suite.name: gate_roles(config, suite)[0] for suite in suites}
    failed = {
        (record.suite, record.case)
        for record in read_records(folder)
        if record.variant == candidates.get(record.suite)
        and (record.error is not None or passed(record.verdicts) is False)
    }
    if not failed:
        raise NothingCollected(f"--lf: the candidate failed no case of these suites in {folder}")
    return tuple(replace(suite, cases=_among(suite, failed)) for suite in suites)


def _among(suite: Suite, failed: Collection[tuple[str, str]]) -> Chosen:
    return Chosen(suite.cases, (i for i, case in enumerate(suite.cases) if (suite.name, case.id) in failed))


def check_priced(refs: Iterable[ModelRef], config: Config) -> None:
    """A cap holds only where prices are known: a public host needs one for each of its models.

    Raises:
        UsageError: a price is missing.
    """
    for ref in sorted(refs, key=lambda ref: (ref.endpoint, ref.model)):
        url = config.endpoints[ref.endpoint].base_url
        if url is None or is_private(url) or price_of(ref.model, ref.endpoint, config.prices):
            continue
        raise UsageError(
            f"no price for {ref.model} at {host_of(url)}, so --max-cost cannot hold: add it under [[prices]] "
            "(model, in, out), or give --max-cost none"
        )
