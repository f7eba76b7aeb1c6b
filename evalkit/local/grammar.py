"""What an answer has to look like -> a grammar in llguidance's dialect of Lark.

JSON comes in the one spelling that `json.dumps(answer, ensure_ascii=False)` has: properties in the schema's
order, `", "` and `": "` between them, no other spaces. Calls come as the chat template lays them out.
Documentation: docs/syntax.md and docs/json_schema.md of guidance-ai/llguidance.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.local.chat_template import CALL, CALL_END, Tool

SPELLING = {
    "item_separator": ", ",
    "key_separator": ": ",
    "whitespace_flexible": False,
    "json_allowed_escapes": 'nrbtf\\"u',  # \\u for control characters only, as json.dumps has it
}
ANY_OBJECT: Mapping[str, Any] = {"type": "object"}
LISTING = {"type", "properties", "required", "description", "title"}  # of a schema that just lists arguments
ANY_TEXT = r"/(.|\n)*/"


@dataclass(frozen=True, slots=True)
class JsonForm:
    """Text that is JSON of a schema. `strict`: keywords that cannot be held are refused, not passed over."""

    schema: Mapping[str, Any]
    strict: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """What an answer has to look like; the defaults permit everything.

    An answer is text, or calls of known tools whose arguments satisfy the tools' schemas, or text and then
    calls: held while it is written, so that nothing else can come but for a limit on its length.

    Attributes:
        json: the text is JSON; None = any text.
        callable: the tools that may be called.
        must_call: whether there is no text, but one call at the least.
        many_calls: whether more than one call may be made.
        no_calls: whether text may not even look like a call, since tools are shown that may not be called.
    """

    json: JsonForm | None = None
    callable: tuple[Tool, ...] = ()
    must_call: bool = False
    many_calls: bool = True
    no_calls: bool = False

    def grammar(self) -> str | None:
        """Write the grammar, a rule a line; None where everything is permitted.

        Line 1 is the start, line 2 the JSON form, if there is one, and then comes a line for each tool.
        """
        if not (self.json or self.callable or self.no_calls):
            return None
        written = [f"json: {_json(self.json.schema, self.json.strict)}" if self.json else "json: TEXT"]
        written += [_call_rule(at, tool) for at, tool in enumerate(self.callable)]
        written += [
            '%llguidance {"no_forcing": true}',
            *_rules_around(self),
        ]  # any spelling in tokens will do
        return "\n".join([f"start: {self._start()}", *written])

    def _start(self) -> str:
        if not self.callable:
            return "json" if self.json else "PLAIN"
        more = f' ("\\n{CALL}" call)*' if self.many_calls else ""
        if self.must_call:
            return f'"{CALL}" call{more}'
        return f'json | "{CALL}" call{more}' if self.json else f"TEXT | opened call{more}"


ANYTHING = Form()


def _rules_around(form: Form) -> list[str]:
    rules = [f"TEXT: {ANY_TEXT}", rf"PLAIN: TEXT & ~/(.|\n)*{CALL}(.|\n)*/"]
    if form.callable:
        rules.append(rf"opened[lazy]: /(.|\n)*{CALL}/")  # lazy: as soon as the marker has come, a call is due
        rules.append(f"call: {' | '.join(f'call{at}' for at in range(len(form.callable)))}")
    return rules


def _call_rule(at: int, tool: Tool) -> str:
    """Write one tool's calls, all in one line, so that a fault's line tells the tool."""
    opened = json.dumps(f'{{"name": "{tool.name}", "arguments": ')
    return f'call{at}: {opened} {_json(_arguments(tool), tool.strict)} "}}{CALL_END}"'


def _arguments(tool: Tool) -> Mapping[str, Any]:
    """Give the schema; one that just lists arguments means no others, which JSON Schema would permit."""
    schema = tool.parameters
    listed = schema.get("properties") or {}
    if schema.keys() <= LISTING and set(schema.get("required") or ()) <= set(listed):
        return {**schema, "type": "object", "properties": listed, "additionalProperties": False}
    return schema


def _json(schema: Mapping[str, Any], strict: bool) -> str:
    return f"%json {json.dumps({**schema, 'x-guidance': {**SPELLING, 'lenient': not strict}})}"
