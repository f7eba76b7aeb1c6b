"""How far a variant differs from itself."""

from __future__ import annotations

from evalkit.comparison.noise import noise_floors
from evalkit.run.rows import row_of
from evalkit.stats import Pairs, Rate


def test_two_repeats_tell_the_noise(make_record) -> None:
    """Cases whose outcome changed between repeat 0 and 1, of those decided twice, in any order of writing."""
    outcomes = {
        "a": (True, True),
        "b": (True, False),
        "c": (False, True),
        "d": (False, True),
        "e": (None, True),
    }
    records = [
        make_record(case, "ft", passed, repeat=repeat)
        for case, both in outcomes.items()
        for repeat, passed in sorted(enumerate(both), reverse=case == "c")
    ]
    records += [
        make_record("a", "ft", False, repeat=2),
        make_record("a", "base"),
        make_record("f", "ft", repeat=1),
    ]
    found = noise_floors(map(row_of, records))
    assert list(found) == [("cities", "ft")]
    assert found["cities", "ft"].pairs == Pairs(4, 2, 1)
    assert found["cities", "ft"].floor == Rate(3, 4)
