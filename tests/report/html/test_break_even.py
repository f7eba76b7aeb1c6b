"""The picture of what calls cost in all, and the tables of arms and costs, in report.html."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from evalkit.comparison.arms import ALL, Arms, Effect
from evalkit.comparison.money import Money, VariantCost
from evalkit.report.html.break_even import break_even_plots
from evalkit.report.html.view import Table, view
from evalkit.report.model import Report
from evalkit.report.money import FREE
from evalkit.stats import Pairs, tango

BASE = VariantCost("base", 0.30, 0.32, 0.32, 0.0)
PROMPTED = VariantCost("prompted", 1.5, 4.16, 1.28, 0.0)
FT = VariantCost("ft", 0.8, 0.84, 0.84, 7.5)
MONEY = Money("cities", "ft", "prompted", (BASE, PROMPTED, FT), 10_000)
NOTHING = VariantCost("ft", None, None, None, None)


@pytest.fixture
def report(make_report: Any, two_suites: Any) -> Report:
    """Of base, prompted and ft."""
    made: Report = make_report(*two_suites)
    return replace(made, money=(MONEY,))


def test_the_picture_says_when_training_is_paid(report: Report) -> None:
    """To those who do not see it too; axes in calls and dollars; the same each time."""
    (plot,) = break_even_plots(report)
    assert plot.told.startswith("ft pays against prompted, training included, after 2,260 calls")
    root = ElementTree.fromstring(plot.svg)
    assert root.find("desc") is not None
    texts = {text.text for text in root.iter("text")}
    assert {"calls (dashed: without a prompt cache)", "US dollars, training included", "10,000"} <= texts
    assert (plot,) == tuple(break_even_plots(report))


def test_what_is_unknown_is_not_drawn_and_what_is_free_has_no_picture(report: Report) -> None:
    """A variant whose training costs nobody knows what is named below; never a line from 0."""
    (part,) = break_even_plots(replace(report, money=(replace(MONEY, costs=(PROMPTED, NOTHING)),)))
    assert part.svg
    assert part.left_out == "Not drawn, because unknown or too many: ft."
    (none,) = break_even_plots(replace(report, money=(replace(MONEY, costs=(NOTHING,)),)))
    assert (none.svg, none.told) == ("", "No variant's price, tokens and training are all known.")
    free = replace(MONEY, costs=(VariantCost("ft", 0.0, 0.0, 0.0, 0.0),))
    assert list(break_even_plots(replace(report, money=(free,)))) == []


def test_hostile_names_are_text(report: Report) -> None:
    """In the title, in what is told and in the drawing."""
    (plot,) = break_even_plots(replace(report, money=(replace(MONEY, suite="$\\frac{<b>\x00"),)))
    assert plot.title == "What calls cost in all: $\\frac{<b>\\x00"
    assert ElementTree.fromstring(plot.svg).findtext("title") == plot.title


def test_the_page_has_both_tables(report: Report) -> None:
    """Those of the terminal; one sentence where all is free."""
    pairs = Pairs(100, 80, 2)
    arms = {name: Arms((Effect("ft", "base", pairs, tango(pairs), 1),)) for name in ("cities", ALL)}
    effects, costs = view(replace(report, arms=arms)).tables
    assert effects.head == ("suite", "tuning (ft - base)")
    assert effects.rows == (("cities", "+78 (67 to 85)"), ("all", "+78 (67 to 85)"))
    assert costs.rows[0] == ("cities", "base", "0.30", "0.32", "0.32", "0.00")
    assert len(costs.remarks) == 1
    free = replace(MONEY, costs=(VariantCost("ft", 0.0, 0.0, 0.0, 0.0),))
    assert view(replace(report, money=(free,))).tables == (Table(FREE),)
