"""The input file of a batch: one request a line.

Source of the form, the limits and the codes: OpenAI's Batch guide and its API description.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.dataset.lines import Line, read_lines
from evalkit.local.http.errors import ApiError
from evalkit.local.http.guard import LARGEST_JSON
from evalkit.local.http.validate import Fields, read_json

MOST_REQUESTS = 50_000
MOST_FAULTS = 100  # that are told of one file
LONGEST_ID = 512


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One request; `custom_id` is how the user finds its answer again."""

    custom_id: str
    url: str
    body: Mapping[str, Any]

    @property
    def model(self) -> str | None:
        """The model it asks for, where it names one."""
        name = self.body.get("model")
        return name if isinstance(name, str) else None


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in a file: how many requests, the model of them all, and what is wrong."""

    total: int
    model: str | None
    faults: tuple[Mapping[str, Any], ...]


def read_requests(path: Path) -> Iterator[BatchRequest]:
    """Give the requests of a file that was checked.

    Raises:
        OSError: the file cannot be read.
    """
    for line in _filled(path):
        yield read_request(line.raw)


def check(path: Path, endpoint: str) -> Checked:
    """Read a whole file.

    Raises:
        OSError: the file cannot be read.
    """
    reading = _Reading(endpoint)
    for line in _filled(path):
        reading.add(line)
        if len(reading.faults) >= MOST_FAULTS or reading.total > MOST_REQUESTS:
            break
    return reading.result()


class _Reading:
    """What the lines of a file must agree on."""

    def __init__(self, endpoint: str):
        self._endpoint = endpoint
        self._ids: set[str] = set()
        self._model: str | None = None
        self.total, self.faults = 0, list[Mapping[str, Any]]()

    def add(self, line: Line) -> None:
        self.total += 1
        try:
            self._check(read_request(line.raw))
        except ApiError as fault:
            self.faults.append(_told(fault, line.number))

    def result(self) -> Checked:
        if not self.total:
            fault = ApiError("The input file has no requests.", param="input_file_id", code="empty_file")
            self.faults.append(_told(fault, None))
        if self.total > MOST_REQUESTS:
            most = f"The input file has more than {MOST_REQUESTS} requests."
            self.faults.append(_told(ApiError(most, param="input_file_id", code="too_many_tasks"), None))
        return Checked(self.total, self._model, tuple(self.faults))

    def _check(self, request: BatchRequest) -> None:
        """Raise ApiError where a request does not go with the batch, or with those before it."""
        if request.url != self._endpoint:
            raise ApiError(
                f"This request's URL, {request.url[:80]!r}, is not the batch's endpoint, {self._endpoint}.",
                param="url",
                code="url_mismatch",
            )
        if request.custom_id in self._ids:
            raise ApiError(
                f"The custom_id {request.custom_id!r} is that of another request before: each needs its own.",
                param="custom_id",
                code="duplicate_custom_id",
            )
        self._ids.add(request.custom_id)
        self._model = self._model or request.model
        if request.model not in (None, self._model):
            raise ApiError(
                f"This request asks for the model {request.model!r}, those before for {self._model!r}: "
                "all requests of a batch ask for the same.",
                param="body.model",
                code="model_mismatch",
            )


def read_request(raw: bytes) -> BatchRequest:
    """Read one line.

    Raises:
        ApiError: it is no request.
    """
    fields = _parsed(raw)
    custom_id = fields.text("custom_id", "", longest=LONGEST_ID)
    fields.required("custom_id")
    fields.choice("method", ("POST",))
    fields.required("url")
    fields.required("body")
    body = fields.object("body")
    if body is not None and body.boolean("stream"):
        raise ApiError("A batch cannot stream its answers.", param="body.stream", code="invalid_value")
    return BatchRequest(custom_id, fields.text("url", ""), fields.get("body"))


def _parsed(raw: bytes) -> Fields:
    if len(raw) > LARGEST_JSON:
        raise ApiError(f"This line is longer than {LARGEST_JSON} bytes.", code="invalid_json_line")
    try:
        return Fields(read_json(raw))
    except ApiError:
        raise ApiError("This line is not parseable as valid JSON.", code="invalid_json_line") from None


def _filled(path: Path) -> Iterator[Line]:
    return (line for line in read_lines(path) if line.raw.strip())


def _told(fault: ApiError, line: int | None) -> Mapping[str, Any]:
    """Write one of the batch's errors."""
    code = fault.code or "invalid_request"
    return {"code": code, "message": fault.message, "param": fault.param, "line": line}
