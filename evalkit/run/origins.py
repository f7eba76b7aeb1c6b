"""Where a fine-tuned model comes from: its job, its data, the system message that it was trained with."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from evalkit.config import UNTUNED, Config, LockedModel
from evalkit.config.load import READY_MADE
from evalkit.config.variants import is_named
from evalkit.errors import AskError
from evalkit.run.prepare import Prepared
from evalkit.suite import compose
from evalkit.suite.model import Suite, Variant
from evalkit.tune import FineTuning, FtModel, Job
from evalkit.tune.folder import fetch
from evalkit.tune.recipe import DATA
from evalkit.tune.results import Loss
from evalkit.tune.start import READY_WITHIN_S
from evalkit.tune.training import Systems, system_of

if TYPE_CHECKING:
    from evalkit.endpoints.openai_api import OpenAIEndpoint

Found = Literal["named", "evalkit.lock", "tuned"]

LOSSES_KEPT = 200
"""Of a job, for its plot."""


@dataclass(frozen=True, slots=True)
class FineTune:
    """Where the fine-tuned model of a variant comes from; None is unknown.

    `found`: in a flag or evalkit.toml ("named"), in evalkit.lock, or made on the spot ("tuned"), now or by an
    earlier run (`reused`). `trained_tokens`: what its server charged training for, over all epochs. `losses`:
    as its server tells them, at most about LOSSES_KEPT.
    """

    model: str
    found: Found
    job: str | None = None
    data_sha256: str | None = None
    hyperparameters: Mapping[str, Any] | None = None
    reused: bool = True
    trained_tokens: int | None = None
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerJobs:
    """What a server tells of its newest jobs, by the models that they made; and which models are `fresh`:
    made a moment ago, as far as is known, and perhaps not ready."""

    by_model: Mapping[str, Job] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()


async def losses_of(endpoint: OpenAIEndpoint, job_id: str) -> tuple[Loss, ...]:
    """How a job's loss went, evenly thinned; nothing where its server does not tell."""
    server = FineTuning(endpoint)
    try:
        found = (await fetch(server, await server.job(job_id))).losses
    except AskError:
        return ()
    return found[:: len(found) // LOSSES_KEPT + 1]


async def server_jobs(endpoint: OpenAIEndpoint, models: Iterable[str]) -> ServerJobs:
    """Look whether `models` were just made. One that no recent job made is a typing error or long deleted,
    and is not waited for; of a server that lists neither jobs nor models nothing is known, so all are."""
    wanted = frozenset(models)
    try:
        jobs = {job.fine_tuned_model: job for job in await FineTuning(endpoint).recent()}
    except AskError:
        return ServerJobs(fresh=frozenset() if await _lists_models(endpoint) else wanted)
    by_model = {model: job for model, job in jobs.items() if model is not None}
    since = time.time() - READY_WITHIN_S
    made = ((model, by_model.get(_without_checkpoint(model))) for model in wanted)
    return ServerJobs(
        by_model, frozenset(model for model, job in made if job and (job.finished_at or 0) > since)
    )


async def _lists_models(endpoint: OpenAIEndpoint) -> bool:
    try:
        return bool(await endpoint.models())
    except AskError:
        return False


def fine_tuned(prepared: Prepared) -> Iterator[tuple[Suite, Variant]]:
    """The variants that ask a fine-tuned model whose name is known. It shows in the model's name or in the
    variant's: other servers' fine-tunes are called anything."""
    for suite in prepared.suites:
        for variant in prepared.variants[suite.name]:
            role = READY_MADE[variant.name][0] if variant.name in READY_MADE else None
            asked = variant.model != UNTUNED and variant.responses is None
            if asked and (variant.model.startswith("ft:") or role == "ft"):
                yield suite, variant


def entry_of(variant: Variant, config: Config) -> LockedModel | None:
    """What evalkit.lock knows of a variant's model."""
    url = config.endpoints[variant.endpoint].base_url
    for entry in reversed(config.locked):
        if entry.model == variant.model and entry.at(variant.endpoint, url):
            return entry
    return None


def origin(
    suite: Suite, variant: Variant, config: Config, made: FtModel | None, jobs: ServerJobs | None
) -> FineTune:
    """Where the model of a variant comes from, by what is known here, and what its server tells."""
    model = variant.model
    if made and made.model == model:
        return FineTune(
            model,
            "tuned",
            made.job_id,
            made.data_sha256,
            made.hyperparameters,
            made.reused,
            made.trained_tokens,
        )
    job = jobs.by_model.get(_without_checkpoint(model)) if jobs else None
    tokens = job.trained_tokens if job else None
    if entry := entry_of(variant, config):
        found: Found = "named" if is_named(config, suite, variant.name) else "evalkit.lock"
        return FineTune(
            model,
            found,
            entry.job,
            entry.data_sha256,
            entry.hyperparameters,
            trained_tokens=tokens,
        )
    if job is None:
        return FineTune(model, "named")
    return FineTune(
        model,
        "named",
        job.id,
        job.metadata.get(DATA),
        dict(job.hyperparameters),
        trained_tokens=tokens,
    )


def system_warnings(found: Iterable[tuple[Suite, Variant]], config: Config) -> Iterator[str]:
    """A line for each model that will be sent another system message than it was trained with."""
    for suite, variant in found:
        entry = entry_of(variant, config)
        if entry is None or entry.systems != 1:
            continue
        trained, sent = Systems(1, entry.system), sent_systems(suite, variant)
        if sent != trained:
            yield (
                f"{suite.name}, {variant.name}: {variant.model} was trained with {_shown(trained)} and will "
                f"be sent {_shown(sent)}: it may do worse than it can"
            )


def sent_systems(suite: Suite, variant: Variant) -> Systems:
    """The system messages that a variant is sent over a suite's cases."""
    requests = (compose(suite, case, variant) for case in suite.cases)
    found = {system_of(request.messages or ()) for request in requests}
    return Systems(len(found), found.pop() if len(found) == 1 else None)


def _shown(systems: Systems) -> str:
    if systems.count != 1:
        return f"{systems.count} different system messages"
    return "no system message" if systems.text is None else f"the system message {systems.text[:40]!r}"


def _without_checkpoint(model: str) -> str:
    """`ft:base:org:suffix:id:ckpt-step-10` -> the model that the job ended with."""
    return model.partition(":ckpt-step-")[0]
