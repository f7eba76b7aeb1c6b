"""`evalkit tune`: fine-tuning jobs. A subcommand is one file here, loaded when it is asked for."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from importlib import import_module

from evalkit.cli.exit_codes import Exit
from evalkit.errors import UsageError

SUBCOMMANDS = {
    "start": "fine-tune on a suite's training lines or on a file",
    "watch": "follow a job to its end; keep its history, its losses and a plot of them",
    "list": "the jobs of a server",
    "show": "all about one job",
    "events": "a job's history",
    "checkpoints": "the models that a job made on its way",
    "cancel": "end a job",
    "pause": "let a job rest",
    "resume": "let it go on",
    "delete": "delete a fine-tuned model for good",
    "curve": "fine-tune on ever more of a suite's lines: would more data help?",
}

HELP = """\
usage: evalkit tune SUBCOMMAND [...]

Fine-tuning jobs, on OpenAI's API and on the local server, which speaks the same. What is made is written to
evalkit.lock, where `evalkit run` finds it. JOB, where it may be left out, is the newest in evalkit.lock.

subcommands:
{subcommands}

exit codes:
  0  done; with --wait and watch: the job succeeded      4  bad input, or the server refuses
  1  the job failed or was cancelled                     11 it would cost more than --max-cost
  2  interrupted; the job goes on without us             12 the server could not be asked

example:
  evalkit tune start suites/terse --wait"""


def main(argv: Sequence[str]) -> int:
    """Run one subcommand."""
    name, rest = (argv[0], argv[1:]) if argv else ("--help", [])
    if name in ("-h", "--help"):
        print(_help())
        return Exit.OK
    if name not in SUBCOMMANDS:
        near = difflib.get_close_matches(name, SUBCOMMANDS, n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise UsageError(f"unknown subcommand {name!r}{hint}; see evalkit tune --help")
    code: int = import_module(f"evalkit.cli.tune.{name}").main(rest)
    return code


def _help() -> str:
    width = max(map(len, SUBCOMMANDS))
    return HELP.format(
        subcommands="\n".join(f"  {name:{width}}  {what}" for name, what in SUBCOMMANDS.items())
    )
