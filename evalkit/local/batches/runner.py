"""Takes every batch to its end, one after the other, a few requests at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from typing import IO, Any

from evalkit.local.batches.asking import Ask
from evalkit.local.batches.journal import Journal, succeeded
from evalkit.local.batches.lines import BatchRequest, check, read_requests
from evalkit.local.batches.results import gather, line_of
from evalkit.local.ending import end_server
from evalkit.local.http.errors import ApiError
from evalkit.local.rows import Batch, BatchStatus, StoredFile, now
from evalkit.local.served import ServedModels
from evalkit.local.store import Store

log = logging.getLogger("evalkit.local")
AT_ONCE = 4  # of the engine's 16 places: whoever asks and waits finds one free


class BatchRunner:
    """The batches. What a killed server left unfinished goes on where it stopped: see `Journal`.

    Args:
        store: where batches and their files are kept.
        models: knows which models there are.
        ask: answers one request.
    """

    def __init__(self, store: Store, models: ServedModels, ask: Ask):
        self._store, self._models, self._ask = store, models, ask
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._answering: tuple[str, asyncio.Task[None]] | None = None
        self._steps: Mapping[BatchStatus, Callable[[Batch], Awaitable[None]]] = {
            "validating": self._validate,
            "in_progress": self._answer,
            "finalizing": self._finish,
            "cancelling": self._finish,
        }

    def submit(self, batch: Batch) -> None:
        """Enter a new batch; it is on disk when this returns."""
        self._put(batch)
        self._queue.put_nowait(batch.id)

    def cancel(self, batch: Batch) -> Batch:
        """Stop a batch; what it has answered is kept.

        Raises:
            ApiError: it has ended already (409).
        """
        if batch.status == "cancelling":
            return batch
        if batch.status not in ("validating", "in_progress"):
            raise ApiError(f"Cannot cancel a batch with status '{batch.status}'.", status=409)
        batch = self._move(batch, "cancelling")
        if self._answering and self._answering[0] == batch.id:
            self._answering[1].cancel()
        return batch

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            for batch in self._store.all(Batch):
                if batch.status in self._steps:
                    self._queue.put_nowait(batch.id)
                else:
                    self._journal(batch).remove()
            while True:
                await self._take(await self._queue.get())
        except Exception:
            end_server("batches broke")

    async def _take(self, batch_id: str) -> None:
        """Do what each status asks for; a fault fails its batch only."""
        try:
            while step := self._steps.get(self._batch(batch_id).status):
                await step(self._batch(batch_id))
        except Exception:
            log.exception("batch %s failed", batch_id)
            self._fail(batch_id, _fault("server_error", "The batch failed due to an internal error."))

    async def _validate(self, batch: Batch) -> None:
        checked = await asyncio.to_thread(check, self._store.content(batch.input_file), batch.endpoint)
        faults = [*checked.faults, *self._model_faults(checked.model)]
        batch = self._batch(batch.id)
        if batch.status != "validating":  # cancelled meanwhile
            return
        if faults:
            self._fail(batch.id, *faults)
        else:
            self._move(replace(batch, model=checked.model, total=checked.total), "in_progress")

    def _model_faults(self, model: str | None) -> Iterator[Mapping[str, Any]]:
        try:
            if model is not None:
                self._models.find(model)
        except ApiError as fault:
            yield _fault(fault.code, fault.message, "body.model")

    async def _answer(self, batch: Batch) -> None:
        journal = self._journal(batch)
        answered = await asyncio.to_thread(journal.mend)
        if self._batch(batch.id).status != "in_progress":  # cancelled meanwhile
            return
        counts = Counter(answered.values())
        self._note(batch.id, counts)
        requests = read_requests(self._store.content(batch.input_file))
        pending = (one for one in requests if one.custom_id not in answered)
        await self._in_time(batch, asyncio.create_task(self._answer_all(batch, journal, pending, counts)))
        if self._batch(batch.id).status == "in_progress":
            self._move(self._batch(batch.id), "finalizing")

    async def _in_time(self, batch: Batch, working: asyncio.Task[None]) -> None:
        """Wait for the work until the batch expires or is cancelled; `_finish` tells what is left of it."""
        self._answering = batch.id, working
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(batch.expires_at - now()):
                    await working
        except asyncio.CancelledError:
            if self._batch(batch.id).status != "cancelling":  # the server ends
                raise
        finally:
            self._answering = None

    async def _answer_all(
        self, batch: Batch, journal: Journal, pending: Iterator[BatchRequest], counts: Counter[bool]
    ) -> None:
        async def work() -> None:
            for request in pending:  # all workers take from this one
                line = line_of(request.custom_id, await self._ask(batch.endpoint, request.body), None)
                journal.append(line)
                counts[succeeded(line)] += 1
                self._note(batch.id, counts)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())

    async def _finish(self, batch: Batch) -> None:
        """Write the files of results, then enter them and the end together."""
        end: BatchStatus = "completed"
        if batch.status == "cancelling":
            end = "cancelled"
        elif batch.completed + batch.failed < batch.total:
            end = "expired"
        journal = self._journal(batch)
        results = await asyncio.to_thread(gather, journal, self._store.content(batch.input_file), end)
        output = await self._stored(batch, "output", results.output)
        error = await self._stored(batch, "error", results.error)
        ended = replace(
            batch,
            output_file=output.id if output else None,
            error_file=error.id if error else None,
            usage=results.usage,
        )
        self._move(ended, end, output, error)
        journal.remove()

    async def _stored(self, batch: Batch, kind: str, content: IO[bytes] | None) -> StoredFile | None:
        """Write a file of results; its id follows from the batch's, so that none is written twice."""
        if content is None:
            return None
        file_id = f"file-{batch.id.removeprefix('batch_')}-{kind}"
        with content:
            size, sha256 = await asyncio.to_thread(self._store.write_content, file_id, content)
        created, life = now(), batch.results_live_s
        return StoredFile(
            id=file_id,
            created_at=created,
            filename=f"{batch.id}_{kind}.jsonl",
            purpose="batch_output",
            bytes=size,
            sha256=sha256,
            expires_at=None if life is None else created + life,
        )

    def _journal(self, batch: Batch) -> Journal:
        return Journal(self._store.journal(batch.id))

    def _batch(self, batch_id: str) -> Batch:
        batch = self._store.get(Batch, batch_id)
        assert batch is not None
        return batch

    def _move(self, batch: Batch, status: BatchStatus, *files: StoredFile | None) -> Batch:
        moved = replace(batch, status=status, reached={**batch.reached, status: now()})
        self._put(moved, *files)
        return moved

    def _note(self, batch_id: str, counts: Counter[bool]) -> None:
        """Keep the figures; not flushed, since the journal tells them again."""
        with self._store.transaction(flushed=False):
            self._store.put(replace(self._batch(batch_id), completed=counts[True], failed=counts[False]))

    def _fail(self, batch_id: str, *faults: Mapping[str, Any]) -> None:
        self._move(replace(self._batch(batch_id), errors=faults), "failed")

    def _put(self, batch: Batch, *files: StoredFile | None) -> None:
        with self._store.transaction():
            self._store.put(batch)
            for file in filter(None, files):
                self._store.put(file)


def _fault(code: str | None, message: str, param: str | None = None) -> Mapping[str, Any]:
    return {"code": code, "message": message, "param": param, "line": None}
