"""`evalkit checks`: what answers can be checked for."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.checks import CHECKS, help_text
from evalkit.cli.arguments import Parser
from evalkit.cli.exit_codes import Exit

EXAMPLE = """\
  evalkit checks                 all of them, a line each
  evalkit checks json_schema     one, with its arguments"""


def main(argv: Sequence[str]) -> int:
    """Print the table of checks, or the help of some."""
    parser = Parser("checks", "What answers can be checked for, and with which arguments.", EXAMPLE)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a check (default: a line for each)")
    names: list[str] = parser.parse_args(argv).names
    print("\n\n".join(map(help_text, names)) if names else _table())
    return Exit.OK


def _table() -> str:
    width = max(map(len, CHECKS))
    first_lines = {name: str(check.__doc__).strip().partition("\n")[0] for name, check in CHECKS.items()}
    return "\n".join(f"{name:{width}}  {line}" for name, line in first_lines.items())
