"""Fine-tuning jobs: checked, queued, trained one at a time in a process of their own, recorded as they go."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from evalkit.local.backend import Backend
from evalkit.local.ending import end_server
from evalkit.local.jobs.order import Order
from evalkit.local.jobs.training_file import BadTrainingFile, count_examples
from evalkit.local.rows import Event, FineTune, JobStatus, Level, TunedModel, new_id, now
from evalkit.local.served import fingerprint
from evalkit.local.store import Store

log = logging.getLogger("evalkit.local")
ORGANISATION = "local"
UNFINISHED: tuple[JobStatus, ...] = ("validating_files", "queued", "running")


class JobRunner:
    """Takes every job to its end: files are checked at once, training goes in turn.

    Jobs that a killed server left unfinished begin anew: the same data, hyperparameters and seed give the
    same adapter, to the bit.

    Args:
        store: where jobs, their events and their models are kept.
        base: the one model that can be fine-tuned.
    """

    def __init__(self, store: Store, base: Backend):
        self._store, self.base = store, base
        self._unchecked: asyncio.Queue[str] = asyncio.Queue()
        self._queued: asyncio.Queue[str] = asyncio.Queue()

    def submit(self, job: FineTune) -> None:
        """Enter a new job; it is on disk when this returns."""
        with self._store.transaction():
            self._store.put(job)
            self._store.put(_event(job, f"Created fine-tuning job: {job.id}"))
            self._store.put(_event(job, f"Validating training file: {job.training_file}"))
        self._unchecked.put_nowait(job.id)

    async def run(self) -> None:
        """Work until cancelled; a training process under way is ended then."""
        try:
            await self._run()
        except Exception:
            end_server("fine-tuning broke")

    async def _run(self) -> None:
        for job in self._store.all(FineTune):
            if job.status in UNFINISHED and job.model == self.base.name:
                self._move(job, "validating_files", "The server was restarted: the job begins anew")
                self._unchecked.put_nowait(job.id)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._serve(self._unchecked, self._check))
            group.create_task(self._serve(self._queued, self._train))

    async def _serve(self, queue: asyncio.Queue[str], work: Callable[[FineTune], Awaitable[None]]) -> None:
        """Do one kind of work on job after job; a fault fails its job only."""
        while True:
            job_id = await queue.get()
            try:
                await work(self._job(job_id))
            except BadTrainingFile as fault:
                self._fail(self._job(job_id), fault.code, fault.message, fault.param)
            except Exception:
                log.exception("job %s failed", job_id)
                self._fail(
                    self._job(job_id), "server_error", "The job failed due to an internal error.", None
                )

    async def _check(self, job: FineTune) -> None:
        await asyncio.to_thread(count_examples, self._store.content(job.training_file))
        self._move(job, "queued", "Files validated, moving job to queued state")
        self._queued.put_nowait(job.id)

    async def _train(self, job: FineTune) -> None:
        job = self._move(job, "running", "Fine-tuning job started")
        async with contextlib.aclosing(_reports(self.base.worker, self._order(job))) as reports:
            async for report in reports:
                if report["kind"] == "step":
                    self._note_step(job, report)
                elif report["kind"] == "done":
                    self._succeed(job, report)
                    return
                else:
                    raise BadTrainingFile(report["code"], report["message"], report["param"])
        raise RuntimeError("the training process ended without a result; see the lines above")

    def _order(self, job: FineTune) -> Order:
        return Order(
            weights=str(self.base.folder),
            training_file=str(self._store.content(job.training_file)),
            adapter=str(self._store.adapter(job.id)),
            longest=self.base.engine.max_len,
            seed=job.seed,
            **asdict(job.hyperparameters),
        )

    def _job(self, job_id: str) -> FineTune:
        job = self._store.get(FineTune, job_id)
        assert job is not None
        return job

    def _move(self, job: FineTune, status: JobStatus, message: str) -> FineTune:
        """Record a new status, and the line of history that tells it."""
        moved = replace(job, status=status)
        with self._store.transaction():
            self._store.put(moved)
            self._store.put(_event(job, message))
        return moved

    def _note_step(self, job: FineTune, report: Mapping[str, Any]) -> None:
        data = {
            "step": report["step"],
            "total_steps": report["steps"],
            "train_loss": report["loss"],
            "train_mean_token_accuracy": report["accuracy"],
        }
        message = f"Step {report['step']}/{report['steps']}: training loss={report['loss']:.2f}"
        with self._store.transaction():
            self._store.put(Event(new_id("ftevent-"), job.id, now(), "info", message, "metrics", data))

    def _succeed(self, job: FineTune, report: Mapping[str, Any]) -> None:
        """Record the new model and the end of its job, together."""
        name = f"ft:{job.model}:{ORGANISATION}:{job.suffix}:{job.id[-8:]}"
        mark = fingerprint(self.base.sha256, report["sha256"])
        with self._store.transaction():
            self._store.put(TunedModel(name, now(), job.model, job.id, mark))
            self._store.put(
                replace(
                    job,
                    status="succeeded",
                    finished_at=now(),
                    fine_tuned_model=name,
                    trained_tokens=report["trained_tokens"],
                )
            )
            self._store.put(_event(job, f"New fine-tuned model created: {name}"))
            self._store.put(_event(job, "The job has successfully completed"))

    def _fail(self, job: FineTune, code: str, message: str, param: str | None) -> None:
        error = {"code": code, "message": message, "param": param}
        with self._store.transaction():
            self._store.put(replace(job, status="failed", finished_at=now(), error=error))
            self._store.put(_event(job, message, level="error"))


def _event(job: FineTune, message: str, level: Level = "info") -> Event:
    return Event(new_id("ftevent-"), job.id, now(), level, message)


async def _reports(worker: str, order: Order) -> AsyncGenerator[dict[str, Any], None]:
    """Run a worker module on an order and give its reports; closing the generator ends it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", worker, stdin=PIPE, stdout=PIPE, start_new_session=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(asdict(order)).encode() + b"\n")
        process.stdin.close()
        async for line in process.stdout:
            yield json.loads(line)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
