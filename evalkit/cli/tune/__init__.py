"""`evalkit tune`: fine-tuning jobs. A subcommand is one file here, loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.cli.commands import Commands

COMMANDS = Commands(
    package="evalkit.cli.tune",
    called="evalkit tune",
    table={
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
    },
    help="""\
usage: evalkit tune SUBCOMMAND [...]

Fine-tuning jobs, on OpenAI's API and on the local server, which speaks the same. What is made is written to
evalkit.lock, where `evalkit run` finds it. JOB, where it may be left out, is the newest in evalkit.lock.

subcommands:
{commands}

exit codes:
  0  done; with --wait and watch: the job succeeded      4  bad input, or the server refuses
  1  the job failed or was cancelled                     11 it would cost more than --max-cost
  2  interrupted; the job goes on without us             12 the server could not be asked

example:
  evalkit tune start suites/terse --wait""",
)


def main(argv: Sequence[str]) -> int:
    """Run one subcommand and give its exit code."""
    return COMMANDS.run(argv)
