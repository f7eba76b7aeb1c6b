"""No key in anything that is written or shown, whatever a server echoes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.cli.exit_codes import Exit
from evalkit.config import ModelFlags, load_config
from evalkit.endpoints.base import Request, Response
from evalkit.endpoints.openai_api import OpenAIEndpoint
from evalkit.endpoints.retry import RetryPolicy
from evalkit.errors import AskError, UsageError
from evalkit.run.run import run
from evalkit.suite import load_suite
from tests.loopback import Json, Loopback, Reply, as_json, refused, said
from tests.run.helpers import Watching, options_for

KEY = "sk-planted-0123456789abcdefXYZ"
TOKEN = 'team/"quoted"-header-secret-77'
PLAIN = "harmless"
"""What a server says beside the secrets; found where its answers are kept."""

SOON = RetryPolicy(attempts=2, first_wait_s=0.01)

ESCAPED = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
ECHO = f"{PLAIN}: key {KEY}, header {TOKEN}."


def call_with(arguments: str, **message: object) -> Json:
    """A body whose only choice calls a tool."""
    call = {"id": KEY, "type": "function", "function": {"name": TOKEN, "arguments": arguments}}
    choice = {"finish_reason": "tool_calls", "message": {"content": None, "tool_calls": [call], **message}}
    return {"model": KEY, "system_fingerprint": TOKEN, "choices": [choice]}


def html(status: int, **headers: str) -> Reply:
    """A page with the secrets in it."""
    page = f"<html><body>{ECHO} <a href='/?key={KEY}'>retry</a></body></html>".encode()
    return Reply(status, page, {"content-type": f"text/html; key={KEY}", **headers})


ECHOES: dict[str, Callable[[], Reply]] = {
    "text": lambda: said(ECHO),
    "escaped-text": lambda: Reply(
        body=json.dumps(said_body("@")).replace("@", f"{PLAIN} {ESCAPED}").encode()
    ),
    "first-letter-escaped": lambda: Reply(
        body=json.dumps(said_body("@")).replace("@", f"{PLAIN} \\u0073{KEY[1:]}").encode()
    ),
    "arguments": lambda: as_json(call_with(json.dumps({"said": ECHO}))),
    "escaped-arguments": lambda: as_json(call_with(f'{{"said": "{PLAIN} {ESCAPED}"}}')),
    "refusal": lambda: as_json(call_with("{}", refusal=ECHO, reasoning_content=ECHO)),
    "bad-request": lambda: refused(400, "bad_request", ECHO),
    "long-error": lambda: refused(400, "bad_request", f"{PLAIN} {'x' * 265} {KEY}"),
    "html-error": lambda: html(400, **{"www-authenticate": f"Bearer {KEY}", "x-request-id": KEY}),
    "html": lambda: html(200),
    "cut": lambda: Reply(body=f'{{"said": "{PLAIN} {ESCAPED}'.encode()),
    "cut-in-quotes": lambda: Reply(body=json.dumps({"said": ECHO})[:-1].encode()),
    "redirect": lambda: Reply(307, ECHO.encode(), {"location": f"http://127.0.0.1:9/v1?key={KEY}"}),
    "headers": lambda: as_json(
        said_body(PLAIN), x_request_id=f"{PLAIN} {KEY}", retry_after=KEY, server=TOKEN
    ),
    "bad-header": lambda: as_json(said_body(PLAIN), **{f"bad {KEY}": TOKEN}),
}


def said_body(text: str) -> Json:
    """A whole answer."""
    return dict(json.loads(said(text).body))


def pieces(text: str, field: str = "content") -> list[Json]:
    """Deltas of three letters."""
    return [{field: text[at : at + 3]} for at in range(0, len(text), 3)]


def call_pieces(arguments: str) -> list[Json]:
    """Deltas of a tool call, its arguments in threes."""
    named = {"index": 0, "id": KEY, "function": {"name": TOKEN, "arguments": ""}}
    rest = [
        {"index": 0, "function": {"arguments": arguments[at : at + 3]}} for at in range(0, len(arguments), 3)
    ]
    return [{"tool_calls": [call]} for call in (named, *rest)]


def stream(deltas: list[Json], end: Json) -> Reply:
    """Events: one for each delta, and a last one."""
    chunks = [{"model": KEY, "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    body = "".join(f"id: {KEY}\ndata: {json.dumps(chunk)}\n\n" for chunk in (*chunks, end))
    return Reply(body=body.encode(), headers={"content-type": "text/event-stream", "x-request-id": KEY})


STOP: Json = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
STREAMED: dict[str, Callable[[], Reply]] = {
    "streamed-text": lambda: stream(pieces(ECHO), STOP),
    "streamed-reasoning": lambda: stream([*pieces(ECHO, "reasoning"), *pieces(ECHO, "refusal")], STOP),
    "streamed-arguments": lambda: stream(call_pieces(json.dumps({"said": ECHO})), STOP),
    "streamed-escapes": lambda: stream(call_pieces(f'{{"said": "{PLAIN} {ESCAPED}"}}'), STOP),
    "streamed-error": lambda: stream(
        pieces(ECHO), {"error": {"message": f"{PLAIN} {'x' * 270} {KEY}", "code": 400}}
    ),
    "streamed-cut": lambda: stream(pieces(ECHO), {}),
    "streamed-rubbish": lambda: Reply(body=f"data: {PLAIN} {KEY} {ESCAPED}\n\n".encode()),
}


AGAIN = {"html", "cut", "cut-in-quotes", "bad-header", "streamed-cut", "streamed-rubbish"}
"""Those that are worth another try, for which a command of its own would wait long."""


def echo(body: Json) -> Reply:
    """What the last message names."""
    name = body["messages"][-1]["content"].split()[0]
    return (ECHOES | STREAMED)[name]()


@pytest.fixture
def folder(tmp_path: Path, loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a suite of every echo, its endpoint configured with the key and a secret header."""
    loopback.rule = echo
    models = [{"id": "m", "fingerprint": KEY, "owned_by": ECHO}, {"id": KEY}]
    monkeypatch.setattr(loopback, "_models", lambda _: as_json({"data": models}, x_request_id=KEY))
    monkeypatch.setenv("PLANTED_API_KEY", KEY)
    (tmp_path / "suite").mkdir()
    cases = "".join(
        f"  - {{id: {name}, ask: {name}, answer: {PLAIN}, tags: [{'again' if name in AGAIN else 'once'}]}}\n"
        for name in ECHOES | STREAMED
    )
    suite = f"prompt: Echo.\ncases:\n{cases}checks:\n  - contains\n  - equals\n"
    (tmp_path / "suite" / "suite.yaml").write_text(suite)
    (tmp_path / "evalkit.toml").write_text(
        f"[models]\nbase = 'm@echo'\n[endpoints.echo]\nbase_url = '{loopback.base_url}'\ntimeout_s = 5\n"
        f"api_key_env = 'PLANTED_API_KEY'\nheaders = {{x-team = '{TOKEN}'}}\n"
    )
    return tmp_path


