"""Jinja in a sandbox, and only that part of it whose cost is bounded by what goes in.

No calls, macros, includes, arithmetic or loops in loops: a template fills in texts, and neither it nor a
case's vars may run code, read attributes of Python objects, or fill the memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evalkit.suite.templates import BadTemplate

MAX_SOURCE_CHARS = 100_000
MAX_CHARS = 1_000_000

_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.List,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Keyword,
    nodes.Test,
    nodes.If,
    nodes.For,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
)
_FILTERS = (
    "capitalize",
    "default",
    "first",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "sort",
    "title",
    "tojson",
    "trim",
    "upper",
)


def filled(source: str, values: Mapping[str, Any]) -> str:
    """A template's text with these values.

    Raises:
        BadTemplate: a value is missing, or the text gets longer than MAX_CHARS.
    """
    template = compiled(source)
    try:
        return _bounded(template.generate(values))
    except TemplateError as error:
        raise BadTemplate(f"{error.message}; known: {', '.join(values)}") from error
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise BadTemplate(f"cannot be filled: {error}") from error


@cache
def compiled(source: str) -> Template:
    """The template, ready to be filled.

    Raises:
        BadTemplate: it is no Jinja, or uses more of it than is allowed.
    """
    if len(source) > MAX_SOURCE_CHARS:
        raise BadTemplate(f"is longer than {MAX_SOURCE_CHARS:,} characters")
    try:
        tree = _ENVIRONMENT.parse(source)
        _refuse_unbounded(tree)
        return _ENVIRONMENT.from_string(tree)
    except TemplateSyntaxError as error:
        raise BadTemplate(f"no template: {error.message}, on its line {error.lineno}") from error
    except RecursionError as error:
        raise BadTemplate("is nested too deep") from error


def _refuse_unbounded(tree: nodes.Template) -> None:
    for node in tree.find_all(nodes.Node):
        name = type(node).__name__
        if not isinstance(node, _ALLOWED):
            raise BadTemplate(
                f"uses {name} on its line {node.lineno}; templates may fill in, test, filter and loop"
            )
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            raise BadTemplate(
                f"uses the filter {node.name} on its line {node.lineno}; known: {', '.join(_FILTERS)}"
            )
        if isinstance(node, nodes.For) and node.find(nodes.For):
            raise BadTemplate(f"has a loop in a loop on its line {node.lineno}; write the inner one out")


def _bounded(pieces: Iterable[str]) -> str:
    text, length = [], 0
    for piece in pieces:
        length += len(piece)
        if length > MAX_CHARS:
            raise BadTemplate(f"gives a text of more than {MAX_CHARS:,} characters")
        text.append(piece)
    return "".join(text)


def _join(items: Iterable[Any], separator: str = "") -> str:
    """Jinja's `join`, bounded."""
    texts = [str(item) for item in items]
    if sum(map(len, texts)) + len(separator) * len(texts) > MAX_CHARS:
        raise BadTemplate(f"joins more than {MAX_CHARS:,} characters")
    return separator.join(texts)


_ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
)
_ENVIRONMENT.filters["join"] = _join
