"""What the models of a run have learned from, as far as the files lie here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from evalkit.config import Config, LockedModel
from evalkit.run.origins import entry_of, fine_tuned
from evalkit.run.prepare import Prepared
from evalkit.suite.model import Suite

MAX_BYTES = 4 * 1024 * 1024
"""A larger file than a suite's own is not searched before each run: `evalkit dataset leaks` does it once."""


def training_files(suites: Iterable[Suite], prepared: Prepared, config: Config) -> dict[str, list[Path]]:
    """By suite: its own training data, and the files of which `evalkit tune` made the models to be asked."""
    found = {suite.name: [suite.train] for suite in suites if suite.train is not None}
    for suite, variant in fine_tuned(prepared):
        entry = entry_of(variant, config)
        files = found.setdefault(suite.name, [])
        if entry is not None and (file := _as_uploaded(entry)) and file not in files:
            files.append(file)
    return found


def _as_uploaded(entry: LockedModel) -> Path | None:
    """The file that was trained on, unless it has gone, grown too large, or changed since."""
    file = Path(entry.source)
    try:
        if not file.is_file() or file.stat().st_size > MAX_BYTES:
            return None
        same = hashlib.sha256(file.read_bytes()).hexdigest() == entry.data_sha256
    except OSError:
        return None
    return file if same else None
