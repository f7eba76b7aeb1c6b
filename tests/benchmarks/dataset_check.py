"""How fast `evalkit dataset check` reads a large file, beside tiktoken alone on the same texts and cores.

    python -m tests.benchmarks.dataset_check [--megabytes 512] [--file FILE] [--model gpt-4.1]

tiktoken is timed twice: by its own encode_ordinary_batch, with one thread a core, and with a process a core,
which shares the work as the check does. Prints MB a second, the ratios, and the most memory of a process.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from evalkit.dataset.check import CheckOptions, check_file
from evalkit.dataset.lines import Block, read_blocks
from evalkit.dataset.scan import cores
from evalkit.tokens import encoding_for, without_encoding

MEGABYTE = 1_000_000
SYSTEM = (
    "You are a helpful assistant of a small shop. Answer in two sentences, kindly, and never promise a date."
)


def main() -> None:
    """Generate, time, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=64)
    parser.add_argument("--file", type=Path, help="keep the generated file here")
    parser.add_argument("--model", default="gpt-4.1")
    given = parser.parse_args()
    if encoding_for(given.model) is None:
        raise SystemExit(without_encoding(given.model))
    with tempfile.TemporaryDirectory() as folder:
        path = given.file or Path(folder) / "train.jsonl"
        generate(path, given.megabytes * MEGABYTE)
        measure(path, given.model)


def measure(path: Path, model: str) -> None:
    """Time all three, one after the other."""
    size = path.stat().st_size
    check = seconds(lambda: check_file(path, CheckOptions(model)))
    own = memory()
    processes = seconds(lambda: by_processes(path, model))
    threads = seconds(lambda: by_threads(path, model))
    print(f"{size / MEGABYTE:,.0f} MB, {cores()} cores, {model}")
    for name, spent in (
        ("evalkit dataset check", check),
        ("tiktoken, a process a core", processes),
        ("tiktoken, encode_ordinary_batch", threads),
    ):
        print(f"  {name:32} {size / MEGABYTE / spent:7.1f} MB/s  {spent / check:5.2f} x the check's time")
    print(f"  most memory in one process: {own:,.0f} MB")


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def memory() -> float:
    """The most MB that this process or any that it started has held."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1000


def by_processes(path: Path, model: str) -> int:
    """Tokens of all contents, counted in as many processes as there are cores."""
    with ProcessPoolExecutor(cores(), get_context("spawn")) as pool:
        return sum(pool.map(count_block, read_blocks(path), [model] * (path.stat().st_size // 500_000 + 2)))


def by_threads(path: Path, model: str) -> int:
    """The same by tiktoken's own batches, with a thread a core."""
    encoding = encoding_for(model)
    assert encoding is not None
    batches = (contents(block) for block in read_blocks(path))
    encoded = (encoding.encode_ordinary_batch(batch, num_threads=cores()) for batch in batches)
    return sum(len(tokens) for batch in encoded for tokens in batch)


def count_block(block: Block, model: str) -> int:
    """Tokens of the contents in one block."""
    encoding = encoding_for(model)
    assert encoding is not None
    return sum(len(encoding.encode_ordinary(text)) for text in contents(block))


def contents(block: Block) -> list[str]:
    """Every message's text."""
    return [message["content"] for line in block.lines() for message in json.loads(line.raw)["messages"]]


def generate(path: Path, size: int) -> None:
    """Conversations of one to three turns under one system message, of words as frequent as in a language."""
    rng = random.Random(7)
    words = [
        "".join(rng.choice(("ka", "lo", "mi", "ter", "sun", "dra", "e", "vi", "on", "sha")) for _ in range(n))
        for n in (1, 2, 2, 3, 3, 4)
        for _ in range(500)
    ]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < size:
            pool = iter(rng.choices(words, weights, k=4000))
            for _ in range(10):
                file.write(json.dumps({"messages": list(conversation(rng, pool))}) + "\n")


def conversation(rng: random.Random, pool: Iterator[str]) -> Iterator[dict[str, str]]:
    """A system message, questions and answers."""
    yield {"role": "system", "content": SYSTEM}
    for _ in range(rng.randint(1, 3)):
        for role, most in (("user", 40), ("assistant", 80)):
            text = " ".join(word for _, word in zip(range(rng.randint(5, most)), pool, strict=False))
            yield {"role": role, "content": f"{text}."}


if __name__ == "__main__":
    main()
