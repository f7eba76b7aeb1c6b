"""report.html in a real browser, opened from disk. That nothing is fetched and no error is logged is checked
by the fixture `open_page`, in each of these tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

A4_PIXELS = 718
"""Wide, between the margins."""

SIZES = {"desktop": 1280, "phone": 390}

# whether all texts of a drawing lie within it
WITHIN = """(svg) => [...svg.querySelectorAll("text")].every((text) => {
    const [own, all] = [text.getBoundingClientRect(), svg.getBoundingClientRect()];
    return own.left >= all.left - 1 && own.right <= all.right + 1 && own.bottom <= all.bottom + 1;
})"""

CONTRASTS = Path(__file__).with_name("contrast.js").read_text("utf-8")


def listed(page: Any) -> str:
    """What the page says of its list."""
    return str(page.text_content("#count"))


def outcome_count(page: Any, name: str) -> int:
    """The number on an outcome's button."""
    return int(page.text_content(f"input[value={name}] + span b"))


def test_the_verdict_stands_on_top_with_its_evidence(open_page, ordinary_page: Path) -> None:
    """In one sentence; a line a suite opens its endpoints and requirements, with interval and state."""
    page = open_page(ordinary_page)
    assert page.text_content("#verdict h1") == "INCONCLUSIVE"
    assert "0 of 2 suites ship; inconclusive: cities, rivers." in page.text_content("#verdict")
    page.click("summary:has-text('cities')")
    evidence = page.inner_text(".decisions details[open]")
    assert "equals" in evidence
    assert "-2.5" in evidence
    assert "to +" in evidence
    assert "p95_latency_ms" in evidence
    assert "800 ms" in evidence


def test_the_table_has_the_figures_of_every_format(open_page, ordinary_page: Path) -> None:
    """A row a variant and suite, the candidate's marked, and one over all suites."""
    page = open_page(ordinary_page)
    rows = [row.inner_text().split() for row in page.query_selector_all(".figures tr.candidate")]
    assert rows[0][:5] == ["ft", "candidate", "92%", "80-97", "100%"]
    assert page.inner_text(".figures tbody:last-child").count("%") > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_page_can_be_read_at_any_size_and_in_any_light(
    open_page, ordinary_page: Path, tmp_path: Path, size: str, scheme: str
) -> None:
    """Only what scrolls in its own box is wider than the window, and every text has a contrast of 4.5."""
    page = open_page(ordinary_page, "#case=rivers/r1", SIZES[size], scheme)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(CONTRASTS) == []
    page.screenshot(path=tmp_path / f"{size}-{scheme}.png", full_page=True)


def test_filters_list_what_they_say(open_page, ordinary_page: Path) -> None:
    """By suite, variant, check, tag and outcome, each within the others; the buttons tell numbers."""
    page = open_page(ordinary_page)
    assert listed(page) == "52 cases"
    counts = {name: outcome_count(page, name) for name in ("failing", "newly-failing", "newly-passing")}
    assert counts == {
        "failing": 41,
        "newly-failing": 3,
        "newly-passing": 1,
    }  # r1 fails once, after prompted passed
    page.select_option("#by-variant", "ft")
    assert outcome_count(page, "failing") == 4
    page.select_option("#by-suite", "cities")
    page.check("input[value=failing]", force=True)
    assert listed(page) == "3 of 52 cases"
    page.select_option("#by-check", "short")
    assert listed(page) == "0 of 52 cases"
    page.select_option("#by-variant", "base")
    assert listed(page) == "40 of 52 cases"
    page.click("#start-over")
    page.wait_for_selector("#count:text-is('52 cases')")
    page.select_option("#by-tag", "north")
    assert listed(page) == "2 of 52 cases"


def test_a_case_that_flips_between_repeats_is_found(open_page, ordinary_page: Path) -> None:
    """Passed once and failed once; both answers are shown."""
    page = open_page(ordinary_page)
    page.check("input[value=flipped]", force=True)
    assert listed(page) == "1 of 52 cases"
    page.press("#list", "Enter")
    page.wait_for_selector("#opened")
    shown = page.inner_text(".answer[aria-label=ft]")
    assert "Repeat 0" in shown
    assert "Repeat 1" in shown


def test_what_was_not_decided_and_not_asked_is_found(open_page, ordinary_page: Path) -> None:
    """A null verdict and a fault of the endpoint; neither counts as failing."""
    page = open_page(ordinary_page)
    page.check("input[value=undecided]", force=True)
    assert listed(page) == "2 of 52 cases"
    page.press("#list", "End")
    page.press("#list", "Enter")
    page.wait_for_selector("#opened:has-text('r3')")
    assert "timeout: no answer in 60 s" in page.inner_text(".answer[aria-label=base]")


