"""System prompts that control the language, tone and length of the answers, in very many wordings.

A prompt is put together from an identity, rules (each demand is worded one to several times, with
reasons and negations), background that must not change an answer, and examples.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from evalkit.local.corpus.chat import tones
from evalkit.local.corpus.facts import LANGUAGES, all_facts
from evalkit.local.corpus.layout import Section, lay_out
from evalkit.local.corpus.wordings import capital, fill, parts, pick

Book = Mapping[str, tuple[str, ...]]  # wordings by section
_Say = Callable[[Iterable[str]], list[str]]  # fills the slots of wordings

LANGUAGE_NAMES = {
    "en": {"en": "English", "de": "German", "fr": "French", "es": "Spanish"},
    "de": {"en": "Englisch", "de": "Deutsch", "fr": "Französisch", "es": "Spanisch"},
    "fr": {"en": "anglais", "de": "allemand", "fr": "français", "es": "espagnol"},
    "es": {"en": "inglés", "de": "alemán", "fr": "francés", "es": "español"},
}
_OR = {"en": "or", "de": "oder", "fr": "ou", "es": "o"}
_SHORT_KINDS = ("words", "word", "brief", "sentence")


@dataclass(frozen=True, slots=True)
class Length:
    """How long answers may be; `words` is the limit where kind is "words"."""

    kind: Literal["words", "word", "brief", "sentence", "detailed"]
    words: int = 0


@dataclass(frozen=True, slots=True)
class Style:
    """What a system prompt demands; None leaves an attribute as it is without a prompt."""

    language: str | None = None  # "own": the prompt says to use the language of the user
    tone: str | None = None
    length: Length | None = None


def system_prompt(style: Style, shots: Sequence[tuple[str, str]], rng: random.Random) -> str:
    """A prompt that demands `style`, with question and answer pairs `shots` as its examples."""
    written_in = "en" if rng.random() < 0.86 else pick(rng, LANGUAGES[1:])
    book = _book(written_in)
    slots = {**book, **_slots(style, written_in, rng)}
    examples = _examples(slots, shots, rng)
    size = _size(rng) - len(examples.block)

    def say(wordings: Iterable[str]) -> list[str]:
        return [capital(fill(rng, wording, **slots)) for wording in wordings]

    identity = say([pick(rng, book["identity"])] if rng.random() < 0.85 else [])
    rules = say(_rules(style, book, size, rng))
    background = _until(size - sum(map(len, identity + rules)), say, _background(style, book), rng)
    if not identity + rules + background:
        identity = say([pick(rng, book["identity"])])
    return lay_out(rng, [Section("role", tuple(identity)), *_mixed(rules, background, rng), examples])


def _size(rng: random.Random) -> int:
    """The characters aimed at: a token is about 3.5 of them, so 1,000 are about 290 tokens."""
    low, high = pick(rng, ((0, 150), (150, 450), (450, 800), (700, 1000)))
    return rng.randrange(low, high)


@cache
def _book(written_in: str) -> dict[str, tuple[str, ...]]:
    """All wordings in one language by section: "identity", "language.rule", "length.words" ..."""
    files = ("common", written_in) if written_in != "en" else ("common", "background", "woven")
    book: dict[str, tuple[str, ...]] = {}
    for name in files:
        book |= parts(f"chat/prompt/{name}")
    for topic in ("language", "length", "tone") if written_in == "en" else ():
        for name, wordings in parts(f"chat/prompt/{topic}").items():
            book[f"{topic}.{name}"] = wordings
    return book


def _slots(style: Style, written_in: str, rng: random.Random) -> dict[str, tuple[str, ...]]:
    """What the wordings' `{slots}` stand for in this one prompt."""
    names = LANGUAGE_NAMES[written_in]
    others = [names[lang] for lang in LANGUAGES if lang != style.language]
    rng.shuffle(others)
    # the same company, bot and word for its users in the whole prompt
    slots = {name: _one(rng, _book(written_in)[name]) for name in ("user", "place", "name")}
    slots |= {"lang": (names.get(style.language or "", ""),), "other": tuple(others)}
    slots["others"] = tuple(_listed(chosen, written_in) for chosen in (others[:2], others[-2:], others[:3]))
    if style.length:
        slots["n"] = (_number(style.length.words, written_in, rng),)
    if style.tone:
        slots |= {name: tones.words(style.tone)[name] for name in ("adjective", "noun", "manner")}
        slots["an_adjective"] = tuple(f"{'an' if a[0] in 'aeiou' else 'a'} {a}" for a in slots["adjective"])
        slots["wrong"] = tones.words(pick(rng, tones.others(style.tone)))["adjective"]
    return slots


def _one(rng: random.Random, wordings: tuple[str, ...]) -> tuple[str, ...]:
    """One of the wordings, as the only one that the slot may take."""
    return (pick(rng, wordings),)


def _listed(names: list[str], written_in: str) -> str:
    """The names as one would say them: "English, French or Spanish"."""
    return f"{', '.join(names[:-1])} {_OR[written_in]} {names[-1]}"


