"""A real server on a small random checkpoint: its answers make no sense, but everything around them is real."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import OpenAI
from tiny import SMALL, random_model

from evalkit.local.engine.weights import save_model
from evalkit.local.tokenizer import byte_letters

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
LONGER_TOKENS = (
    "th",
    "the",
    "in",
    "er",
    "Ġa",
    "is",
    "us",
    "user",
    "an",
    "st",
    "em",
    "Ġthe",
    "as",
    "ant",
    "ist",
)
PATTERN = r"\p{Lu}[\p{L}\p{M}]*| ?[\p{Ll}\p{Lt}\p{Lm}\p{Lo}][\p{L}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+|[\r\n]+|[^\S\r\n]+"
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_checkpoint(folder: Path) -> None:
    """Write a Hugging Face folder: two small random layers, and a tokenizer of bytes and a few words."""
    tokens = [*SPECIAL, *sorted(byte_letters(), key=byte_letters().__getitem__), *LONGER_TOKENS]
    tokenizer = {
        "added_tokens": [{"id": place, "content": token} for place, token in enumerate(SPECIAL)],
        "pre_tokenizer": {"pretokenizers": [{"pattern": {"Regex": PATTERN}}]},
        "model": {"vocab": {token: place for place, token in enumerate(tokens)}},
    }
    save_model(random_model(replace(SMALL, vocab=len(tokens), positions=1024)), folder)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"chat_template": CHAT_TEMPLATE}), encoding="utf-8"
    )


@dataclass(frozen=True)
class Server:
    """A running server."""

    base_url: str
    process: subprocess.Popen[str]

    def client(self, **options: Any) -> OpenAI:
        """The official client."""
        return OpenAI(base_url=self.base_url, api_key="none", max_retries=0, **options)

    def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send a request as it stands, e.g. a broken one."""
        return httpx2.request(method, self.base_url + path, timeout=30, **options)

    def refused(
        self, body: dict[str, Any], path: str = "/chat/completions", status: int = 400
    ) -> dict[str, Any]:
        """Post a body that is refused; give the error object, which has exactly OpenAI's four fields."""
        answer = self.send("POST", path, json=body)
        assert answer.status_code == status, answer.text
        error: dict[str, Any] = answer.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        return error


StartServer = Callable[[Path, Sequence[str]], Any]


@contextmanager
def running(checkpoint: Path, state: Path, *flags: str) -> Iterator[Server]:
    """Run a server until the block ends."""
    command = [
        sys.executable,
        "-m",
        "evalkit.local",
        "--weights",
        str(checkpoint),
        "--state",
        str(state),
        *flags,
    ]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, cwd=root
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready http://127.0.0.1:"), f"the server said {line!r}"
        try:
            yield Server(line.split()[1], process)
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small random checkpoint."""
    folder = tmp_path_factory.mktemp("checkpoint")
    write_checkpoint(folder)
    return folder


@pytest.fixture(scope="session")
def start(checkpoint: Path) -> Any:
    """Start a server of one's own: `with start(state, "--flag") as server`."""
    return lambda state, *flags: running(checkpoint, state, *flags)


@pytest.fixture(scope="session")
def server(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that all tests of this folder share."""
    with running(checkpoint, tmp_path_factory.mktemp("state")) as server:
        yield server


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[OpenAI]:
    """The official client of the shared server."""
    with server.client() as client:
        yield client
