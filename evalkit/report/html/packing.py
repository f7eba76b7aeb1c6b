"""JSON, deflated, in base64: nothing in it can end the element that holds it."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import msgspec

LEVEL = 6


class Packing:
    """A list that is packed item by item, so that only its packed form is in memory.

    Args:
        start: what stands before the items.
    """

    def __init__(self, start: bytes):
        self._deflate = zlib.compressobj(LEVEL)
        self._packed = bytearray(self._deflate.compress(start))
        self._between = b""

    def add(self, item: Any) -> None:
        """Pack one."""
        self._packed += self._deflate.compress(self._between + encoded(item))
        self._between = b","

    def end(self, rest: bytes) -> str:
        """The whole, when `rest` has followed the items."""
        self._packed += self._deflate.compress(rest) + self._deflate.flush()
        return base64.b64encode(self._packed).decode("ascii")


def packed(data: bytes) -> str:
    """At once."""
    return base64.b64encode(zlib.compress(data, LEVEL)).decode("ascii")


def encoded(value: Any) -> bytes:
    """As JSON; NaN becomes null."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:  # a lone surrogate, which has no UTF-8
        return json.dumps(value).encode("ascii")
