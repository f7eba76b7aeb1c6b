"""The command line: `evalkit COMMAND`. A command is one file here, loaded when it is asked for."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import TextIO

from evalkit.cli.commands import Commands
from evalkit.cli.exit_codes import Exit
from evalkit.errors import EvalkitError

COMMANDS = Commands(
    package="evalkit.cli",
    called="evalkit",
    table={
        "run": "ask, check, tabulate",
        "gate": "decide again on a run: SHIP, DON'T SHIP or INCONCLUSIVE",
        "compare": "what changed between two runs, case by case",
        "report": "the figures of a run, finished or not: for the terminal, as Markdown, CSV or JSON",
        "record": "ask and store, unchecked: for models about to be shut down",
        "regrade": "check the stored answers of a run again, calling nothing",
        "ask": "one text to all variants of a suite, side by side",
        "dataset": "training data: check, cost, split, leaks, build",
        "tune": "fine-tuning jobs: start, watch, list, cancel, delete",
        "checks": "what answers can be checked for",
        "judge": "measure how well a judge model agrees with labelled answers",
        "schema": "the JSON Schema of suite.yaml, for editors",
        "serve": "the local OpenAI-compatible server on its own",
    },
    help="""\
usage: evalkit COMMAND [...]

May this fine-tuned model replace my long prompt? Quality, cost and latency, with evidence.

commands:
{commands}

options:
  -h, --help     this help; evalkit COMMAND --help tells more
  -V, --version

example:
  evalkit run suites/""",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code; messages go to stderr."""
    for stream in (sys.stdout, sys.stderr):
        _tolerate_any_text(stream)
    os.environ.pop("OPENAI_LOG", None)  # the SDK's own log shows what servers said, echoed keys included
    try:
        return _dispatch(list(sys.argv[1:] if argv is None else argv))
    except EvalkitError as error:
        print(f"evalkit: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("evalkit: interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
    except BrokenPipeError:  # `evalkit run | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:
        return _internal(error)


def _dispatch(argv: list[str]) -> int:
    if argv and argv[0] in ("-V", "--version"):
        from evalkit import __version__

        print(f"evalkit {__version__}")
        return Exit.OK
    return COMMANDS.run(argv)


def _tolerate_any_text(stream: TextIO) -> None:
    """A terminal in an old encoding shows what it can and escapes the rest."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


def _internal(error: Exception) -> int:
    if os.environ.get("EVALKIT_DEBUG"):
        traceback.print_exception(error)
    else:
        what = f"{type(error).__name__}: {error}".replace("\n", " ")
        hint = "this is a fault in evalkit; set EVALKIT_DEBUG=1 for the traceback"
        print(f"evalkit: internal error: {what} ({hint})", file=sys.stderr)
    return Exit.INTERNAL
