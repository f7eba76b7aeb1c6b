"""The fine-tuning part of OpenAI's API: files, jobs, events, checkpoints."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from evalkit.errors import AskError
from evalkit.tune.jobs import Body, Checkpoint, Event, Job, read_checkpoint, read_event, read_job

if TYPE_CHECKING:
    from evalkit.endpoints.openai_api import OpenAIEndpoint

JOBS = "/fine_tuning/jobs"
PAGE = 100

Action = Literal["cancel", "pause", "resume"]


class FineTuning:
    """What a server can be asked about fine-tuning. Every method raises AskError where it cannot answer."""

    def __init__(self, endpoint: OpenAIEndpoint):
        self.endpoint = endpoint

    async def jobs(self, metadata: Mapping[str, str] | None = None) -> AsyncIterator[Job]:
        """All jobs, newest first; with `metadata` those that have it, even if the server cannot select."""
        wanted = dict(metadata or {})
        query = {"metadata": wanted} if wanted else {}
        async for body in self._all(JOBS, **query):
            job = read_job(body)
            if wanted.items() <= dict(job.metadata).items():
                yield job

    async def recent(self) -> tuple[Job, ...]:
        """The newest jobs: one page."""
        return tuple(read_job(body) for body in _entries(await self.endpoint.get(JOBS, limit=PAGE)))

    async def job(self, job_id: str) -> Job:
        """One job."""
        return read_job(await self.endpoint.get(_path(job_id)))

    async def create(self, body: Body) -> Job:
        """Have a job made: asked once, without a retry, since a second try may make a second job."""
        return read_job(await self.endpoint.post(JOBS, body))

    async def act(self, job_id: str, action: Action) -> Job:
        """Cancel, pause or resume a job."""
        return read_job(await self.endpoint.post(f"{_path(job_id)}/{action}"))

    async def events(self, job_id: str, since: str | None = None) -> tuple[Event, ...]:
        """A job's events in the order of time; those after the event `since`, where it is given."""
        found: list[Event] = []
        async for body in self._all(f"{_path(job_id)}/events"):  # newest first
            event = read_event(body)
            if event.id == since:
                break
            found.append(event)
        return tuple(reversed(found))

    async def checkpoints(self, job_id: str) -> tuple[Checkpoint, ...]:
        """A job's checkpoints by step."""
        found = [read_checkpoint(body) async for body in self._all(f"{_path(job_id)}/checkpoints")]
        return tuple(sorted(found, key=lambda checkpoint: checkpoint.step or 0))

    async def uploads(self) -> AsyncIterator[Body]:
        """The training files that the server keeps."""
        async for body in self._all("/files", purpose="fine-tune"):
            yield body

    async def delete_model(self, model: str) -> None:
        """Delete a fine-tuned model for good."""
        await self.endpoint.delete(f"/models/{quote(model, safe=':')}")

    async def serves(self, model: str) -> bool:
        """Whether the server has a model; True where it does not tell."""
        try:
            await self.endpoint.model(model)
        except AskError as error:
            if error.status == 404:
                return False
            raise
        return True

    async def _all(self, path: str, **query: Any) -> AsyncIterator[Body]:
        """Every entry of a list, page after page."""
        after: dict[str, str] = {}
        while True:
            page = await self.endpoint.get(path, limit=PAGE, **query, **after)
            entries = _entries(page)
            for entry in entries:
                yield entry
            if not page.get("has_more") or not entries or after.get("after") == entries[-1].get("id"):
                return
            after = {"after": str(entries[-1].get("id"))}


def _entries(page: Body) -> list[Body]:
    listed = page.get("data")
    return [entry for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []


def _path(job_id: str) -> str:
    return f"{JOBS}/{quote(job_id, safe='')}"
