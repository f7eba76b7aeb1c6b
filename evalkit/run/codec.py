"""Record <-> a line of records.jsonl, in the published shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Protocol

from evalkit.endpoints.base import Request, Response, Usage
from evalkit.jsontext import encode
from evalkit.run.records import Failure, Record, RecordedVerdict

Json = dict[str, Any]

_RESPONSE = (
    "model",
    "text",
    "tool_calls",
    "reasoning",
    "finish_reason",
    "refusal",
    "system_fingerprint",
    "request_id",
)
_USAGE = tuple(field.name for field in fields(Usage))
_VERDICT = tuple(field.name for field in fields(RecordedVerdict))


def dump_line(value: Json) -> bytes:
    """One line of JSON, newline included."""
    return encode(value) + b"\n"


def record_to_json(record: Record) -> Json:
    """The published shape of a record; `passed` is worked out from the verdicts.

    `possibly_billed` and `judge`, which few records have, are left out where they say nothing.
    """
    request, response = record.request, record.response or Response(None, None)
    return {
        "suite": record.suite,
        "case": record.case,
        "variant": record.variant,
        "repeat": record.repeat,
        "model": request.model,
        "endpoint": record.endpoint,
        "kind": request.kind,
        "request": _request_to_json(request),
        "response": None if record.response is None else _picked(response, _RESPONSE),
        "usage": _picked(response.usage, _USAGE),
        "cost_usd": record.cost_usd,
        "latency_ms": response.latency_ms,
        "ttft_ms": response.ttft_ms,
        "cached": record.cached,
        "attempts": record.attempts,
        **({"possibly_billed": record.possibly_billed} if record.possibly_billed else {}),
        "verdicts": [_picked(verdict, _VERDICT) for verdict in record.verdicts],
        "passed": passed(record.verdicts) if record.error is None else None,
        "error": None if record.error is None else asdict(record.error),
        "at": record.at,
        **({"judge": dict(record.judge)} if record.judge else {}),
    }


def record_from_json(data: Json) -> Record:
    """The inverse of record_to_json; `passed` is not stored in a Record.

    Raises:
        KeyError, TypeError: not the shape of a record.
    """
    request = data["request"]
    messages = request.get("messages")
    return Record(
        suite=data["suite"],
        case=data["case"],
        variant=data["variant"],
        repeat=data["repeat"],
        endpoint=data["endpoint"],
        request=Request(
            model=data["model"],
            kind=data["kind"],
            messages=None if messages is None else tuple(messages),
            prompt=request.get("prompt"),
            params=request["params"],
        ),
        response=None if data["response"] is None else response_from_json({**data, **data["response"]}),
        verdicts=tuple(RecordedVerdict(**verdict) for verdict in data["verdicts"]),
        cost_usd=data["cost_usd"],
        cached=data["cached"],
        attempts=data["attempts"],
        possibly_billed=data.get("possibly_billed", 0),
        at=data["at"],
        error=None if data["error"] is None else Failure(**data["error"]),
        judge=data.get("judge", {}),
    )


class Decided(Protocol):
    """Whatever passed, failed, or did neither (None): a verdict in any shape."""

    @property
    def passed(self) -> bool | None:
        """The third state is None."""
        ...


def passed(verdicts: Iterable[Decided]) -> bool | None:
    """False if any verdict is False, else None if any is None, else True."""
    found = {verdict.passed for verdict in verdicts}
    if False in found:
        return False
    return None if None in found else True


def response_from_json(data: Mapping[str, Any]) -> Response:
    """The response in a record, whose members stand beside each other."""
    said = {name: data[name] for name in (*_RESPONSE, "latency_ms", "ttft_ms")}
    return Response(**{**said, "tool_calls": tuple(data["tool_calls"]), "usage": Usage(**data["usage"])})


def _request_to_json(request: Request) -> Json:
    asked: Json = (
        {"prompt": request.prompt} if request.kind == "completions" else {"messages": request.messages}
    )
    return {**asked, "params": dict(request.params)}


def _picked(value: object, names: Sequence[str]) -> Json:
    """The fields of one dataclass; dataclasses.asdict would copy all that is in them, for every record."""
    return {name: getattr(value, name) for name in names}
