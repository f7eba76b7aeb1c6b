"""What tests of several folders share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from evalkit.cli.embedded import embedded_server
from evalkit.endpoints.base import Request, Response, Usage
from evalkit.run.records import Failure, Record, RecordedVerdict
from tests.local.serving import Server, running, write_checkpoint

MakeRecord = Callable[..., Record]


@pytest.fixture(scope="session")
def local_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a real embedded server, with the shipped model, that all tests share."""
    with embedded_server(tmp_path_factory.mktemp("state")) as base_url:
        yield base_url


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An embedded server with random weights, fine-tuned in a moment, for one file's tests."""
    checkpoint = tmp_path_factory.mktemp("checkpoint")
    write_checkpoint(checkpoint)
    with running(checkpoint, tmp_path_factory.mktemp("state")) as server:
        yield server


@pytest.fixture(scope="session")
def make_record() -> MakeRecord:
    """A factory of records: name what the test is about, the rest is plausible."""
    return _record


def _record(
    case: str = "c1",
    variant: str = "ft",
    *verdicts: bool | RecordedVerdict | None,
    suite: str = "cities",
    error: str | None = None,
    usage: tuple[int | None, int | None] = (20, 5),
    text: str | None = "Oslo",
    **fields: Any,
) -> Record:
    response_fields = {key: fields.pop(key) for key in _RESPONSE_FIELDS & fields.keys()}
    response_fields.setdefault("latency_ms", 100.0)
    response = Response("tiny", text, usage=Usage(usage[0], None, usage[1]), **response_fields)
    defaults: dict[str, Any] = {
        "repeat": 0,
        "endpoint": "local",
        "cost_usd": 0.001,
        "cached": False,
        "attempts": 1,
    }
    return Record(
        suite=suite,
        case=case,
        variant=variant,
        request=Request("tiny", "chat", ({"role": "user", "content": "Capital of Norway?"},)),
        response=None if error else response,
        verdicts=() if error else tuple(_verdicts(verdicts or (True,))),
        at="2026-11-22T08:00:00Z",
        error=Failure("timeout", error) if error else None,
        **{**defaults, **fields},
    )


_RESPONSE_FIELDS = {"finish_reason", "refusal", "tool_calls", "latency_ms", "ttft_ms"}


def _verdicts(given: Sequence[bool | RecordedVerdict | None]) -> list[RecordedVerdict]:
    """Bare values alternate between a property check `short` and a correctness check `equals`."""
    names = (("short", "property"), ("equals", "correctness"))
    return [
        verdict
        if isinstance(verdict, RecordedVerdict)
        else RecordedVerdict(*names[place % 2], verdict, None if verdict is None else float(verdict))
        for place, verdict in enumerate(given)
    ]
