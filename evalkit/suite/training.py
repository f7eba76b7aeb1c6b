"""A suite's training lines as the file that is uploaded."""

from __future__ import annotations

import json

from evalkit.suite.compose import training_lines
from evalkit.suite.model import Suite


def training_file(suite: Suite, *, keep_prompt: bool = False) -> bytes:
    """The training lines as JSONL, each under the system message that the ft model will be sent.

    Raises:
        InputError: as `training_lines`.
    """
    lines = (json.dumps(line, ensure_ascii=False) for line in training_lines(suite, keep_prompt=keep_prompt))
    return "".join(f"{line}\n" for line in lines).encode()
