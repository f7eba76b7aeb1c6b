"""Keys, found in whatever a server says, and taken out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

SHORTEST_SECRET = 8
"""Texts below this many characters are no secrets, and would be found in any text."""

_CREDENTIAL = re.compile(r"(?i)auth|cookie|credential|key|passw|secret|session|signature|token")
"""How headers are called whose values are secrets."""

_LIKE_A_KEY = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])\S{16,}")

_SCHEME = re.compile(r"(?i:bearer|basic|token|apikey)\s+(.+)")
_ESCAPED = re.compile(rb"\\(?:/|u00[2-7])")
"""An escape where nobody needs one: plain ASCII."""


def credentials(headers: Mapping[str, str]) -> list[str]:
    """The values of headers that are secrets by their names, or look like keys; others (the name of an
    application, a region) may well stand in an answer."""
    return [text for name, text in headers.items() if _CREDENTIAL.search(name) or _LIKE_A_KEY.search(text)]


class Secrets:
    """Texts that must not be shown or stored.

    Each is found as it is, and spelt with JSON's escapes, at any depth of JSON within JSON: the arguments of
    a tool call are a JSON text in a JSON text. (A backslash, which no key holds, is looked for as it is.)

    Args:
        texts: keys, and what `credentials` finds; of `Bearer KEY` the key alone is a secret too. Short ones
            are left out.
    """

    def __init__(self, texts: Iterable[str]):
        known = set(texts)
        known |= {match[1] for text in known if (match := _SCHEME.fullmatch(text))}
        kept = sorted((text for text in known if len(text) >= SHORTEST_SECRET), key=len, reverse=True)
        self._plain = [text.encode() for text in kept]
        self._spelt = re.compile(b"|".join(map(_spellings, kept))) if kept else None
        # a key with such a character is never spelt plainly in JSON
        self._always = any(json.dumps(text)[1:-1] != text for text in kept)

    def cleared(self, content: bytes) -> bytes:
        """The content with `***` in place of every secret; what was JSON still is."""
        if self._spelt and (self._always or _ESCAPED.search(content)):
            return self._spelt.sub(b"***", content)
        for secret in self._plain:  # nearly always this will do, in a thirtieth of the time
            content = content.replace(secret, b"***")
        return content

    def cleared_text(self, text: str) -> str:
        """The same, for a text."""
        return self.cleared(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def _spellings(secret: str) -> bytes:
    """A pattern for every way in which JSON may spell a text."""
    return b"".join(map(_character, secret))


def _character(character: str) -> bytes:
    units = character.encode("utf-16-be").hex()
    escapes = "".join(rf"\\+u(?i:{units[at : at + 4]})" for at in range(0, len(units), 4))
    plain = re.escape(character)
    backslashed = rf"\\+{plain}|" if character in '"/' else ""
    return f"(?:{escapes}|{backslashed}{plain})".encode()
