"""The life of a training process, whatever engine trains in it.

It reads one line of JSON (an `Order`) from stdin and writes lines of JSON to stdout, each with a `kind`:

    step        {"figures": {"step": 3, "total_steps": 72, "train_loss": ..., ...}}     after every step
    checkpoint  {"step": 24, "sha256": ..., "figures": {...}}                           after every epoch
    done        {"sha256": ..., "trained_tokens": ...}
    failed      {"code": ..., "message": ..., "param": ...}

stdin stays open: when it ends, the server is gone, and the process with it. After every epoch, and every few
seconds, it writes down where it is. An order that is given again is taken up from there, and ends with the
same bits; what had been reported until there is reported again, since the server may not have heard it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from evalkit.errors import UsageError
from evalkit.local.disk import whole_folder
from evalkit.local.jobs.order import Order
from evalkit.local.jobs.process import report, take_order
from evalkit.local.jobs.training_file import BadTrainingFile

try:
    import fcntl
except ImportError:  # not on Windows, where the end of stdin alone keeps two workers apart
    fcntl = None  # type: ignore[assignment]

KEEP_S = 2.0  # between two notes of where it is, within an epoch
ADAPTER = "adapter_model.safetensors"
Figures = Mapping[str, float]


class Session(Protocol):
    """One training, as an engine does it; see `jobs.worker` for the one of numpy."""

    steps: int
    """How many there are."""

    steps_an_epoch: int

    @property
    def step(self) -> int:
        """How many steps are done."""
        ...

    def advance(self) -> Figures:
        """Do the next step; give train_loss and train_mean_token_accuracy.

        Where there is a validation file, now and then also valid_loss and valid_mean_token_accuracy.
        """
        ...

    def validate(self) -> Figures:
        """Give full_valid_loss and full_valid_mean_token_accuracy; {} without a validation file."""
        ...

    def save(self, folder: Path) -> None:
        """Write the adapter as it stands, in PEFT's layout, to a folder that is there."""
        ...

    def keep(self, folder: Path, notes: Mapping[str, str]) -> None:
        """Write all that is needed to go on; what was kept before is replaced in one go."""
        ...

    def take_up(self, folder: Path) -> Mapping[str, str] | None:
        """Go on from what was kept there, if it was by a training like this one; give the notes."""
        ...

    def trained_tokens(self) -> int:
        """How many tokens are read in all epochs together."""
        ...


class TrainingFailed(Exception):
    """The training cannot end well, in the words of a failed job's `error`."""

    def __init__(self, code: str, message: str, param: str | None):
        super().__init__(message)
        self.code, self.message, self.param = code, message, param


def work(open_session: Callable[[Order], Session]) -> int:
    """Carry out the order on stdin; give the exit code."""
    order = Order(**take_order())
    try:
        with _alone(Path(order.training)):
            _train(open_session(order), order)
    except (TrainingFailed, BadTrainingFile) as fault:
        report("failed", code=fault.code, message=fault.message, param=fault.param)
    except UsageError as fault:
        report("failed", code="invalid_training_file", message=str(fault), param="training_file")
    except BrokenPipeError:  # the server is gone
        return 1
    return 0


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process works on this job; however one ends, its lock is gone with it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _train(session: Session, order: Order) -> None:
    log = _Log(session, Path(order.training))
    while session.step < session.steps:
        figures = session.advance()
        epoch_ended = session.step % session.steps_an_epoch == 0
        if epoch_ended:
            figures = {**figures, **session.validate()}
        log.tell("step", figures={"step": session.step, "total_steps": session.steps, **figures})
        if epoch_ended:
            digest = _saved(session, Path(f"{order.adapter}-step-{session.step}"))
            log.tell("checkpoint", step=session.step, sha256=digest, figures=figures)
        log.keep(at_once=epoch_ended)
    report("done", sha256=_saved(session, Path(order.adapter)), trained_tokens=session.trained_tokens())


def _saved(session: Session, place: Path) -> str:
    """Write the adapter to its place, where there is a whole one or none; give its digest.

    One that is there already was written before a stop.
    """
    if not place.exists():
        with whole_folder(place) as aside:
            session.save(aside)
    return hashlib.sha256((place / ADAPTER).read_bytes()).hexdigest()


class _Log:
    """What has been reported, kept with the state of the training."""

    def __init__(self, session: Session, folder: Path):
        self._session, self._folder = session, folder
        notes = session.take_up(folder) or {}
        self._reports: list[dict[str, Any]] = json.loads(notes.get("reports", "[]"))
        for earlier in self._reports:
            report(**earlier)
        self._kept = time.monotonic()

    def tell(self, kind: str, **values: Any) -> None:
        self._reports.append({"kind": kind, **values})
        report(kind, **values)

    def keep(self, *, at_once: bool) -> None:
        if at_once or time.monotonic() - self._kept >= KEEP_S:
            self._session.keep(self._folder, {"reports": json.dumps(self._reports)})
            self._kept = time.monotonic()
