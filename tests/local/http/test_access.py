"""Who may ask: loopback hosts, the server's own pages, and whoever has the key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import AuthenticationError
from starlette.datastructures import Headers

from evalkit.local.http.access import Access
from evalkit.local.http.errors import ApiError
from tests.local.serving import HELLO, Server, running

KEY = "a-key-of-this-test"


@pytest.fixture(scope="module")
def locked(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks for a key, on every address of this machine."""
    with running(
        checkpoint, tmp_path_factory.mktemp("locked"), "--host=0.0.0.0", f"--api-key={KEY}"
    ) as server:
        yield server


def test_the_right_key_is_served(locked: Server) -> None:
    """The official client shows its key as OpenAI's API wants it."""
    with locked.client(api_key=KEY) as client:
        assert client.models.retrieve("evalkit-tiny").id == "evalkit-tiny"
        assert client.chat.completions.create(**HELLO).choices[0].finish_reason == "length"


@pytest.mark.parametrize("path", ["/models", "/files", "/chat/completions", "/nowhere", "/../openapi.json"])
def test_a_wrong_key_is_refused_everywhere(locked: Server, path: str) -> None:
    """401 invalid_api_key, before anything else is looked at; the key that came is not repeated."""
    answer = locked.send("GET", path, headers={"authorization": "Bearer sk-wrong-1234567890"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert "1234567890" not in answer.text


@pytest.mark.parametrize("header", [None, "", "Bearer", f"Basic {KEY}", KEY])
def test_a_missing_key_is_refused(locked: Server, header: str | None) -> None:
    """Without one, or in another form than Bearer, the message tells the form."""
    answer = locked.send("GET", "/models", headers={} if header is None else {"authorization": header})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (401, "invalid_request_error", None)
    assert "Authorization: Bearer YOUR_KEY" in error["message"]


def test_the_client_knows_the_refusal(locked: Server) -> None:
    """The official client raises its own error for a wrong key."""
    with locked.client() as client, pytest.raises(AuthenticationError, match="Incorrect API key") as refusal:
        client.models.list()
    assert refusal.value.code == "invalid_api_key"


def test_without_a_key_any_key_is_served(server: Server) -> None:
    """Programs that send one anyway, as every OpenAI client does, need not be changed."""
    assert server.send("GET", "/models", headers={"authorization": "Bearer whatever"}).status_code == 200


def test_every_address_serves_every_name(locked: Server) -> None:
    """Bound to all addresses, a server has names that it cannot know; the key keeps strangers out."""
    headers = {"host": "gpu7.example.com", "authorization": f"Bearer {KEY}"}
    assert locked.send("GET", "/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("listens", "asked", "served"),
    [
        ("10.1.2.3", "10.1.2.3:8000", True),
        ("10.1.2.3", "localhost:8000", True),
        ("10.1.2.3", "10.1.2.4:8000", False),
        ("10.1.2.3", "evil.example.com", False),
        ("GPU7", "gpu7:8000", True),
        ("fd00::7", "[fd00::7]:8000", True),
        ("::", "anything", True),
    ],
)
def test_one_address_serves_its_own_name(listens: str, asked: str, served: bool) -> None:
    """Bound to one address, only that one and loopback names are served."""
    access = Access(listens, KEY)
    headers = Headers({"host": asked, "authorization": f"Bearer {KEY}"})
    if served:
        access.check(headers)
    else:
        with pytest.raises(ApiError, match=re.escape("(--host)")):
            access.check(headers)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]", "api.localhost", "LOCALHOST"]
)
def test_loopback_hosts_are_served(server: Server, host: str) -> None:
    """Any name that can only mean this machine is served, with a port or without."""
    for header in (host, f"{host}:{server.port}"):
        assert server.send("GET", "/models", headers={"host": header}).status_code == 200


@pytest.mark.parametrize(
    "host", ["example.com", "localhost.example.com", "10.0.0.1", "", "127.0.0.1.example.com:80"]
)
def test_other_hosts_are_refused(server: Server, host: str) -> None:
    """A page that rebinds its name to this machine still says its name, and is refused."""
    answer = server.send("GET", "/models", headers={"host": host})
    assert answer.status_code == 403
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("origin", ["http://example.com", "null", "http://localhost:1", "https://127.0.0.1"])
def test_foreign_origins_are_refused(server: Server, origin: str) -> None:
    """No web page may ask, on whatever port it lives; and none is told that it may."""
    answer = server.send("POST", "/chat/completions", json=HELLO, headers={"origin": origin})
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = {"origin": origin, "access-control-request-method": "POST"}
    assert server.send("OPTIONS", "/chat/completions", headers=preflight).status_code == 403


def test_own_origin_is_served(server: Server) -> None:
    """The server's own pages may ask, and still get no CORS header."""
    answer = server.send("GET", "/models", headers={"origin": f"http://127.0.0.1:{server.port}"})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]
