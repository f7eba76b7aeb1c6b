"""`evalkit serve`: the local OpenAI-compatible server on its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from evalkit.cli.arguments import Parser
from evalkit.cli.exit_codes import Exit

if TYPE_CHECKING:
    from evalkit.local.options import Options

KEY = "EVALKIT_API_KEY"
EXAMPLE = f"""\
  evalkit serve --port 8000
  OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=none python my_program.py
  evalkit serve --alias gpt-4o-mini --model checkpoints/my-model

Whoever can list this machine's processes reads a key that is given as a flag; {KEY}
is read where there is none."""


def main(argv: Sequence[str]) -> int:
    """Serve until Ctrl-C."""
    from evalkit.local.options import add_flags, options_of

    parser = Parser("serve", "Serve the embedded models, and what is fine-tuned of them.", EXAMPLE)
    add_flags(parser, port=8000, key=os.environ.get(KEY) or None)
    options = options_of(parser.parse_args(argv))
    from evalkit.local.server import serve  # loads numpy, the model's engine and the HTTP server

    serve(options, _announcing(options))
    return Exit.OK


def _announcing(options: Options) -> Callable[[str], None]:
    """Say where it can be asked; the key itself is never shown."""
    key = "no key" if options.key is None else "needs the key"

    def announce(url: str) -> None:
        print(f"serving {url}  ({key}; state {options.state}; Ctrl-C ends it)", flush=True)

    return announce
