"""The process that runs a folder's chat template: Jinja in transformers' sandbox, its memory bounded.

    python -m evalkit.local.hf.render FOLDER DESCRIPTOR

A template is a program that came with the model. The sandbox (jinja2's ImmutableSandboxedEnvironment) keeps
it from Python's objects, but not from looping or from filling the memory: so it runs here, may take MEMORY
bytes beyond what the tokenizer needs, and whoever asks gives it up after a while. JSON goes both ways:
{"ready": true} at first, then {"ids": [...]} or {"fault": "..."} to each {"messages", "tools", "opened"}.
"""

from __future__ import annotations

import contextlib
import json
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

MEMORY = 1 << 30
MOST_TOKENS = 1 << 20


def main() -> int:
    """Answer until the other side is gone."""
    folder, descriptor = Path(sys.argv[1]), int(sys.argv[2])
    from evalkit.local.hf.checkpoint import load_tokenizer  # loads torch: the asker need not

    tokenizer, asker = load_tokenizer(folder), Connection(descriptor)
    _bound_memory()
    with contextlib.suppress(EOFError, OSError):
        asker.send_bytes(json.dumps({"ready": True}).encode())
        while True:
            asked = json.loads(asker.recv_bytes())
            asker.send_bytes(json.dumps(answer(tokenizer, asked)).encode())
    return 0


def answer(tokenizer: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Lay one chat out; only what the template itself writes becomes a special token, never a text."""
    try:
        ids = tokenizer.apply_chat_template(
            asked["messages"],
            tools=asked["tools"] or None,
            add_generation_prompt=asked["opened"],
            sanitize_control_tokens=True,
            return_dict=False,
        )
    except Exception as fault:  # whatever a template may do
        return {"fault": str(fault) or type(fault).__name__}
    if len(ids) > MOST_TOKENS:
        return {"fault": f"it wrote {len(ids)} tokens, of at most {MOST_TOKENS}"}
    return {"ids": ids}


def _bound_memory() -> None:
    """Bound what may be asked of the system from now on; where /proc is missing, time alone bounds it."""
    sizes = Path("/proc/self/statm")
    if not sizes.exists():
        return
    import resource

    pages = int(sizes.read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    sys.exit(main())
