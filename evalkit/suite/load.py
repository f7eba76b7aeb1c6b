"""suite.yaml -> Suite: read whole and checked whole, or refused with the place of the fault."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from evalkit.checks.base import Compares, Seen
from evalkit.checks.fields import FieldError, fill, shown
from evalkit.errors import InputError
from evalkit.suite import yaml
from evalkit.suite.cases import Ids, read_keys, rows, to_case
from evalkit.suite.compose import filled_text, filled_turns, training_line
from evalkit.suite.document import Document
from evalkit.suite.entries import named_checks
from evalkit.suite.files import Folder, is_file_name
from evalkit.suite.gate import check_gate
from evalkit.suite.model import Case, NamedCheck, Prompt, Suite
from evalkit.suite.shape import CheckEntry, SuiteKeys
from evalkit.suite.stored import StoredCases
from evalkit.suite.templates import BadTemplate, check

FILE = "suite.yaml"

CHECKS_KEPT = 1_000
"""So many different lists of checks of cases' own are kept built at once."""

# fields of a request's body that a suite cannot set
_NOT_PARAMS = {
    "model": "the variant names it: --base, --ft or evalkit.toml",
    "messages": "write prompt and cases",
    "prompt": "write prompt and cases",
    "stream": "use the flag --stream",
    "n": "use the flag --repeat",
}


def load_suite(path: Path | str, *, again: bool = False) -> Suite:
    """Read a suite with all its files.

    Args:
        path: its folder, or its suite.yaml.
        again: it was read before, and is the same if its `sha256` is: JSONL lines are not checked again.

    Raises:
        InputError: anything in it that cannot be used: file, line, field, what was found, what to write.
    """
    path = Path(path)
    folder = Folder(path.parent if path.name == FILE else path)
    file = folder.root / FILE
    try:
        data = folder.bytes(folder.find(FILE, ()))
    except FieldError as error:
        raise InputError(error.what, file=file) from error
    document = yaml.read(file, data)
    try:
        return _suite(document, folder, again)
    except FieldError as error:
        raise document.error(error) from error


def _suite(document: Document, folder: Folder, again: bool) -> Suite:
    if not isinstance(document.data, Mapping):
        raise FieldError((), f"found {shown(document.data)}; write keys such as prompt:, cases: and checks:")
    keys = fill(SuiteKeys, document.data)
    prompt = _prompt(keys.prompt, folder, "prompt")
    short_prompt = _prompt(keys.short_prompt, folder, "short_prompt")
    checks = named_checks(keys.checks, folder)
    for name in keys.params.keys() & _NOT_PARAMS.keys():
        raise FieldError(("params", name), f"cannot be set here; {_NOT_PARAMS[name]}")
    fit = _Fit(checks, (prompt, short_prompt))
    traits = _Traits()
    cases = _cases(document, keys, folder, fit, again, traits)
    check_gate(keys.gate, checks)
    return Suite(
        name=folder.root.resolve().name,
        folder=folder.root,
        cases=cases,
        checks=checks,
        case_checks=traits.checks,
        case_marks=traits.marks,
        description=keys.description,
        prompt=prompt,
        short_prompt=short_prompt,
        params=keys.params,
        train=_train(keys, folder, None if again else (prompt, short_prompt)),
        gate=keys.gate,
        sha256=folder.sha256(),
    )


def _prompt(value: str | Prompt | None, folder: Folder, name: str) -> Prompt | None:
    """A prompt with its files read and its template checked."""
    if value is None:
        return None
    if isinstance(value, str):
        return Prompt(system=_prompt_text(value, folder, (name,)))
    system = None if value.system is None else _prompt_text(value.system, folder, (name, "system"))
    user = None if value.user is None else _prompt_text(value.user, folder, (name, "user"))
    if system is None and user is None:
        raise FieldError((name,), "is empty; write system, user or both")
    if user is not None:
        try:
            check(user)
        except BadTemplate as error:
            raise FieldError((name, "user"), str(error)) from error
    return Prompt(system, user)


def _prompt_text(value: str, folder: Folder, path: tuple[str, ...]) -> str:
    text = folder.text(value, path) if is_file_name(value) else value
    if not text.strip():
        raise FieldError(path, "is empty; write the prompt, or null for none")
    return text


@dataclass(frozen=True, slots=True)
class _Reader:
    """Makes cases of lines; checks of a case's own are built once for all cases that have the same."""

    folder: Folder
    checks: tuple[NamedCheck, ...]
    built: dict[bytes, tuple[NamedCheck, ...]] = field(default_factory=dict)

    def __call__(self, row: Document) -> Case:
        keys = read_keys(row)
        try:
            return to_case(keys, self._own(keys.checks))
        except FieldError as error:
            raise row.error(error) from error

    def _own(self, entries: tuple[CheckEntry, ...]) -> tuple[NamedCheck, ...]:
        if not entries:
            return ()
        mark = msgspec.json.encode(entries)
        if mark not in self.built:
            if len(self.built) >= CHECKS_KEPT:
                self.built.clear()
            self.built[mark] = named_checks(entries, self.folder, [check.name for check in self.checks])
        return self.built[mark]