def run_here(folder: Path, **options: object) -> Watching:
    """A run in this process; what it told."""
    config = load_config(folder, ModelFlags(variants=("base", "prompted")), {})
    watching = Watching()
    run([load_suite(folder / "suite")], config, options_for(folder, gate=False, **options), watching, SOON)
    return watching


def command(folder: Path, *flags: str) -> subprocess.Popen[bytes]:
    """`evalkit run` in a process of its own, as talkative as it can be made."""
    talkative = ("EVALKIT_DEBUG", "PYTHONASYNCIODEBUG", "PYTHONDEVMODE")
    environ = {
        **os.environ,
        "PYTHONPATH": str(Path.cwd()),
        **dict.fromkeys(talkative, "1"),
        "OPENAI_LOG": "debug",
    }
    arguments = ["run", "suite", "--variants", "base,prompted", "--no-gate", "-n", "4", "-v", *flags]
    return subprocess.Popen(
        [sys.executable, "-m", "evalkit", *arguments],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def spelt_out(content: bytes) -> bytes:
    """The content with escapes of ASCII letters, at any depth, as the letters they are."""
    letters = re.sub(rb"\\+u00([0-7][0-9a-fA-F])", lambda match: bytes([int(match[1], 16)]), content)
    return letters.replace(b"\\", b"")


def leaks(content: bytes) -> list[bytes]:
    """Secrets in a text, and so much of one that the rest is none, each with what stands before it."""
    spelt = spelt_out(content)
    halves = [half.encode() for secret in (KEY, TOKEN) for half in (secret[:16], secret[-16:])]
    return [spelt.partition(half)[0][-60:] + half for half in halves if half in spelt]


def leaks_on_disk(folder: Path) -> dict[str, list[bytes]]:
    """Leaks in all that was written beside the suite and the configuration, by file."""
    given = {folder / "suite" / "suite.yaml", folder / "evalkit.toml"}
    written = [path for path in folder.rglob("*") if path.is_file() and path not in given]
    found = {str(path.relative_to(folder)): leaks(path.read_bytes()) for path in written}
    return {name: secrets for name, secrets in found.items() if secrets}


def kept(folder: Path, pattern: str) -> bytes:
    """What stands in all files of a name."""
    return b"".join(path.read_bytes() for path in folder.rglob(pattern) if path.is_file())


@pytest.mark.parametrize(
    "options", [{}, {"stream": True}, {"use_cache": False}], ids=["whole", "stream", "no-cache"]
)
def test_no_key_is_stored_or_told(folder: Path, options: dict[str, object]) -> None:
    """Of every echo a record is kept, with what stood beside the secrets, and without them."""
    watching = run_here(folder, **options)
    records = kept(folder, "records.jsonl")
    assert records.count(b"\n") == 2 * len(ECHOES | STREAMED)
    assert leaks_on_disk(folder) == {}
    assert leaks("".join([*watching.notes, *map(str, watching.records)]).encode()) == []
    told = STREAMED if "stream" in options else ECHOES
    for name in told.keys() - {"redirect", "bad-header", "streamed-cut"}:
        lines = [line for line in records.splitlines() if b'"case":"%s"' % name.encode() in line]
        assert all(PLAIN.encode() in line.split(b'"response"')[1] for line in lines), name
    if "use_cache" not in options:
        assert PLAIN.encode() in kept(folder, "*.sqlite*")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_no_key_is_in_a_traceback(loopback: Loopback, stream: bool) -> None:
    """Neither in an error's text nor in what it was raised from."""
    loopback.rule = echo
    outcomes = [asyncio.run(outcome(loopback.base_url, name, stream)) for name in ECHOES | STREAMED]
    faults = [fault for fault in outcomes if isinstance(fault, BaseException)]
    assert {type(fault) for fault in faults} == {AskError}
    assert len(faults) > 5
    for fault in faults:
        assert leaks("".join(traceback.format_exception(fault)).encode()) == []


async def outcome(base_url: str, name: str, stream: bool) -> Response | BaseException:
    """What comes of asking once for one echo."""
    endpoint = OpenAIEndpoint("echo", base_url, api_key=KEY, headers={"x-team": TOKEN}, stream=stream)
    request = Request("m", "chat", ({"role": "user", "content": name},))
    (answer,) = await asyncio.gather(endpoint.ask(request), return_exceptions=True)
    await endpoint.close()
    return answer


@pytest.mark.parametrize(
    "reply",
    [html(401), refused(401, "invalid_api_key", ECHO), as_json({"data": []}, **{f"bad {KEY}": TOKEN})],
    ids=["page", "json", "no-http"],
)
def test_no_key_is_told_where_no_run_begins(
    folder: Path, loopback: Loopback, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    """A server that does not list its models may echo too."""
    monkeypatch.setattr(loopback, "_models", lambda _: reply)
    with pytest.raises(UsageError) as caught:
        run_here(folder)
    assert leaks("".join(traceback.format_exception(caught.value)).encode()) == []


@pytest.mark.slow
@pytest.mark.parametrize("flags", [("--stream",), ("--stream", "--workers", "2")], ids=" ".join)
def test_no_key_is_shown(folder: Path, flags: tuple[str, ...]) -> None:
    """Nor is one in the reports that the command writes."""
    shown, _ = command(folder, "-m", "once", *flags).communicate(timeout=60)
    assert leaks(shown) == []
    assert leaks_on_disk(folder) == {}
    assert b"Traceback" not in shown
    assert PLAIN.encode() in shown
    assert PLAIN.encode() in kept(folder, "report.md")


@pytest.mark.slow
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_no_key_is_left_by_a_run_that_was_stopped(
    folder: Path, loopback: Loopback, blow: signal.Signals
) -> None:
    """Not in what is half written either: the cache's log, locks, torn lines."""

    def slow_echo(body: Json) -> Reply:
        return replace(echo(body), delay_s=0.2)

    loopback.rule = slow_echo
    process = command(folder, "-m", "once", "--stream")
    while kept(folder, "records.jsonl").count(b"\n") < 4:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(blow)
    shown, _ = process.communicate(timeout=60)
    assert process.returncode == (Exit.INTERRUPTED if blow == signal.SIGINT else -blow)
    assert leaks(shown) == []
    assert leaks_on_disk(folder) == {}
