"""How the sections of a long system prompt are set on the page: prose, paragraphs, headings, lists."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from evalkit.local.corpus.wordings import grouped

_BULLETS = ("- ", "- ", "* ", "• ")


@dataclass(frozen=True, slots=True)
class Section:
    """Sentences that belong together, and lines (bullets, examples, a skeleton) that follow them.

    `role` is a kind of heading in wordings/extract/headings.txt.
    """

    role: str
    sentences: tuple[str, ...] = ()
    block: str = ""


def lay_out(rng: random.Random, sections: Sequence[Section]) -> str:
    """One text of all sections that are not empty, in their order."""
    filled = [section for section in sections if section.sentences or section.block]
    style = rng.choices((_prose, _paragraphs, _headed, _listed), (40, 30, 20, 10))[0]
    return style(rng, filled)


def listed(rng: random.Random, names: Sequence[str], last: str = "and") -> str:
    """`billing, shipping and account`, with or without quotes and the `last` word."""
    quote = rng.choice(("", "", "", '"', '"', "'", "`"))
    quoted = [f"{quote}{name}{quote}" for name in names]
    if len(quoted) == 1 or rng.random() < 0.5:
        return ", ".join(quoted)
    return ", ".join(quoted[:-1]) + rng.choice((f" {last} ", f" {last} ", f", {last} ")) + quoted[-1]


def described(rng: random.Random, told: Sequence[tuple[str, str]]) -> str:
    """Names with their descriptions, a line each; a name without one stands alone."""
    bullet = rng.choice(("- ", "- ", "- ", "* ", "", "", "• "))
    quote = rng.choice(("", "", "", '"', "`", "**"))
    colon = rng.choice((": ", ": ", " - ", " = "))
    end = rng.choice(("", "", ".", ";"))
    return "\n".join(
        f"{bullet}{quote}{name}{quote}" + (f"{colon}{text}{end}" if text else "") for name, text in told
    )


def _body(section: Section, sentences: str) -> str:
    return "\n".join(part for part in (sentences, section.block) if part)


def _prose(_: random.Random, sections: Sequence[Section]) -> str:
    """One running text; only blocks have lines of their own."""
    paragraphs: list[str] = []
    running: list[str] = []
    for section in sections:
        running += section.sentences
        if section.block:
            paragraphs += [" ".join(running), section.block] if running else [section.block]
            running = []
    return "\n".join([*paragraphs, " ".join(running)]).strip()


def _paragraphs(rng: random.Random, sections: Sequence[Section]) -> str:
    gap = rng.choice(("\n", "\n\n"))
    return gap.join(_body(section, " ".join(section.sentences)) for section in sections)


def _headed(rng: random.Random, sections: Sequence[Section]) -> str:
    """A heading over each section, rules perhaps as a list."""
    head = rng.choice(_HEADINGS)
    items = _items(rng)
    parts = []
    for section in sections:
        as_list = section.role == "rules" and len(section.sentences) > 1 and rng.random() < 0.6
        body = _body(section, items(section.sentences) if as_list else " ".join(section.sentences))
        parts.append(head(rng.choice(grouped("extract/headings")[section.role]), body))
    return rng.choice(("\n", "\n\n")).join(parts)


def _listed(rng: random.Random, sections: Sequence[Section]) -> str:
    """Every sentence is an item of one list; blocks stand between."""
    items = _items(rng)
    return "\n".join(_body(section, items(section.sentences)) for section in sections)


def _items(rng: random.Random) -> Callable[[Sequence[str]], str]:
    if rng.random() < 0.3:
        numbers = count(1)
        return lambda lines: "\n".join(f"{next(numbers)}. {line}" for line in lines)
    bullet = rng.choice(_BULLETS)
    return lambda lines: "\n".join(bullet + line for line in lines)


_HEADINGS: tuple[Callable[[str, str], str], ...] = (
    lambda title, body: f"# {title}\n{body}",
    lambda title, body: f"## {title}\n{body}",
    lambda title, body: f"### {title}\n{body}",
    lambda title, body: f"{title.upper()}\n{body}",
    lambda title, body: f"{title}:\n{body}",
    lambda title, body: f"{title}: {body}" if "\n" not in body else f"{title}:\n{body}",
    lambda title, body: f"**{title}**\n{body}",
    lambda title, body: f"<{title.lower().replace(' ', '_')}>\n{body}\n</{title.lower().replace(' ', '_')}>",
)