def test_search_finds_words_of_questions_answers_and_reasons(open_page, ordinary_page: Path) -> None:
    """All words must be there, in any order and case."""
    page = open_page(ordinary_page)
    for text, found in (
        ("river 7", "1 of"),
        ("bergen SAYS ft", "3 of"),
        ("judge read", "1 of"),
        ("zzz", "0 of"),
    ):
        page.fill("#search", text)
        page.wait_for_selector(f"#count:text('{found} 52 cases')")


def test_answers_stand_side_by_side_with_differences_and_reasons(open_page, ordinary_page: Path) -> None:
    """Against the baseline's answer unless another is chosen; request and system message are there."""
    page = open_page(ordinary_page, "#case=cities/c1")
    page.wait_for_selector("#opened")
    gone, added = (page.locator(f".answer[aria-label=ft] {tag}").all_inner_texts() for tag in ("del", "ins"))
    assert gone[0] == "capital"
    assert "Bergen" in "".join(added)
    assert page.query_selector(".answer[aria-label=prompted] ins") is None
    assert 'want "Oslo" got "Bergen"' in page.inner_text(".answer[aria-label=ft] .verdicts")
    assert "Capital of country 1?" in page.inner_text(".talk")
    assert "Be brief about cities." in page.text_content(".system")
    left = [each.bounding_box()["x"] for each in page.query_selector_all(".answer")]
    assert left == sorted(set(left))
    page.select_option("#against", "-1")
    page.wait_for_selector(".answer ins", state="detached")


def test_everything_can_be_done_by_keyboard(open_page, ordinary_page: Path) -> None:
    """/ searches, arrows move, Enter opens and focuses a case, Esc closes it and goes back to the list."""
    page = open_page(ordinary_page)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.focus("#list")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    page.wait_for_selector("#opened")
    assert page.inner_text("#opened") == "c1"
    assert page.evaluate("document.activeElement.id") == "opened"
    assert page.get_attribute("#list", "aria-activedescendant") == "row-1"
    page.keyboard.press("Escape")
    assert page.query_selector("#opened") is None
    assert page.evaluate("document.activeElement.id") == "list"
    page.keyboard.press("End")
    assert "r11" in page.inner_text(".row.active")


def test_an_address_names_a_case(open_page, ordinary_page: Path) -> None:
    """It opens, in the list too, whatever is filtered; another one changes it, and back leads back."""
    page = open_page(ordinary_page, "#case=rivers/r9")
    page.wait_for_selector("#opened")
    assert page.evaluate("document.activeElement.id") == "opened"
    assert "r9" in page.inner_text("[aria-selected=true]")
    page.select_option("#by-suite", "cities")
    page.click("[role=option] >> nth=2")
    page.wait_for_selector("#opened:has-text('c2')")
    assert page.url.endswith("#case=cities/c2")
    page.go_back()
    page.wait_for_selector("#opened:has-text('r9')")
    assert listed(page) == "52 cases"


def test_an_address_of_no_case_says_so(open_page, ordinary_page: Path) -> None:
    """The page is there all the same."""
    page = open_page(ordinary_page, "#case=rivers/r99%")
    assert listed(page) == "The linked case is not in this page."


def test_a_phone_shows_the_list_or_the_case(open_page, ordinary_page: Path) -> None:
    """There is no room for both."""
    page = open_page(ordinary_page, width=390)
    page.click("[role=option] >> nth=0")
    page.wait_for_selector("#opened")
    assert not page.is_visible("#list")
    page.click("text=Close")
    assert page.is_visible("#list")
    assert not page.is_visible("#detail")


def test_the_verdict_the_table_and_an_open_case_are_printed(open_page, ordinary_page: Path) -> None:
    """Black on white, what is folded away unfolded, without what only a screen can do."""
    page = open_page(ordinary_page, "#case=cities/c1", width=A4_PIXELS, scheme="dark")
    page.wait_for_selector("#opened")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.is_visible(".evidence >> nth=0")
    assert page.is_visible(".answer[aria-label=ft]")
    assert not page.is_visible("#filters")
    assert not page.is_visible("#list")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(CONTRASTS) == []
    assert page.pdf()[:4] == b"%PDF"


def test_plots_are_told_to_those_who_do_not_see_them(open_page, ordinary_page: Path) -> None:
    """Each has the role of an image, a title and a description, and no text that is too small on a phone."""
    page = open_page(ordinary_page, width=390)
    drawn = page.query_selector_all("figure svg")
    assert len(drawn) == 4
    for svg in drawn:
        assert svg.get_attribute("role") == "img"
        assert svg.query_selector("title").text_content()
        assert "ft" in svg.query_selector("desc").text_content()
        heights = svg.eval_on_selector_all(
            "text", "(all) => all.map((each) => each.getBoundingClientRect().height)"
        )
        assert min(heights) > 9
        assert svg.evaluate(WITHIN)
