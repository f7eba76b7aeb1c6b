"""What a configuration is, as plain frozen data: who is asked, where, and at what price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from evalkit.config.lock import LockedModel
from evalkit.prices import Price
from evalkit.suite.model import PromptUse

Role = Literal["base", "ft", "judge"]

LOCAL = "local"
"""The name of the endpoint that is embedded; its address is known once its server has been started."""

EMBEDDED_BASE = "evalkit-tiny"
EMBEDDED_JUDGE = "evalkit-tiny-judge"

UNTUNED = "ft:evalkit-tiny:local::"
"""The model of a variant whose fine-tune is made when the run begins; `tune` gives the true name."""


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model and the name of the endpoint that serves it."""

    model: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class VariantSettings:
    """A variant as it is configured; `ref` is None where no model was named for it.

    `responses`: the file with its answers; `ref` has the endpoint RECORDED then, and the model "" if unknown.
    """

    ref: ModelRef | None
    prompt: PromptUse = "short"
    params: Mapping[str, Any] = field(default_factory=dict)
    responses: str | None = None


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """How an endpoint is reached.

    Attributes:
        base_url: ends in /v1 as a rule; None only for `local` before its server has been started.
        api_key_env: the environment variable that holds the key; None sends none.
        key_required: whether a missing key is an error (a self-hosted server often wants none).
        headers: sent as they are; treated as secret.
        timeout_s: for one whole request.
        max_concurrency: requests under way here at most; None leaves it to `-n`.
    """

    name: str
    base_url: str | None
    api_key_env: str | None = None
    key_required: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 120.0
    max_concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class ModelFlags:
    """What the command line says about models; the same names as its flags, each as typed.

    `responses`: a file of recorded answers, each variant of which is answered from it.
    """

    base: str | None = None
    ft: str | None = None
    judge: str | None = None
    base_url: str | None = None
    variants: tuple[str, ...] = ()
    candidate: str | None = None
    baseline: str | None = None
    responses: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """evalkit.toml and the flags, read together; the flags win.

    Attributes:
        folder: where evalkit.toml lies, or would.
        flags: as given, kept so that a run can be repeated.
        endpoints: by name; `local` is always there.
        models: the named ones of the roles `base`, `ft` and `judge`.
        variants: the ready-made ones and those of evalkit.toml, by name.
        suite_variants: those that one suite has in their place, by suite and name.
        prices: the user's, asked before the shipped table.
        locked: what evalkit.lock knows of fine-tunes, oldest first.
        calls_per_day: the volume at which costs are compared; None where nobody stated one.
    """

    folder: Path
    flags: ModelFlags
    endpoints: Mapping[str, EndpointSettings]
    models: Mapping[Role, ModelRef] = field(default_factory=dict)
    variants: Mapping[str, VariantSettings] = field(default_factory=dict)
    suite_variants: Mapping[str, Mapping[str, VariantSettings]] = field(default_factory=dict)
    prices: tuple[Price, ...] = ()
    locked: tuple[LockedModel, ...] = ()
    calls_per_day: float | None = None

    def with_local(self, base_url: str) -> Config:
        """The same configuration, once the embedded server listens at `base_url`."""
        local = replace(self.endpoints[LOCAL], base_url=base_url)
        return replace(self, endpoints={**self.endpoints, LOCAL: local})
