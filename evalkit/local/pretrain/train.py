"""Train the embedded base model; stop and go on as often as you like, with a changed corpus too.

python -m evalkit.local.pretrain.train --out FOLDER --tokens 40e6
python -m evalkit.local.pretrain.train --out FOLDER --tokens 60e6 --resume

The learning rate warms up, stays, and falls to 0 over the last --decay share of the budget. A budget
in tokens counts from the very start; one in minutes counts from this call, so `--resume --minutes 30
--decay 1` ends a training over the next half hour, and `--decay 0` leaves the end for later. SIGTERM
and Ctrl-C write a checkpoint before they end it.
"""

from __future__ import annotations

import argparse
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import torch

from evalkit.local.corpus.mix import episodes
from evalkit.local.pretrain.checkpoint import Progress
from evalkit.local.pretrain.pack import Encoder, batches
from evalkit.local.pretrain.trainer import Batch, Trainer, to_batch
from evalkit.local.tokenizer import load_encoding

WEIGHTS = Path(__file__).parents[1] / "weights"
WARM_UP_TOKENS = 1_000_000
HELD_OUT_SEED = 2_000_003
HELD_OUT_BATCHES = 4
LOG_S, EVALUATE_S, SAVE_S = 30, 300, 180


@dataclass(frozen=True, slots=True)
class Options:
    """The command line; `parsed` says what each is."""

    out: Path
    tokenizer: Path
    tokens: float | None
    minutes: float | None
    decay: float
    resume: bool
    start: Path | None
    rows: int
    length: int
    threads: int
    device: str


def train(options: Options) -> None:
    """Train until the budget is used or a signal comes; a checkpoint is left in `options.out`."""
    trainer = Trainer(options.device)
    if options.resume:
        trainer.load(options.out)
    elif options.start:
        trainer.start_from(options.start)
    trainer.progress.starts += 1
    held_out = list(islice(stream(options, HELD_OUT_SEED), HELD_OUT_BATCHES))
    clock, log = Clock(options), Log(trainer.progress)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, clock.stop)
    for batch in stream(options, trainer.progress.starts):
        rate = clock.rate(trainer.progress.tokens)
        if clock.stopped or clock.used(trainer.progress.tokens) >= 1:
            break
        log.add(trainer.update(batch, rate))
        if clock.due("log", LOG_S):
            log.write_answers(rate)
        if clock.due("evaluate", EVALUATE_S):
            log.write_held_out(trainer.held_out_loss(held_out))
        if clock.due("save", SAVE_S):
            trainer.save(options.out)
    trainer.save(options.out)
    log.write_held_out(trainer.held_out_loss(held_out))


def stream(options: Options, seed: int) -> Iterator[Batch]:
    """Endless batches of the corpus; the same seed gives the same."""
    encoder = Encoder(load_encoding(options.tokenizer), random.Random(seed))
    for rows in batches(episodes(seed), encoder, rows=options.rows, length=options.length):
        yield to_batch(rows, options.device)


@dataclass(slots=True)
class Clock:
    """How much of the budget is used, and what is due."""

    options: Options
    began: float = field(default_factory=time.monotonic)
    last: dict[str, float] = field(default_factory=dict)
    stopped: bool = False

    def used(self, tokens: int) -> float:
        """0 at the start of the budget, 1 at its end."""
        by_tokens = tokens / self.options.tokens if self.options.tokens else 0.0
        minutes = (time.monotonic() - self.began) / 60
        return max(by_tokens, minutes / self.options.minutes if self.options.minutes else 0.0)

    def rate(self, tokens: int) -> float:
        """Warm-up, plateau, then down to 0 along a line: the learning rate as a share of the full one."""
        left = max(0.0, 1 - self.used(tokens))
        falling = left / self.options.decay if self.options.decay else 1.0
        return min(1.0, falling, (tokens + 1) / WARM_UP_TOKENS)

    def due(self, what: str, every: float) -> bool:
        """Whether `every` seconds passed since this was last due."""
        now = time.monotonic()
        if now - self.last.setdefault(what, self.began) < every:
            return False
        self.last[what] = now
        return True

    def stop(self, *_: object) -> None:
        """Handle a signal: end after the step that is under way."""
        self.stopped = True


class Log:
    """Lines on stdout about a training."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._losses: list[float] = []
        self._at, self._tokens = time.monotonic(), progress.tokens

    def add(self, loss: float) -> None:
        """Note a step's loss."""
        self._losses.append(loss)

    def write_answers(self, rate: float) -> None:
        """A line about the steps since the last such line."""
        now, tokens = time.monotonic(), self._progress.tokens
        speed = (tokens - self._tokens) / (now - self._at)
        loss = sum(self._losses) / len(self._losses)
        self._write(f"{speed:7.0f} tok/s  answers {loss:.4f}  rate {rate:.2f}")
        self._losses, self._at, self._tokens = [], now, tokens

    def write_held_out(self, loss: float) -> None:
        """A line about the held-out batches."""
        self._write(f"held out {loss:.4f}")

    def _write(self, what: str) -> None:
        print(f"{time.strftime('%H:%M:%S')}  {self._progress.tokens / 1e6:7.2f}M tokens  {what}", flush=True)


def parsed() -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, help="folder of the checkpoint")
    add("--tokenizer", type=Path, default=WEIGHTS, help="folder of tokenizer.json")
    add("--tokens", type=float, help="budget in tokens, counted from the very start")
    add("--minutes", type=float, help="budget in minutes, counted from this call")
    add(
        "--decay",
        type=float,
        default=0.35,
        help="share of the budget in which the rate falls to 0; 3 begins at a third of the full rate",
    )
    add("--resume", action="store_true", help="go on from the checkpoint in --out")
    add(
        "--start", type=Path, help="begin with the weights of this Hugging Face folder, e.g. the shipped ones"
    )
    add("--rows", type=int, default=4, help="rows a batch; more on a GPU, e.g. 32")
    add("--length", type=int, default=2048, help="tokens a row")
    add("--threads", type=int, default=2, help="processor threads")
    add("--device", choices=("cpu", "cuda"), default="cpu")
    options = Options(**vars(parser.parse_args()))
    if options.tokens is None and options.minutes is None:
        parser.error("name a budget: --tokens or --minutes")
    return options


def main() -> None:
    """Train as the command line says."""
    options = parsed()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    train(options)


if __name__ == "__main__":
    main()
