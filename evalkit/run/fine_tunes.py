"""The fine-tuned models of a run: those of evalkit.lock are seen to be there, missing ones are made."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from evalkit.config import EMBEDDED_BASE, LOCAL, Config, LockedModel
from evalkit.config.lock import FILE_NAME
from evalkit.config.variants import is_named
from evalkit.errors import AskError, UsageError
from evalkit.run.connect import connect
from evalkit.run.origins import (
    FineTune,
    ServerJobs,
    entry_of,
    fine_tuned,
    losses_of,
    origin,
    server_jobs,
    system_warnings,
)
from evalkit.run.outcome import Observer
from evalkit.run.prepare import Prepared
from evalkit.tune import Base, FtModel, ensure_ft

if TYPE_CHECKING:
    from evalkit.endpoints.openai_api import OpenAIEndpoint

    Endpoints = Mapping[str, OpenAIEndpoint]


@dataclass(frozen=True, slots=True)
class Settled:
    """A run whose every model has a name.

    Attributes:
        prepared: without UNTUNED.
        fine_tunes: where they come from, by suite and variant.
        fresh: models that may have been made a moment ago, by endpoint.
    """

    prepared: Prepared
    fine_tunes: Mapping[str, Mapping[str, FineTune]] = field(default_factory=dict)
    fresh: Mapping[str, frozenset[str]] = field(default_factory=dict)


async def settle(prepared: Prepared, config: Config, endpoints: Endpoints, observer: Observer) -> Settled:
    """Name every fine-tuned model, and find out where it comes from.

    Raises:
        UsageError: a model of evalkit.lock is gone and cannot be made anew for nothing, or a job failed.
    """
    jobs = await _jobs(prepared, endpoints)
    prepared = await _without_gone(prepared, config, endpoints, jobs, observer)
    made = await _make(prepared, config, endpoints, observer)
    prepared = prepared.tuned({suite: model.model for suite, model in made.items()})
    found = list(fine_tuned(prepared))
    for warning in system_warnings(found, config):
        observer.note(warning)
    fine_tunes: dict[str, dict[str, FineTune]] = {}
    for suite, variant in found:
        came = origin(suite, variant, config, made.get(suite.name), jobs.get(variant.endpoint))
        if came.job and variant.endpoint in endpoints:
            came = replace(came, losses=await losses_of(endpoints[variant.endpoint], came.job))
        fine_tunes.setdefault(suite.name, {})[variant.name] = came
    return Settled(prepared, fine_tunes, {name: known.fresh for name, known in jobs.items()})


async def _jobs(prepared: Prepared, endpoints: Endpoints) -> dict[str, ServerJobs]:
    """What the endpoints elsewhere know of the `ft:` models that they will be asked for; by endpoint name.

    The embedded server is left out: there a model is ready as soon as it has a name.
    """
    models: dict[str, set[str]] = {}
    for _, variant in fine_tuned(prepared):
        if variant.endpoint != LOCAL and variant.model.startswith("ft:"):
            models.setdefault(variant.endpoint, set()).add(variant.model)
    return {name: await server_jobs(endpoints[name], models[name]) for name in models}


async def _without_gone(
    prepared: Prepared,
    config: Config,
    endpoints: Endpoints,
    jobs: Mapping[str, ServerJobs],
    observer: Observer,
) -> Prepared:
    """The run with UNTUNED in place of embedded models of evalkit.lock that are gone.

    Raises:
        UsageError: one elsewhere is gone.
    """
    gone: set[str] = set()
    for suite, variant in fine_tuned(prepared):
        entry = entry_of(variant, config)
        fresh = variant.endpoint in jobs and variant.model in jobs[variant.endpoint].fresh
        if entry is None or is_named(config, suite, variant.name) or fresh or variant.model in gone:
            continue
        if not (why := await _why_gone(entry, endpoints[variant.endpoint])):
            continue
        if variant.endpoint != LOCAL:
            raise UsageError(
                f"{FILE_NAME}: {variant.model} {why}; make it anew with evalkit tune start {entry.source} "
                f"--model {entry.base}@{variant.endpoint}, or name another with --ft"
            )
        gone.add(variant.model)
        observer.note(f"{FILE_NAME}: {variant.model} {why}; it is made anew")
    return prepared.untuning(gone)


async def _why_gone(entry: LockedModel, endpoint: OpenAIEndpoint) -> str | None:
    """Why a model of evalkit.lock cannot be asked; None where it can, or where the server does not tell."""
    try:
        if entry.base_fingerprint is not None:
            base = await endpoint.model(entry.base)
            if base.get("fingerprint") != entry.base_fingerprint:
                return f"was made of other weights of {entry.base}"
        await endpoint.model(str(entry.model))
    except AskError as error:
        return "is not served any more" if error.status == 404 else None
    return None


async def _make(
    prepared: Prepared, config: Config, endpoints: Endpoints, observer: Observer
) -> dict[str, FtModel]:
    """Make the fine-tunes that are missing, all suites at once; by suite name."""
    if not prepared.untuned:
        return {}
    embedded = {EMBEDDED_BASE} | {ref.model for ref in prepared.refs if ref.endpoint == LOCAL}
    local = await connect(endpoints[LOCAL], config.endpoints[LOCAL], sorted(embedded))
    base = Base(EMBEDDED_BASE, local.fingerprints.get(EMBEDDED_BASE))

    def learning(suite: str) -> None:
        observer.note(f"fine-tuning {base.model} for {suite}")

    made = await asyncio.gather(
        *(ensure_ft(suite, base, local.endpoint, learning) for suite in prepared.untuned)
    )
    return {suite.name: ft for suite, ft in zip(prepared.untuned, made, strict=True)}
