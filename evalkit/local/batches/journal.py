"""What a batch has answered so far: lines that are only added to, so that a killed server goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalkit.local.http.json_response import encoded

OK = 200


class Journal:
    """The answered requests of one batch, each in its line of the output or the error file.

    Args:
        path: where it is, or will be.
    """

    def __init__(self, path: Path):
        self._path = path

    def mend(self) -> dict[str, bool]:
        """Cut off a last line that was half-written.

        Returns:
            The custom_id of each answered request, and whether it succeeded.
        """
        self._path.touch()
        with self._path.open("rb+") as file:
            whole = sum(len(line) for line in file if line.endswith(b"\n"))
            file.truncate(whole)
        return {line["custom_id"]: succeeded(line) for line in self.lines()}

    def append(self, line: Mapping[str, Any]) -> None:
        """Add one line."""
        with self._path.open("ab") as file:
            file.write(encoded(line) + b"\n")

    def lines(self) -> Iterator[dict[str, Any]]:
        """Give all lines, in the order of the answers; none where nothing was answered yet."""
        if self._path.exists():
            with self._path.open("rb") as file:
                yield from map(json.loads, file)

    def remove(self) -> None:
        """It is needed no more."""
        self._path.unlink(missing_ok=True)


def succeeded(line: Mapping[str, Any]) -> bool:
    """Whether a line belongs into the output file, rather than into that of errors."""
    return line["response"] is not None and line["response"]["status_code"] == OK
