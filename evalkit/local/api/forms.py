"""Reading what an answer has to look like: its JSON schema, and which tools may or must be called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.local.chat_template import Tool
from evalkit.local.constrain import BadGrammar, Held
from evalkit.local.grammar import ANY_OBJECT, Form, JsonForm
from evalkit.local.http.errors import ApiError
from evalkit.local.http.validate import Fields, shown, wrong_type
from evalkit.local.schema import BadSchema, check_schema, check_strict
from evalkit.local.services import Services
from evalkit.local.tools import read_name

FORMATS = ("text", "json_object", "json_schema")
MODES = ("none", "auto", "required")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which tools may be called. `must`: whether one has to be; `only`: a single one, and once."""

    tools: tuple[Tool, ...] = ()
    must: bool = False
    once: bool = False


def read_json_form(form: Fields, named: Fields, param: str) -> JsonForm | None:
    """Read a form of answers.

    Args:
        form: has the `type`.
        named: has `name`, `schema` and `strict` where the type is json_schema.
        param: the field that holds the form.

    Returns:
        None where plain text is asked for.

    Raises:
        ApiError: unknown type, no schema, or one that is not strict where it must be.
    """
    kind = form.choice("type", FORMATS)
    if kind != "json_schema":
        return JsonForm(ANY_OBJECT, strict=True) if kind == "json_object" else None
    name = read_name(named)
    named.required("schema")
    named.object("schema")
    read = JsonForm(named.get("schema"), named.boolean("strict"), name)
    try:
        check_schema(read.schema)
        if read.strict:
            check_strict(read.schema)
    except BadSchema as fault:
        raise _bad_schema(name, str(fault), param) from None
    return read


def read_choice(body: Fields, tools: tuple[Tool, ...], *, flat: bool) -> Choice:
    """Read `tool_choice` and `parallel_tool_calls`.

    Args:
        body: the request.
        tools: those of the request.
        flat: whether a function's name stands beside its type (the Responses API), not in an object below.

    Raises:
        ApiError: there are no tools, or none of this name.
    """
    if not tools:
        _check_unasked(body, flat=flat)
    once = not body.boolean("parallel_tool_calls", True)
    asked = body.get("tool_choice")
    if isinstance(asked, str) or asked is None:
        mode = "auto" if asked is None else body.choice("tool_choice", MODES)
        return Choice(tools if mode != "none" else (), must=mode == "required", once=once)
    chosen = _required(body, "tool_choice")
    if chosen.choice("type", ("function", "allowed_tools")) == "function":
        return Choice(_picked(tools, [_name_in(chosen, flat)]), must=True, once=True)
    allowed = chosen if flat else _required(chosen, "allowed_tools")
    must = allowed.choice("mode", ("auto", "required")) == "required"
    names = [_name_in(tool, flat) for tool in allowed.objects("tools")]
    return Choice(_picked(tools, names), must, once)


def _check_unasked(body: Fields, *, flat: bool) -> None:
    """Refuse what only concerns tools; the Responses API lets be what asks for nothing."""
    harmless = {"tool_choice": ("auto", "none"), "parallel_tool_calls": (True, False)} if flat else {}
    for name in ("tool_choice", "parallel_tool_calls"):
        if body.get(name) is not None and body.get(name) not in harmless.get(name, ()):
            message = f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
            raise ApiError(message, param=name)


def read_function_choice(body: Fields, tools: tuple[Tool, ...]) -> Choice:
    """Read `function_call`, the older `tool_choice`, which has one call at the most.

    Raises:
        ApiError: there are no functions, or none of this name.
    """
    asked = body.get("function_call")
    if asked is not None and body.get("functions") is None:
        message = "'function_call' is only allowed when 'functions' are specified."
        raise ApiError(f"Invalid value for 'function_call': {message}", param="function_call")
    if isinstance(asked, dict):
        return Choice(_picked(tools, [read_name(_required(body, "function_call"))]), must=True, once=True)
    if asked is not None and body.choice("function_call", ("none", "auto")) == "none":
        return Choice()
    return Choice(tools, once=True)


def form_of(json: JsonForm | None, tools: Sequence[Tool], choice: Choice) -> Form:
    """Put together what an answer has to look like."""
    silent = bool(tools) and not choice.tools
    return Form(json, choice.tools, choice.must, not choice.once, no_calls=silent)


async def constraint(services: Services, form: Form, param: str) -> Held | None:
    """Begin to hold an answer to its form; None where everything is permitted.

    Args:
        services: has the compiled grammars.
        form: what is wanted.
        param: the field of the request that holds the JSON form.

    Raises:
        ApiError: a schema cannot be held; names it.
    """
    grammar = form.grammar()
    if grammar is None:
        return None
    try:
        return await services.grammars.constraint(grammar)
    except BadGrammar as fault:
        raise _explained(form, fault, param) from None


def _explained(form: Form, fault: BadGrammar, param: str) -> ApiError:
    """Name the schema that is at fault; see `Form.grammar` for the lines."""
    at = fault.line - 3
    if 0 <= at < len(form.callable):
        name = form.callable[at].name
        message = f"Invalid schema for function '{name}': {fault}"
        return ApiError(message, param="tools", code="invalid_function_parameters")
    return _bad_schema(form.json.name if form.json else "", str(fault), param)


def _bad_schema(name: str, what: str, param: str) -> ApiError:
    return ApiError(f"Invalid schema for response_format '{name}': {what}", param=param)


def _name_in(tool: Fields, flat: bool) -> str:
    return read_name(tool if flat else _required(tool, "function"))


def _picked(tools: tuple[Tool, ...], names: Sequence[str]) -> tuple[Tool, ...]:
    known = {tool.name for tool in tools}
    for name in names:
        if name not in known:
            raise ApiError(
                f"Invalid value for 'tool_choice': {shown(name)} is not found in 'tools'.",
                param="tool_choice",
            )
    return tuple(tool for tool in tools if tool.name in names)


def _required(holder: Fields, name: str) -> Fields:
    inner = holder.object(name)
    if inner is None:
        raise wrong_type(holder.place(name), "an object", None)
    return inner
