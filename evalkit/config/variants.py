"""Which variants a suite is asked with, and who judges: where the rules stand that nothing is mixed."""

from __future__ import annotations

from evalkit.config.load import READY_MADE
from evalkit.config.model import (
    EMBEDDED_BASE,
    EMBEDDED_JUDGE,
    LOCAL,
    UNTUNED,
    Config,
    ModelRef,
    VariantSettings,
)
from evalkit.config.toml_file import close_match
from evalkit.errors import UsageError
from evalkit.suite.model import Suite, Variant

USUAL = ("base", "prompted", "ft")
"""What is asked where `--variants` says nothing, besides what evalkit.toml and the gate name."""


def variants_for(config: Config, suite: Suite, *, need_ft: bool = True) -> tuple[Variant, ...]:
    """The variants of one suite: those of `--variants`; else base, prompted and ft, all further ones that
    evalkit.toml names, and whichever the gate compares.

    A fine-tune that is still to be made has the model UNTUNED. With `need_ft` false (`--no-gate`) a suite
    without a fine-tune is asked without it.

    Raises:
        UsageError: an unknown variant; a role without a model once something is remote; no fine-tune.
    """
    found = {name: _variant(config, suite, name) for name in variant_names(config, suite)}
    missing = [name for name, variant in found.items() if variant is None]
    if missing and (need_ft or set(missing) & set(config.flags.variants)):
        raise UsageError(_no_ft(config, suite))
    return tuple(variant for variant in found.values() if variant is not None)


def judge_for(config: Config, suite: Suite) -> ModelRef:
    """Who judges a suite with rubrics: the named judge, or the embedded one where all is embedded.

    Raises:
        UsageError: something is remote and no judge is named.
    """
    if "judge" in config.models:
        return config.models["judge"]
    culprit = remote(config, suite)
    if culprit:
        raise UsageError(
            f"{culprit} is remote, judge is not named; add --judge NAME (suite {suite.name} has a rubric)"
        )
    return ModelRef(EMBEDDED_JUDGE, LOCAL)


def gate_roles(config: Config, suite: Suite) -> tuple[str, str]:
    """The names of candidate and baseline: the flags', else the suite's."""
    return (config.flags.candidate or suite.gate.candidate, config.flags.baseline or suite.gate.baseline)


def variant_names(config: Config, suite: Suite) -> tuple[str, ...]:
    """The names of the variants to ask, each once."""
    if config.flags.variants:
        return tuple(dict.fromkeys(config.flags.variants))
    further = [name for name in _known(config, suite) if name not in READY_MADE]
    return tuple(dict.fromkeys((*USUAL, *further, *gate_roles(config, suite))))


def remote(config: Config, suite: Suite) -> str | None:
    """What makes the run of this suite remote, as the user named it; None while all is embedded."""
    for role, ref in config.models.items():
        if ref.endpoint != LOCAL:
            return f"--{role}" if getattr(config.flags, role) else f"[models] {role}"
    for name in variant_names(config, suite):
        ref_or_none = _settings(config, suite, name).ref
        if ref_or_none is not None and ref_or_none.endpoint != LOCAL:
            return f"variant {name}"
    return None


def _known(config: Config, suite: Suite) -> dict[str, VariantSettings]:
    return {**config.variants, **config.suite_variants.get(suite.name, {})}


def _settings(config: Config, suite: Suite, name: str) -> VariantSettings:
    known = _known(config, suite)
    if name not in known:
        raise UsageError(
            f"unknown variant {name!r}{close_match(name, known)}; suite {suite.name} has {', '.join(known)}"
        )
    return known[name]


def _variant(config: Config, suite: Suite, name: str) -> Variant | None:
    """The variant with its model; None where it wants a fine-tune and none can be had."""
    settings = _settings(config, suite, name)
    ref = settings.ref or _unnamed(config, suite, name)
    if ref is None:
        return None
    return Variant(name, ref.model, ref.endpoint, settings.prompt, settings.params)


def _unnamed(config: Config, suite: Suite, name: str) -> ModelRef | None:
    """The model of a role that nobody named: the embedded one, as long as nothing is remote."""
    role, _ = READY_MADE[name]
    if role == "base":
        culprit = remote(config, suite)
        if culprit:
            raise UsageError(f"{culprit} is remote, base is not named; add --base NAME[@ENDPOINT|@URL]")
        return ModelRef(EMBEDDED_BASE, LOCAL)
    return ModelRef(UNTUNED, LOCAL) if _can_tune(config, suite) else None


def _can_tune(config: Config, suite: Suite) -> bool:
    """Whether a fine-tune can be made on the spot: of the embedded base alone, from the suite's own lines."""
    base = config.models.get("base", ModelRef(EMBEDDED_BASE, LOCAL))
    embedded = base == ModelRef(EMBEDDED_BASE, LOCAL) and remote(config, suite) is None
    return embedded and suite.train is not None


def _no_ft(config: Config, suite: Suite) -> str:
    why = f"suite {suite.name} has no `train:` to learn from"
    if culprit := remote(config, suite):
        why = f"{culprit} is remote, ft is not named"
    return f"{why}; add --ft NAME[@ENDPOINT|@URL], or --no-gate to ask the other variants alone"
