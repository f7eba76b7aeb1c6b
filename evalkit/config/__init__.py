"""evalkit.toml, flags and environment: who is asked, where, with which key, at what price."""

from evalkit.config.load import load_config, load_endpoint, load_model
from evalkit.config.lock import LockedModel
from evalkit.config.model import (
    EMBEDDED_BASE,
    EMBEDDED_JUDGE,
    LOCAL,
    UNTUNED,
    Config,
    EndpointSettings,
    ModelFlags,
    ModelRef,
)
from evalkit.config.variants import gate_roles, judge_for, locked_for, rank, variants_for, without_recorded

__all__ = [
    "EMBEDDED_BASE",
    "EMBEDDED_JUDGE",
    "LOCAL",
    "UNTUNED",
    "Config",
    "EndpointSettings",
    "LockedModel",
    "ModelFlags",
    "ModelRef",
    "gate_roles",
    "judge_for",
    "load_config",
    "load_endpoint",
    "load_model",
    "locked_for",
    "rank",
    "variants_for",
    "without_recorded",
]
