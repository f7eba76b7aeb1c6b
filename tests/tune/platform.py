"""What only OpenAI does, on the loopback interface: it closes, loses answers, and is late with its models."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]

CSV = (
    "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n1,2.5,0.2,,\n2,1.25,0.6,1.5,0.55\n"
)


TRAINED_TOKENS = 3000
"""Of every job that succeeded."""


@dataclass
class Platform:
    """The state of the server, for tests to set and to look at.

    Attributes:
        files, jobs: what was made, newest last.
        asked: method and path of every request, in order.
        refusal: (status, code) with which every job is refused.
        lose: how many creations of jobs go unanswered though the job is made.
        drop: how many go unanswered and are not made.
        late: how many questions to an `ft:` model are answered with 404 before it is ready.
        steps: how many looks at a job it takes until it has ended.
        ends_as: the status and error of ended jobs.
        result: the content of result files.
    """

    base_url: str = ""
    files: list[Json] = field(default_factory=list)
    jobs: list[Json] = field(default_factory=list)
    models: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    refusal: tuple[int, str] | None = None
    lose: int = 0
    drop: int = 0
    late: int = 0
    outages: int = 0
    steps: int = 1
    ends_as: tuple[str, Json | None] = ("succeeded", None)
    result: bytes = CSV.encode()

    def count(self, method: str, path: str) -> int:
        """How often something was asked for."""
        return self.asked.count((method, path))


def answer(platform: Platform, method: str, url: str, content: bytes) -> tuple[int, bytes] | None:
    """The reply to one request: a status and a body; None closes the connection without one."""
    parts = urlsplit(url)
    path, query = parts.path.removeprefix("/v1"), parse_qs(parts.query)
    platform.asked.append((method, path))
    if found := re.fullmatch(r"/fine_tuning/jobs/([^/]+)(/\w+)?", path):
        return _job(platform, found[1], found[2] or "")
    if path == "/fine_tuning/jobs":
        return _create(platform, json.loads(content)) if method == "POST" else _list(platform.jobs, query)
    if path == "/files":
        return _upload(platform, content) if method == "POST" else _list(platform.files, query)
    if path.startswith("/files/"):
        return 200, platform.result
    if path.startswith("/models"):
        return _model(platform, method, path.removeprefix("/models/"))
    return _chat(platform, json.loads(content))


def _create(platform: Platform, body: Json) -> tuple[int, bytes] | None:
    if platform.refusal:
        return _refused(*platform.refusal)
    if platform.drop:
        platform.drop -= 1
        return None
    name = f"ftjob-{len(platform.jobs)}"
    job = {
        "id": name,
        "object": "fine_tuning.job",
        "created_at": int(time.time()),
        "status": "queued",
        **body,
    }
    platform.jobs.append(
        {**job, "looks": 0, "error": {"code": None}, "result_files": [], "finished_at": None}
    )
    if platform.lose:
        platform.lose -= 1
        return None
    return _json(platform.jobs[-1])


def _job(platform: Platform, name: str, part: str) -> tuple[int, bytes] | None:
    job = next((job for job in platform.jobs if job["id"] == name), None)
    if job is None:
        return _refused(404, "fine_tune_not_found")
    if part == "/events":
        return _list([_event(job, step) for step in range(1, job["looks"] + 1)], {})
    if part == "/checkpoints":
        return _list(
            [{"id": "ftckpt_1", "step_number": 2, "fine_tuned_model_checkpoint": "ft:x:ckpt-step-2"}], {}
        )
    if part:
        job["status"] = {"/cancel": "cancelled", "/pause": "paused", "/resume": "queued"}[part]
        return _json(job)
    if platform.outages:
        platform.outages -= 1
        return _refused(500, "server_error")
    job["looks"] += 1
    if job["looks"] >= platform.steps and job["status"] == "queued":
        _end(platform, job)
    return _json(job)


def _end(platform: Platform, job: Json) -> None:
    job["status"], job["error"] = platform.ends_as
    job["finished_at"] = int(time.time())
    if job["status"] == "succeeded":
        job["fine_tuned_model"] = f"ft:{job['model']}:org:{job.get('suffix', '')}:{job['id'][6:]}"
        job["result_files"] = ["file-result"]
        job["trained_tokens"] = TRAINED_TOKENS
        platform.models.add(job["fine_tuned_model"])


def _event(job: Json, step: int) -> Json:
    data = {"step": step, "total_steps": 2, "train_loss": 3.0 / step}
    return {"id": f"ev-{step}", "created_at": job["created_at"], "level": "info", "message": f"Step {step}",
            "type": "metrics", "data": data}  # fmt: skip


def _upload(platform: Platform, content: bytes) -> tuple[int, bytes]:
    filename = re.search(rb'filename="([^"]+)"', content)
    boundary = content.split(b"\r\n", 1)[0]
    part = next(each for each in content.split(boundary) if b"filename=" in each)
    body = part.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n")
    assert filename
    file = {"id": f"file-{len(platform.files)}", "bytes": len(body), "filename": filename[1].decode()}
    platform.files.append({**file, "purpose": "fine-tune", "status": "processed"})
    return _json(file)


def _model(platform: Platform, method: str, name: str) -> tuple[int, bytes]:
    if name == "/models":
        return _json({"data": [{"id": "gpt-x"}]})  # a new fine-tune is not listed at once
    if name not in {"gpt-x", *platform.models} or (platform.late and name != "gpt-x"):
        return _refused(404, "model_not_found")
    if method == "DELETE":
        platform.models.remove(name)
    return _json({"id": name})


def _chat(platform: Platform, body: Json) -> tuple[int, bytes]:
    if body["model"].startswith("ft:") and (platform.late or body["model"] not in platform.models):
        platform.late = max(0, platform.late - 1)
        return _refused(404, "model_not_found")
    message = {"role": "assistant", "content": str(body["messages"][-1]["content"]).upper()}
    return _json({"model": body["model"], "choices": [{"message": message, "finish_reason": "stop"}]})


def _list(entries: list[Json], query: dict[str, list[str]]) -> tuple[int, bytes]:
    newest = entries[::-1]
    wanted = {name[9:-1]: value[0] for name, value in query.items() if name.startswith("metadata[")}
    found = [each for each in newest if wanted.items() <= (each.get("metadata") or {}).items()]
    return _json({"object": "list", "data": found, "has_more": False})


def _json(body: Json) -> tuple[int, bytes]:
    return 200, json.dumps(body).encode()


def _refused(status: int, code: str) -> tuple[int, bytes]:
    error = {"message": f"no: {code}", "type": "invalid_request_error", "param": None, "code": code}
    return status, json.dumps({"error": error}).encode()


@contextmanager
def serving() -> Iterator[Platform]:
    """A platform that listens until the block ends."""
    platform = Platform()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length", 0)))
            reply = answer(platform, self.command, self.path, content)
            if reply is None:
                self.close_connection = True
                return
            self.send_response(reply[0])
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(reply[1])))
            self.end_headers()
            self.wfile.write(reply[1])

        do_GET = do_POST = do_DELETE = _serve

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    platform.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield platform
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
