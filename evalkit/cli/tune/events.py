"""`evalkit tune events`: a job's history."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.cli.exit_codes import Exit
from evalkit.cli.tune.server import asked, job_parser, place_of
from evalkit.cli.tune.tables import as_json, cell, moment
from evalkit.tune import Event

EXAMPLE = """\
  evalkit tune events
  evalkit tune events --json | jq '.[] | select(.type == "metrics") | .data'"""


def main(argv: Sequence[str]) -> int:
    """Print the events in the order of time."""
    parser = job_parser("events", "Print a job's history, oldest first.", EXAMPLE)
    parser.add_argument("--json", action="store_true", help="as the server gives them")
    given = parser.parse_args(argv)
    place = place_of(given.job, given.base_url)
    events = asked(place.settings, lambda server: server.events(place.job))
    print(as_json([event.body for event in events]) if given.json else "\n".join(map(line, events)))
    return Exit.OK


def line(event: Event) -> str:
    """`2026-11-22 14:03:09Z  Created fine-tuning job: ftjob-...`."""
    level = "" if event.level == "info" else f"{cell(event.level)}: "
    return f"{cell(moment(event.created_at))}  {level}{cell(event.message)}"
