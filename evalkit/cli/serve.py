"""`evalkit serve`: the local OpenAI-compatible server on its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from evalkit.cli.arguments import Parser, count_from

EXAMPLE = """\
  evalkit serve --port 8000
  OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=none python my_program.py"""


def main(argv: Sequence[str]) -> int:
    """Serve until Ctrl-C."""
    parser = Parser(
        "serve", "Serve the embedded models, and what was fine-tuned of them, on loopback.", EXAMPLE
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback name or address (default 127.0.0.1)")
    parser.add_argument("--port", type=count_from(0), default=8000, help="0 takes a free one (default 8000)")
    parser.add_argument(
        "--state", type=Path, default=Path(".evalkit"), help="files, jobs, models (default .evalkit)"
    )
    parser.add_argument("--weights", type=Path, help="a Hugging Face folder in place of the shipped model's")
    given = parser.parse_args(argv)
    print("Ctrl-C ends the server", file=sys.stderr)
    return _serve([f"--{name}={value}" for name, value in vars(given).items() if value is not None])


def _serve(flags: list[str]) -> int:
    from evalkit.local.__main__ import main as serve  # loads numpy, the model's engine and the HTTP server

    return serve(flags)
