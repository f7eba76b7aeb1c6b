"""The shipped model in both engines, loaded once; torch is imported only where a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evalkit.local.backend import Backend
from evalkit.local.engine.backend import open_embedded
from evalkit.local.options import HERE

WEIGHTS = HERE / "weights"


@pytest.fixture(scope="session")
def by_numpy() -> Backend:
    """The shipped model in numpy."""
    return open_embedded(WEIGHTS)


@pytest.fixture(scope="session")
def by_torch() -> Iterator[Backend]:
    """The shipped model in torch."""
    from evalkit.local.hf.backend import open_folder

    backend = open_folder(WEIGHTS)
    yield backend
    backend.close()
