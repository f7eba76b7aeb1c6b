"""Reading a training file once, over all cores, into one tally."""

from __future__ import annotations

import json
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from evalkit.dataset.counting import Meter, figures, meter_of
from evalkit.dataset.finding import Fault
from evalkit.dataset.limits import token_limit
from evalkit.dataset.lines import Block, Line, read_blocks
from evalkit.dataset.notebook import script_errors, script_stops
from evalkit.dataset.reading import BOM, TOO_DEEP, read
from evalkit.dataset.rules import BLANK, KEYS, Form, faults_of, form_of
from evalkit.dataset.tally import Log, Tally
from evalkit.tokens import encoding_for

BYTES_WORTH_PROCESSES = 8 << 20
"""Below this, starting them takes longer than they save."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What to look for; sent to every process.

    Attributes:
        model: whose encoding counts, and whose limit warns.
        keep: how many findings of each rule are kept.
    """

    model: str
    keep: int


def scan_file(
    path: Path, scan: Scan, advance: Callable[[int], object], processes: int | None = None
) -> Tally:
    """Tally a whole file.

    Args:
        path: a JSONL file.
        scan: what to look for.
        advance: called with the bytes that were done since the last call.
        processes: how many share the work; None for one a core, or none at all where the file is small.

    Raises:
        OSError: the file cannot be read.
    """
    total = Tally(Log(scan.keep))
    for block, tally in _tallied(read_blocks(path), scan, processes or _worthwhile(path)):
        total.extend(tally)
        advance(len(block.data))
    return total


def _worthwhile(path: Path) -> int:
    return cores() if path.stat().st_size > BYTES_WORTH_PROCESSES else 1


def cores() -> int:
    """How many cores this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _tallied(blocks: Iterator[Block], scan: Scan, processes: int) -> Iterator[tuple[Block, Tally]]:
    """Every block with its tally, in the file's order; as many blocks are under way as keep all busy."""
    if processes == 1:
        yield from ((block, scan_block(block, scan)) for block in blocks)
        return
    with ProcessPoolExecutor(processes, get_context("spawn"), _ignore_interrupts) as pool:
        under_way: deque[tuple[Block, Future[Tally]]] = deque()
        try:
            for block in blocks:
                under_way.append((block, pool.submit(scan_block, block, scan)))
                if len(under_way) > 2 * processes:
                    yield _next(under_way)
            while under_way:
                yield _next(under_way)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _next(under_way: deque[tuple[Block, Future[Tally]]]) -> tuple[Block, Tally]:
    block, future = under_way.popleft()
    return block, future.result()


def _ignore_interrupts() -> None:
    """Ctrl-C is for the process that started the others: it ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def scan_block(block: Block, scan: Scan) -> Tally:
    """Tally whole lines."""
    tally = Tally(Log(scan.keep))
    meter, limit = _meter(scan.model), token_limit(scan.model)
    for line in block.lines():
        tally.lines += 1
        if line.raw.strip():
            _add(tally, line, meter, limit)
        else:
            tally.log.add(BLANK.on(line.number))
            tally.stop(line.number, "the line is blank")
    return tally


@cache
def _meter(model: str) -> Meter:
    """Without an encoding, messages can be counted still: tokens come out as 0, and are not shown."""
    encoding = encoding_for(model)
    return Meter(lambda _: 0, 0, 0, 0) if encoding is None else meter_of(encoding)


def _add(tally: Tally, line: Line, meter: Meter, limit: int | None) -> None:
    reading = read(line.raw)
    for fault in faults_of(reading, line.raw):
        tally.log.add(fault.on(line.number))
    if not tally.examples:
        tally.first = reading.value
    tally.examples += 1
    if not reading.readable or line.raw.startswith(BOM):
        tally.stop(line.number, reading.faults[0].message)
    if reading.readable:
        try:
            _add_example(tally, line.number, reading.value, meter, limit)
        except RecursionError:
            tally.log.add(TOO_DEEP.on(line.number))


def _add_example(tally: Tally, number: int, example: Any, meter: Meter, limit: int | None) -> None:
    for name in script_errors(example):
        tally.script_errors[name] += 1
    if why := script_stops(example):
        tally.stop(number, why)
    if form := form_of(example):
        tally.add_form(form, number)
        if form == "chat":
            _note_roles(tally, example)
        if size := figures(example, form, meter):
            tally.sizes.add(size)
            if size.messages != 0:  # empty examples have an error each; they need not be duplicates, too
                tally.digests.append(_digest(example, form))
                tally.digest_lines.append(number)
            whole = size.tokens + size.tools
            if limit is not None and whole > limit:
                tally.log.add(_too_long(whole, limit).on(number))


def _note_roles(tally: Tally, example: Mapping[str, Any]) -> None:
    """A conversation without messages has neither, as in the script."""
    messages = example["messages"]
    if isinstance(messages, list) or messages in ({}, ""):
        roles = [message.get("role") for message in messages if isinstance(message, dict)]
        tally.without_system += "system" not in roles
        tally.without_user += "user" not in roles


def _too_long(tokens: int, limit: int) -> Fault:
    what = f"has {tokens:,} tokens, of which {limit:,} are read"
    return Fault("too_many_tokens", what, "shorten it: its end, which holds the answer, would be cut off")


def _digest(example: Mapping[str, Any], form: Form) -> int:
    """64 bits of a hash of what is learned from; whatever the spelling of the line."""
    content = {key: example[key] for key in KEYS[form] if key in example}
    return int.from_bytes(blake2b(_SPELLING.encode(content).encode(), digest_size=8).digest())


_SPELLING = json.JSONEncoder(sort_keys=True)
