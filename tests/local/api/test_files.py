"""/v1/files: upload, list, retrieve, content, delete."""

from __future__ import annotations

from typing import Any

import pytest
from openai import NotFoundError, OpenAI

from tests.local.openai_description import assert_conforms
from tests.local.serving import Server

FILE = {"file": ("a.jsonl", b"{}")}


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
    ("name", "kept"), [("a\u202eb\u2028.jsonl", "ab.jsonl"), ("x" * 300, "x" * 255), ("a/", "upload")]
)
def test_filenames_are_plain(server: Server, name: str, kept: str) -> None:
    """What does not print is dropped, what is too long is cut, and a name there is always."""
    form = {"files": {"file": (name, b"x")}, "data": {"purpose": "user_data"}}
    assert server.send("POST", "/files", **form).json()["filename"] == kept


def test_all_purposes_are_kept_and_listed_apart(server: Server, client: OpenAI) -> None:
    """Pages of one, oldest first or newest first; a list of one purpose has no other."""
    made = [client.files.create(file=("a.txt", b"x"), purpose="assistants").id for _ in range(3)]
    assert [file.id for file in client.files.list(purpose="assistants", limit=1)] == made[::-1]
    assert [file.id for file in client.files.list(purpose="assistants", limit=2, order="asc")] == made
    page = server.send("GET", "/files", params={"purpose": "assistants", "limit": 2}).json()
    assert_conforms(page, "ListFilesResponse")
    assert (page["first_id"], page["last_id"], page["has_more"]) == (made[2], made[1], True)
    for purpose in ("vision", "user_data", "batch", "evals"):
        form = {"files": FILE, "data": {"purpose": purpose}}
        assert server.send("POST", "/files", **form).json()["purpose"] == purpose
    assert_conforms(server.send("GET", "/files", params={"purpose": "none"}).json(), "ListFilesResponse")


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 10001}, {"order": "up"}])
def test_lists_are_asked_for_properly(server: Server, query: dict[str, Any]) -> None:
    """A limit is from 1 to 10,000, an order one of two."""
    answer = server.send("GET", "/files", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == next(iter(query))


def test_deleted_files_are_gone(server: Server, client: OpenAI) -> None:
    """A deleted file is found nowhere, and cannot be deleted again."""
    file = client.files.create(file=("a.jsonl", b"x"), purpose="fine-tune")
    assert_conforms(server.send("DELETE", f"/files/{file.id}").json(), "DeleteFileResponse")
    assert file.id not in [listed.id for listed in client.files.list()]
    for request in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(NotFoundError):
            request(file.id)


def test_the_end_of_a_file_is_shown(client: OpenAI) -> None:
    """`expires_after` counts from when the file was made; without it a file does not end."""
    file = client.files.create(
        file=("a.jsonl", b"x"), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert file.expires_at == file.created_at + 3600
    assert client.files.create(file=("a.jsonl", b"x"), purpose="batch").expires_at is None


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


@pytest.mark.parametrize(
    ("form", "param", "code"),
    [
        ({"files": FILE}, "purpose", "missing_required_parameter"),
        ({"files": FILE, "data": {"purpose": "fun"}}, "purpose", "invalid_value"),
        ({"files": FILE, "data": {"purpose": "fine-tune-results"}}, "purpose", "invalid_value"),
        ({"files": {"file": ("a", b"")}, "data": {"purpose": "fine-tune"}}, "file", "empty_file"),
        (
            {"files": FILE, "data": {"purpose": "batch", "expires_after[anchor]": "created_at"}},
            "expires_after[seconds]",
            "missing_required_parameter",
        ),
        (
            {"files": FILE, "data": {"purpose": "batch", "expires_after[seconds]": "3600"}},
            "expires_after[anchor]",
            "missing_required_parameter",
        ),
        (
            {
                "files": FILE,
                "data": {
                    "purpose": "batch",
                    "expires_after[anchor]": "created_at",
                    "expires_after[seconds]": "3599",
                },
            },
            "expires_after[seconds]",
            "invalid_value",
        ),
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
    """No file, an empty one, no purpose, one that only the server gives, two files, a broken form: a 400."""
    answer = server.send("POST", "/files", **form)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["param"] == param
    assert code is None or error["code"] == code
