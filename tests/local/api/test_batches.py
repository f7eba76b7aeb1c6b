"""The batches: requests of a file, answered in the background."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from openai import BadRequestError, ConflictError, NotFoundError, OpenAI
from openai.types import Batch

from tests.local.serving import Server, running

CHAT: Any = "/v1/chat/completions"
PATIENCE_S = 60
ENDED = ("completed", "failed", "expired", "cancelled")


def line(custom_id: str, url: str = CHAT, **changes: Any) -> dict[str, Any]:
    """A request of a batch, as a line of its file."""
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": custom_id}]}
    if url != CHAT:
        asked = {"prompt" if url == "/v1/completions" else "input": custom_id}
    limit = {"max_output_tokens": 16} if url == "/v1/responses" else {"max_tokens": 3}
    body = {"model": "evalkit-tiny", "temperature": 0, **limit, **asked, **changes}
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": body}


def uploaded(client: OpenAI, lines: Sequence[dict[str, Any] | str]) -> str:
    """Upload an input file; texts stand as they are."""
    texts = (one if isinstance(one, str) else json.dumps(one) for one in lines)
    return client.files.create(file=("in.jsonl", "\n".join(texts).encode()), purpose="batch").id


def started(
    client: OpenAI, lines: Sequence[dict[str, Any] | str], endpoint: Any = CHAT, **more: Any
) -> Batch:
    """Enter a batch."""
    file = uploaded(client, lines)
    return client.batches.create(input_file_id=file, endpoint=endpoint, completion_window="24h", **more)


def ended(client: OpenAI, batch: Batch) -> Batch:
    """Wait for the end of a batch."""
    deadline = time.monotonic() + PATIENCE_S
    while batch.status not in ENDED:
        assert time.monotonic() < deadline, f"the batch is still {batch.status}"
        time.sleep(0.05)
        batch = client.batches.retrieve(batch.id)
    return batch


def results(client: OpenAI, file: str | None) -> dict[str, dict[str, Any]]:
    """Read a file of results by its custom_ids, each of which it has once."""
    assert file is not None
    lines = [json.loads(text) for text in client.files.content(file).text.splitlines()]
    found = {one["custom_id"]: one for one in lines}
    assert len(found) == len(lines)
    return found


@pytest.mark.parametrize("endpoint", [CHAT, "/v1/completions", "/v1/responses"])
def test_each_request_gets_the_answer_that_it_would_get_alone(client: OpenAI, endpoint: str) -> None:
    """Every line of the output holds the whole answer of its request, under its custom_id."""
    lines = [line(f"q{number}", endpoint) for number in range(6)]
    batch = ended(client, started(client, lines, endpoint, metadata={"night": "1"}))
    assert (batch.status, batch.model, batch.errors) == ("completed", "evalkit-tiny", None)
    assert batch.metadata == {"night": "1"}
    assert batch.request_counts is not None
    assert (batch.request_counts.total, batch.request_counts.completed) == (6, 6)
    found = results(client, batch.output_file_id)
    assert set(found) == {f"q{number}" for number in range(6)}
    response = found["q3"]["response"]
    assert (response["status_code"], found["q3"]["error"]) == (200, None)
    assert response["request_id"].startswith("req_")
    alone = client.post(endpoint.removeprefix("/v1"), body=lines[3]["body"], cast_to=dict[str, Any])
    assert spoken(response["body"]) == spoken(alone)


def spoken(answer: dict[str, Any]) -> Any:
    """What an answer says, without what differs from one to the next."""
    if "choices" in answer:
        return answer["choices"], answer["usage"]["completion_tokens"]
    return [part["text"] for item in answer["output"] for part in item["content"]]


def test_tokens_are_summed_up(client: OpenAI) -> None:
    """The usage of the batch is that of all its answers."""
    batch = ended(client, started(client, [line("a"), line("b")]))
    usages = [one["response"]["body"]["usage"] for one in results(client, batch.output_file_id).values()]
    assert batch.usage is not None
    assert batch.usage.output_tokens == sum(usage["completion_tokens"] for usage in usages) > 0
    assert batch.usage.total_tokens == sum(usage["total_tokens"] for usage in usages)


def test_refused_requests_are_told_apart(client: OpenAI) -> None:
    """They stand in the error file with OpenAI's body; the others are answered all the same."""
    batch = ended(client, started(client, [line("good"), line("bad", temperature=9)]))
    assert batch.status == "completed"
    assert batch.request_counts is not None
    assert (batch.request_counts.completed, batch.request_counts.failed) == (1, 1)
    assert set(results(client, batch.output_file_id)) == {"good"}
    (bad,) = results(client, batch.error_file_id).values()
    assert bad["response"]["status_code"] == 400
    assert bad["response"]["body"]["error"]["code"] == "decimal_above_max_value"


