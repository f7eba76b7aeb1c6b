"""Episodes of classification: one instruction with labels of its own choosing, several texts to label."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from evalkit.local.corpus.episode import Episode, Turn
from evalkit.local.corpus.labels.tickets import TICKETS, families, labelled_text, ticket, topics, values
from evalkit.local.corpus.layout import Section, described, lay_out, listed
from evalkit.local.corpus.names import World
from evalkit.local.corpus.wordings import fill, grouped, lines, rows, say

Slots = dict[str, object]

_OTHER = "other"
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
_TURNS = 14, 24  # labels are short: many texts under one instruction make it worth its reading
# Longest instruction in characters, about 380 tokens.
_LONGEST = 1400


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels on offer: {topic: (name, description)}; opaque names say nothing without descriptions."""

    family: str
    names: Mapping[str, tuple[str, str]]
    opaque: bool

    def case(self, rng: random.Random) -> tuple[str, str]:
        """A text and its label."""
        topic = rng.choice(tuple(self.names))
        drawn = topic
        if topic == _OTHER:
            drawn = rng.choice([topic for topic in topics(self.family) if topic not in self.names])
        return labelled_text(rng, self.family, drawn), self.names[topic][0]


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands before a text, and between it and its label."""

    before: str
    after: str

    def ask(self, text: str) -> str:
        """The text, ready to be followed by its label."""
        return self.before + text + self.after


def label_episode(rng: random.Random) -> Episode:
    """An episode about labelling texts; without any instruction, they are answered or merely continued."""
    kind = rng.random()
    if kind < 0.12:
        return _continued(rng)
    if kind < 0.16:
        return _replied(rng)
    if kind < 0.36:
        return _under(lambda _: say(rng, "labels/topic_tasks"), _every_topic(rng), rng)
    labels = _labels(rng)
    return _under(lambda frame: _instruction(rng, labels, frame), labels, rng)


def _continued(rng: random.Random) -> Episode:
    """Without an instruction, a ticket goes on in the customer's words, whatever separator follows it."""
    frame = _frame(rng) if rng.random() < 0.6 else Frame("", "")
    return Episode("", tuple(_continuation(rng, frame) for _ in range(rng.randint(6, 9))), "text")


def _continuation(rng: random.Random, frame: Frame) -> Turn:
    text = ticket(rng, rng.choice(topics()))
    return Turn(frame.ask(text), " " + say(rng, "labels/continuations", **values(rng, World())))


def _replied(rng: random.Random) -> Episode:
    turns = rng.randint(5, 8)
    return Episode(
        "", tuple(Turn(ticket(rng, rng.choice(topics())), say(rng, "labels/replies")) for _ in range(turns))
    )


def _under(instruct: Callable[[Frame], str], labels: Labels, rng: random.Random) -> Episode:
    """Texts with their labels under an instruction, as one plain text or as a chat."""
    frame = _frame(rng)
    instruction = instruct(frame)
    cases = [labels.case(rng) for _ in range(rng.randint(*_TURNS))]
    if rng.random() < 0.52:
        turns = tuple(Turn(frame.ask(text), f" {label}") for text, label in cases)
        return Episode(instruction + rng.choice(("\n", "\n\n", "\n\n")), turns, "text")
    ask = rng.choice((frame.ask, str, str, str))  # most users send the bare text
    return Episode(instruction, tuple(Turn(ask(text), label) for text, label in cases))


def _every_topic(rng: random.Random) -> Labels:
    """All topics of a family under their plainest names: to tell them apart comes before choosing words."""
    family = TICKETS if rng.random() < 0.7 else rng.choice(families()[1:])
    named = {topic: _names_and_descriptions(family, topic)[0][0] for topic in topics(family)}
    return Labels(family, {topic: (name, "") for topic, name in named.items()}, False)


def _frame(rng: random.Random) -> Frame:
    before, after = rng.choice(rows("labels/separators"))
    return Frame(before.replace("\\n", "\n"), after.replace("\\n", "\n"))


def _labels(rng: random.Random) -> Labels:
    family = TICKETS if rng.random() < 0.7 else rng.choice(families()[1:])
    every = topics(family)
    chosen = rng.sample(every, min(rng.randint(3, 7), len(every)))
    if rng.random() < 0.1:
        codes = rng.choice(lines("labels/opaque")).split()
        return Labels(
            family,
            {
                topic: (code, _description(rng, family, topic))
                for topic, code in zip(chosen, codes, strict=False)
            },
            True,
        )
    names = {topic: (_name(rng, family, topic), _description(rng, family, topic)) for topic in chosen}
    if family == TICKETS and rng.random() < 0.2:
        names[_OTHER] = say(rng, "labels/names_other"), say(rng, "labels/other_descriptions")
    if len({name for name, _ in names.values()}) < len(names):
        return _labels(rng)
    case = rng.choice((str, str, str, str, str, str, str.upper, str.capitalize))
    return Labels(
        family, {topic: (case(name), description) for topic, (name, description) in names.items()}, False
    )


