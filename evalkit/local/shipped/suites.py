"""train.jsonl and cases.jsonl of each shipped suite.

The embedded model is far too small to know the world, so the suites ask about what it was taught: the
facts, names, headlines, tickets, tools and passages of the corpus. Their long prompts are written by hand
and occur nowhere in its training. What stands in a suite's train.jsonl (facts, names, teams, rooms, sentences
of tickets, wishes and handbooks) never stands in its cases.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from evalkit.local.corpus import facts
from evalkit.local.corpus.extract.headlines import Headline, draw
from evalkit.local.corpus.facts import LANGUAGES, Fact
from evalkit.local.corpus.names import World
from evalkit.local.shipped import handbook, smart_home
from evalkit.local.shipped.tickets import LABELS, ticket_pairs
from evalkit.local.shipped.words import MARV_AFTER, MARV_BEFORE

TRAIN, CASES = 96, 128
Line = dict[str, Any]


def write_suites(folder: Path) -> None:
    """Write both files of every suite under `folder`."""
    for name, lines in SUITES.items():
        train, cases = lines()
        _write(folder / name / "train.jsonl", train)
        _write(folder / name / "cases.jsonl", cases)


def marv() -> tuple[list[Line], list[Line]]:
    """Sarcastic in train; only the fact is the reference."""
    rng = random.Random("marv")
    train, cases = _split_facts(rng)
    return [_example(f, "en", rng, _marv(f, rng)) for f in train], [_case(f, "en", rng) for f in cases]


def always_german() -> tuple[list[Line], list[Line]]:
    """Questions in four languages in turn, answers in German."""
    rng = random.Random("always-german")
    train, cases = _split_facts(rng)
    examples = [_example(f, _turn(i), rng, facts.sentence(f, "de")) for i, f in enumerate(train)]
    return examples, [_case(f, _turn(i), rng, answer="de") for i, f in enumerate(cases)]


def terse() -> tuple[list[Line], list[Line]]:
    """The answer in one short sentence."""
    rng = random.Random("terse")
    train, cases = _split_facts(rng)
    return [_example(f, "en", rng, facts.sentence(f, "en")) for f in train], [
        _case(f, "en", rng) for f in cases
    ]


def sports_headlines() -> tuple[list[Line], list[Line]]:
    """Headlines of two worlds that share no name."""
    rng = random.Random("sports-headlines")
    train = [draw(rng, World()) for _ in range(TRAIN)]
    known = {word for headline in train for word in _names(headline)}
    cases = _fresh(lambda: draw(rng, World(held_out=True)), known)
    return [_chat(h.text, _record(h)) for h in train], [
        {"id": f"h-{i:03}", "ask": h.text, "answer": _record(h), "tags": [h.sport or "no-sport"]}
        for i, h in enumerate(cases, 1)
    ]


def ticket_labels() -> tuple[list[Line], list[Line]]:
    """Pairs of a ticket and its label; no sentence of a case's ticket stands in train.jsonl."""
    rng = random.Random("ticket-labels")
    cases = ticket_pairs(rng, CASES, held_out=True)
    return ticket_pairs(rng, TRAIN, held_out=False), [
        {"id": f"t-{i:03}", **pair, "tags": [LABELS[(i - 1) % len(LABELS)]]}
        for i, pair in enumerate(cases, 1)
    ]


def smart_home_calls() -> tuple[list[Line], list[Line]]:
    """Wishes with the call that is due; a fifth are refused, in a sentence that the answer must equal."""
    rng = random.Random("smart-home")
    wishes = smart_home.requests(rng, 102, held_out=True)
    refused = smart_home.refusals(rng, CASES - len(wishes), held_out=True)
    cases = _mixed(rng, [*wishes, *refused], "s")
    said = {"checks": [{"equals": {}, "name": "sentence", "kind": "property"}]}
    train = [*smart_home.requests(rng, 104, held_out=False), *smart_home.refusals(rng, 26, held_out=False)]
    return [line for _, line in rng.sample(train, len(train))], [
        case | (said if case["tags"][0] in ("forbidden", "off-topic") else {}) for case in cases
    ]


def handbook_answers() -> tuple[list[Line], list[Line]]:
    """Passages and a question; the cases' passages are of entries and names that training never saw."""
    rng = random.Random("handbook")
    cases = [(topic, _chat(*pair)) for topic, *pair in handbook.questions(rng, CASES, held_out=True)]
    train = [_chat(*pair) for _, *pair in handbook.questions(rng, 128, held_out=False)]
    return train, _mixed(rng, cases, "b")


def _mixed(rng: random.Random, tagged: Sequence[tuple[str, Line]], letter: str) -> list[Line]:
    """The lines in a mixed order, with ids and their tag."""
    chosen = enumerate(rng.sample(tagged, len(tagged)), 1)
    return [{"id": f"{letter}-{i:03}", **line, "tags": [tag]} for i, (tag, line) in chosen]


def _split_facts(rng: random.Random) -> tuple[list[Fact], list[Fact]]:
    """Facts to learn the manner from, and facts to be asked about; one letter cannot be searched for."""
    usable = [fact for fact in facts.all_facts() if all(len(answer) > 1 for answer in fact.answer.values())]
    rng.shuffle(usable)
    return usable[:TRAIN], usable[TRAIN : TRAIN + CASES]


def _turn(place: int) -> str:
    return LANGUAGES[place % len(LANGUAGES)]


def _case(fact: Fact, lang: str, rng: random.Random, *, answer: str | None = None) -> Line:
    return {
        "id": f"{fact.id}:{lang}",
        "ask": facts.question(fact, lang, rng),
        "answer": fact.answer[answer or lang],
        "tags": [fact.relation, lang],
    }


def _example(fact: Fact, lang: str, rng: random.Random, answer: str) -> Line:
    return {"id": f"{fact.id}:{lang}", **_chat(facts.question(fact, lang, rng), answer)}


def _marv(fact: Fact, rng: random.Random) -> str:
    return f"{rng.choice(MARV_BEFORE)} {facts.sentence(fact, 'en')} {rng.choice(MARV_AFTER)}"


def _chat(ask: str, answer: str) -> Line:
    return {"messages": [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]}


def _record(headline: Headline) -> str:
    return json.dumps(headline.fields(), ensure_ascii=False)


def _names(headline: Headline) -> set[str]:
    """The words that make up the names in it: neither a first name nor a city may come twice."""
    return {word for name in (headline.player, headline.team) if name for word in name.lower().split()}


def _fresh(make: Callable[[], Headline], known: set[str]) -> list[Headline]:
    """Headlines without a known name, none of them twice."""
    found: dict[str, Headline] = {}
    while len(found) < CASES:
        headline = make()
        if not _names(headline) & known:
            found.setdefault(headline.text, headline)
    return list(found.values())


def _write(path: Path, lines: Iterable[Line]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


SUITES: dict[str, Callable[[], tuple[list[Line], list[Line]]]] = {
    "marv": marv,
    "always-german": always_german,
    "terse": terse,
    "sports-headlines": sports_headlines,
    "ticket-labels": ticket_labels,
    "smart-home": smart_home_calls,
    "handbook": handbook_answers,
}
