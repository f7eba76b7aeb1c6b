"""What a fine-tune will learn from: a suite's lines, or a file of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.errors import InputError, UsageError
from evalkit.suite import load_suite, training_file
from evalkit.suite.load import FILE
from evalkit.tune.recipe import Method, sha256_of

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A training file in memory.

    Attributes:
        name: of the suite, or of the file without its ending.
        source: as the user named it.
        data: JSONL, as it is uploaded.
        prompt: "long" where a suite's lines keep the long prompt.
    """

    name: str
    source: str
    data: bytes
    prompt: str = "short"

    @property
    def lines(self) -> Iterator[Line]:
        """The examples; what is none is passed over, for the check of the data tells of it."""
        return lines_of(self.data)

    @property
    def method(self) -> Method:
        """Preferences are learned by DPO, everything else by example."""
        first = next(self.lines, {})
        return "dpo" if "preferred_output" in first else "supervised"

    @property
    def first_question(self) -> Line | None:
        """The first example without its answer, as a body of /chat/completions or /completions would have it:
        `{"messages": [...]}` or `{"prompt": ...}`."""
        first = next(self.lines, {})
        if isinstance(prompt := first.get("prompt"), str):
            return {"prompt": prompt}
        messages = [message for message in _messages(first) if isinstance(message, Mapping)]
        while messages and messages[-1].get("role") == "assistant":
            messages.pop()
        return {"messages": messages} if messages else None


@dataclass(frozen=True, slots=True)
class Systems:
    """The system messages of some conversations; having none counts as one.

    `text` is None where there are several, or the one is none.
    """

    count: int
    text: str | None

    @property
    def sha256(self) -> str | None:
        """Of `text`."""
        return None if self.text is None else sha256_of(self.text.encode())


def lines_of(data: bytes) -> Iterator[Line]:
    """The lines of a training file that hold JSON objects."""
    return (line for line in map(_parsed, data.splitlines()) if line is not None)


def read_training(target: Path, *, keep_prompt: bool = False) -> TrainingData:
    """The training data that a path means.

    Args:
        target: a suite's folder, its suite.yaml, or a JSONL file.
        keep_prompt: a suite's lines under its long prompt.

    Raises:
        UsageError: there is no such thing, or it cannot be read.
    """
    if target.is_dir() or target.name == FILE:
        suite = load_suite(target)
        data = training_file(suite, keep_prompt=keep_prompt)
        return TrainingData(suite.name, str(target), data, "long" if keep_prompt else "short")
    if keep_prompt:
        raise UsageError("--keep-prompt is for suites; a file is trained on as it stands: leave it out")
    return TrainingData(target.stem, str(target), read_file(target))


def read_file(path: Path) -> bytes:
    """A training or validation file.

    Raises:
        InputError: it cannot be read, or is no JSONL file.
    """
    if path.suffix != ".jsonl":
        raise InputError("write a suite's folder, or a file whose name ends in .jsonl", file=path)
    try:
        return path.read_bytes()
    except OSError as fault:
        raise InputError(f"cannot be read ({fault.strerror})", file=path) from fault


def systems_of(conversations: Iterator[Line]) -> Systems:
    """The system messages that `conversations` begin with."""
    found = {system_of(_messages(line)) for line in conversations}
    return Systems(len(found), found.pop() if len(found) == 1 else None)


def system_of(messages: Any) -> str | None:
    """The text of the system message that a conversation begins with."""
    first = messages[0] if messages and isinstance(messages[0], Mapping) else {}
    content = first.get("content")
    instructs = first.get("role") in ("system", "developer")
    return content if instructs and isinstance(content, str) else None


def _messages(line: Line) -> Any:
    """The turns of an example, or of what a preference is about."""
    about = line.get("input")
    found = (about if isinstance(about, Mapping) else line).get("messages")
    return found if isinstance(found, list | tuple) else []


def _parsed(raw: bytes) -> Line | None:
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, Mapping) else None
