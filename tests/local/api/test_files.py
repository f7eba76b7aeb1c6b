"""POST /v1/files, GET /v1/files/{file_id} and its content."""

from __future__ import annotations

from typing import Any

import pytest
from openai import NotFoundError, OpenAI

from tests.local.openai_description import assert_conforms
from tests.local.serving import Server


def test_content_comes_back_byte_by_byte(client: OpenAI) -> None:
    """Whatever was uploaded is what is downloaded, and the object says its size and name."""
    data = bytes(range(256)) * 5000
    file = client.files.create(file=("train.jsonl", data), purpose="fine-tune")
    assert (file.bytes, file.filename, file.purpose) == (len(data), "train.jsonl", "fine-tune")
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).read() == data


def test_object_conforms_to_openais_description(server: Server) -> None:
    """The file object is valid against OpenAI's schema."""
    answer = server.send("POST", "/files", data={"purpose": "fine-tune"}, files={"file": ("a.jsonl", b"{}")})
    assert_conforms(answer.json(), "OpenAIFile")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\..\\passwd", "a/b/passwd"])
def test_paths_in_filenames_lead_nowhere(client: OpenAI, name: str) -> None:
    """Only the last part of a filename is kept, and it is never the name of a file on the server's disk."""
    file = client.files.create(file=(name, b"x"), purpose="fine-tune")
    assert file.filename == "passwd"
    assert file.id.startswith("file-")


@pytest.mark.parametrize(
    "path", ["/files/file-none", "/files/file-none/content", "/files/..%2f..%2fstate.sqlite"]
)
def test_unknown_file_is_404(server: Server, path: str) -> None:
    """A file that was not uploaded is a 404 with OpenAI's body."""
    answer = server.send("GET", path)
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_unknown_file_is_a_typed_error(client: OpenAI) -> None:
    """The official client raises its own error for it."""
    with pytest.raises(NotFoundError, match="No such File object: file-none"):
        client.files.retrieve("file-none")


FILE = {"file": ("a.jsonl", b"{}")}


@pytest.mark.parametrize(
    ("form", "param", "code"),
    [
        ({"files": FILE}, "purpose", "missing_required_parameter"),
        ({"files": FILE, "data": {"purpose": "fun"}}, "purpose", "invalid_value"),
        ({"files": FILE, "data": {"purpose": "batch"}}, "purpose", "unsupported_parameter"),
        ({"files": {"purpose": (None, "fine-tune")}}, "file", "missing_required_parameter"),
        (
            {"files": {"purpose": (None, "fine-tune"), "file": (None, "text")}},
            "file",
            "missing_required_parameter",
        ),
        ({"json": {"purpose": "fine-tune"}}, "purpose", "missing_required_parameter"),
        ({"files": [("purpose", (None, "fine-tune")), *[("file", ("a", b"x"))] * 2]}, None, None),
        (
            {"content": b"--x\r\ncut", "headers": {"content-type": "multipart/form-data; boundary=x"}},
            "purpose",
            None,
        ),
        ({"content": b"--x", "headers": {"content-type": "multipart/form-data"}}, None, None),
    ],
)
def test_refusals(server: Server, form: dict[str, Any], param: str | None, code: str | None) -> None:
    """No file, no purpose, a purpose without use here, two files, a broken form: a 400 each."""
    answer = server.send("POST", "/files", **form)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["param"] == param
    assert code is None or error["code"] == code
