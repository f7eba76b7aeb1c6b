"""Asking the process that runs the chat template, and giving it up when it takes too long."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from evalkit.local.backend import TemplateRefused

START_S = 120  # loading a tokenizer on a busy machine
PATIENCE_S = 10  # a chat of a thousand turns takes a fraction of a second
MOST_BYTES = 1 << 26  # of one answer


class Renderer:
    """Runs a folder's chat template in a process of its own, begun at once, and anew after each that failed.

    Args:
        folder: has the tokenizer and its template.
        patience_s: how long a chat may take.
    """

    def __init__(self, folder: Path, patience_s: float = PATIENCE_S):
        self._folder, self._patience_s = folder, patience_s
        self._turn = threading.Lock()
        self._process = _Process(folder)

    def ids(self, messages: Sequence[Any], tools: Sequence[Any], *, opened: bool) -> tuple[int, ...]:
        """Lay a chat out as tokens; from any thread.

        Args:
            messages, tools: as transformers has them, of plain JSON.
            opened: whether the assistant's next turn is begun.

        Raises:
            TemplateRefused: the template raised, or went beyond its bounds.
        """
        asked = {"messages": messages, "tools": tools, "opened": opened}
        with self._turn:
            answer = self._asked(json.dumps(asked).encode())
        if "fault" in answer:
            raise TemplateRefused(f"the model's chat template refuses these messages: {answer['fault']}")
        return tuple(answer["ids"])

    def close(self) -> None:
        """End the process."""
        self._process.end()

    def _asked(self, question: bytes) -> dict[str, Any]:
        try:
            return self._process.ask(question, self._patience_s)
        except (OSError, EOFError, ValueError) as fault:
            self._process.end()
            self._process = _Process(self._folder)
            return {"fault": str(fault) or "the process that ran it ended"}


class _Process:
    """One process of `evalkit.local.hf.render`."""

    def __init__(self, folder: Path):
        here, there = socket.socketpair()
        command = [sys.executable, "-m", "evalkit.local.hf.render", str(folder), str(there.fileno())]
        nothing = subprocess.DEVNULL
        self._process = subprocess.Popen(command, pass_fds=[there.fileno()], stdin=nothing, stdout=nothing)
        there.close()
        self._line, self._ready = Connection(here.detach()), False

    def ask(self, question: bytes, patience_s: float) -> dict[str, Any]:
        """Send a question and wait for its answer.

        Raises:
            OSError, EOFError, ValueError: none came in time, or none that can be read.
        """
        if not self._ready:
            self._received(START_S)
            self._ready = True
        self._line.send_bytes(question)
        return self._received(patience_s)

    def _received(self, patience_s: float) -> dict[str, Any]:
        if not self._line.poll(patience_s):
            raise TimeoutError(f"it took more than {patience_s:g} s")
        answer: dict[str, Any] = json.loads(self._line.recv_bytes(MOST_BYTES))
        return answer

    def end(self) -> None:
        """Kill it; it has nothing to lose."""
        self._process.kill()
        self._process.wait()
        self._line.close()
