"""What is drawn, and that what is unknown is not."""

from __future__ import annotations

from array import array
from xml.etree import ElementTree

import pytest

from evalkit.comparison import Comparison, compare
from evalkit.report.html.plots import Plot, plots
from evalkit.run.records import Record


@pytest.fixture
def three(make_record) -> list[Record]:
    """Two cases under three variants; the cost of ft is unknown, and base's tokens."""
    cost = {"base": 0.0001, "prompted": 0.0004, "ft": None}
    tokens = {"base": (None, None), "prompted": (240, 12), "ft": (30, 10)}
    return [
        make_record(case, name, name != "base", cost_usd=cost[name], usage=tokens[name])
        for case in ("a", "b")
        for name in cost
    ]


def drawn(comparison: Comparison, **latencies: list[float]) -> dict[str, Plot]:
    """All plots by the first word of their title."""
    measured = {name: array("d", values) for name, values in latencies.items()}
    return {plot.title.split()[0]: plot for plot in plots(comparison, measured, {})}


def test_unknown_values_are_said_and_not_drawn(three: list[Record]) -> None:
    """Never as 0."""
    found = drawn(compare(three), ft=[80.0, 120.0])
    assert found["Cost"].told == "base: $0.10, 0% passed; prompted: $0.40, 100% passed"
    assert found["Cost"].left_out == "Not drawn, because unknown or too many: ft."
    assert found["Tokens"].left_out.endswith(": base.")
    assert found["Latency:"].told == "ft: half within 100 ms, 95% within 118 ms"
    assert found["Latency:"].left_out.endswith(": base, prompted.")


def test_without_any_value_the_reason_stands_in_the_plots_place(make_record) -> None:
    """An empty frame would look like zeros."""
    found = drawn(compare([make_record("a", "ft", True, cost_usd=0.0, usage=(None, None))]))
    assert [(found[name].svg, found[name].told) for name in ("Cost", "Latency:", "Tokens")] == [
        ("", "No answer cost anything."),
        ("", "No answer was asked for anew, so no latency was measured."),
        ("", "The servers did not count tokens."),
    ]


def test_drawings_have_no_style_and_nothing_from_elsewhere(three: list[Record]) -> None:
    """A strict policy drops styles; colours are the page's, so that they change with its scheme."""
    for plot in drawn(compare(three), ft=[80.0, 120.0]).values():
        root = ElementTree.fromstring(plot.svg)
        assert [child.tag for child in root][:2] == ["title", "desc"]
        for element in root.iter():
            assert element.tag not in ("style", "script", "metadata", "image")
            assert "style" not in element.attrib
            assert element.get("href", "#").startswith("#")
            assert not element.get("fill", "").startswith("#"), plot.title
            assert not element.get("stroke", "").startswith("#"), plot.title


def test_losses_are_drawn_where_a_job_left_some(three: list[Record]) -> None:
    """Steps without a loss are passed over; a run whose models were only named has no such plot."""
    losses = [{"step": 1, "train": 2.0}, {"step": 2, "train": None}, {"step": 3, "train": 0.5}]
    made = {"cities": {"ft": {"model": "m", "losses": losses}}}
    *_, loss = plots(compare(three), {}, made)
    assert loss.told == "cities ft: 2 to 0.5"
    assert "Training loss by step" not in {plot.title for plot in plots(compare(three), {}, {})}


def test_names_are_drawn_as_they_are_called(make_record) -> None:
    """No mathematics in dollar signs, no markup, and no character that XML does not know."""
    name = "$\\frac{<b>\x00\u202e"
    (first, *_) = plots(compare([make_record("a", "ft", True, suite=name)]), {}, {})
    texts = {element.text for element in ElementTree.fromstring(first.svg).iter("text")}
    assert "$\\frac{<b>\\x00\\u202e" in texts
