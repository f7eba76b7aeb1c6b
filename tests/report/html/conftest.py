"""A real browser, and pages of runs written by hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.html.made import ORDINARY, ordinary, write_page, write_run

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window; no sandbox, since containers often forbid it.

    While it is open, an event loop of its own runs in this thread, so it must not outlast a file's tests.
    """
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no browser at {CHROMIUM}: install chromium, or name one in CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    """Opens a file and waits until its cases are listed; complaints and fetches fail the test."""
    trouble: list[str] = []
    opened = []

    def open_file(path: Path, address: str = "", width: int = 1280, scheme: str = "light") -> Any:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.set_default_timeout(10_000)
        opened.append(page)
        page.on("console", lambda message: trouble.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: trouble.append(f"request: {request.url}"))
        page.goto(f"{path.as_uri()}{address}")
        page.wait_for_selector("html[data-ready]")
        trouble.remove(f"request: {path.as_uri()}")
        return page

    yield open_file
    for page in opened:
        if not page.is_closed():
            page.close()
    assert trouble == []


@pytest.fixture(scope="session")
def ordinary_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the run that `made.ordinary` describes."""
    return write_page(
        write_run(tmp_path_factory.mktemp("runs") / "20261122T080000Z-abc123", ordinary(), ORDINARY)
    )