@cache
def _names_and_descriptions(family: str, topic: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names, descriptions = next(row[1:] for row in rows("labels/names") if row[0] == f"{family}.{topic}")
    return tuple(names.split("; ")), tuple(descriptions.split("; "))


def _name(rng: random.Random, family: str, topic: str) -> str:
    names, _ = _names_and_descriptions(family, topic)
    return names[0] if rng.random() < 0.45 else rng.choice(names)


def _description(rng: random.Random, family: str, topic: str) -> str:
    _, descriptions = _names_and_descriptions(family, topic)
    return fill(rng, rng.choice(descriptions))


def _instruction(rng: random.Random, labels: Labels, frame: Frame) -> str:
    """An instruction of any length that names the labels; now and then only examples."""
    while True:
        only_examples = rng.random() < 0.06 and not labels.opaque
        text = _block(rng, labels, frame, every=True) if only_examples else _worded(rng, labels, frame)
        if len(text) <= _LONGEST:
            return text


def _worded(rng: random.Random, labels: Labels, frame: Frame) -> str:
    size = rng.choices((0, 1, 2), (16, 27, 57))[0]
    slots = _slots(rng, labels)
    sections = [
        Section("role", _several(rng, "personas", int(rng.random() < (0.2, 0.5, 0.7)[size]), slots)),
        Section("task", _several(rng, "tasks", int(rng.random() < (0.6, 0.85, 0.9)[size]), slots)),
        _offer(rng, size, slots, labels),
        _rules(rng, size, slots),
        Section("background", _several(rng, "background", rng.randint(0, (0, 2, 6)[size]), slots)),
        _examples(rng, size, labels, frame),
    ]
    if rng.random() < 0.2:
        rng.shuffle(sections)
    elif rng.random() < 0.4:
        sections.insert(rng.choice((0, 1)), sections.pop(4))
    return lay_out(rng, sections)


def _slots(rng: random.Random, labels: Labels) -> Slots:
    aspects, nouns = rng.choice([row[1:] for row in rows("labels/nouns") if row[0] == labels.family])
    thing = fill(rng, rng.choice(grouped("labels/things")[labels.family]))
    noun = rng.choice(nouns.split("; "))
    singular = thing.replace("*", "")
    return {
        "thing": singular,
        "things": thing.replace("*", "s"),
        "a_thing": ("an " if singular[0] in "aeiou" else "a ") + singular,
        "aspect": rng.choice(aspects.split("; ")),
        "label": noun.replace("*", ""),
        "kinds": noun.replace("*", "s") if "*" in noun else noun + "es",
        "count": _NUMBERS[len(labels.names)],
        "labels": listed(rng, _shuffled(rng, [name for name, _ in labels.names.values()]), "or"),
        "name": World().first(rng)[0],
        "year": rng.randint(1950, 2024),
    }


def _shuffled(rng: random.Random, names: Sequence[str]) -> Sequence[str]:
    return rng.sample(names, len(names))


def _several(rng: random.Random, name: str, count: int, slots: Slots) -> tuple[str, ...]:
    return tuple(fill(rng, line, **slots) for line in rng.sample(lines(f"labels/{name}"), count))


def _offer(rng: random.Random, size: int, slots: Slots, labels: Labels) -> Section:
    """The labels: within a sentence, or line by line with or without descriptions."""
    if not labels.opaque and rng.random() < (0.8, 0.5, 0.35)[size]:
        return Section("output", (say(rng, "labels/format_inline", **slots),))
    bare = not labels.opaque and rng.random() < 0.25
    told = [(name, "" if bare else description) for name, description in labels.names.values()]
    return Section(
        "labels", (say(rng, "labels/format_block", **slots),), described(rng, rng.sample(told, len(told)))
    )


def _rules(rng: random.Random, size: int, slots: Slots) -> Section:
    sentences = [
        *_several(rng, "only", rng.randint(0, (1, 2, 4)[size]), slots),
        *_several(rng, "rules", rng.randint(0, (0, 1, 4)[size]), slots),
    ]
    rng.shuffle(sentences)
    return Section("rules", tuple(sentences))


def _examples(rng: random.Random, size: int, labels: Labels, frame: Frame) -> Section:
    if rng.random() > (0.12, 0.35, 0.6)[size]:
        return Section("examples")
    intro = (say(rng, "labels/example_intro"),) if rng.random() < 0.5 else ()
    return Section("examples", intro, _block(rng, labels, frame, every=rng.random() < 0.4))


def _block(rng: random.Random, labels: Labels, frame: Frame, *, every: bool) -> str:
    """Examples in the frame in which the question comes: a few, or one of every label."""
    cases = [labels.case(rng) for _ in range(rng.randint(1, 4))]
    if every:
        drawn = {label: text for text, label in (labels.case(rng) for _ in range(9 * len(labels.names)))}
        cases = [(text, label) for label, text in drawn.items()]
        rng.shuffle(cases)
    gap = rng.choice(("\n", "\n\n", "\n\n"))
    return gap.join(f"{frame.ask(text)} {label}" for text, label in cases)
