"""`evalkit tune show`: all about one job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.cli.exit_codes import Exit
from evalkit.cli.tune.server import asked, job_parser, place_of
from evalkit.cli.tune.tables import as_json, moment, pairs
from evalkit.config import LockedModel
from evalkit.tune import Job

EXAMPLE = """\
  evalkit tune show
  evalkit tune show ftjob-3f9c --base-url https://api.openai.com/v1 --json"""


def main(argv: Sequence[str]) -> int:
    """Print what the server tells of a job, and what evalkit.lock knows of its data."""
    parser = job_parser("show", "Show all about one job.", EXAMPLE)
    parser.add_argument("--json", action="store_true", help="as the server gives it")
    given = parser.parse_args(argv)
    place = place_of(given.job, given.base_url)
    job = asked(place.settings, lambda server: server.job(place.job))
    print(as_json(job.body) if given.json else pairs((*_told(job), *_known(place.entry))))
    return Exit.OK


def _told(job: Job) -> Iterator[tuple[str, object]]:
    yield "job", job.id
    yield "status", job.status
    if job.error:
        yield "error", job.error
    yield "base", job.model
    yield "model", job.fine_tuned_model
    yield "method", f"{job.method}, {_settings(job)}"
    yield "seed", job.body.get("seed")
    yield "created", moment(job.created_at)
    yield "finished", moment(job.finished_at)
    if not job.ended:
        yield "expected", moment(job.estimated_finish)
    yield "trained tokens", job.trained_tokens
    yield "training file", job.body.get("training_file")
    yield "validation file", job.body.get("validation_file")


def _known(entry: LockedModel | None) -> Iterator[tuple[str, object]]:
    """What was trained on, which only evalkit.lock knows."""
    if entry:
        yield (
            "trained on",
            f"{entry.source}, {'with' if entry.prompt == 'long' else 'without'} the long prompt",
        )
        yield "data SHA-256", entry.data_sha256


def _settings(job: Job) -> str:
    return ", ".join(f"{name} {value}" for name, value in job.hyperparameters.items()) or "all by default"
