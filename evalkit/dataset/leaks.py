"""Leaks: what a suite asks to see whether a model has learned, and the model was shown in training.

A case is leaked if its question (all that the user says) stands in the training data, or nearly so, be it in
the midst of a longer conversation; or if its answer does, where that is long enough to be its own. System
messages are left out, and so is what many texts share: see `shingles`. Two texts that differ in a word that
matters are not the same, however alike the rest. Unless the suite is very large the search is exact: nothing
that is as similar as the threshold is missed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from evalkit.dataset.conversation import Conversation
from evalkit.dataset.near import THRESHOLD, index_of
from evalkit.dataset.shingles import Commons, Shingles, most_own, normalised, shingles

Part = Literal["question", "answer"]

LEAST_ANSWER = 60
"""Shingles of its own, so about as many letters, that an answer must have: two may both be `billing`."""

MOST_SWAPPED = 0.05
"""The share of words that may be others: `What is the capital of Chad?` is not `... of Cuba?`."""

_SPELLED_ALIKE = 0.8
_MANY = 20  # words that may be others, in a text so long that slips do not matter


@dataclass(frozen=True, slots=True)
class Leak:
    """A case that stands in the training data.

    Attributes:
        case: its id.
        part: what of it stands there.
        similarity: of the nearest example, from the threshold up to 1.
        example: the place of that example, counted from 0.
        examples: how many examples are so near.
        held_out, learned: the text of the case, and that of the example.
    """

    case: str
    part: Part
    similarity: float
    example: int
    examples: int
    held_out: str
    learned: str


def leaks(
    examples: Sequence[Conversation], cases: Mapping[str, Conversation], threshold: float = THRESHOLD
) -> tuple[Leak, ...]:
    """The cases that stand in the training data, in their order; each once, its question before its answer.

    Args:
        examples: the training data; gone through up to four times.
        cases: by id.
        threshold: the least similarity, above 0 and up to 1.
    """
    questions, answers = _Questions(cases), _Answers(cases)
    found = {**_search(answers, examples, threshold), **_search(questions, examples, threshold)}
    return tuple(found[case] for case in cases if case in found)


class _Questions:
    """What is asked: of a case all, of an example as many turns in a row as some case has."""

    part: Part = "question"
    least = 0

    def __init__(self, cases: Mapping[str, Conversation]):
        self.held_out = [(name, case.question) for name, case in cases.items() if case.asked]
        self._turns = {len(case.asked) for case in cases.values()} - {0}

    def learned(self, example: Conversation) -> Iterator[str]:
        """The texts of an example that may be such a question."""
        turns = len(example.asked)
        for length in {min(length, turns) for length in self._turns} - {0}:
            for first in range(turns - length + 1):
                yield "\n".join(example.asked[first : first + length])


class _Answers:
    """What is answered, message by message."""

    part: Part = "answer"
    least = LEAST_ANSWER

    def __init__(self, cases: Mapping[str, Conversation]):
        self.held_out = [(name, answer) for name, case in cases.items() for answer in case.answers[-1:]]

    def learned(self, example: Conversation) -> Iterator[str]:
        """The texts of an example that may be such an answer."""
        return iter(example.answers)


def _search(
    texts: _Questions | _Answers, examples: Sequence[Conversation], threshold: float
) -> dict[str, Leak]:
    """The leaks of one part, by case."""
    held_out = [(case, text) for case, text in _without_common(texts.held_out) if len(text) >= texts.least]
    if not held_out:
        return {}
    commons = [
        _commons(text for _, text in held_out),
        _commons(text for example in examples for text in texts.learned(example)),
    ]
    finder = _Finder(held_out, commons, texts.least, threshold)
    found: dict[str, Leak] = {}
    for place, example in enumerate(examples):
        for name, (alike, learned) in finder.best(texts.learned(example)).items():
            leak = Leak(name, texts.part, alike, place, 1, finder.texts[name], learned)
            found[name] = _joined(found[name], leak) if name in found else leak
    return found


def _without_common(held_out: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The texts but such as many cases share: where each says `Summarise.`, the question stands elsewhere."""
    said = [normalised(text) for _, text in held_out]
    counts = Counter(said)
    return [each for each, text in zip(held_out, said, strict=True) if counts[text] <= most_own(len(said))]


def _joined(before: Leak, leak: Leak) -> Leak:
    nearer = leak if leak.similarity > before.similarity else before
    return replace(nearer, examples=before.examples + 1)


def _commons(texts: Iterable[str]) -> Commons:
    """Counted over distinct texts: one that is repeated a thousand times is no template."""
    commons, seen = Commons(), set()
    for text in map(normalised, texts):
        if (mark := hash(text)) not in seen:
            seen.add(mark)
            commons.add(shingles(text))
    return commons


class _Finder:
    """Held-out texts by what they say exactly, and by what of their own they say."""

    def __init__(
        self, held_out: Sequence[tuple[str, str]], commons: Sequence[Commons], least: int, threshold: float
    ):
        self._commons = commons
        own = [(name, text, self._own(text)) for name, text in held_out]
        kept = [(name, text, marks) for name, text, marks in own if marks.size >= least]
        self.texts = {name: text for name, text, _ in kept}
        self._names = [name for name, _, _ in kept]
        self._index = index_of([marks for _, _, marks in kept], threshold)
        self._exact: dict[str, list[str]] = {}
        for name, text in self.texts.items():
            self._exact.setdefault(normalised(text), []).append(name)

    def best(self, texts: Iterable[str]) -> dict[str, tuple[float, str]]:
        """The held-out texts that stand in any of these: each with the greatest similarity, and with what."""
        found: dict[str, tuple[float, str]] = {}
        for text in texts:
            for name, alike in (*self._near(text), *self._same(text)):
                found[name] = max(found.get(name, (0.0, "")), (alike, text))
        return found

    def _near(self, text: str) -> Iterator[tuple[str, float]]:
        for place, alike in self._index.near(self._own(text)):
            name = self._names[place]
            if not says_other_words(text, self.texts[name]):
                yield name, alike

    def _same(self, text: str) -> Iterator[tuple[str, float]]:
        return ((name, 1.0) for name in self._exact.get(normalised(text), ()))

    def _own(self, text: str) -> Shingles:
        marks = shingles(normalised(text))
        for commons in self._commons:
            marks = commons.own(marks)
        return marks


def says_other_words(one: str, other: str) -> bool:
    """Whether words of one text stand where the other has different ones, more than MOST_SWAPPED of all.

    Words that one of them has in addition are no exchange, nor is a slip in a word's spelling.
    """
    words, others = set(normalised(one).split()), set(normalised(other).split())
    mine, theirs = words - others, others - words
    most = MOST_SWAPPED * min(len(words), len(others))
    if min(len(mine), len(theirs)) <= most or most > _MANY:
        return min(len(mine), len(theirs)) > most
    swapped = [
        sum(not _misspelt(word, theirs) for word in mine),
        sum(not _misspelt(word, mine) for word in theirs),
    ]
    return min(swapped) > most


def _misspelt(word: str, others: set[str]) -> bool:
    return word.isalpha() and bool(get_close_matches(word, others, n=1, cutoff=_SPELLED_ALIKE))
