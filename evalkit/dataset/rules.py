"""The rules for one line of a training file: OpenAI's, as the API has them today.

What the 2023 data-preparation script counts, which knows no tools, is kept apart in notebook.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from evalkit.dataset.finding import Fault, Finding, Severity
from evalkit.dataset.messages import conversation_faults, message_faults
from evalkit.dataset.reading import TOO_DEEP, Reading, read
from evalkit.dataset.shown import shown
from evalkit.dataset.texts import text_faults
from evalkit.dataset.tools import declaration_faults, declared

__all__ = ["Finding", "Form", "Severity", "faults_of", "findings_of", "form_of"]

Form = Literal["chat", "preference", "pair"]

BLANK = Fault("blank_line", "the line is blank", "remove it")
OPTIONS = {"tools", "parallel_tool_calls", "functions"}
EVALKIT_KEYS = {"id", "tags", "group", "vars", "checks"}
KEYS: dict[Form, set[str]] = {
    "chat": {"messages", *OPTIONS},
    "preference": {"input", "preferred_output", "non_preferred_output"},
    "pair": {"prompt", "completion"},
}
_OWN_KEYS = {form: keys - OPTIONS for form, keys in KEYS.items()}


def findings_of(number: int, raw: bytes) -> tuple[Finding, ...]:
    """Everything that is wrong with one line, taken by itself; () for a good example.

    Args:
        number: the line's number, counted from 1.
        raw: the line as it stands in the file.
    """
    if not raw.strip():
        return (BLANK.on(number),)
    return tuple(fault.on(number) for fault in faults_of(read(raw), raw))


def faults_of(reading: Reading, raw: bytes) -> tuple[Fault, ...]:
    """The same for a line that was read already and is not blank."""
    if not reading.readable:
        return reading.faults
    try:
        return (*reading.faults, *_example_faults(reading.value, raw))
    except RecursionError:
        return (TOO_DEEP,)


def form_of(example: Any) -> Form | None:
    """Which of the three formats a line's value has, well or badly; None where it has none."""
    if not isinstance(example, dict):
        return None
    return next((form for form, keys in _OWN_KEYS.items() if not keys.isdisjoint(example)), None)


def _example_faults(example: Any, raw: bytes) -> Iterator[Fault]:
    form = form_of(example)
    if form == "chat":
        yield from _chat(example)
    elif form == "preference":
        yield from _preference(example)
    elif form == "pair":
        yield from _pair(example)
    elif isinstance(example, dict):
        yield _formless(example)
    else:
        yield Fault("data_type", f"found {shown(example)}", 'write a JSON object: {"messages": [...]}')
    if form:
        yield from _unknown_keys(example, form)
    yield from text_faults(example, raw)


def _formless(example: Mapping[str, Any]) -> Fault:
    found = f"found the keys {', '.join(map(str, example))}"[:120] if example else "found an empty object"
    if "ask" in example:
        remedy = 'ask and answer are short for suites: a training file has {"messages": [...]}'
    else:
        remedy = 'write {"messages": [...]}'
    return Fault("missing_messages_list", found, remedy)


def _unknown_keys(example: Mapping[str, Any], form: Form) -> Iterator[Fault]:
    for key in example.keys() - KEYS[form]:
        what = f"found the key {shown(key)} beside {min(_OWN_KEYS[form] & example.keys())}"
        own = "evalkit tune leaves it out; " if key in EVALKIT_KEYS else ""
        yield Fault("unrecognized_key", what, f"{own}leave it out of what you upload")


def _chat(example: Mapping[str, Any]) -> Iterator[Fault]:
    if len(example) > 1:
        yield from declaration_faults(example, "")
    messages = example["messages"]
    if not isinstance(messages, list) or not messages:
        what = f"messages: found {shown(messages)}"
        yield Fault("missing_messages_list", what, 'write a list: [{"role": "user", "content": "..."}, ...]')
        return
    yield from conversation_faults(messages, "messages", declared(example))
    yield from _learnable(messages)


def _learnable(messages: list[Any]) -> Iterator[Fault]:
    """Whether the conversation has an answer to learn from, and ends with one."""
    answers = [message for message in messages if _role(message) == "assistant"]
    if not answers:
        remedy = 'end with {"role": "assistant", "content": "..."}'
        yield Fault("example_missing_assistant_message", "no message is the assistant's", remedy)
    elif all(message.get("weight", 1) == 0 for message in answers):
        yield Fault("nothing_to_learn", "every assistant message has weight 0", "give one of them weight 1")
    elif _role(messages[-1]) != "assistant":
        what = f"messages[{len(messages) - 1}]: the last message is not the assistant's"
        yield Fault("unclosed_turn", what, "end with the assistant's answer")


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, dict) else None


def _preference(example: Mapping[str, Any]) -> Iterator[Fault]:
    asked = example.get("input")
    if not isinstance(asked, dict) or not isinstance(asked.get("messages"), list) or not asked["messages"]:
        what, remedy = f"input: found {shown(asked)}", 'write {"messages": [{"role": "user", ...}]}'
        yield Fault("invalid_preference", what, remedy)
    else:
        yield from declaration_faults(asked, "input.")
        yield from conversation_faults(asked["messages"], "input.messages", declared(asked))
    for name in ("preferred_output", "non_preferred_output"):
        yield from _output(name, example.get(name))
    if "preferred_output" in example and example.get("preferred_output") == example.get(
        "non_preferred_output"
    ):
        yield Fault("no_preference", "both outputs are the same", "write a better and a worse answer")


def _output(name: str, output: Any) -> Iterator[Fault]:
    if not isinstance(output, list) or [_role(message) for message in output] != ["assistant"]:
        remedy = 'write a list of one message: [{"role": "assistant", "content": "..."}]'
        yield Fault("invalid_preference", f"{name}: found {shown(output)}", remedy)
    else:
        yield from message_faults(output[0], f"{name}[0]")


def _pair(example: Mapping[str, Any]) -> Iterator[Fault]:
    for name in ("prompt", "completion"):
        if not isinstance(example.get(name), str):
            yield Fault("invalid_pair", f"{name}: found {shown(example.get(name))}", "write a text")
    completion = example.get("completion")
    if isinstance(completion, str) and not completion.strip():
        yield Fault(
            "empty_answer", "completion: found nothing but white space", "write what is to be learned"
        )
