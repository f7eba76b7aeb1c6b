"""The answer is not too long, and not too short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from evalkit import tokens
from evalkit.checks.base import CheckKind, Seen, Verdict, answer, unsure, verdict
from evalkit.checks.fields import Bounds, FieldError
from evalkit.checks.units import paragraphs, sentences, words

Count = Annotated[int, Bounds(0)]
Unit = Literal["tokens", "words", "chars", "sentences", "paragraphs"]


@dataclass(frozen=True, slots=True)
class Length:
    """The answer has at most `max` and at least `min` units.

    tokens are counted by the encoding of the model that answered; where it is not known the verdict is null.
    words are runs of characters between white space that hold a letter or a digit (`don't` and `384,400` are
    one, a lone dash is none). chars are Unicode code points, white space at either end aside. sentences end
    with . ! ? or … (closing quotes included) before white space or the end, or with a full-width mark; no
    full stop ends one after a single capital letter, a number of one or two digits, or Mr, Mrs, Ms, Dr, Prof,
    St; what is left at the end is one. paragraphs are separated by blank lines.

    Attributes:
        max: the most units that pass.
        min: the fewest units that pass.
        unit: what is counted.
    """

    default_kind: ClassVar[CheckKind] = "property"

    max: Count | None = None
    min: Count | None = None
    unit: Unit = "tokens"

    def __post_init__(self) -> None:
        if self.max is None and self.min is None:
            raise FieldError((), "sets no limit; write max, min or both")
        if self.max is not None and self.min is not None and self.max < self.min:
            raise FieldError(("max",), f"is {self.max}, below min, {self.min}")

    def check(self, seen: Seen) -> Verdict:
        """Count, then compare."""
        text = answer(seen)
        if isinstance(text, Verdict):
            return text
        count = _tokens(text, seen.model) if self.unit == "tokens" else _COUNTERS[self.unit](text)
        if count is None:
            return unsure(
                f"the encoding of {seen.model or 'the model'} is not known: count words or chars instead"
            )
        if self.max is not None and count > self.max:
            return verdict(False, count, f"{count} {self.unit}, at most {self.max} wanted")
        low = self.min or 0
        return verdict(count >= low, count, f"{count} {self.unit}, at least {low} wanted")


def _tokens(text: str, model: str | None) -> int | None:
    return None if model is None else tokens.count(text, model)


_COUNTERS: dict[Unit, Callable[[str], int]] = {
    "words": lambda text: len(words(text)),
    "chars": lambda text: len(text.strip()),
    "sentences": lambda text: len(sentences(text)),
    "paragraphs": lambda text: len(paragraphs(text)),
}
