"""How fast the engine is on this machine, on one core, with random weights of the shipped sizes.

python -m tests.benchmarks.engine_speed
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

from evalkit.local.constrain import Grammars
from evalkit.local.engine.adapter import Adapter
from evalkit.local.engine.batch import Engine
from evalkit.local.engine.job import Job
from evalkit.local.engine.packing import Example
from evalkit.local.engine.train import Hyper, fine_tune
from evalkit.local.grammar import ANYTHING, Form, JsonForm
from tests.local.engine.answering import answers, make_job, random_adapter, random_ids
from tests.local.tiny import SHIPPED, random_model

MODEL = random_model(SHIPPED)
# 256 bytes, then pairs of letters: as long as the shipped tokens
LETTERS = b"abcdefghijklmnopqrstuvwxyz .,ABCDEFGHIJKLMNOPQ"
PAIRS = [bytes(pair) for pair in product(LETTERS, repeat=2)]
VOCABULARY = [b"", *(bytes([byte]) for byte in range(256)), *PAIRS][: SHIPPED.vocab]
GRAMMARS = Grammars(VOCABULARY + [b""] * (SHIPPED.vocab - len(VOCABULARY)), frozenset({0}))
FORM = Form(JsonForm({"type": "object", "properties": {"text": {"type": "string", "minLength": 500}}}))
TIMES = 3  # the best of so many counts


def main() -> None:
    """Print a line for each kind of work."""
    adapters = [None, *(random_adapter(SHIPPED, seed, rank=16) for seed in range(5))]
    report("64 answers of 40 tokens to prompts of 30", 64 * 40, generation(30, 40))
    report("the same, six adapters mixed", 64 * 40, generation(30, 40, adapters))
    report("the same behind one prefix of 400", 64 * 40, generation(430, 40, prefix=400))
    report("the first, held to a JSON schema", 64 * 40, generation(30, 40, form=FORM))
    report("the first, drawn at temperature 1", 64 * 40, generation(30, 40, temperature=1.0))
    report("prefill of 64 prompts of 30", 64 * 30, generation(30, 1))
    report("prefill of 64 prompts of 250", 64 * 250, generation(250, 1))
    report("prefill of 64 prompts of 1000", 64 * 1000, generation(1000, 1))
    for length in (60, 120):
        report(f"LoRA, 80 examples of {length} tokens, 3 epochs", 240 * length, lora(length))


def report(what: str, tokens: int, work: Callable[[], object]) -> None:
    """Do the work, and say how long it took."""
    seconds = min(timed(work) for _ in range(TIMES))
    print(f"{what:45} {seconds:6.2f} s  {tokens / seconds:7.0f} tokens/s", flush=True)


def timed(work: Callable[[], object]) -> float:
    """Seconds of processor time, so that a neighbour's load counts less."""
    start = time.process_time()
    work()
    return time.process_time() - start


def generation(
    prompt: int,
    answer: int,
    adapters: Sequence[Adapter | None] = (None,),
    prefix: int = 0,
    form: Form = ANYTHING,
    temperature: float = 0.0,
) -> Callable[[], object]:
    """64 jobs through a fresh engine."""
    grammar = form.grammar()
    system = random_ids(SHIPPED, prefix, seed=999)
    jobs: list[Job] = [
        make_job(
            system + random_ids(SHIPPED, prompt - prefix, seed),
            prefix=prefix,
            adapter=adapters[seed % len(adapters)],
            max_tokens=answer,
            temperature=temperature,
            seed=seed,
        )
        for seed in range(64)
    ]
    return lambda: answers(Engine(MODEL), [_held(job, grammar) for job in jobs])


def _held(job: Job, grammar: str | None) -> Job:
    return replace(job, allow=asyncio.run(GRAMMARS.constraint(grammar))) if grammar else job


def lora(length: int) -> Callable[[], object]:
    """80 examples, a third of each to be learned."""
    weights = (0.0,) * (length - length // 3) + (1.0,) * (length // 3)
    examples = [Example(random_ids(SHIPPED, length, seed), weights) for seed in range(80)]
    return lambda: fine_tune(MODEL, examples, Hyper())


if __name__ == "__main__":
    main()
