"""A command that has commands of its own: each is one file, loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module

from evalkit.cli.exit_codes import Exit
from evalkit.errors import UsageError


@dataclass(frozen=True, slots=True)
class Commands:
    """A table of commands, each a module of `package` with `main(argv) -> int`.

    Attributes:
        package: `evalkit.cli.tune`.
        called: what is typed before the command: `evalkit tune`.
        table: name -> what it does, in one line.
        help: the whole help; `{commands}` stands for the table.
    """

    package: str
    called: str
    table: dict[str, str]
    help: str

    def run(self, argv: Sequence[str]) -> int:
        """Run the command that is typed first, and give its exit code; without one, print the help.

        Raises:
            UsageError: there is no such command.
        """
        name, rest = (argv[0], argv[1:]) if argv else ("--help", [])
        if name in ("-h", "--help"):
            print(self.help.format(commands=self._listed()))
            return Exit.OK
        if name not in self.table:
            near = get_close_matches(name, self.table, n=1)
            hint = f", did you mean {near[0]}?" if near else ""
            raise UsageError(f"unknown command {name!r}{hint}; see {self.called} --help")
        code: int = import_module(f"{self.package}.{name}").main(rest)
        return code

    def _listed(self) -> str:
        width = max(map(len, self.table))
        return "\n".join(f"  {name:{width}}  {what}" for name, what in self.table.items())
