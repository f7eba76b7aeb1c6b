"""What a batch ends with: a file of answers, a file of errors, and the tokens that it took."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from evalkit.local.batches.journal import Journal, succeeded
from evalkit.local.batches.lines import read_requests
from evalkit.local.http.json_response import encoded
from evalkit.local.rows import new_id

UNANSWERED = {
    "expired": "This request could not be executed before the completion window expired.",
    "cancelled": "This request was not executed: the batch was cancelled.",
}


@dataclass(frozen=True, slots=True)
class Results:
    """Two open files that vanish when closed, None where one would be empty; and OpenAI's usage object."""

    output: IO[bytes] | None
    error: IO[bytes] | None
    usage: Mapping[str, Any]


def line_of(
    custom_id: str, response: Mapping[str, Any] | None, error: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Write one line of either file."""
    return {"id": new_id("batch_req_"), "custom_id": custom_id, "response": response, "error": error}


def gather(journal: Journal, requests: Path, end: str) -> Results:
    """Sort the lines of a journal; blocks, to be called off the event loop.

    Args:
        journal: what was answered.
        requests: the input file; what it has beyond the journal is told as unanswered.
        end: "completed", or why requests are left unanswered: "expired" or "cancelled".

    Raises:
        OSError: the disk is full, or the input file is gone.
    """
    # the caller closes what it is handed
    output, error = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
    tokens: Counter[str] = Counter()
    answered = set()
    for line in journal.lines():
        answered.add(line["custom_id"])
        (output if succeeded(line) else error).write(encoded(line) + b"\n")
        if succeeded(line):
            tokens.update(_tokens(line["response"]["body"]))
    if end in UNANSWERED:
        _tell_unanswered((one.custom_id for one in read_requests(requests)), answered, end, error)
    return Results(_rewound(output), _rewound(error), _usage(tokens))


def _tell_unanswered(ids: Iterable[str], answered: set[str], end: str, error: IO[bytes]) -> None:
    fault = {"code": f"batch_{end}", "message": UNANSWERED[end]}
    for custom_id in ids:
        if custom_id not in answered:
            error.write(encoded(line_of(custom_id, None, fault)) + b"\n")


def _rewound(file: IO[bytes]) -> IO[bytes] | None:
    if not file.tell():
        file.close()
        return None
    file.seek(0)
    return file


def _tokens(body: Mapping[str, Any]) -> dict[str, int]:
    """Read the usage of an answer: responses name its parts otherwise than chat and completions do."""
    usage = body.get("usage") or {}
    asked, answer = ("input", "output") if "input_tokens" in usage else ("prompt", "completion")
    return {
        "input": usage.get(f"{asked}_tokens", 0),
        "cached": (usage.get(f"{asked}_tokens_details") or {}).get("cached_tokens", 0),
        "output": usage.get(f"{answer}_tokens", 0),
    }


def _usage(tokens: Mapping[str, int]) -> dict[str, Any]:
    """Write it as the Batch API does; the models served here do not reason."""
    asked, answered = tokens["input"], tokens["output"]
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": tokens["cached"]},
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": asked + answered,
    }
