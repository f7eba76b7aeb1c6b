"""What calls cost and when a fine-tune has paid for itself, as it is shown."""

from __future__ import annotations

from dataclasses import replace

from evalkit.comparison.money import Money, VariantCost
from evalkit.report.markdown import markdown
from evalkit.report.money import FREE, lines, pays
from evalkit.report.terminal import WIDTH, terminal

BASE = VariantCost("base", 0.30, 0.32, 0.32, 0.0)
PROMPTED = VariantCost("prompted", 1.5, 4.16, 1.28, 0.0)
FT = VariantCost("ft", 0.8, 0.84, 0.84, 7.5)
MONEY = Money("cities", "ft", "prompted", (BASE, PROMPTED, FT), 10_000)


def test_each_variant_is_a_row_and_the_sum_a_sentence() -> None:
    """By the cache's three states; then after how many calls and days training is paid, with and without."""
    assert lines([MONEY]) == [
        "What 1,000 calls cost, in USD, and what the model cost once:",
        "                    as measured  no cache  warm cache  training",
        "  cities  base             0.30      0.32        0.32      0.00",
        "          prompted         1.50      4.16        1.28      0.00",
        "          ft               0.80      0.84        0.84      7.50",
        "cities: ft pays against prompted, training included, after 2,260 calls (0.2 days at 10,000 a "
        "day); with a warm prompt cache after 17,046 calls (1.7 days at 10,000 a day).",
    ]


def test_never_is_said_as_it_is() -> None:
    """With a warm cache a shorter prompt can cost more; without any volume there are no days."""
    dear = replace(FT, uncached=2.0, warm=2.0)
    assert pays(replace(MONEY, costs=(PROMPTED, dear), calls_per_day=None)) == (
        "ft pays against prompted, training included, after 3,473 calls; with a warm prompt cache never: "
        "its calls cost as much, or more."
    )


def test_what_is_unknown_is_said_with_its_reason() -> None:
    """A `?` in the table, and a sentence that tells how to mend it."""
    unknown = VariantCost("ft", None, None, None, None, ("ft, training: no price for it; add `train`",))
    shown = lines([replace(MONEY, costs=(PROMPTED, unknown))])
    assert shown[-3].split() == ["ft", "?", "?", "?", "?"]
    assert "nobody can say when; the same with a warm prompt cache." in shown[-2]
    assert shown[-1] == "? cities, ft, training: no price for it; add `train`."


def test_what_is_free_takes_one_line(make_report, two_suites) -> None:
    """The embedded model: no table of zeros."""
    free = replace(MONEY, costs=(VariantCost("ft", 0.0, 0.0, 0.0, 0.0),))
    assert lines([free, free]) == [FREE]
    assert lines([]) == []
    assert FREE in markdown(replace(make_report(*two_suites), money=(free,)))


def test_the_table_stands_in_the_terminal_and_in_markdown(make_report, two_suites) -> None:
    """Names are escaped for each."""
    report = replace(make_report(*two_suites), money=(replace(MONEY, suite="\x1b[1m<b>"),))
    assert "  \\x1b[1m<b>  base             0.30" in terminal(report)
    assert "| \\\\x1b\\[1m\\<b\\> | base" in " ".join(markdown(report).split())


def test_a_hundred_columns_are_enough(make_report, two_suites) -> None:
    """However long names and reasons are."""
    costs = tuple(replace(cost, variant=cost.variant * 9, why=("why " * 60,)) for cost in MONEY.costs)
    report = replace(make_report(*two_suites), money=(replace(MONEY, suite="name-" * 20, costs=costs),))
    assert max(map(len, terminal(report).split("\n"))) <= WIDTH
