"""What cancel, pause and resume have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalkit.cli.exit_codes import Exit
from evalkit.cli.tune.server import asked, job_parser, place_of
from evalkit.config.lock import keep
from evalkit.tune.api import Action
from evalkit.tune.entry import as_of


def act(action: Action, description: str, argv: Sequence[str]) -> int:
    """Have a server change a job; what it says of the job then is printed, and kept in evalkit.lock."""
    parser = job_parser(action, description, f"  evalkit tune {action}")
    given = parser.parse_args(argv)
    place = place_of(given.job, given.base_url)
    job = asked(place.settings, lambda server: server.act(place.job, action))
    if place.entry:
        keep(Path.cwd(), as_of(place.entry, job))
    print(f"{job.id}: {job.status}")
    return Exit.OK
