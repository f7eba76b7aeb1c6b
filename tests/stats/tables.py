"""Tables of pairs for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from evalkit.stats import Pairs


def pairs(least: int = 2, most: int = 300) -> st.SearchStrategy[Pairs]:
    """Any whole table of that many cases."""

    def of(n: int) -> st.SearchStrategy[Pairs]:
        won = st.integers(0, n)
        return won.flatmap(
            lambda count: st.builds(Pairs, st.just(n), st.just(count), st.integers(0, n - count))
        )

    return st.integers(least, most).flatmap(of)
