"""The server against thousands of made-up requests, drawn from the description that it publishes itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.local.memory import resident_mib
from tests.local.serving import HELLO, Server

EXAMPLES = 8  # of each operation, beside the edge cases
MOST_MIB = 150  # more than before
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
)
LESSON = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
ANSWERED = {  # -> the field that keeps answers short
    "ChatRequest": {"max_tokens": [1, 4]},
    "CompletionRequest": {"max_tokens": [1, 4]},
    "ResponseRequest": {"max_output_tokens": [16]},
}


def published(server: Server) -> dict[str, Any]:
    answer = server.http.get(server.base_url.removesuffix("/v1") + "/openapi.json")
    assert answer.status_code == 200
    described: dict[str, Any] = answer.json()
    return described


def uploaded(server: Server, purpose: str, lines: Sequence[Mapping[str, Any]]) -> str:
    content = "\n".join(map(json.dumps, lines)).encode()
    file = {"file": ("in.jsonl", content)}
    answer = server.send("POST", "/files", data={"purpose": purpose}, files=file)
    return str(answer.json()["id"])


def aimed(server: Server) -> dict[str, Any]:
    """The description, with names of what is there in place of any text: else all is 404."""
    described = published(server)
    training, requests = uploaded(server, "fine-tune", [LESSON] * 10), uploaded(server, "batch", [{}])
    asked = {"model": "evalkit-tiny", "training_file": training}
    job = server.send("POST", "/fine_tuning/jobs", json=asked).json()["id"]
    batch = {"input_file_id": requests, "endpoint": "/v1/completions", "completion_window": "24h"}
    answered = {"model": "evalkit-tiny", "input": "x", "max_output_tokens": 16}
    known = {
        "model": ["evalkit-tiny"],
        "file_id": [training],
        "training_file": [training],
        "fine_tuning_job_id": [job],
        "input_file_id": [requests],
        "response_id": [server.send("POST", "/responses", json=answered).json()["id"]],
        "batch_id": [server.send("POST", "/batches", json=batch).json()["id"]],
    }
    for operation in (operation for path in described["paths"].values() for operation in path.values()):
        for parameter in operation["parameters"]:
            if parameter["name"] in known:
                parameter["schema"] = {"enum": known[parameter["name"]]}
    for name, schema in described["components"]["schemas"].items():
        if name.endswith("Request"):
            schema["properties"] |= {one: {"enum": known[one]} for one in known.keys() & schema["required"]}
    for name, limits in ANSWERED.items():
        schema = described["components"]["schemas"][name]
        schema["properties"] |= {limit: {"enum": values} for limit, values in limits.items()}
        schema["required"] += limits
    return described


@pytest.mark.slow
def test_nothing_made_up_breaks_the_server(small_server: Server, tmp_path: Path) -> None:
    """No 500; what breaks the description is refused; all answers keep to it; and the server goes on."""
    (tmp_path / "aimed.json").write_text(json.dumps(aimed(small_server)))
    small_server.send("POST", "/chat/completions", json=HELLO)
    before = resident_mib(small_server)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", "aimed.json", "--url", small_server.base_url),
        *("--phases", "coverage,fuzzing", "--max-examples", str(EXAMPLES), "--checks", ",".join(CHECKS)),
        *("--generation-deterministic", "--request-timeout", "20"),
        *("--warnings", "off", "--no-color", "--continue-on-failure"),
    ]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert small_server.send("POST", "/chat/completions", json=HELLO).status_code == 200
    assert resident_mib(small_server) < before + MOST_MIB
