"""What is sent: a case, asked the way of a variant; and what is trained on, by the same rule.

The long prompt (`prompt`) or the short one stands in place of the case's own system message. Where the one
that is due is not given, the case's own system message stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalkit.checks.fields import FieldError
from evalkit.endpoints.base import INSTRUCTS, Message, Request
from evalkit.errors import InputError
from evalkit.suite.cases import params, read_keys, rows, text_of, turns
from evalkit.suite.files import Folder
from evalkit.suite.model import Case, Prompt, PromptUse, Suite, Variant
from evalkit.suite.shape import CaseKeys
from evalkit.suite.templates import BadTemplate, render


def compose(suite: Suite, case: Case, variant: Variant, repeat: int = 0) -> Request:
    """The request that asks this case of this variant, with the params of suite, case and variant.

    Where a seed is among them, each repeat adds one to it: under one and the same seed all would be alike.
    """
    prompt = _due(suite, variant.prompt)
    body = {**suite.params, **case.params, **variant.params}
    if repeat and isinstance(body.get("seed"), int):
        body["seed"] += repeat
    if case.prompt is not None:
        return Request(
            variant.model, "completions", prompt=filled_text(prompt, case.prompt, case.vars), params=body
        )
    return Request(
        variant.model, "chat", messages=filled_turns(prompt, case.messages, case.vars), params=body
    )


def training_lines(suite: Suite, *, keep_prompt: bool = False) -> Iterator[dict[str, Any]]:
    """The lines that an ft model is trained on: OpenAI's keys, under the system message that it will be sent.

    Args:
        suite: a suite with `train`.
        keep_prompt: train with the long prompt, to be compared as `ft_prompted`.

    Raises:
        InputError: the suite has no training data, or they cannot be read any more.
    """
    if suite.train is None:
        raise InputError(
            "has no training data; write train: train.jsonl", file=suite.folder / "suite.yaml", field="train"
        )
    prompt = _due(suite, "long" if keep_prompt else "short")
    for row in rows(suite.train, Folder(suite.folder).bytes(suite.train)):
        keys = read_keys(row)
        yield training_line(keys, prompt)


def training_line(keys: CaseKeys, prompt: Prompt | None) -> dict[str, Any]:
    """One line as it is trained on.

    Raises:
        FieldError: it has no answer to learn, or does not fit the prompt's template.
    """
    if keys.prompt is not None:
        if keys.completion is None:
            raise FieldError(("completion",), "is missing; write the answer to learn")
        return {"prompt": filled_text(prompt, keys.prompt, keys.vars), "completion": keys.completion}
    messages = turns(keys)
    if not messages or messages[-1]["role"] != "assistant":
        raise FieldError(("messages",), "has no assistant message at its end; write the answer to learn")
    return {
        "messages": [dict(message) for message in filled_turns(prompt, messages, keys.vars)],
        **params(keys),
    }


def filled_turns(
    prompt: Prompt | None, messages: Sequence[Message], values: Mapping[str, Any]
) -> tuple[Message, ...]:
    """The conversation under a prompt: its system text first, its template around the last user message.

    Raises:
        FieldError: the template cannot be filled.
    """
    turns = list(messages)
    if prompt is not None and prompt.user is not None:
        last = _last_user(turns)
        turns[last] = {**turns[last], "content": _filled(prompt.user, text_of(turns[last]), values)}
    if prompt is not None and prompt.system is not None:
        while turns and turns[0]["role"] in INSTRUCTS:
            del turns[0]
        turns.insert(0, {"role": "system", "content": prompt.system})
    return tuple(turns)


def filled_text(prompt: Prompt | None, text: str, values: Mapping[str, Any]) -> str:
    """A legacy pair's prompt under a prompt: the system text, a blank line, then the text in the template.

    Raises:
        FieldError: the template cannot be filled.
    """
    if prompt is not None and prompt.user is not None:
        text = _filled(prompt.user, text, values)
    return text if prompt is None or prompt.system is None else f"{prompt.system}\n\n{text}"


def _due(suite: Suite, use: PromptUse) -> Prompt | None:
    return {"none": None, "short": suite.short_prompt, "long": suite.prompt}[use]


def _last_user(turns: Sequence[Message]) -> int:
    users = [i for i, message in enumerate(turns) if message["role"] == "user"]
    if not users:
        raise FieldError(("messages",), "has no user message for the template to be filled with; write one")
    return users[-1]


def _filled(template: str, ask: str | None, values: Mapping[str, Any]) -> str:
    if "ask" in values:
        raise FieldError(("vars", "ask"), "is the text of the user message; write another name")
    try:
        return render(template, {"ask": ask or "", **values})
    except BadTemplate as error:
        raise FieldError(("vars",), f"do not fill the prompt's template: {error}") from error
