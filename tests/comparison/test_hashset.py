"""A set of hashes that is small in memory."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from evalkit.comparison.hashset import HashSet

# many share their last bits, so that they are in each other's way; 0, which marks an empty place, counts as 1
crowded = st.integers(0, 40).map(lambda number: number << 20)
hashes = (st.integers(-(2**63), 2**63 - 1) | crowded).filter(lambda number: number != 1)


@given(st.lists(hashes, max_size=300), hashes)
def test_it_holds_what_a_set_holds(numbers: list[int], other: int) -> None:
    """Each number is new once; those that were put in are in it, whatever their order and last bits."""
    found, wanted = HashSet(), set[int]()
    for number in numbers:
        assert found.add(number) == (number not in wanted)
        wanted.add(number)
    assert len(found) == len(wanted)
    assert all(number in found for number in wanted)
    assert (other in found) == (other in wanted)


def test_it_takes_at_most_24_bytes_each() -> None:
    """Right after the table has grown it is at its loosest."""
    found = HashSet()
    for number in range(200_000):
        found.add(hash(str(number)))
        if number > 1000:
            assert 8 * len(found._table) <= 24.1 * len(found)
    assert sys.getsizeof(found._table) <= 24.1 * len(found)
