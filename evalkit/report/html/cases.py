"""Cases as the page's script reads them: an index of all, and chunks with the texts, each compressed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalkit.report.html.packing import Packing, encoded, packed
from evalkit.report.html.records import Seen, SeenVerdict

CHUNK = 64
"""Cases that are compressed together: a page unpacks so many to show one."""

LONGEST_TEXT = 20_000
"""Characters of an answer or a message that the page holds; records.jsonl has all."""

LONGEST_VALUE = 500
"""Characters of a verdict's value, written as JSON."""

SNIPPET = 140
"""Characters of a question in the list."""

SYSTEMS_KEPT = 200
"""Different system messages that are told apart by number; further ones stand with their answer."""

PASSED, FAILED, MIXED, UNKNOWN, ERROR, NOT_ASKED = "pfmue-"
"""A check's outcome over the repeats of a variant, one letter each."""

Json = dict[str, Any]


@dataclass(slots=True)
class Explorer:
    """The cases, chunk by chunk, and the index that comes of them.

    Attributes:
        variants: names, in the order of the tables.
        roles: candidate and baseline, by suite.
        tags: by suite and case.
    """

    variants: Sequence[str]
    roles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    tags: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    _suites: dict[str, dict[str, int]] = field(default_factory=dict)
    _systems: dict[str, int] = field(default_factory=dict)
    _rows: Packing = field(default_factory=lambda: Packing(b'{"cases":['))

    def chunks(self, cases: Iterable[list[Seen]]) -> Iterator[str]:
        """Base64 of deflated JSON, CHUNK cases each; the index is complete when all were taken."""
        waiting: list[Json] = []
        for records in cases:
            known = [seen for seen in records if seen.variant in self.variants]
            if not known:  # a variant's first record, written since the figures were worked out
                continue
            waiting.append(self._case(known))
            if len(waiting) == CHUNK:
                yield packed(encoded(waiting))
                waiting = []
        if waiting:
            yield packed(encoded(waiting))

    def index(self) -> str:
        """What the list and the filters need of every case, packed as the chunks are."""
        rest = {
            "variants": list(self.variants),
            "suites": [self._suite(name) for name in self._suites],
            "systems": list(self._systems),
            "chunk": CHUNK,
        }
        return self._rows.end(b"]," + encoded(rest)[1:])

    def _suite(self, name: str) -> Json:
        """Roles are numbers of variants, -1 where nobody has one."""
        candidate, baseline = (self._place(role) for role in self.roles.get(name, ("", "")))
        return {
            "name": name,
            "checks": list(self._suites[name]),
            "candidate": candidate,
            "baseline": baseline,
        }

    def _case(self, records: list[Seen]) -> Json:
        """One case's texts; its row of the index is kept."""
        first = records[0]
        checks = self._suites.setdefault(first.suite, {})
        number = list(self._suites).index(first.suite)
        own = list(dict.fromkeys(verdict.check for seen in records for verdict in seen.verdicts))
        for name in own:
            checks.setdefault(name, len(checks))
        talk = _talk(first)
        cells = [_outcomes([seen for seen in records if seen.variant == name], own) for name in self.variants]
        tags = self.tags.get(first.suite, {}).get(first.case, ())
        row = [number, first.case, _snippet(talk), [checks[name] for name in own], cells, list(tags)]
        self._rows.add(row)
        answers = sorted(records, key=lambda seen: (self._place(seen.variant), seen.repeat))
        return {"talk": talk, "answers": [self._answer(seen, talk, checks) for seen in answers]}

    def _place(self, variant: str) -> int:
        return self.variants.index(variant) if variant in self.variants else -1

    def _answer(self, seen: Seen, talk: list[list[str]], checks: Mapping[str, int]) -> Json:
        """What is unknown or as usual is left out."""
        own = _talk(seen)
        found = {
            "variant": self._place(seen.variant),
            "repeat": seen.repeat,
            "system": self._system(seen),
            "talk": own if own != talk else None,
            "error": _cut(f"{seen.error.type}: {seen.error.message}") if seen.error else None,
            "ms": None if seen.latency_ms is None else round(seen.latency_ms, 0),
            "usd": seen.cost_usd,
            "tokens": [seen.usage.prompt_tokens, seen.usage.completion_tokens] if seen.usage else None,
            "cached": seen.cached or None,
            "verdicts": [_verdict(verdict, checks) for verdict in seen.verdicts],
            **_response(seen),
        }
        return {name: value for name, value in found.items() if value is not None}

    def _system(self, seen: Seen) -> int | str | None:
        """The number of a system message that several share, or the message."""
        text = "\n\n".join(said for role, said in _messages(seen) if role in ("system", "developer"))
        if text and text not in self._systems and len(self._systems) == SYSTEMS_KEPT:
            return text
        return self._systems.setdefault(text, len(self._systems)) if text else None


