"""Fine-tuning jobs: checked, queued, trained one at a time in a process of their own, recorded as they go."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace

from evalkit.local.backend import Backend
from evalkit.local.ending import end_server
from evalkit.local.jobs.auto import resolve
from evalkit.local.jobs.checker import Files
from evalkit.local.jobs.history import event
from evalkit.local.jobs.order import Order
from evalkit.local.jobs.process import reports
from evalkit.local.jobs.records import Records
from evalkit.local.jobs.training_file import BadTrainingFile
from evalkit.local.rows import FineTune, JobStatus
from evalkit.local.store import Store

log = logging.getLogger("evalkit.local")
CHECKER = "evalkit.local.jobs.checker"
STAGES: tuple[JobStatus, ...] = ("validating_files", "queued")  # whose jobs wait for something to be done


class JobRunner:
    """Takes every job to its end: files are checked one after the other, training goes in turn.

    What is to be done next is read from the store, so that a server which was killed goes on where it was: a
    job that was running is queued again, and takes its training up from where that last wrote itself down.

    Args:
        store: where jobs, their events and their models are kept.
        base: the one model that can be fine-tuned.
    """

    def __init__(self, store: Store, base: Backend):
        self._store, self.base = store, base
        self._records = Records(store, base.sha256)
        self._news = {stage: asyncio.Event() for stage in STAGES}
        self._working: dict[str, asyncio.Task[None]] = {}

    def submit(self, job: FineTune, *notes: str) -> None:
        """Enter a new job; it is on disk when this returns. `notes` are warnings for its history."""
        files = f"training file: {job.training_file}"
        if job.validation_file:
            files += f" and validation file: {job.validation_file}"
        with self._store.transaction():
            self._store.put(job)
            self._store.put(event(job, f"Created fine-tuning job: {job.id}"))
            for note in notes:
                self._store.put(event(job, note, "warn"))
            self._store.put(event(job, f"Validating {files}"))
        self._tell(job)

    def stop(self, job: FineTune, status: JobStatus) -> FineTune:
        """Cancel or pause a job that has not ended: its process is killed at once."""
        message = "The job was paused" if status == "paused" else "The job was cancelled"
        stopped = self._records.move(job, status, message)
        if task := self._working.get(job.id):
            task.cancel()
        return stopped

    def resume(self, job: FineTune) -> FineTune:
        """Go on with a paused job where it was."""
        stage: JobStatus = "validating_files" if job.examples is None else "queued"
        resumed = self._records.move(job, stage, "The job was resumed")
        self._tell(resumed)
        return resumed

    async def run(self) -> None:
        """Work until cancelled; a training process under way is ended then."""
        try:
            for job in self._jobs("running"):
                self._records.move(job, "queued", "The server was restarted: the job goes on where it was")
            async with asyncio.TaskGroup() as group:
                group.create_task(self._serve(group, "validating_files", self._check))
                group.create_task(self._serve(group, "queued", self._train))
        except Exception:
            end_server("fine-tuning broke")

    async def _serve(
        self, group: asyncio.TaskGroup, stage: JobStatus, work: Callable[[FineTune], Awaitable[None]]
    ) -> None:
        """Do one kind of work on job after job, the oldest first."""
        while True:
            self._news[stage].clear()
            for job in self._jobs(stage)[:1]:
                task = self._working[job.id] = group.create_task(self._guarded(job, work))
                await asyncio.wait([task])
                if self._working.get(job.id) is task:  # the next stage may have begun
                    del self._working[job.id]
                self._news[stage].set()
            await self._news[stage].wait()

    async def _guarded(self, job: FineTune, work: Callable[[FineTune], Awaitable[None]]) -> None:
        """A fault fails its job only."""
        try:
            await work(job)
        except BadTrainingFile as fault:
            self._records.fail(job, fault.code, fault.message, fault.param)
        except Exception:
            log.exception("job %s failed", job.id)
            self._records.fail(job, "server_error", "The job failed due to an internal error.", None)

    async def _check(self, job: FineTune) -> None:
        places = [str(self._store.content(file)) for file in job.files]
        order = Files(places[0], places[1] if job.validation_file else None, job.method)
        async with contextlib.aclosing(reports(CHECKER, asdict(order))) as told:
            async for report in told:
                if report["kind"] == "failed":
                    raise BadTrainingFile(report["code"], report["message"], report["param"])
                count = report["examples"]
                resolved = resolve(job.hyperparameters, job.method, count)
                checked = replace(job, hyperparameters=resolved, examples=count)
                self._tell(
                    self._records.move(checked, "queued", "Files validated, moving job to queued state")
                )
                return
        raise RuntimeError("the checking process ended without a result; see the lines above")

    async def _train(self, job: FineTune) -> None:
        job = self._records.move(job, "running", "Fine-tuning job started")
        progress = self._records.progress(job)
        async with contextlib.aclosing(reports(self.base.worker, asdict(self._order(job)))) as told:
            async for report in told:
                if report["kind"] == "step":
                    progress.step(report["figures"])
                elif report["kind"] == "checkpoint":
                    self._records.checkpoint(job, report["step"], report["sha256"], report["figures"])
                elif report["kind"] == "done":
                    await self._records.succeed(job, report["sha256"], report["trained_tokens"])
                    return
                else:
                    raise BadTrainingFile(report["code"], report["message"], report["param"])
        raise RuntimeError("the training process ended without a result; see the lines above")

    def _order(self, job: FineTune) -> Order:
        files = [str(self._store.content(file)) for file in job.files]
        return Order(
            weights=str(self.base.folder),
            training_file=files[0],
            validation_file=files[1] if job.validation_file else None,
            adapter=str(self._store.adapter(job.id)),
            training=str(self._store.training(job.id) / self.base.sha256[:16]),
            longest=self.base.engine.max_len,
            method=job.method,
            seed=job.seed,
            **asdict(job.hyperparameters),
        )

    def _jobs(self, status: JobStatus) -> list[FineTune]:
        return self._store.all(FineTune, status=status, model=self.base.name)

    def _tell(self, job: FineTune) -> None:
        """Wake whoever has to do something about a job."""
        self._news[job.status].set()
