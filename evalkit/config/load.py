"""evalkit.toml + evalkit.lock + flags + environment -> Config."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from evalkit.config.lock import LockedModel, read_lock
from evalkit.config.model import LOCAL, Config, EndpointSettings, ModelFlags, ModelRef, Role, VariantSettings
from evalkit.config.places import Places, checked_url, fault_of
from evalkit.config.recorded import answered_from, asking_only, recorded_tables
from evalkit.config.toml_file import Table, TomlFile, read_toml
from evalkit.endpoints.base import RECORDED
from evalkit.errors import UsageError
from evalkit.prices import Price
from evalkit.suite.model import PromptUse

OWN_FIELDS = ("model", "messages", "prompt", "stream")
"""Fields of a request's body that evalkit fills itself."""

READY_MADE: Mapping[str, tuple[Role, PromptUse]] = MappingProxyType(
    {
        "base": ("base", "short"),
        "prompted": ("base", "long"),
        "ft": ("ft", "short"),
        "ft_prompted": ("ft", "long"),
    }
)
"""The variants that every suite has: whose model they ask, and with which of the suite's prompts."""


def load_config(folder: Path, flags: ModelFlags, environ: Mapping[str, str] = os.environ) -> Config:
    """Read evalkit.toml and evalkit.lock in `folder`, and lay the flags over them. Asks and sends nothing.

    A key that lies in the environment is no reason to ask anyone: an endpoint is used only where a flag or
    evalkit.toml names a model for it. No .env file is read.

    Raises:
        UsageError: a key, a type, an endpoint or an address that cannot be used, with its place in the file.
    """
    file = read_toml(folder)
    if flags.base_url is not None:
        with fault_of("--base-url"):
            checked_url(flags.base_url)
    places = Places(file, flags.base_url, environ)
    models = _models(file, flags, places)
    if flags.base_url is not None and not models:
        raise UsageError("--base-url is given, but no model is named; add --base NAME")
    layers = _Layers(file, places)
    ready_made = {name: _ready_made(models.get(role), prompt) for name, (role, prompt) in READY_MADE.items()}
    common = layers.over(ready_made, file.variants, "variants")
    suites = {
        suite: layers.over(common, tables, f"suites.{suite}.variants", only_named=True)
        for suite, tables in file.suite_variants.items()
    }
    if flags.responses is not None:
        recorded = recorded_tables(Path(flags.responses))
        flags = asking_only(recorded, flags)
        common = answered_from(recorded, common)
        suites = {suite: answered_from(recorded, own, only_known=True) for suite, own in suites.items()}
    return Config(
        folder=folder,
        flags=flags,
        endpoints=places.endpoints,
        models=models,
        variants=layers.settled(common, "variants"),
        suite_variants={
            suite: layers.settled(tables, f"suites.{suite}.variants") for suite, tables in suites.items()
        },
        prices=tuple(_price(file, number, table) for number, table in enumerate(file.prices)),
        locked=read_lock(folder),
        calls_per_day=_calls_per_day(file),
    )


def load_endpoint(
    folder: Path,
    base_url: str | None = None,
    made_at: LockedModel | None = None,
    environ: Mapping[str, str] = os.environ,
) -> EndpointSettings:
    """The endpoint of a command that names a job and no model: `--base-url`, else where evalkit.lock says
    that the job was made, else where [models] base is asked, else the embedded one.

    A key goes where evalkit.toml or a flag would send it; never to an address that only evalkit.lock names.

    Raises:
        UsageError: as `load_config`.
    """
    file = read_toml(folder)
    places = Places(file, base_url, environ)
    if base_url is not None:
        with fault_of("--base-url"):
            return places.endpoints[places.default()]
    if made_at is not None:
        return places.endpoints[places.recorded(made_at.endpoint, made_at.base_url)]
    if "base" in file.models:
        with file.at("models.base"):
            return places.endpoints[places.model(file.models["base"]).endpoint]
    return places.endpoints[LOCAL]


def load_model(
    folder: Path, flag: str, model: str, base_url: str | None, environ: Mapping[str, str] = os.environ
) -> tuple[Config, ModelRef]:
    """The configuration of a command that asks one model, named by `flag` as NAME, NAME@ENDPOINT or NAME@URL.

    Raises:
        UsageError: as `load_config`.
    """
    config = load_config(folder, ModelFlags(), environ)
    with fault_of("--base-url" if base_url else flag):
        places = Places(read_toml(folder), base_url and checked_url(base_url), environ)
        ref = places.model(model)
    return replace(config, endpoints=places.endpoints), ref


def _models(file: TomlFile, flags: ModelFlags, places: Places) -> dict[Role, ModelRef]:
    """The roles that a flag or [models] names."""
    named: dict[Role, ModelRef] = {}
    for role in get_args(Role):
        flag = getattr(flags, role)
        if flag is not None:
            with fault_of(f"--{role}"):
                named[role] = places.model(flag)
        elif role in file.models:
            with file.at(f"models.{role}"):
                named[role] = places.model(file.models[role])
    return named