@pytest.mark.parametrize(
    ("lines", "code", "at", "param"),
    [
        ([], "empty_file", None, "input_file_id"),
        ([line("a"), "{"], "invalid_json_line", 2, None),
        ([line("a"), "", "[]"], "invalid_json_line", 3, None),
        (["{" + '"a":' * 10_000], "invalid_json_line", 1, None),
        ([line("a"), line("a")], "duplicate_custom_id", 2, "custom_id"),
        ([line("a", "/v1/completions")], "url_mismatch", 1, "url"),
        ([line("a", "/v1/../../etc/passwd")], "url_mismatch", 1, "url"),
        ([line("a") | {"method": "GET"}], "invalid_value", 1, "method"),
        ([{"custom_id": "a", "method": "POST", "url": CHAT}], "missing_required_parameter", 1, "body"),
        ([line("a") | {"custom_id": 3}], "invalid_type", 1, "custom_id"),
        ([line("x" * 513)], "string_above_max_length", 1, "custom_id"),
        ([line("a") | {"body": []}], "invalid_type", 1, "body"),
        ([line("a", stream=True)], "invalid_value", 1, "body.stream"),
        ([line("a"), line("b", model="other")], "model_mismatch", 2, "body.model"),
        ([line("a", model="gpt-9")], "model_not_found", None, "body.model"),
    ],
)
def test_bad_files_fail_the_batch(
    client: OpenAI, lines: list[dict[str, Any] | str], code: str, at: int | None, param: str | None
) -> None:
    """Nothing is answered; the first error says what, in which line."""
    batch = ended(client, started(client, lines or ["\n"]))
    assert (batch.status, batch.output_file_id) == ("failed", None)
    assert batch.errors is not None
    assert batch.errors.data
    first = batch.errors.data[0]
    assert (first.code, first.line, first.param) == (code, at, param)
    assert first.message


def test_many_faults_are_not_all_told(client: OpenAI) -> None:
    """A hundred are enough to see what is wrong."""
    batch = ended(client, started(client, ["{"] * 1000))
    assert batch.errors is not None
    assert batch.errors.data is not None
    assert len(batch.errors.data) == 100


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"input_file_id": "file-none"}, "input_file_id"),
        ({"input_file_id": 3}, "input_file_id"),
        ({"endpoint": "/v1/embeddings"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 1}}, "output_expires_after.seconds"),
        ({"output_expires_after": {"anchor": "now", "seconds": 3600}}, "output_expires_after.anchor"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"metadata": {f"k{number}": "" for number in range(17)}}, "metadata"),
        ({"metadata": {"k" * 65: ""}}, "metadata." + "k" * 65),
    ],
)
def test_bad_requests_are_refused(
    server: Server, client: OpenAI, changes: dict[str, Any], param: str
) -> None:
    """A batch that cannot be is not entered."""
    asked = {"input_file_id": uploaded(client, [line("a")]), "endpoint": CHAT, "completion_window": "24h"}
    assert server.refused({**asked, **changes}, "/batches")["param"] == param


