"""`evalkit schema`: the JSON Schema of suite.yaml, for editors."""

from __future__ import annotations

import json
from collections.abc import Sequence

from evalkit.cli.arguments import Parser
from evalkit.cli.exit_codes import Exit
from evalkit.report.summary import schema as summary_schema
from evalkit.suite import schema as suite_schema

EXAMPLE = """\
  evalkit schema > suite.schema.json
  # then, as the first line of suite.yaml: # yaml-language-server: $schema=suite.schema.json"""


def main(argv: Sequence[str]) -> int:
    """Print a schema."""
    parser = Parser("schema", "The JSON Schema of suite.yaml, with which editors complete it.", EXAMPLE)
    parser.add_argument("--summary", action="store_true", help="that of a run's summary.json instead")
    chosen = summary_schema() if parser.parse_args(argv).summary else suite_schema()
    print(json.dumps(chosen, indent=2, ensure_ascii=False))
    return Exit.OK
