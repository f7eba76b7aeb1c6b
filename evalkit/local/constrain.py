"""Answers held to a grammar while they are written, token by token, for any tokenizer (through llguidance).

A hostile grammar costs little: llguidance stops at bounds on the grammar's size and on the work of each step,
compiling happens on one thread beside the event loop, and few compiled grammars are kept.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer
from numpy.typing import NDArray

from evalkit.local.engine.job import GenerationFailed

KEPT = 16  # compiled grammars; a small one is compiled in a millisecond
LIMITS = LLParserLimits(max_lexer_states=50_000, max_grammar_size=200_000, verbose_errors=False)
LONGEST_FAULT = 300  # characters of llguidance's messages that are shown


class BadGrammar(ValueError):
    """A grammar that cannot be held to; `line` is the one at fault, counted from 1 (0 = unknown)."""

    def __init__(self, message: str, line: int):
        super().__init__(message)
        self.line = line


class TooComplex(GenerationFailed):
    """A grammar that turned out to be too much work while an answer was written."""


class Grammars:
    """Compiled grammars for the tokens of one model.

    Args:
        vocabulary: the bytes of each token, b"" for a special one.
        stop_ids: the tokens that may come where an answer may end.
    """

    def __init__(self, vocabulary: Sequence[bytes], stop_ids: frozenset[int]):
        self._vocabulary, self._stop_ids = vocabulary, stop_ids
        self._compiled: OrderedDict[str, LLMatcher] = OrderedDict()
        self._worker = ThreadPoolExecutor(1, "grammars")

    async def constraint(self, grammar: str) -> Held:
        """Begin an answer under a grammar.

        Raises:
            BadGrammar: it cannot be compiled, or is too large.
        """
        if grammar not in self._compiled:
            compiled = await asyncio.get_running_loop().run_in_executor(self._worker, self._compile, grammar)
            self._compiled[grammar] = compiled
        self._compiled.move_to_end(grammar)
        while len(self._compiled) > KEPT:
            self._compiled.popitem(last=False)
        begun = self._compiled[grammar].deep_copy()  # shares what it learns of the tokens with the others
        return Held(begun, len(self._vocabulary), lambda: self._forget(grammar))

    def _forget(self, grammar: str) -> None:
        """Drop a grammar that met a bound: the memory of its lexer is full, or its next answer fails too."""
        self._compiled.pop(grammar, None)

    def _compile(self, grammar: str) -> LLMatcher:
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0, limits=LIMITS)
        if matcher.is_error():
            raise _explained(matcher.get_error())
        return matcher

    @cached_property
    def _tokenizer(self) -> LLTokenizer:
        tokens = _Tokens(self._vocabulary, self._stop_ids)
        stops = sorted(self._stop_ids)
        return LLTokenizer(tokens, n_vocab=len(self._vocabulary), eos_token=stops)  # type: ignore[arg-type]


class Held:
    """One answer that is being written under a grammar (see `evalkit.local.engine.job.Constraint`)."""

    def __init__(self, matcher: LLMatcher, size: int, failed: Callable[[], None]):
        self._matcher, self._size, self._failed = matcher, size, failed

    def mask(self) -> NDArray[np.bool_]:
        """Say of each token whether it may come next: (vocab,).

        Raises:
            TooComplex: a bound was met.
        """
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        self._check()
        return np.unpackbits(bits, count=self._size, bitorder="little").view(np.bool_)

    def consume(self, token: int) -> None:
        """Go on behind a token that may come.

        Raises:
            TooComplex: a bound was met.
        """
        self._matcher.consume_token(token)
        self._check()

    def _check(self) -> None:
        if self._matcher.is_error():
            self._failed()
            raise TooComplex(f"the schema is too complex: {_shortened(self._matcher.get_error())}")


class _Tokens:
    """A vocabulary in the form that `LLTokenizer` asks for."""

    bos_token_id = None
    is_tokenizer_wrapper = True

    def __init__(self, vocabulary: Sequence[bytes], stop_ids: frozenset[int]):
        self.tokens = list(vocabulary)
        self.special_token_ids = [token for token, data in enumerate(vocabulary) if not data]
        self.eos_token_id = min(stop_ids)

    def __call__(self, text: str) -> list[int]:
        """Grammars are compiled with no_forcing: nothing is ever encoded."""
        raise NotImplementedError


def _explained(error: str) -> BadGrammar:
    """Read llguidance's message, e.g. `at 2(8): failed to compile JSON schema: schema too large`."""
    place = re.match(r"at (\d+)\(", error)
    reason = error.partition("failed to compile JSON schema: ")[2] or error
    return BadGrammar(_shortened(reason), int(place[1]) if place else 0)


def _shortened(message: str) -> str:
    words = " ".join(re.split(r"\n +\d+ \| ", message)[0].split())  # what follows is the grammar's text
    return words if len(words) <= LONGEST_FAULT else f"{words[: LONGEST_FAULT - 3]}..."
