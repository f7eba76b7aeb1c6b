"""The embedded OpenAI-compatible server.

    python -m evalkit.local --port 0 --state .evalkit

When it can be asked, it prints one line to stdout: `ready http://127.0.0.1:PORT/v1`. It ends on SIGTERM, on
Ctrl-C, and with --exit-with-parent when its stdin is closed.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence

from evalkit.errors import EvalkitError
from evalkit.local.options import add_flags, options_of
from evalkit.local.server import serve


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to end; give the exit code."""
    given = _parse(argv)
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    if given.exit_with_parent:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        serve(options_of(given), _say_ready)
    except EvalkitError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m evalkit.local",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_flags(parser, port=0)
    parser.add_argument("--exit-with-parent", action="store_true", help="end when stdin is closed")
    return parser.parse_args(argv)


def _say_ready(url: str) -> None:
    print(f"ready {url}", flush=True)


def _end_with_stdin() -> None:
    """Wait for the end of stdin, which comes however the parent dies."""
    while os.read(0, 1024):  # not through sys.stdin: its lock would still be held when the interpreter ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
