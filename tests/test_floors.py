"""Imports point one way: from the command line down to statistics and errors."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FLOORS = (  # from the top
    {"__main__"},
    {"cli"},
    {"report"},
    {"curve"},
    {"gate"},
    {"comparison"},
    {"run"},
    {"tune"},
    {"suite", "config", "local"},
    {"dataset"},
    {"checks"},
    {"endpoints", "tokens", "prices"},
    {"numbers"},
    {"stats", "jsontext", "errors"},
)
WING = {"dataset", "tokens", "errors"}
"""All that `local` may borrow: the harness speaks to it over HTTP; it could be lifted out as a package."""

STARTER = "cli"
"""The only part that may import `local`, to start it."""


def part_of(module: str) -> str:
    """`evalkit.run.plan` -> `run`; `evalkit` itself has no part."""
    return module.split(".")[1] if "." in module else ""


def floor_of(part: str) -> int:
    """0 is the top; a part that stands on no floor is an error in this test, so that none is forgotten."""
    return next(number for number, parts in enumerate(FLOORS) if part in parts)


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the package but `evalkit` itself, which names parts of all floors, lazily."""
    for path in sorted((ROOT / "evalkit").rglob("*.py")):
        names = path.relative_to(ROOT).with_suffix("").parts
        if names != ("evalkit", "__init__"):
            yield ".".join(name for name in names if name != "__init__"), path


each_module = pytest.mark.parametrize(
    ("module", "path"), [pytest.param(module, path, id=module) for module, path in modules()]
)


def imported(path: Path) -> Iterator[str]:
    """Every module of evalkit that a file imports, wherever in the file it does."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "evalkit")


@each_module
def test_imports_go_down_only(module: str, path: Path) -> None:
    """No module imports from a floor above its own."""
    here = part_of(module)
    for there in map(part_of, imported(path)):
        assert there in ("", "__version__") or floor_of(there) >= floor_of(here), f"{module} imports {there}"


def test_neighbours_on_a_floor_form_no_circle() -> None:
    """Parts of one floor may borrow from each other, but one way only."""
    needs: dict[str, set[str]] = {}
    for module, path in modules():
        here = part_of(module)
        needs.setdefault(here, set()).update(set(map(part_of, imported(path))) - {"", "__version__", here})
    assert set(TopologicalSorter(needs).static_order()) >= needs.keys()  # raises CycleError on a circle


@each_module
def test_the_embedded_server_is_a_wing_of_its_own(module: str, path: Path) -> None:
    """`local` borrows only dataset, tokens and errors; nothing but the command line imports it."""
    here = part_of(module)
    for name in imported(path):
        there = part_of(name)
        if here == "local":
            assert there == "local" or there in WING, f"{module} imports {name}"
        elif there == "local":
            assert here == STARTER, f"{module} imports {name}: reach the embedded server over HTTP"


def test_only_the_command_line_prints() -> None:
    """No print outside cli/, but for the embedded server's command and the development tools in local/."""
    printing = {
        module
        for module, path in modules()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert {module for module in printing if part_of(module) not in ("cli", "local")} == set()
