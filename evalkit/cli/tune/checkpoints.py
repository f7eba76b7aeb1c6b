"""`evalkit tune checkpoints`: the models that a job made on its way."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.cli.exit_codes import Exit
from evalkit.cli.tune.server import asked, job_parser, place_of
from evalkit.cli.tune.tables import as_json, table
from evalkit.tune import Checkpoint

EXAMPLE = """\
  evalkit tune checkpoints
  evalkit run suites/terse --base evalkit-tiny --ft ft:evalkit-tiny:local:terse:3f9c:ckpt-step-48"""

HEAD = ("step", "train loss", "valid loss", "model")
WIDEST = (8, 12, 12, 100 - 8 - 12 - 12 - 3 * 2)


def main(argv: Sequence[str]) -> int:
    """Print the checkpoints by step; any of them can be asked by its model's name."""
    parser = job_parser("checkpoints", "List a job's checkpoints; each can be asked as a model.", EXAMPLE)
    parser.add_argument("--json", action="store_true", help="as the server gives them")
    given = parser.parse_args(argv)
    place = place_of(given.job, given.base_url)
    found = asked(place.settings, lambda server: server.checkpoints(place.job))
    if given.json:
        print(as_json([checkpoint.body for checkpoint in found]))
    else:
        print(table(HEAD, map(_row, found), WIDEST) if found else "no checkpoints yet")
    return Exit.OK


def _row(checkpoint: Checkpoint) -> tuple[object, ...]:
    losses = checkpoint.metrics
    valid = losses.get("full_valid_loss") or losses.get("valid_loss")
    return checkpoint.step, losses.get("train_loss"), valid, checkpoint.model
