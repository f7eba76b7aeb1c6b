"""The data-preparation script, written anew from its rules: what `evalkit dataset check` must agree with.

It crashes where the script crashes; `Outcome` keeps what was printed until then.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tiktoken

KNOWN_KEYS = ("role", "content", "name", "function_call", "weight")
KNOWN_ROLES = ("system", "user", "assistant", "function")


@dataclass
class Outcome:
    """What the script printed; `crashed` where it ended with an exception."""

    examples: int | None = None
    errors: dict[str, int] | None = None
    numbers: dict[str, Any] = field(default_factory=dict)
    crashed: bool = False


def run_script(path: Path, encoding: tiktoken.Encoding, limit: int) -> Outcome:
    """Go through the script's cells, in their order."""
    outcome = Outcome()
    try:
        with path.open(encoding="utf-8") as lines:
            data = [json.loads(line) for line in lines]
        outcome.examples = len(data)
        for _ in data[0]["messages"]:
            pass
        outcome.errors = dict(_errors(data))
        outcome.numbers = _numbers(data, encoding, limit)
    except Exception:
        outcome.crashed = True
    return outcome


def _errors(data: list[Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    for example in data:
        if not isinstance(example, dict):
            found["data_type"] += 1
            continue
        if not (messages := example.get("messages")):
            found["missing_messages_list"] += 1
            continue
        for message in messages:
            found["message_missing_key"] += "role" not in message or "content" not in message
            found["message_unrecognized_key"] += any(key not in KNOWN_KEYS for key in message)
            found["unrecognized_role"] += message.get("role") not in KNOWN_ROLES
            content, call = message.get("content"), message.get("function_call")
            found["missing_content"] += (not content and not call) or not isinstance(content, str)
        assistants = [message for message in messages if message.get("role") == "assistant"]
        found["example_missing_assistant_message"] += not assistants
    return +found


def _numbers(data: list[Any], encoding: tiktoken.Encoding, limit: int) -> dict[str, Any]:
    numbers: dict[str, Any] = {"missing_system": 0, "missing_user": 0}
    messages, tokens, assistant = [], [], []
    for example in data:
        turns = example["messages"]
        numbers["missing_system"] += not any(turn["role"] == "system" for turn in turns)
        numbers["missing_user"] += not any(turn["role"] == "user" for turn in turns)
        messages.append(len(turns))
        tokens.append(3 + sum(_tokens(turn, encoding) for turn in turns))
        said = [len(encoding.encode(turn["content"])) for turn in turns if turn["role"] == "assistant"]
        assistant.append(sum(said))
    for name, values in (("messages", messages), ("tokens", tokens), ("assistant", assistant)):
        numbers[name] = (
            min(values),
            max(values),
            float(np.mean(values)),
            float(np.median(values)),
            float(np.quantile(values, 0.1)),
            float(np.quantile(values, 0.9)),
        )
    numbers["over_limit"] = sum(count > limit for count in tokens)
    numbers["epochs"] = _epochs(len(data))
    numbers["billed"] = sum(min(limit, count) for count in tokens)
    return numbers


def _tokens(message: dict[str, Any], encoding: tiktoken.Encoding) -> int:
    return 3 + ("name" in message) + sum(len(encoding.encode(value)) for value in message.values())


def _epochs(examples: int) -> int:
    if examples * 3 < 100:
        return min(25, 100 // examples)
    if examples * 3 > 25_000:
        return max(1, 25_000 // examples)
    return 3
