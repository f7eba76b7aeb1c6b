"""A real server on a small random checkpoint: its answers make no sense, all around them is real."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
from openai import DefaultHttpxClient, OpenAI

from evalkit.local.engine.weights import save_model
from evalkit.local.tokenizer import byte_letters
from tests.local.conforming import ConformingTransport
from tests.local.openai_description import FILE
from tests.local.tiny import SMALL, random_model

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
LONGER = ("th", "the", "in", "er", "Ġa", "is", "us", "user", "an", "st", "em", "Ġthe", "as", "ant", "ist")
HELLO: dict[str, Any] = {
    "model": "evalkit-tiny",
    "messages": [{"role": "user", "content": "x"}],
    "max_tokens": 1,
}
PATTERN = r"\p{Lu}[\p{L}\p{M}]*| ?\p{Ll}[\p{L}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+|[\r\n]+|[^\S\r\n]+| ?\p{L}+"


def write_checkpoint(folder: Path) -> None:
    """Write a Hugging Face folder: two small random layers, and a tokenizer of bytes and a few words."""
    tokens = [*SPECIAL, *sorted(byte_letters(), key=byte_letters().__getitem__), *LONGER]
    tokenizer = {
        "added_tokens": [{"id": place, "content": token} for place, token in enumerate(SPECIAL)],
        "pre_tokenizer": {"pretokenizers": [{"pattern": {"Regex": PATTERN}}]},
        "model": {"vocab": {token: place for place, token in enumerate(tokens)}},
    }
    save_model(random_model(replace(SMALL, vocab=len(tokens), positions=1024)), folder)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")


@dataclass(frozen=True)
class Server:
    """A running server."""

    base_url: str
    process: subprocess.Popen[str]
    http: httpx2.Client

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.base_url.rsplit(":", 1)[1].removesuffix("/v1"))

    def client(self, **options: Any) -> OpenAI:
        """The official client; all it sends and gets is held against OpenAI's description, if it is there."""
        transport = ConformingTransport() if FILE.exists() else None
        http = DefaultHttpxClient(transport=transport)
        given = {"api_key": "none", "max_retries": 0, "http_client": http, **options}
        return OpenAI(base_url=self.base_url, **given)

    def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send a request as it stands, e.g. a broken one."""
        return self.http.request(method, self.base_url + path, **options)

    def refused(
        self, body: dict[str, Any], path: str = "/chat/completions", status: int = 400
    ) -> dict[str, Any]:
        """Post a body that is refused; give the error object, which has exactly OpenAI's four fields."""
        answer = self.send("POST", path, json=body)
        assert answer.status_code == status, answer.text
        error: dict[str, Any] = answer.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        return error


@contextmanager
def running(checkpoint: Path, state: Path, *flags: str) -> Iterator[Server]:
    """Run a server until the block ends, or this process does."""
    folders = ["--weights", str(checkpoint), "--state", str(state)]
    command = [sys.executable, "-m", "evalkit.local", *folders, "--exit-with-parent", *flags]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, cwd=root
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready http://"), f"the server said {line!r}"
        try:
            with httpx2.Client(timeout=120) as http:
                yield Server(line.split()[1].replace("0.0.0.0", "127.0.0.1"), process, http)
        finally:
            process.terminate()