def _number(n: int, written_in: str, rng: random.Random) -> str:
    spelled = [fact.subject[written_in] for fact in all_facts() if fact.relation == "number_after"]
    return spelled[n - 1] if 0 < n <= len(spelled) and rng.random() < 0.6 else str(n)


def _until(room: int, say: _Say, wordings: Iterable[str], rng: random.Random) -> list[str]:
    """Different wordings in random order until they fill `room` characters."""
    pool = list(wordings)
    rng.shuffle(pool)
    said: list[str] = []
    while pool and room > 0:
        said += say([pool.pop()])
        room -= len(said[-1])
    return said


def _background(style: Style, book: Book) -> Iterable[str]:
    """The wordings that change nothing under this style."""
    helpful = {
        "kind": style.tone not in ("sarcastic", "grumpy"),
        "compact": style.tone or (style.length and style.length.kind in _SHORT_KINDS),
        "ordinary": style.length is None,
        "free": style.length is None,
        "calm": style.tone is None,
        "places": style.language in (None, "own"),
        "numbers": True,
    }
    yield from book["any"]
    for name, harmless in helpful.items():
        if harmless:
            yield from book.get(name, ())


def _rules(style: Style, book: Book, size: int, rng: random.Random) -> list[str]:
    """Each demand in one wording at least, and in more where the prompt is long."""
    more = min(4, max(0, size // 150))
    rules: list[str] = []
    if style.language == "own":
        rules += _some(rng, book["language.own"], 1 + more // 2)
    elif style.language:
        rules += _core("language", "rule", book, more, rng)
        rules += _some(rng, (*book["language.never"], *book["language.reason"]), more, least=0)
    if style.tone:
        rules += _tone_rules(style.tone, book, more, rng)
    if style.length:
        rules += _core("length", style.length.kind, book, more, rng)
        if style.length.kind in ("words", "word", "brief") and not style.tone:
            rules += _some(rng, book["length.again"], more // 2, least=0)
    return rules


def _core(topic: str, kind: str, book: Book, more: int, rng: random.Random) -> list[str]:
    """What makes the demand understood by itself: plain rules, woven sentences, or a little story."""
    stated = _some(rng, book[f"{topic}.{kind}"], 1 + more // 2)
    if f"{topic}.woven" not in book or kind not in ("rule", "words"):
        return stated
    woven = _some(rng, book[f"{topic}.woven"], 1 + more // 2)
    chosen = rng.random()
    if chosen < 0.3:
        return stated
    if chosen < 0.65:
        return woven
    if chosen < 0.8 and more > 1:
        return [pick(rng, book[f"{topic}.story"])]
    return stated[:1] + woven[:1]


def _tone_rules(tone: str, book: Book, more: int, rng: random.Random) -> list[str]:
    if f"tone.{tone}" in book:  # a prompt that is not in English
        return _some(rng, book[f"tone.{tone}"], 2)
    described = tones.words(tone)["must"]
    if rng.random() < 0.15:  # the manner is described, never named
        return _some(rng, described, 2 + more, least=2)
    extra = (*described, *book["tone.shape"], *_some(rng, book["tone.against"], 1))
    return _core("tone", "rule", book, more, rng) + _some(rng, extra, more, least=0)


def _some(rng: random.Random, wordings: tuple[str, ...], most: int, least: int = 1) -> list[str]:
    """Between `least` and `most` different wordings."""
    most = max(least, min(most, len(wordings)))
    return rng.sample(wordings, rng.randint(least, most))


def _examples(slots: Book, shots: Sequence[tuple[str, str]], rng: random.Random) -> Section:
    """A few-shot block in one of many layouts; empty without `shots`."""
    if not shots:
        return Section("examples")
    layout = pick(rng, parts("chat/prompt/layouts")["shot"]).replace("⏎", "\n")
    pairs = ({"q": asked, "a": answer, "name": slots["name"]} for asked, answer in shots)
    block = "\n".join(fill(rng, layout, **pair) for pair in pairs)
    intro = (pick(rng, slots["examples"]),) if rng.random() < 0.7 else ()
    return Section("examples", intro, block.rstrip())


def _mixed(rules: list[str], background: list[str], rng: random.Random) -> list[Section]:
    """Rules first, rules last, or both in one."""
    order = rng.random()
    if order < 0.4:
        return [Section("rules", tuple(rules)), Section("background", tuple(background))]
    if order < 0.6:
        return [Section("background", tuple(background)), Section("rules", tuple(rules))]
    together = rules + background
    rng.shuffle(together)
    return [Section("rules", tuple(together))]


def demand(style: Style, rng: random.Random) -> str:
    """One English sentence for each thing that `style` demands, as a user may put before a question."""
    book = _book("en")
    slots = {**book, **_slots(style, "en", rng)}
    return " ".join(capital(fill(rng, rule, **slots)) for rule in _rules(style, book, 0, rng))
