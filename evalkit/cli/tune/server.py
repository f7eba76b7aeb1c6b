"""Which job is meant, which server has it, and how that is asked."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from evalkit.cli.arguments import Parser
from evalkit.cli.embedded import embedded_server
from evalkit.config import LOCAL, EndpointSettings, LockedModel, load_endpoint
from evalkit.config.lock import FILE_NAME, read_lock
from evalkit.errors import AskError, EvalkitError, UsageError
from evalkit.run.connect import open_endpoint
from evalkit.run.options import RunOptions
from evalkit.tune import FineTuning

Found = TypeVar("Found")


class NotAsked(EvalkitError):
    """The server could not be reached, or could not answer."""

    exit_code = 12


@dataclass(frozen=True, slots=True)
class JobPlace:
    """A job and the server that has it. `entry` is what evalkit.lock knows of it."""

    job: str
    settings: EndpointSettings
    entry: LockedModel | None


def job_parser(command: str, description: str, example: str) -> Parser:
    """A parser for a subcommand on one job."""
    made = Parser(f"tune {command}", description, example)
    made.add_argument("job", nargs="?", metavar="JOB", help="default: the newest in evalkit.lock")
    add_base_url(made)
    return made


def add_base_url(parser: argparse.ArgumentParser) -> None:
    """Where the job is."""
    parser.add_argument(
        "--base-url",
        metavar="URL",
        help="the server (default: where the job was made, else where base is, else the embedded one)",
    )


def place_of(job: str | None, base_url: str | None) -> JobPlace:
    """The job that is meant, and where it is.

    Raises:
        UsageError: none is named, and evalkit.lock has none.
    """
    folder = Path.cwd()
    chosen = load_endpoint(folder, base_url) if base_url else None
    entries = read_lock(folder)
    if chosen:
        entries = tuple(entry for entry in entries if entry.at(chosen.name, chosen.base_url))
    entry = next((entry for entry in reversed(entries) if job in (None, entry.job, entry.model)), None)
    name = entry.job if entry else job
    if name is None:
        where = f" of {base_url}" if base_url else ""
        raise UsageError(f"{FILE_NAME} knows no job{where}; name one: evalkit tune list shows them")
    return JobPlace(name, chosen or load_endpoint(folder, None, entry), entry)


def asked(settings: EndpointSettings, work: Callable[[FineTuning], Awaitable[Found]]) -> Found:
    """Do something with a server; the embedded one is started for it.

    Raises:
        UsageError: the server refuses what it was asked for.
        NotAsked: it cannot be reached, or fails.
    """

    async def done(place: EndpointSettings) -> Found:
        endpoint = open_endpoint(place)
        try:
            return await work(FineTuning(endpoint))
        finally:
            await endpoint.close()

    with serving(settings) as place:
        try:
            return asyncio.run(done(place))
        except AskError as error:
            raise _told(error, place) from error


@contextmanager
def serving(settings: EndpointSettings) -> Iterator[EndpointSettings]:
    """The endpoint, with its server running if it is the embedded one."""
    if settings.name == LOCAL and settings.base_url is None:
        with embedded_server(RunOptions().state) as url:
            yield replace(settings, base_url=url)
    else:
        yield settings


def _told(error: AskError, place: EndpointSettings) -> EvalkitError:
    """What a fault of the server means to the user."""
    where = f"endpoint {place.name}"
    if error.status == 401:
        key = place.api_key_env or "none was sent; give --base-url, or api_key_env in evalkit.toml"
        return UsageError(f"{where} refused the key ({key}): {error.message}")
    if error.status == 404:
        return UsageError(f"{where}: {error.message}; evalkit tune list shows its jobs")
    if error.status is not None and error.status < 500 and error.status not in (408, 429):
        return UsageError(f"{where} refuses: {error.message}")
    return NotAsked(f"{where} could not be asked: {error}; what it is doing goes on, try again")
