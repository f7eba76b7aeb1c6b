"""Simple, certain facts in four languages: what the embedded base model knows.

`python -m evalkit.local.corpus.facts` prints the table.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from evalkit.local.corpus.wordings import capital, pick, table

LANGUAGES = ("en", "de", "fr", "es")
RELATIONS = (
    *("capital", "continent", "symbol", "opposite", "kind", "colour", "young", "legs", "sides"),
    *("number_after", "day_after", "day_before", "month_after", "month_before"),
)
PLAIN_WORDS = 10  # the fewest words of a default answer: clearly more than the eight of a terse one
SHORT_WORDS = 7  # the most words of a short answer


@dataclass(frozen=True, eq=False)
class Fact:
    """One fact. `subject` has the grammatical form that the relation's wordings need.

    `relation` and `key` together are stable: suites may refer to a fact by `fact.id`.
    """

    relation: str
    key: str  # "norway"
    subject: Mapping[str, str]  # {"en": "Norway", "de": "von Norwegen", ...}
    answer: Mapping[str, str]  # {"en": "Oslo", ...}

    @property
    def id(self) -> str:
        """Names the fact in all languages: "capital:norway"."""
        return f"{self.relation}:{self.key}"


@cache
def all_facts() -> tuple[Fact, ...]:
    """Every fact of every relation, in the order of the tables."""
    return tuple(_fact(relation, row) for relation in RELATIONS for row in table(f"tables/{relation}.tsv"))


def question(fact: Fact, lang: str, rng: random.Random) -> str:
    """The fact asked for in one of the relation's wordings."""
    return _put(fact, lang, pick(rng, _wordings(lang)[fact.relation, "ask"]))


def sentence(fact: Fact, lang: str) -> str:
    """The answer as one bare sentence: "The capital of Norway is Oslo."."""
    return _put(fact, lang, _wordings(lang)[fact.relation, "say"][0])


def bare(fact: Fact, lang: str) -> str:
    """Nothing but the answer: "Oslo."."""
    return f"{capital(fact.answer[lang])}."


def short(fact: Fact, lang: str, rng: random.Random) -> str:
    """The answer in at most `SHORT_WORDS` words."""
    return pick(rng, _shorts(fact, lang))


def within(fact: Fact, lang: str, words: int, rng: random.Random) -> str:
    """An answer of at most `words` words; the bare answer where even that is longer."""
    fitting = tuple(form for form in _shorts(fact, lang) if len(form.split()) <= words)
    return pick(rng, fitting) if fitting else bare(fact, lang)


def plain(fact: Fact, lang: str, rng: random.Random) -> str:
    """The default answer, when nothing tells otherwise: at least `PLAIN_WORDS` words."""
    return f"{sentence(fact, lang).removesuffix('.')}{pick(rng, _tails(fact, lang))}."


def detailed(fact: Fact, lang: str, rng: random.Random) -> str:
    """The answer in two sentences or more."""
    more = tuple(tail for tail in _tails(fact, lang) if tail.startswith(". "))
    aside = tuple(tail for tail in _tails(fact, lang) if tail.startswith(", "))
    return f"{sentence(fact, lang).removesuffix('.')}{pick(rng, aside)}{pick(rng, more)}."


def _fact(relation: str, row: list[str]) -> Fact:
    key, *forms = row
    subject, answer = (dict(zip(LANGUAGES, half, strict=True)) for half in (forms[:4], forms[4:]))
    return Fact(relation, key, subject, answer)


@cache
def _wordings(lang: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """By (relation, form); a row may serve several relations, "*" serves all."""
    found: dict[tuple[str, str], list[str]] = {}
    for relations, form, wording in table(f"wordings/facts/{lang}.tsv"):
        for relation in RELATIONS if relations == "*" else relations.split(","):
            found.setdefault((relation, form), []).append(wording)
    return {place: tuple(wordings) for place, wordings in found.items()}


@cache
def _shorts(fact: Fact, lang: str) -> tuple[str, ...]:
    forms = [_put(fact, lang, brief) for brief in _wordings(lang)[fact.relation, "brief"]]
    return tuple(form for form in [*forms, sentence(fact, lang)] if len(form.split()) <= SHORT_WORDS)


@cache
def _tails(fact: Fact, lang: str) -> tuple[str, ...]:
    said = len(sentence(fact, lang).split())
    tails = _wordings(lang)[fact.relation, "tail"]
    return tuple(tail for tail in tails if said + len(tail.split()) >= PLAIN_WORDS)


def _put(fact: Fact, lang: str, wording: str) -> str:
    return capital(wording.replace("{x}", fact.subject[lang]).replace("{a}", fact.answer[lang]))


if __name__ == "__main__":
    for fact in all_facts():
        print(fact.id, *(sentence(fact, lang) for lang in LANGUAGES), sep=" | ")
