"""`evalkit tune list`: the jobs of a server, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from evalkit.cli.arguments import Parser, count_from
from evalkit.cli.exit_codes import Exit
from evalkit.cli.tune.server import add_base_url, asked
from evalkit.cli.tune.tables import as_json, moment, table
from evalkit.config import load_endpoint
from evalkit.tune import FineTuning, Job

EXAMPLE = """\
  evalkit tune list
  evalkit tune list --base-url https://api.openai.com/v1 --limit 50"""

HEAD = ("job", "status", "created", "model")
WIDEST = (31, 10, 16, 100 - 31 - 10 - 16 - 3 * 2)


def main(argv: Sequence[str]) -> int:
    """Print the newest jobs."""
    parser = Parser("tune list", "List a server's fine-tuning jobs, newest first.", EXAMPLE)
    add_base_url(parser)
    parser.add_argument(
        "--limit", type=count_from(1), default=20, metavar="N", help="at most so many (default 20)"
    )
    parser.add_argument("--json", action="store_true", help="as the server gives them")
    given = parser.parse_args(argv)

    async def newest(server: FineTuning) -> list[Job]:
        places = count(1)
        found = []
        async for job in server.jobs():
            found.append(job)
            if next(places) == given.limit:
                break
        return found

    jobs = asked(load_endpoint(Path.cwd(), given.base_url), newest)
    if given.json:
        print(as_json([job.body for job in jobs]))
    else:
        print(table(HEAD, map(_row, jobs), WIDEST) if jobs else "no jobs")
    return Exit.OK


def _row(job: Job) -> tuple[object, ...]:
    created = moment(job.created_at)
    return job.id, job.status, created and created[:16], job.fine_tuned_model or job.model