def _ready_made(ref: ModelRef | None, prompt: PromptUse) -> Table:
    """A ready-made variant as a table, so that evalkit.toml can be laid over it."""
    named = {} if ref is None else {"model": ref.model, "endpoint": ref.endpoint}
    return {"prompt": prompt, **named}


@dataclass(frozen=True, slots=True)
class _Layers:
    """Lays the tables of variants over one another: ready-made, [variants], [suites.SUITE.variants]."""

    file: TomlFile
    places: Places

    def over(
        self, lower: Mapping[str, Table], upper: Mapping[str, Table], at: str, only_named: bool = False
    ) -> dict[str, Table]:
        """Every table of `upper` over its namesake; those of `lower` alone too, unless `only_named`."""
        laid: dict[str, Table] = {
            name: {**lower.get(name, {}), **self._spread(table, f"{at}.{name}")}
            for name, table in upper.items()
        }
        return laid if only_named else {**lower, **laid}

    def settled(self, tables: Mapping[str, Table], at: str) -> dict[str, VariantSettings]:
        """What the laid tables come to."""
        return {name: self._settled(name, table, f"{at}.{name}") for name, table in tables.items()}

    def _spread(self, table: Table, at: str) -> Table:
        """The table with NAME@ENDPOINT taken apart; a model with an endpoint beside it stays as written."""
        if "responses" in table:
            return self._recorded(table, at)
        if "endpoint" in table:
            with self.file.at(f"{at}.endpoint"):
                self.places.known(table["endpoint"])
        elif "@" in table.get("model", ""):
            with self.file.at(f"{at}.model"):
                ref = self.places.model(table["model"])
            return {**table, "model": ref.model, "endpoint": ref.endpoint}
        return table

    def _recorded(self, table: Table, at: str) -> Table:
        """A table with `responses`: nothing is asked, so it has no endpoint; a model says its price."""
        if "endpoint" in table or "@" in table.get("model", ""):
            raise self.file.fault("is answered from `responses`; leave the endpoint out", at)
        path = self.file.path.parent / table["responses"]
        if not path.is_file():
            what = f"no file {path}; write the name of one with recorded answers (see evalkit record)"
            raise self.file.fault(what, f"{at}.responses")
        return {"model": "", **table, "endpoint": RECORDED, "responses": _shortly(path)}

    def _settled(self, name: str, table: Table, at: str) -> VariantSettings:
        recorded = table.get("endpoint") == RECORDED
        return VariantSettings(
            ref=ModelRef(table["model"], RECORDED) if recorded else self._ref(name, table, at),
            prompt=_prompt(self.file, table, at),
            params=_params(self.file, table, at),
            responses=table["responses"] if recorded else None,
        )

    def _ref(self, name: str, table: Table, at: str) -> ModelRef | None:
        """Who is asked; None where a ready-made variant leaves it to the rules."""
        model = table.get("model")
        if not model and (name not in READY_MADE or {"model", "endpoint"} & table.keys()):
            raise self.file.fault("`model` is missing", at)
        return ModelRef(model, table.get("endpoint") or self.places.default_for(model)) if model else None


def _shortly(path: Path) -> str:
    """Relative to the working folder where it lies in it: as it is shown, and kept in run.json."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _prompt(file: TomlFile, table: Table, at: str) -> PromptUse:
    prompt: PromptUse = table.get("prompt", "short")
    if prompt not in get_args(PromptUse):
        raise file.fault(f"found {prompt!r}, write one of {', '.join(get_args(PromptUse))}", f"{at}.prompt")
    return prompt


def _params(file: TomlFile, table: Table, at: str) -> Mapping[str, Any]:
    params: Mapping[str, Any] = table.get("params", {})
    for own in OWN_FIELDS:
        if own in params:
            raise file.fault(f"`{own}` is filled by evalkit; leave it out", f"{at}.params.{own}")
    try:
        json.dumps(params, allow_nan=False)
    except (TypeError, ValueError) as error:  # TOML has dates, nan and inf
        raise file.fault(f"{error}; write what JSON can hold", f"{at}.params") from error
    return params


def _calls_per_day(file: TomlFile) -> float | None:
    """[volume]; None where there is none."""
    found = file.volume.get("calls_per_day")
    if found is not None and found <= 0:
        raise file.fault(f"found {found}, write a number above 0", "volume.calls_per_day")
    return found


def _price(file: TomlFile, number: int, table: Table) -> Price:
    """One [[prices]] table."""
    for key, value in table.items():
        if key != "model" and value < 0:
            raise file.fault(f"found {value}, write USD per 1M tokens, 0 or more", f"prices[{number}].{key}")
    usual = (table["model"], float(table["in"]), float(table["out"]))
    return Price(*usual, cached=table.get("cached"), train=table.get("train"), source=file.path.name)