def _response(seen: Seen) -> Json:
    found = seen.response
    if found is None:
        return {}
    calls = [_cut(_compact(call)) for call in found.tool_calls or ()]
    return {
        "text": None if found.text is None else _cut(found.text),
        "calls": calls or None,
        "refusal": _cut(found.refusal) if found.refusal else None,
        "reasoning": _cut(found.reasoning) if found.reasoning else None,
        "finish": found.finish_reason,
    }


def _verdict(verdict: SeenVerdict, checks: Mapping[str, int]) -> list[Any]:
    value = "" if verdict.value is None else _cut(_compact(verdict.value), LONGEST_VALUE)
    reason = _cut(verdict.reason)
    return [checks[verdict.check], verdict.kind, verdict.passed, verdict.score, value, reason]


def _outcomes(records: list[Seen], checks: list[str]) -> str:
    """A letter for the whole, then one for each check."""
    found: list[set[str]] = [set() for _ in range(len(checks) + 1)]
    for seen in records:
        found[0].add(ERROR if seen.error or seen.response is None else _letter(seen.passed))
        for verdict in seen.verdicts:
            found[1 + checks.index(verdict.check)].add(_letter(verdict.passed))
    return "".join(map(_over_repeats, found))


def _letter(passed: bool | None) -> str:
    return UNKNOWN if passed is None else PASSED if passed else FAILED


def _over_repeats(letters: set[str]) -> str:
    """The one that weighs most; passed once and failed once is mixed."""
    if {PASSED, FAILED} <= letters:
        return MIXED
    return next((letter for letter in (FAILED, ERROR, UNKNOWN, PASSED) if letter in letters), NOT_ASKED)


def _talk(seen: Seen) -> list[list[str]]:
    """The conversation, as (role, text), without system messages: those belong to a variant."""
    return [[role, said] for role, said in _messages(seen) if role not in ("system", "developer")]


def _messages(seen: Seen) -> Iterator[tuple[str, str]]:
    if seen.request.prompt is not None:
        yield "prompt", _cut(_text(seen.request.prompt))
    for message in seen.request.messages:
        said = _text(message.get("content"))
        calls = message.get("tool_calls")
        yield str(message.get("role", "")), _cut(said + (_compact(calls) if calls else ""))


def _text(content: Any) -> str:
    """Plain text, or the text of its parts; what is no text is shown as JSON."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = content if isinstance(content, list) else [content]
    return "\n".join(
        part["text"] if isinstance(part, dict) and isinstance(part.get("text"), str) else _compact(part)
        for part in parts
    )


def _snippet(talk: list[list[str]]) -> str:
    """The last thing that a user said."""
    said = [text for role, text in talk if role in ("user", "prompt")] or [text for _, text in talk]
    return _cut_short(" ".join(said[-1][: 4 * SNIPPET].split())) if said else ""


def _cut_short(text: str) -> str:
    return text if len(text) <= SNIPPET else f"{text[:SNIPPET]}…"


def _cut(text: str, longest: int = LONGEST_TEXT) -> str:
    left = len(text) - longest
    return text if left <= 0 else f"{text[:longest]}… [{left:,} more characters in records.jsonl]"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
