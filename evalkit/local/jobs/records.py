"""What becomes of a job, entered in the store: every change is one transaction."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import replace

from evalkit.local.disk import remove
from evalkit.local.files import write_file
from evalkit.local.jobs.history import checkpoint, event, metrics_event, model_name, result_csv
from evalkit.local.rows import Checkpoint, Event, FineTune, JobStatus, TunedModel, now
from evalkit.local.served import fingerprint
from evalkit.local.store import Store

CHECKPOINTS = 3  # the last ones are kept, as at OpenAI
ENDED: tuple[JobStatus, ...] = ("succeeded", "failed", "cancelled")


class Records:
    """Enters what happens to jobs.

    Args:
        store: where.
        base_sha256: of the weights that are trained upon.
    """

    def __init__(self, store: Store, base_sha256: str):
        self._store, self._base_sha256 = store, base_sha256

    def move(self, job: FineTune, status: JobStatus, message: str) -> FineTune:
        """Enter a new status, and the line of history that tells it."""
        ended = status in ENDED
        moved = replace(job, status=status, finished_at=now() if ended else None, estimated_finish=None)
        with self._store.transaction():
            self._store.put(moved)
            self._store.put(event(job, message))
        if ended:
            self._clear(job)
        return moved

    def fail(self, job: FineTune, code: str, message: str, param: str | None) -> None:
        """Enter why a job could not succeed."""
        error = {"code": code, "message": message, "param": param}
        failed = replace(
            self._now(job), status="failed", finished_at=now(), estimated_finish=None, error=error
        )
        with self._store.transaction():
            self._store.put(failed)
            self._store.put(event(job, message, level="error"))
        self._clear(job)

    def progress(self, job: FineTune) -> Progress:
        """Make what enters the steps of a training that now begins or goes on."""
        return Progress(self._store, job)

    def checkpoint(self, job: FineTune, step: int, sha256: str, figures: Mapping[str, float]) -> None:
        """Enter a checkpoint, to be asked at once; those before the last three are forgotten."""
        made = checkpoint(job, step, figures)
        if self._store.get(Checkpoint, made.id):  # told again by a training that goes on
            return
        kept = sorted([*self._store.all(Checkpoint, owner=job.id), made], key=lambda kept: kept.step)
        mark = fingerprint(self._base_sha256, sha256)
        with self._store.transaction():
            self._store.put(made)
            self._store.put(TunedModel(made.model, now(), job.model, job.id, mark, step, self._base_sha256))
            self._store.put(event(job, f"Checkpoint created at step {step}"))
            for old in kept[:-CHECKPOINTS]:
                self._store.delete(old)
                if model := self._store.get(TunedModel, old.model):
                    self._store.delete(model)
        for old in kept[:-CHECKPOINTS]:
            remove(self._store.adapter(job.id, old.step))

    async def succeed(self, job: FineTune, sha256: str, trained_tokens: int) -> None:
        """Enter the new model, the result file and the end of the job, together."""
        results = io.BytesIO(result_csv(self._store.all(Event, owner=job.id)))
        file = await write_file(self._store, results, "step_metrics.csv", "fine-tune-results")
        name, mark = model_name(job), fingerprint(self._base_sha256, sha256)
        done = replace(
            self._now(job),
            status="succeeded",
            finished_at=now(),
            estimated_finish=None,
            fine_tuned_model=name,
            trained_tokens=trained_tokens,
            result_files=(file.id,),
        )
        with self._store.transaction():
            self._store.put(file)
            self._store.put(TunedModel(name, now(), job.model, job.id, mark, None, self._base_sha256))
            self._store.put(done)
            self._store.put(event(job, f"New fine-tuned model created: {name}"))
            self._store.put(event(job, "The job has successfully completed"))
        self._clear(job)

    def _now(self, job: FineTune) -> FineTune:
        """The job as it stands in the store."""
        found = self._store.get(FineTune, job.id)
        assert found is not None
        return found

    def _clear(self, job: FineTune) -> None:
        """Remove what only an unfinished job needs."""
        remove(self._store.training(job.id))
        self._store.drop_content(*job.files)


class Progress:
    """Enters the steps of one training, and tells when it will end."""

    def __init__(self, store: Store, job: FineTune):
        self._store, self._job = store, job
        self._first, self._began = 0.0, time.monotonic()

    def step(self, figures: Mapping[str, float]) -> None:
        """Enter a step, unless it is told again."""
        line = metrics_event(self._job, figures)
        if self._store.get(Event, line.id):
            self._first, self._began = figures["step"], time.monotonic()
            return
        with self._store.transaction(flushed=False):
            self._store.put(line)
            self._store.put(replace(self._job, estimated_finish=self._estimate(figures)))

    def _estimate(self, figures: Mapping[str, float]) -> int:
        done, left = figures["step"] - self._first, figures["total_steps"] - figures["step"]
        return round(time.time() + (time.monotonic() - self._began) / done * left)