def test_files_of_another_purpose_are_refused(client: OpenAI) -> None:
    """Training data is no batch."""
    file = client.files.create(file=("a.jsonl", b"{}"), purpose="fine-tune")
    with pytest.raises(BadRequestError, match="has the purpose 'fine-tune'"):
        client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")


def test_unknown_batches_are_404(client: OpenAI) -> None:
    """To look at, and to cancel."""
    for ask in (client.batches.retrieve, client.batches.cancel):
        with pytest.raises(NotFoundError, match="No such Batch object: batch_none"):
            ask("batch_none")


def test_list_goes_through_all_pages(client: OpenAI) -> None:
    """Newest first; the official client fetches page after page."""
    made = [started(client, [line("a")]).id for _ in range(3)]
    listed = [batch.id for batch in client.batches.list(limit=2)]
    assert listed[:3] == made[::-1]
    page = client.batches.list(limit=1, after=made[1])
    assert [batch.id for batch in page.data] == made[:1]


def test_files_of_results_expire_where_that_is_asked(client: OpenAI) -> None:
    """`output_expires_after` counts from when the file of results is made."""
    after: Any = {"anchor": "created_at", "seconds": 7200}
    batch = ended(client, started(client, [line("a")], output_expires_after=after))
    assert batch.output_file_id is not None
    file = client.files.retrieve(batch.output_file_id)
    assert (file.purpose, file.filename) == ("batch_output", f"{batch.id}_output.jsonl")
    assert file.expires_at == file.created_at + 7200


def test_cancelled_batches_keep_what_was_answered(client: OpenAI) -> None:
    """The output has what was done, the error file all the rest; a second cancel is refused."""
    lines = [line(f"q{number}", max_tokens=900) for number in range(400)]
    batch = started(client, lines)
    while (counts := client.batches.retrieve(batch.id).request_counts) is None or counts.completed < 3:
        time.sleep(0.02)
    assert client.batches.cancel(batch.id).status == "cancelling"
    began = time.monotonic()
    batch = ended(client, batch)
    assert time.monotonic() - began < 5
    assert (batch.status, batch.cancelled_at is None) == ("cancelled", False)
    done, rest = results(client, batch.output_file_id), results(client, batch.error_file_id)
    assert len(done) >= 3
    assert done.keys() | rest.keys() == {one["custom_id"] for one in lines}
    assert not done.keys() & rest.keys()
    assert {one["error"]["code"] for one in rest.values()} == {"batch_cancelled"}
    with pytest.raises(ConflictError, match="Cannot cancel a batch with status 'cancelled'"):
        client.batches.cancel(batch.id)


def test_others_are_answered_meanwhile(client: OpenAI) -> None:
    """A batch takes four of the engine's places: a chat beside it does not wait for its end."""
    batch = started(client, [line(f"q{number}", max_tokens=900) for number in range(100)])
    client.chat.completions.create(**line("x")["body"])
    assert client.batches.retrieve(batch.id).status in ("validating", "in_progress")
    client.batches.cancel(batch.id)
    ended(client, batch)


@pytest.mark.slow
def test_killed_servers_go_on_where_they_stopped(checkpoint: Path, tmp_path: Path) -> None:
    """After kill -9 at any moment every request is answered once in the end; none twice, none never."""
    lines = [line(f"q{number}", max_tokens=40) for number in range(200)]
    batch: Batch | None = None
    for wait_s in (0.05, 0.4, 0.8, 0.3):
        with running(checkpoint, tmp_path) as server, server.client() as client:
            batch = batch or started(client, lines)
            time.sleep(wait_s)
            server.process.kill()
            server.process.wait()
    assert batch is not None
    with running(checkpoint, tmp_path) as server, server.client() as client:
        batch = ended(client, batch)
        assert batch.status == "completed"
        assert batch.request_counts is not None
        assert batch.request_counts.completed == len(lines)
        assert results(client, batch.output_file_id).keys() == {one["custom_id"] for one in lines}