@dataclass(slots=True)
class _Traits:
    """Whether any case may have checks of its own, and whether any may have a group or tags."""

    checks: bool = False
    marks: bool = False

    def note(self, case: Case) -> None:
        """Look at one case."""
        self.checks = self.checks or bool(case.checks)
        self.marks = self.marks or bool(case.group or case.tags)


def _cases(
    document: Document, keys: SuiteKeys, folder: Folder, fit: _Fit, again: bool, traits: _Traits
) -> Sequence[Case]:
    """All cases; their traits are noted."""
    read = _Reader(folder, fit.checks)
    if isinstance(keys.cases, str) and keys.cases.endswith(".jsonl"):
        file = folder.find(keys.cases, ("cases",))
        cases = _stored(file, folder, None if again else fit, read, traits)
    else:
        cases = tuple(_checked(_case_rows(document, keys, folder), read, fit, traits))
    if not cases:
        raise FieldError(("cases",), "holds no case; write at least one")
    return cases


def _stored(file: Path, folder: Folder, fit: _Fit | None, read: _Reader, traits: _Traits) -> Sequence[Case]:
    """The cases of a JSONL file; without `fit` none is read, and any may have any trait."""
    cases = StoredCases(file, read)
    if fit is None:
        deque(cases.scan(folder), maxlen=0)
        traits.checks = traits.marks = True
    else:
        deque(_checked(cases.rows(folder), read, fit, traits), maxlen=0)
    return cases


def _checked(rows: Iterable[Document], read: _Reader, fit: _Fit, traits: _Traits) -> Iterator[Case]:
    """The cases of the rows, each of another id, and none that would fail at every asking."""
    ids = Ids()
    for row in rows:
        case = read(row)
        try:
            fit.check(case)
        except FieldError as error:
            raise row.error(error) from error
        ids.add(case.id, row)
        traits.note(case)
        yield case


def _case_rows(document: Document, keys: SuiteKeys, folder: Folder) -> Iterator[Document]:
    if not isinstance(keys.cases, str):
        return (document.part("cases", i) for i in range(len(keys.cases)))
    return _file_rows(keys.cases, folder, "cases")


def _file_rows(name: str, folder: Folder, field: str) -> Iterator[Document]:
    if not name.endswith((".jsonl", ".csv")):
        raise FieldError((field,), f"found {shown(name)}; write a file's name that ends in .jsonl or .csv")
    file = folder.find(name, (field,))
    return rows(file, folder.bytes(file))


class _Fit:
    """Refuses cases that would fail at every asking: no check, an answer of no use to one, an unfilled
    template.

    Args:
        checks: the suite's.
        prompts: the suite's; those with a template are filled for a trial.
    """

    def __init__(self, checks: tuple[NamedCheck, ...], prompts: Iterable[Prompt | None]):
        self.checks = checks
        self._comparing = _comparing(checks)
        self._templates = [prompt for prompt in prompts if prompt is not None and prompt.user is not None]

    def check(self, case: Case) -> None:
        """Look at one case.

        Raises:
            FieldError: what does not fit.
        """
        if not self.checks and not case.checks:
            raise FieldError(("checks",), "neither the suite nor the case has any; write at least one")
        due = Seen(None, reference=case.reference, reference_calls=case.reference_calls, tools=case.tools)
        for comparing in (*self._comparing, *_comparing(case.checks)):
            if fault := comparing.fault(due):
                raise FieldError((), fault)
        for prompt in self._templates:
            if case.prompt is None:
                filled_turns(prompt, case.messages, case.vars)
            else:
                filled_text(prompt, case.prompt, case.vars)


def _comparing(checks: Iterable[NamedCheck]) -> list[Compares]:
    return [named.check for named in checks if isinstance(named.check, Compares)]


def _train(keys: SuiteKeys, folder: Folder, prompts: Sequence[Prompt | None] | None) -> Path | None:
    """The training data, each line of which goes with the prompts; without them no line is read."""
    if keys.train is None:
        return None
    if prompts is None:
        folder.bytes(folder.find(keys.train, ("train",)))
        return folder.root / keys.train
    count = 0
    for row in _file_rows(keys.train, folder, "train"):
        line = read_keys(row)
        try:
            for prompt in prompts:
                training_line(line, prompt)
        except FieldError as error:
            raise row.error(error) from error
        count += 1
    if not count:
        raise FieldError(("train",), f"{keys.train} holds no line; write at least one example")
    return folder.find(keys.train, ("train",))
