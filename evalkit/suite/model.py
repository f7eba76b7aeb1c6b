"""What a suite is, as plain frozen data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from evalkit.checks.base import Check, CheckKind
from evalkit.checks.fields import Bounds
from evalkit.endpoints.base import Kind, Message

PromptUse = Literal["none", "short", "long"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A system text, a user template (Jinja, filled with `ask` and the case's vars), or both."""

    system: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class NamedCheck:
    """A check with what the suite says around it. `name` is unique in its suite or case."""

    name: str
    kind: CheckKind
    check: Check
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation to answer.

    `messages` end with what is answered (kind "chat"); `prompt` is the legacy pair's text (kind
    "completions"). `params` are the line's own fields of the body: tools, parallel_tool_calls, functions.
    `reference` is the last assistant message's text, or the pair's completion, None where there is none;
    `reference_calls` are that message's tool calls. `id` is the given one, or a hash of the content: order
    and neighbours never change it.
    """

    id: str
    kind: Kind
    messages: tuple[Message, ...] = ()
    prompt: str | None = None
    reference: str | None = None
    reference_calls: tuple[Mapping[str, Any], ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    group: str | None = None
    vars: Mapping[str, Any] = field(default_factory=dict)
    checks: tuple[NamedCheck, ...] = ()

    @property
    def tools(self) -> tuple[Mapping[str, Any], ...]:
        """The tools that the model may call."""
        return tools_in(self.params)


def tools_in(params: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The tools that a request's body offers; `functions`, as they were called before, in today's form."""
    functions = ({"type": "function", "function": function} for function in params.get("functions", ()))
    return (*params.get("tools", ()), *functions)


PASS_RATE = "pass_rate"
LATENCIES = {"p50_latency_ms": 0.5, "p95_latency_ms": 0.95}
"""With the share of answers that were as fast."""

FIGURES = (PASS_RATE, *LATENCIES, "cost_per_1k")
"""What a gate may require besides the rate of a check: at least that rate, at most the others."""


@dataclass(frozen=True, slots=True)
class GateRule:
    """The suite's `gate:`; alpha is one-sided.

    `require`: what the candidate must reach by itself, by the name of a check or of a figure: see FIGURES.
    """

    candidate: str = "ft"
    baseline: str = "prompted"
    margin: Annotated[float, Bounds(0, 1)] = 0.05
    alpha: Annotated[float, Bounds(1e-6, 0.5)] = 0.05
    inconclusive: Literal["fail", "pass"] = "fail"
    require: Mapping[str, Annotated[float, Bounds(0)]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suite:
    """A folder with suite.yaml, read and checked.

    `cases` may stand on disk, and each be read when it is asked for: keep none of them.
    `case_checks`: whether any case has checks of its own; `case_marks`: whether any has a group or tags.
    """

    name: str
    folder: Path
    cases: Sequence[Case]
    checks: tuple[NamedCheck, ...]
    case_checks: bool = False
    case_marks: bool = False
    description: str = ""
    prompt: Prompt | None = None
    short_prompt: Prompt | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    train: Path | None = None
    gate: GateRule = GateRule()
    sha256: str = ""  # of suite.yaml and every file that it names


@dataclass(frozen=True, slots=True)
class Variant:
    """How a model is asked. `endpoint` names an entry of the configuration's endpoints.

    `responses`: the file that holds its answers, where nothing is asked (the endpoint is RECORDED then, and
    the model may be "", unknown).
    """

    name: str
    model: str
    endpoint: str
    prompt: PromptUse = "none"
    params: Mapping[str, Any] = field(default_factory=dict)
    responses: str | None = None
