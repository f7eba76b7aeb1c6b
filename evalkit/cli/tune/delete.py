"""`evalkit tune delete`: delete a fine-tuned model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalkit.cli.exit_codes import Exit
from evalkit.cli.tune.consent import agreed
from evalkit.cli.tune.server import asked, job_parser, place_of
from evalkit.config.lock import forget
from evalkit.errors import UsageError
from evalkit.report.escape import printable
from evalkit.tune import FineTuning

EXAMPLE = """\
  evalkit tune delete ft:gpt-4.1-mini-2025-04-14:my-org::AbC123
  evalkit tune delete ftjob-3f9c --yes            the model that this job made"""


def main(argv: Sequence[str]) -> int:
    """Delete the model that is named, or that the job made, and take it out of evalkit.lock."""
    parser = job_parser("delete", "Delete a fine-tuned model for good; asks first.", EXAMPLE)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    given = parser.parse_args(argv)
    place = place_of(given.job, given.base_url)

    async def found(server: FineTuning) -> str | None:
        named = given.job if given.job and given.job.startswith("ft:") else None
        return named or (await server.job(place.job)).fine_tuned_model

    async def deleted(server: FineTuning) -> bool:
        model = await found(server)
        if model is None:
            raise UsageError(f"job {place.job} has made no model; there is nothing to delete")
        if not agreed(f"Delete {printable(model)} at {place.settings.name} for good?", yes=given.yes):
            return False
        await server.delete_model(model)
        forget(Path.cwd(), model, place.settings.name, place.settings.base_url)
        print(f"deleted {printable(model)}")
        return True

    return Exit.OK if asked(place.settings, deleted) else Exit.INTERRUPTED
