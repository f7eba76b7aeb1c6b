"""What has come is written, then counted, then told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence

import pytest

from evalkit.errors import StorageError
from evalkit.run.keeper import MOST_WAITING, Keeper, Limit
from evalkit.run.records import Record
from tests.run.helpers import Watching

MakeRecord = Callable[..., Record]


class Disk:
    """Keeps what is written, a list a write; `full` takes nothing more."""

    def __init__(self) -> None:
        self.writes: list[list[bytes]] = []
        self.full = False

    def append(self, lines: Sequence[bytes]) -> None:
        """One write."""
        if self.full:
            raise StorageError("disk full")
        self.writes.append(list(lines))


def test_what_comes_in_one_turn_is_one_write(make_record: MakeRecord) -> None:
    """And it is told only after it has been written, the answers after the records."""
    disk, watching, told = Disk(), Watching(), []

    async def come() -> None:
        keeper = Keeper(disk, watching, Limit(), lambda: told.append(len(disk.writes)))
        for case in "ab":
            assert not keeper.keep(make_record(case))
        assert (disk.writes, keeper.tally.asked, watching.records) == ([], 0, [])
        await asyncio.sleep(0)
        assert (keeper.tally.asked, [record.case for record in watching.records]) == (2, ["a", "b"])

    asyncio.run(come())
    assert [[json.loads(line)["case"] for line in write] for write in disk.writes] == [["a", "b"]]
    assert told == [1]


def test_not_more_than_a_few_wait(make_record: MakeRecord) -> None:
    """Answers out of the cache never let the loop turn: they are written when enough have come."""
    disk = Disk()

    async def come() -> None:
        keeper = Keeper(disk, Watching(), Limit())
        written = [keeper.keep(make_record(f"c{n}")) for n in range(MOST_WAITING)]
        assert written == [False] * (MOST_WAITING - 1) + [True]

    asyncio.run(come())
    assert len(disk.writes[0]) == MOST_WAITING


def test_what_cannot_be_written_is_not_counted(make_record: MakeRecord) -> None:
    """Whoever works is told to stop, and the fault comes out."""
    disk, stopped = Disk(), []

    async def come() -> None:
        keeper = Keeper(disk, Watching(), Limit())
        keeper.on_fault = lambda: stopped.append(True)
        disk.full = True
        keeper.keep(make_record("a"))
        await asyncio.sleep(0)
        assert stopped
        assert keeper.tally.asked == 0
        with pytest.raises(StorageError, match="disk full"):
            keeper.flush()

    asyncio.run(come())


def test_with_maxfail_each_record_counts_at_once(make_record: MakeRecord) -> None:
    """Only the candidate's failures do."""

    async def come() -> None:
        keeper = Keeper(Disk(), Watching(), Limit(2, {"cities": "ft"}))
        for variant, stopped in (("base", None), ("ft", None), ("base", None), ("ft", "maxfail")):
            assert keeper.keep(make_record("c", variant, False))
            assert keeper.tally.stopped == stopped

    asyncio.run(come())


def test_records_of_another_process_are_counted_alike(make_record: MakeRecord) -> None:
    """Lines that come as they are: written, counted, told."""
    first, second, watching = Disk(), Disk(), Watching()

    async def come() -> None:
        keeper = Keeper(first, Watching(), Limit())
        keeper.keep(make_record("a", error="late"))
        keeper.keep(make_record("b"))
        keeper.flush()
        other = Keeper(second, watching, Limit())
        other.take(first.writes[0])
        assert other.tally == keeper.tally

    asyncio.run(come())
    assert second.writes == first.writes
    assert [record.case for record in watching.records] == ["a", "b"]
