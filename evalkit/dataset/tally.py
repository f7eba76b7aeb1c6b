"""What is counted while a training file is read: of a part of it first, then of all parts together."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from evalkit.dataset.counting import Figures
from evalkit.dataset.finding import Finding
from evalkit.dataset.rules import Form


@dataclass(slots=True)
class Log:
    """Findings, of which there may be millions: all are counted, the first `keep` of each rule are kept."""

    keep: int
    counts: Counter[str] = field(default_factory=Counter)
    kept: defaultdict[str, list[Finding]] = field(default_factory=lambda: defaultdict(list))

    def add(self, finding: Finding) -> None:
        """Count one, which stands behind those that came before."""
        self.counts[finding.rule] += 1
        if self.counts[finding.rule] <= self.keep:
            self.kept[finding.rule].append(finding)

    def extend(self, later: Log) -> None:
        """Take over those of a later part of the file."""
        for rule, findings in later.kept.items():
            self.kept[rule] += findings[: max(0, self.keep - len(self.kept[rule]))]
        self.counts += later.counts


@dataclass(slots=True)
class Sizes:
    """How the examples are spread over sizes: value -> how many have it."""

    messages: Counter[int] = field(default_factory=Counter)
    tokens: Counter[int] = field(default_factory=Counter)
    assistant: Counter[int] = field(default_factory=Counter)
    answers: int = 0
    system: int = 0
    tools: int = 0

    def add(self, figures: Figures) -> None:
        """Count one example."""
        if figures.messages is not None:
            self.messages[figures.messages] += 1
        self.tokens[figures.tokens] += 1
        self.assistant[figures.assistant] += 1
        self.answers += figures.answer
        self.system += figures.system
        self.tools += figures.tools

    def extend(self, later: Sizes) -> None:
        """Add those of another part of the file."""
        for mine, its in (
            (self.messages, later.messages),
            (self.tokens, later.tokens),
            (self.assistant, later.assistant),
        ):
            mine.update(its)
        self.answers += later.answers
        self.system += later.system
        self.tools += later.tools


@dataclass(slots=True)
class Tally:
    """A part of a training file, counted.

    Attributes:
        lines: all lines; `examples`: those that are not blank.
        first: the first example, if it could be read.
        forms: how many examples have which form; `form_lines`: the line of the first of each.
        without_system, without_user: chats that have no such message.
        script_errors: the script's own counts.
        script_stop: the first line at which the script would end, and why.
        digests, digest_lines: a hash of each example's content, and its line: 12 bytes an example.
    """

    log: Log
    lines: int = 0
    examples: int = 0
    first: Any = None
    forms: Counter[Form] = field(default_factory=Counter)
    form_lines: dict[Form, int] = field(default_factory=dict)
    without_system: int = 0
    without_user: int = 0
    script_errors: Counter[str] = field(default_factory=Counter)
    script_stop: tuple[int, str] | None = None
    sizes: Sizes = field(default_factory=Sizes)
    digests: array[int] = field(default_factory=lambda: array("Q"))
    digest_lines: array[int] = field(default_factory=lambda: array("I"))

    def stop(self, line: int, why: str) -> None:
        """Note that the script would end at a line, unless it ended before."""
        self.script_stop = self.script_stop or (line, why)

    def add_form(self, form: Form, line: int) -> None:
        """Count an example of a form."""
        self.forms[form] += 1
        self.form_lines.setdefault(form, line)

    def extend(self, later: Tally) -> None:
        """Take over a later part of the file."""
        self.first = self.first if self.examples else later.first
        self.log.extend(later.log)
        self.lines += later.lines
        self.examples += later.examples
        self.forms.update(later.forms)
        self.form_lines = later.form_lines | self.form_lines
        self.without_system += later.without_system
        self.without_user += later.without_user
        self.script_errors.update(later.script_errors)
        self.script_stop = self.script_stop or later.script_stop
        self.sizes.extend(later.sizes)
        self.digests.extend(later.digests)
        self.digest_lines.extend(later.digest_lines)
