"""run.json: everything needed to repeat a run, or to go on with it."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from evalkit import prices, tokens
from evalkit.config import Config, ModelFlags, ModelRef, gate_roles
from evalkit.errors import UsageError
from evalkit.run.connect import Connection
from evalkit.run.estimate import estimate
from evalkit.run.gating import gating_of
from evalkit.run.judge.calibration import rubric_calibrations
from evalkit.run.options import RunOptions
from evalkit.run.origins import FineTune
from evalkit.run.prepare import Prepared
from evalkit.run.recorded import RecordedAnswers
from evalkit.run.store import read_info
from evalkit.suite.model import Suite

Json = dict[str, Any]

_PATHS = ("resume", "failed_in", "out", "state")


def describe(
    prepared: Prepared,
    config: Config,
    options: RunOptions,
    connections: Mapping[str, Connection],
    fine_tunes: Mapping[str, Mapping[str, FineTune]],
    recorded: RecordedAnswers,
) -> Json:
    """The contents of run.json before the first request; keys are named, never stored."""
    table = prices.table()
    with tokens.roughly():
        expected = estimate(prepared.plan, config, options.out)
    return {
        "status": "running",
        "partial": options.partial,
        "versions": _versions(),
        "flags": asdict(config.flags),
        "options": _options_to_json(options),
        "plan": _plan(prepared, options) | {"responses": recorded.digests},
        "responses": recorded.to_json(),
        "estimate": asdict(expected),
        "gate": {suite.name: gating_of(suite, gate_roles(config, suite)) for suite in prepared.suites},
        "calibrations": calibrations(prepared.suites, prepared.judges, connections),
        "endpoints": {name: endpoint_to_json(connection) for name, connection in connections.items()},
        "fine_tunes": {
            suite: {variant: asdict(origin) for variant, origin in found.items()}
            for suite, found in fine_tunes.items()
        },
        "prices": {
            "date": table.date,
            "source": table.source,
            "own": [asdict(price) for price in config.prices],
        },
        "calls_per_day": config.calls_per_day,
    }


def check_same_plan(info: Json, folder: Path, new: Json) -> None:
    """See that a run is gone on with as it was begun.

    Raises:
        UsageError: suites, variants, judges, seed or selection are others than in `folder`'s run.json.
    """
    old, now = (_steady(plan["plan"]) for plan in ({"plan": {}, **info}, new))
    changed = [part for part in now if now[part] != old.get(part)]
    if changed:
        raise UsageError(
            f"--resume {folder}: {', '.join(changed)} changed since that run began; undo the change, "
            "or start a new run (what has been answered comes from the cache)"
        )


def _steady(plan: Mapping[str, Any]) -> Json:
    """The plan without what grows from look to look where the gate looks several times."""
    if not plan.get("grows"):
        return dict(plan)
    hashes = {suite: found["sha256"] for suite, found in plan["suites"].items()}
    return {**plan, "suites": hashes, "records": None}


def resumed(folder: Path) -> tuple[ModelFlags, RunOptions]:
    """The flags with which a run was begun, set to go on with it.

    Raises:
        UsageError: `folder` holds no run, or one of another version of evalkit, or one that asks nothing.
    """
    info = read_info(folder)
    if first := info.get("regraded_origin", info.get("regraded_from")):
        raise UsageError(f"{folder} only checked the answers of {first} again; go on with --resume {first}")
    flags, options = begun(folder)
    return flags, replace(options, resume=folder)


def begun(folder: Path) -> tuple[ModelFlags, RunOptions]:
    """The flags with which a run was begun.

    Raises:
        UsageError: `folder` holds no run, or one of another version of evalkit.
    """
    info = read_info(folder)
    try:
        flags = {**info["flags"], "variants": tuple(info["flags"]["variants"])}
        return ModelFlags(**flags), _options_from_json(info["options"])
    except (KeyError, TypeError) as fault:
        raise UsageError(f"{folder}/run.json: not written by this version of evalkit ({fault!r})") from fault


def _plan(prepared: Prepared, options: RunOptions) -> Json:
    """What shapes the records: two runs with the same of it can be one."""
    return {
        "suites": {
            suite.name: {"sha256": suite.sha256, "cases": len(suite.cases)} for suite in prepared.suites
        },
        "variants": {
            suite: {variant.name: asdict(variant) for variant in variants}
            for suite, variants in prepared.variants.items()
        },
        "judges": {suite: asdict(judge) for suite, judge in prepared.judges.items()},
        "selection": [options.keyword, options.tag, options.limit, options.last_failed],
        "seed": options.seed,
        "repeat": options.repeat,
        "stream": options.stream,
        "records": prepared.plan.whole,
        **({"grows": True} if options.until_decided else {}),
    }


def calibrations(
    suites: Iterable[Suite], judges: Mapping[str, ModelRef], connections: Mapping[str, Connection]
) -> Json:
    """How far each suite's judge can be trusted, by rubric check; None where that was not measured."""
    found: Json = {}
    for suite in suites:
        if judge := judges.get(suite.name):
            mark = connections[judge.endpoint].fingerprints.get(judge.model)
            known = rubric_calibrations(suite, judge.model, mark)
            found[suite.name] = {check: calibration and asdict(calibration) for check, calibration in known}
    return found


def endpoint_to_json(connection: Connection) -> Json:
    """How an endpoint was reached: the names of its key and headers, not what they hold."""
    settings = connection.settings
    return {
        "base_url": settings.base_url,
        "api_key_env": settings.api_key_env,
        "headers": sorted(settings.headers),
        "fingerprints": dict(connection.fingerprints),
        "shutdown_dates": dict(connection.shutdown_dates),
    }


def _options_to_json(options: RunOptions) -> Json:
    values = asdict(options)
    return {**values, **{name: str(values[name]) for name in _PATHS if values[name] is not None}}


def _options_from_json(values: Mapping[str, Any]) -> RunOptions:
    known = {field.name: values[field.name] for field in fields(RunOptions)}
    paths = {name: Path(known[name]) for name in _PATHS if known[name] is not None}
    return RunOptions(**{**known, **paths, "paths": tuple(known["paths"])})


def _versions() -> Json:
    """Of evalkit (None where it runs from a checkout), its client library and Python."""
    try:
        own = metadata.version("evalkit-ft")
    except metadata.PackageNotFoundError:
        own = None
    return {"evalkit": own, "openai": metadata.version("openai"), "python": platform.python_version()}
