"""The rank files of OpenAI's encodings, put where tiktoken looks for them.

They are looked for in this order: tiktoken's own cache (TIKTOKEN_CACHE_DIR), copies inside installed
packages, the network (with a time limit, which tiktoken's own download lacks).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

DOWNLOAD_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class RankFile:
    """Where OpenAI keeps the ranks of an encoding, and what they must hash to."""

    url: str
    sha256: str

    @property
    def cache_name(self) -> str:
        """The name under which tiktoken caches it."""
        return hashlib.sha1(self.url.encode()).hexdigest()

    def genuine(self, data: bytes) -> bool:
        """Whether `data` are these ranks, whole."""
        return hashlib.sha256(data).hexdigest() == self.sha256


RANK_FILES = {
    "cl100k_base": RankFile(
        "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
    "o200k_base": RankFile(
        "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
}


def provide(ranks: RankFile) -> bool:
    """Make sure that tiktoken's cache holds the ranks; False where no source has them."""
    place = cache_folder() / ranks.cache_name
    if place.is_file() and ranks.genuine(place.read_bytes()):
        return True
    data = _from_packages(ranks) or _from_network(ranks)
    if data is None:
        return False
    return _write(place, data)


def cache_folder() -> Path:
    """The folder in which tiktoken looks first."""
    named = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    return Path(named) if named else Path(tempfile.gettempdir()) / "data-gym-cache"


def _from_packages(ranks: RankFile) -> bytes | None:
    """The ranks as llama-index-core carries them, where it is installed (it need not be imported)."""
    try:
        files = metadata.files("llama-index-core") or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name == ranks.cache_name:
            data = Path(str(file.locate())).read_bytes()
            return data if ranks.genuine(data) else None
    return None


def _from_network(ranks: RankFile) -> bytes | None:
    import urllib.request  # loads an HTTP client for what happens once in a machine's life

    try:
        with urllib.request.urlopen(ranks.url, timeout=DOWNLOAD_TIMEOUT_S) as reply:
            data: bytes = reply.read()
    except OSError:
        return None
    return data if ranks.genuine(data) else None


def _write(place: Path, data: bytes) -> bool:
    """Put the ranks into the cache whole or not at all; False where the folder cannot be written."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as part:
            part.write(data)
        Path(part.name).replace(place)
    except OSError:
        return False
    return True
