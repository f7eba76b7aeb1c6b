"""`evalkit tune watch`: follow a job to its end."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from evalkit.cli.exit_codes import Exit
from evalkit.cli.tune.ending import AtTheEnd, add_ending, wait
from evalkit.cli.tune.server import JobPlace, asked, job_parser, place_of

EXAMPLE = """\
  evalkit tune watch
  evalkit tune watch ftjob-3f9c --base-url https://api.openai.com/v1 --notify 'notify-send "fine-tuned"'"""

DESCRIPTION = """\
Follow a job to its end: loss, steps, time left. Then its history, its losses and a plot of them are kept in
reports/tune-JOB/ (job.json, events.jsonl, result.csv, loss.svg), its model is noted in evalkit.lock and asked
once. Ctrl-C ends the watching, not the job. Exit code 1: the job failed or was cancelled."""


def main(argv: Sequence[str]) -> int:
    """Watch one job."""
    parser = job_parser("watch", DESCRIPTION, EXAMPLE)
    add_ending(parser)
    given = parser.parse_args(argv)
    return watch(place_of(given.job, given.base_url), AtTheEnd(given.out, given.notify))


def watch(place: JobPlace, ending: AtTheEnd) -> int:
    """Follow a job; interrupted, say how to go on."""
    try:
        return asked(place.settings, lambda server: wait(server, place, ending))
    except KeyboardInterrupt:
        print(f"evalkit: interrupted; {goes_on(place)}", file=sys.stderr)
        return Exit.INTERRUPTED


def goes_on(place: JobPlace) -> str:
    """How a job that is not watched any more is found again."""
    if place.settings.name == "local":
        return f"the job goes on from its last checkpoint with evalkit tune watch {place.job}"
    return f"the job goes on; to see it: evalkit tune watch {place.job}"
