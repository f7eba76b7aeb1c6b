"""Asking and storing, unchecked: answers to keep, of a model that may be gone tomorrow."""

from __future__ import annotations

from contextlib import AsyncExitStack, closing
from pathlib import Path

from evalkit.checks.fields import FieldError
from evalkit.config import Config, ModelRef
from evalkit.errors import InputError
from evalkit.run.answer_file import AnswerFile, Recording
from evalkit.run.asker import Asker
from evalkit.run.budget import Budget
from evalkit.run.connect import connect_all
from evalkit.run.execute import Execution, Rules
from evalkit.run.interrupt import interruptible
from evalkit.run.keeper import Keeper, Limit
from evalkit.run.options import RunOptions
from evalkit.run.outcome import Observer, Outcome
from evalkit.run.session import AnswerStore
from evalkit.suite.cases import read_keys, to_case
from evalkit.suite.document import Document
from evalkit.suite.files import Folder
from evalkit.suite.model import Case, Suite
from evalkit.suite.stored import Chosen, StoredCases


def bare_suite(file: Path) -> Suite:
    """The cases of a JSONL file by themselves, each different one once; no prompt is added to them.

    Raises:
        InputError: a line is no case.
    """
    cases = StoredCases(file, _bare_case)
    first: dict[str, int] = {}
    for index, row in enumerate(cases.rows(Folder(file.parent))):
        first.setdefault(_bare_case(row).id, index)
    if not first:
        raise InputError('holds nothing to ask; write lines such as {"messages": [...]}', file=file)
    return Suite(file.stem, file.parent, Chosen(cases, first.values()), ())


def _bare_case(row: Document) -> Case:
    try:
        return to_case(read_keys(row), ())
    except FieldError as error:
        raise row.error(error) from error


async def record(recording: Recording, config: Config, options: RunOptions, observer: Observer) -> Outcome:
    """Ask what the file does not hold yet, and add each answer as it comes.

    Raises:
        UsageError: the model or the file cannot be used; nothing has been asked then.
        StorageError: the file or the cache cannot be written.
    """
    variant = recording.variant
    async with AsyncExitStack() as opened:
        ref = ModelRef(variant.model, variant.endpoint)
        connections = await connect_all([ref], config.endpoints, opened)
        file = opened.enter_context(closing(AnswerFile(recording)))
        todo = recording.plan.without(file.done)
        observer.planned(todo)
        cache = AnswerStore(options.cache).open(opened)
        asker = Asker(connections, cache, Budget(options.max_cost), config.prices, observer.note)
        keeper = Keeper(file, observer, Limit(), asker.flush)
        execution = Execution(Rules(options.concurrency, {}), asker, keeper)
        with interruptible(execution):
            await execution.work(todo)
    tally = keeper.tally
    return Outcome(
        file.path, todo.whole, tally.asked, tally.cached, tally.errors, tally.unasked, tally.stopped
    )
