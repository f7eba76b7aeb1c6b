"""The file as it is written."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from evalkit.errors import StorageError, UsageError
from evalkit.report.html import write_html
from evalkit.report.load import load_report
from tests.report.html.made import ORDINARY, gating, info, ordinary, record, verdict, write_page, write_run


class Elements(HTMLParser):
    """Start tags with their attributes, and the text in scripts and styles."""

    def __init__(self, page: str):
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self._in = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.found.append((tag, dict(attrs)))
        self._in = tag
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_data(self, data: str) -> None:
        """Keep it where a policy must know it."""
        if self._in in self.inside:
            self.inside[self._in][-1] += data

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        """What follows is outside."""
        self._in = ""


@pytest.fixture(scope="module")
def elements(ordinary_page: Path) -> Elements:
    """Of an ordinary page."""
    return Elements(ordinary_page.read_text("utf-8"))


def test_the_policy_names_the_one_script_and_the_one_style(elements: Elements) -> None:
    """All else is forbidden: what is fetched, framed, sent, and every other script or style."""
    policy = next(attrs["content"] for tag, attrs in elements.found if attrs.get("http-equiv"))
    (style,) = elements.inside["style"]
    kinds = [attrs.get("type") for tag, attrs in elements.found if tag == "script"]
    scripts = dict(zip(kinds, elements.inside["script"], strict=True))
    assert set(kinds) == {"text/plain", "module"}
    hashed = {
        name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for name, text in (("script", scripts["module"]), ("style", style))
    }
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{hashed['script']}'; style-src 'sha256-{hashed['style']}'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_nothing_leads_out_of_the_page(elements: Elements) -> None:
    """No address but of parts of itself, no style attribute, no handler of an event."""
    for tag, attrs in elements.found:
        assert not [name for name in attrs if name == "style" or name.startswith("on")], tag
        assert "src" not in attrs
        assert (attrs.get("href") or "#").startswith("#"), tag
    assert not re.search(r"url\((?!#)|@import", elements.inside["style"][0])


def test_the_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A damaged record leaves the page of before, and no half of a new one."""
    folder = write_run(tmp_path / "run", ordinary(), ORDINARY)
    report, before = load_report(folder), write_page(folder).read_bytes()
    with (folder / "records.jsonl").open("a") as file:
        file.write('{"suite": 1}\n')
    with pytest.raises(UsageError, match=r"records.jsonl:193: damaged record"):
        write_html(report, folder)
    assert (folder / "report.html").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["records.jsonl", "report.html", "run.json"]


def test_what_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    """With the file's name."""
    folder = write_run(tmp_path / "run", ordinary(), ORDINARY)
    (folder / "report.html").mkdir()
    with pytest.raises(StorageError, match=r"report.html: cannot be written .*--out DIR"):
        write_page(folder)


def test_the_same_run_makes_the_same_page(tmp_path: Path) -> None:
    """Plots too."""
    folder = write_run(tmp_path / "run", ordinary(), ORDINARY)
    assert write_page(folder).read_bytes() == write_page(folder).read_bytes()


def test_a_run_without_records_has_a_page(tmp_path: Path) -> None:
    """It was stopped before the first answer."""
    folder = write_run(tmp_path / "run", [], info({}))
    assert "No records yet." in write_page(folder).read_text("utf-8")


def test_a_partial_run_says_that_nothing_was_decided(tmp_path: Path) -> None:
    """And why."""
    folder = write_run(tmp_path / "run", ordinary(), {**ORDINARY, "partial": True})
    page = write_page(folder).read_text("utf-8")
    assert "NOT GATED" in page
    assert "Partial run" in page


def test_strange_numbers_do_not_break_the_page(tmp_path: Path) -> None:
    """NaN, which JSON does not know and servers send all the same, is unknown: it is not drawn."""
    strange = record("cities", "c", "ft", verdict("equals", True), latency_ms=float("nan"))
    folder = write_run(tmp_path / "run", [strange], info({"cities": gating(checks=["equals"])}))
    assert "NaN" in (folder / "records.jsonl").read_text()
    assert "so no latency was measured" in write_page(folder).read_text("utf-8")
