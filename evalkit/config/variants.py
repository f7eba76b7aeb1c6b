"""Which variants a suite is asked with, and who judges: where the rules stand that nothing is mixed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from evalkit.config.load import READY_MADE
from evalkit.config.lock import FILE_NAME, LockedModel
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
from evalkit.endpoints.base import RECORDED
from evalkit.errors import UsageError
from evalkit.suite import training_file
from evalkit.suite.model import PromptUse, Suite, Variant

USUAL = ("base", "prompted", "ft")
"""What is asked where `--variants` says nothing, besides what evalkit.toml and the gate name."""


def rank(variant: str) -> int:
    """The ready-made variants' own order; all others come after them."""
    ready_made = list(READY_MADE)
    return ready_made.index(variant) if variant in ready_made else len(ready_made)


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


def without_recorded(config: Config) -> Config:
    """The configuration without variants that are answered from a file, which answer nothing new; a
    ready-made one is left to the rules again."""

    def asked(variants: Mapping[str, VariantSettings]) -> dict[str, VariantSettings]:
        return {name: each for name, each in variants.items() if each.responses is None}

    ready_made = {
        name: VariantSettings(config.models.get(role), prompt) for name, (role, prompt) in READY_MADE.items()
    }
    suites = {suite: asked(variants) for suite, variants in config.suite_variants.items()}
    return replace(config, variants=ready_made | asked(config.variants), suite_variants=suites)


def locked_for(config: Config, suite: Suite, prompt: PromptUse = "short") -> LockedModel | None:
    """The newest fine-tune in evalkit.lock of the same base, by the same endpoint, on the suite's data as it
    is now.

    Args:
        config: names the base, or leaves it to the embedded one.
        suite: whose training lines are meant.
        prompt: what they were trained with; "long" is `tune start --keep-prompt`.
    """
    if suite.train is None or not config.locked or not (base := _base(config, suite)):
        return None
    url = config.endpoints[base.endpoint].base_url
    data = training_file(suite, keep_prompt=prompt == "long")
    sha256 = hashlib.sha256(data).hexdigest()
    for entry in reversed(config.locked):
        same = (entry.base, entry.data_sha256) == (base.model, sha256) and entry.at(base.endpoint, url)
        if same and entry.model is not None:
            return entry
    return None


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


def is_named(config: Config, suite: Suite, variant: str) -> bool:
    """Whether a flag or evalkit.toml names the variant's model."""
    return _settings(config, suite, variant).ref is not None


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
        if ref_or_none is not None and ref_or_none.endpoint not in (LOCAL, RECORDED):
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
    return Variant(name, ref.model, ref.endpoint, settings.prompt, settings.params, settings.responses)


def _unnamed(config: Config, suite: Suite, name: str) -> ModelRef | None:
    """The model of a role that nobody named: base the embedded one, as long as nothing is remote; ft what
    evalkit.lock has, else one that is made on the spot, where it can be."""
    role, prompt = READY_MADE[name]
    if role == "base":
        base = _base(config, suite)
        if base is None:
            culprit = remote(config, suite)
            raise UsageError(f"{culprit} is remote, base is not named; add --base NAME[@ENDPOINT|@URL]")
        return base
    if (base := _base(config, suite)) and (
        locked := locked_for(config, suite, prompt) or locked_for(config, suite)
    ):
        return ModelRef(str(locked.model), base.endpoint)
    return ModelRef(UNTUNED, LOCAL) if _can_tune(config, suite) else None


def _base(config: Config, suite: Suite) -> ModelRef | None:
    """The base as it is named, else the embedded one as long as nothing is remote."""
    if "base" in config.models:
        return config.models["base"]
    return ModelRef(EMBEDDED_BASE, LOCAL) if remote(config, suite) is None else None


def _can_tune(config: Config, suite: Suite) -> bool:
    """Whether a fine-tune can be made on the spot: of the embedded base alone, from the suite's own lines."""
    embedded = _base(config, suite) == ModelRef(EMBEDDED_BASE, LOCAL) and remote(config, suite) is None
    return embedded and suite.train is not None


def _no_ft(config: Config, suite: Suite) -> str:
    why = f"suite {suite.name} has no `train:` to learn from"
    if culprit := remote(config, suite):
        why = f"{culprit} is remote, ft is not named{_locked_otherwise(config, suite)}"
    return f"{why}; add --ft NAME[@ENDPOINT|@URL], or --no-gate to ask the other variants alone"


def _locked_otherwise(config: Config, suite: Suite) -> str:
    """Why what evalkit.lock knows of this suite is no ft for it."""
    ours = [entry for entry in config.locked if Path(entry.source).name == suite.name]
    if not ours:
        return ""
    newest = ours[-1]
    if newest.model is None:
        return (
            f" ({FILE_NAME}: its job {newest.job} was {newest.status}; see evalkit tune watch {newest.job})"
        )
    if newest.prompt == "long":
        return f" ({FILE_NAME} has {newest.model}, trained with the prompt: compare it as ft_prompted)"
    return f" ({FILE_NAME} has {newest.model}, of another base or on other data)"
