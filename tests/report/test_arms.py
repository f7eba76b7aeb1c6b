"""What tuning and the prompt brought, as it is shown."""

from __future__ import annotations

from dataclasses import replace

from evalkit.comparison.arms import ALL, Arms, Effect
from evalkit.report.arms import lines, table
from evalkit.report.markdown import markdown
from evalkit.report.terminal import WIDTH, terminal
from evalkit.stats import Pairs, tango


def effect(after: str, before: str, won: float, lost: float, n: float = 100, left_out: int = 0) -> Effect:
    """Of so many pairs."""
    pairs = Pairs(n, won, lost)
    return Effect(after, before, pairs, tango(pairs), left_out)


FOUR = Arms(
    (
        effect("ft", "base", 80, 2),
        effect("ft_prompted", "prompted", 20, 5, left_out=3),
        effect("prompted", "base", 65, 2),
        effect("ft_prompted", "ft", 1, 9),
    )
)
THREE = Arms((FOUR.effects[0], FOUR.effects[2]))


def test_a_suite_is_a_row_and_an_effect_a_column() -> None:
    """Points of the pass rate with their interval; what was left out stands below."""
    assert lines({"cities": FOUR}) == [
        "What tuning and the prompt brought, in points of the pass rate on the same cases (95%):",
        "                  tuning      tuning with prompt       the prompt  left-over prompt",
        "               ft - base  ft_prompted - prompted  prompted - base  ft_prompted - ft",
        "  cities  +78 (67 to 85)           +15 (6 to 25)   +63 (52 to 72)    -8 (-15 to -2)",
        "cities, left out as one arm's answer is undecided or missing: tuning with prompt 3",
    ]


def test_columns_that_no_suite_can_fill_are_left_out() -> None:
    """Three arms tell two effects; beside a suite with four, what a suite cannot tell is `-`."""
    head, _ = table({"cities": THREE})
    assert head == ("suite", "tuning (ft - base)", "the prompt (prompted - base)")
    _, rows = table({"cities": THREE, "rivers": FOUR, ALL: FOUR})
    assert [row[0] for row in rows] == ["cities", "rivers", "all"]
    assert rows[0][2] == "-"


def test_what_cannot_be_told_is_a_question_mark() -> None:
    """Nothing decided gives no difference, one case no interval."""
    nothing = Effect("ft", "base", Pairs(0, 0, 0), None, 5)
    single = Effect("prompted", "base", Pairs(1, 1, 0), None, 0)
    (row,) = table({"cities": Arms((nothing, single))})[1]
    assert row == ("cities", "?", "+100 (?)")


def test_a_hundred_columns_are_enough_and_names_are_harmless(make_report, two_suites) -> None:
    """Four arms under a long name with escape codes; no line is wider, no code reaches the terminal."""
    wide = {f"\x1b[31m{'long-name-' * 9}": FOUR, ALL: FOUR}
    shown = terminal(replace(make_report(*two_suites), arms=wide))
    assert max(map(len, shown.split("\n"))) <= WIDTH
    assert "\x1b" not in shown


def test_the_table_stands_in_the_terminal_and_in_markdown(make_report, two_suites) -> None:
    """And in neither where too few arms were asked."""
    plain = make_report(*two_suites)
    report = replace(plain, arms={"ci|ties": THREE})
    assert "  ci|ties  +78 (67 to 85)   +63 (52 to 72)" in terminal(report).split("\n")
    assert "| ci\\|ties | +78 (67 to 85) |" in " ".join(markdown(report).split())
    assert "What tuning" not in terminal(plain) + markdown(plain)
