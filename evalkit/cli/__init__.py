"""The command line: `evalkit COMMAND`. A command is one file here, loaded when it is asked for."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import TextIO

from evalkit.cli.exit_codes import Exit
from evalkit.errors import EvalkitError, UsageError

COMMANDS = {
    "run": "ask, check, tabulate",
    "ask": "one text to all variants of a suite, side by side",
    "dataset": "training data: check, cost, split, leaks, build",
    "tune": "fine-tuning jobs: start, watch, list, cancel, delete",
    "checks": "what answers can be checked for",
    "judge": "measure how well a judge model agrees with labelled answers",
    "schema": "the JSON Schema of suite.yaml, for editors",
    "serve": "the local OpenAI-compatible server on its own",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code; messages go to stderr."""
    for stream in (sys.stdout, sys.stderr):
        _tolerate_any_text(stream)
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
    command, rest = (argv[0], argv[1:]) if argv else ("--help", [])
    if command in ("-h", "--help"):
        print(_help())
        return Exit.OK
    if command in ("-V", "--version"):
        from evalkit import __version__

        print(f"evalkit {__version__}")
        return Exit.OK
    if command not in COMMANDS:
        raise UsageError(f"unknown command {command!r}{_similar(command)}; see evalkit --help")
    code: int = import_module(f"evalkit.cli.{command}").main(rest)
    return code


def _help() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:{width}}  {what}" for name, what in COMMANDS.items())
    return (
        "usage: evalkit COMMAND [...]\n\n"
        "May this fine-tuned model replace my long prompt? Quality, cost and latency, with evidence.\n\n"
        f"commands:\n{commands}\n\n"
        "options:\n  -h, --help     this help; evalkit COMMAND --help tells more\n  -V, --version\n\n"
        "example:\n  evalkit run suites/"
    )


def _similar(command: str) -> str:
    from difflib import get_close_matches

    found = get_close_matches(command, COMMANDS, n=1)
    return f", did you mean {found[0]}?" if found else ""


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
