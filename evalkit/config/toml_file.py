"""evalkit.toml as it is written: read strictly, each fault with its file, line, field and remedy."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from evalkit.errors import InputError, UsageError

FILE_NAME = "evalkit.toml"

Table = Mapping[str, Any]

_NUMBER = (int, float)
_TOP = {
    "models": dict,
    "endpoints": dict,
    "variants": dict,
    "suites": dict,
    "prices": list,
    "volume": dict,
}
_MODELS = {"base": str, "ft": str, "judge": str}
_ENDPOINT = {
    "base_url": str,
    "api_key_env": str,
    "headers": dict,
    "timeout_s": _NUMBER,
    "max_concurrency": int,
}
_VARIANT = {"model": str, "endpoint": str, "prompt": str, "params": dict, "responses": str}
_SUITE = {"variants": dict}
_VOLUME = {"calls_per_day": _NUMBER}
_PRICE = {"model": str, "in": _NUMBER, "out": _NUMBER, "cached": _NUMBER, "train": _NUMBER}
_WORDS = {str: "a text", dict: "a table", list: "a list", int: "a whole number", _NUMBER: "a number"}


@dataclass(frozen=True, slots=True)
class TomlFile:
    """The tables of evalkit.toml, of the right types, without unknown keys; empty where there is no file."""

    path: Path
    text: str = ""
    models: Table = field(default_factory=dict)
    endpoints: Mapping[str, Table] = field(default_factory=dict)
    variants: Mapping[str, Table] = field(default_factory=dict)
    suite_variants: Mapping[str, Mapping[str, Table]] = field(default_factory=dict)
    prices: tuple[Table, ...] = ()
    volume: Table = field(default_factory=dict)

    def fault(self, what: str, field: str) -> InputError:
        """The error for `field`, a dotted path, with the line on which it stands."""
        return InputError(what, file=self.path, line=line_of(self.text, field), field=field)

    @contextmanager
    def at(self, field: str) -> Iterator[None]:
        """Faults found within are faults of `field`."""
        try:
            yield
        except UsageError as fault:
            raise self.fault(str(fault), field) from fault


def read_toml(folder: Path) -> TomlFile:
    """Read evalkit.toml in `folder`; a missing file is an empty one.

    Raises:
        InputError: it is no TOML, or has a key or a type that evalkit does not know.
    """
    path = folder / FILE_NAME
    try:
        text = path.read_text("utf-8")
        tables = tomllib.loads(text)
    except FileNotFoundError:
        return TomlFile(path)
    except UnicodeDecodeError as fault:
        raise InputError(f"not UTF-8: {fault.reason} at byte {fault.start}", file=path) from fault
    except OSError as fault:
        raise InputError(f"cannot be read: {fault.strerror}", file=path) from fault
    except tomllib.TOMLDecodeError as fault:
        line = re.search(r"at line (\d+)", str(fault))
        raise InputError(f"not TOML: {fault}", file=path, line=int(line[1]) if line else None) from fault
    return _checked(TomlFile(path, text), tables)


def _checked(file: TomlFile, tables: Table) -> TomlFile:
    """The file with its tables, each of which has been looked at."""
    check = _Checker(file)
    check.table(tables, _TOP, "")
    check.table(tables.get("models", {}), _MODELS, "models")
    check.named(tables.get("endpoints", {}), _ENDPOINT, "endpoints", required=("base_url",))
    check.named(tables.get("variants", {}), _VARIANT, "variants")
    suites = tables.get("suites", {})
    check.named(suites, _SUITE, "suites")
    for name, suite in suites.items():
        check.named(suite.get("variants", {}), _VARIANT, f"suites.{name}.variants")
    prices = tables.get("prices", [])
    for number, price in enumerate(prices):
        check.table(price, _PRICE, f"prices[{number}]", required=("model", "in", "out"))
    check.table(tables.get("volume", {}), _VOLUME, "volume")
    return TomlFile(
        file.path,
        file.text,
        models=tables.get("models", {}),
        endpoints=tables.get("endpoints", {}),
        variants=tables.get("variants", {}),
        suite_variants={name: suite.get("variants", {}) for name, suite in suites.items()},
        prices=tuple(prices),
        volume=tables.get("volume", {}),
    )


@dataclass(frozen=True, slots=True)
class _Checker:
    """Looks at tables of one file, and says where a fault stands."""

    file: TomlFile

    def named(self, tables: Any, types: Mapping[str, Any], at: str, required: Iterable[str] = ()) -> None:
        """A table of tables: `[endpoints.NAME]`, `[variants.NAME]`."""
        for name, table in tables.items():
            self.table(table, types, f"{at}.{name}", required)

    def table(self, table: Any, types: Mapping[str, Any], at: str, required: Iterable[str] = ()) -> None:
        """One table: no unknown key, no wrong type, no required key missing."""
        if not isinstance(table, dict):
            self._fail(f"found {table!r}, write a table", at)
        for key, value in table.items():
            place = f"{at}.{key}" if at else key
            if key not in types:
                self._fail(f"unknown key{close_match(key, types)}; known: {', '.join(types)}", place)
            if not isinstance(value, types[key]) or isinstance(value, bool):
                self._fail(f"found {value!r}, write {_WORDS[types[key]]}", place)
            if isinstance(value, float) and not math.isfinite(value):
                self._fail(f"found {value}, write a finite number", place)
        for key in required:
            if key not in table:
                self._fail(f"`{key}` is missing", at)

    def _fail(self, what: str, at: str) -> NoReturn:
        raise self.file.fault(what, at)


def close_match(name: str, known: Iterable[str]) -> str:
    """`, did you mean X?` where some known name is close to `name`, else ""."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {close[0]}?" if close else ""


def line_of(text: str, field: str) -> int | None:
    """The line, from 1, of a dotted field in a TOML text: its own, or else that of the table around it."""
    found = [
        (len(place), -number)
        for number, place in _places(text)
        if field == place or field.startswith((f"{place}.", f"{place}["))
    ]
    return -max(found)[1] if found else None


def _places(text: str) -> Iterator[tuple[int, str]]:
    """Each line that opens a table or sets a key, with its dotted path, e.g. (3, "prices[0].model")."""
    table, arrays = "", Counter[str]()
    for number, line in enumerate(text.replace('"', "").replace("'", "").splitlines(), 1):
        if header := re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line):
            table = header[2]
            if header[1] == "[[":
                arrays[header[2]] += 1
                table = f"{table}[{arrays[table] - 1}]"
            yield number, table
        elif key := re.match(r"\s*([\w.-]+)\s*=", line):
            yield number, f"{table}.{key[1]}" if table else key[1]
