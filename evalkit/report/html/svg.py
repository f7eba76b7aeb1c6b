"""matplotlib's SVG, made fit to stand in a page: no style attributes, the page's own colours and fonts."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES_WIDE = 4.2
"""About as many points as a phone has pixels: text keeps its size there."""

SMALL = 9.5
"""Points, of what stands beside a mark."""

SERIES = tuple(f"#0000{number:02x}" for number in range(1, 9))
"""Stand-ins that `inline` turns into the page's colours, which change with the scheme: --series-1 and on."""

MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")
"""A shape a variant: colour alone is not to tell them apart."""

SHAPES = (
    "M6 1a5 5 0 1 0 0 10a5 5 0 1 0 0-10z",
    "M2 2h8v8h-8z",
    "M6 .5 11.5 6 6 11.5 .5 6z",
    "M6 1 11 10.5H1z",
    "M6 11 1 1.5h10z",
    "M4 1h4v3h3v4h-3v3h-4v-3h-3v-4h3z",
    "M1 3 3 1l3 3 3-3 2 2-3 3 3 3-2 2-3-3-3 3-2-2 3-3z",
    "M6 .5 7.4 4.4 11.5 4.5 8.3 7 9.4 11 6 8.7 2.6 11 3.7 7 .5 4.5 4.6 4.4z",
)
"""The markers as paths, 12 by 12, for a legend."""

INK, LINES = "#000000", "#0000ff"

_PAINT = {INK: "currentColor", LINES: "var(--line)", "#ffffff": "none"} | {
    stand_in: f"var(--series-{number})" for number, stand_in in enumerate(SERIES, 1)
}
_DROPPED = {"font-family", "font", "stroke-miterlimit"}


def drawing(title: str, told: str, inches_high: float, draw: Callable[[Axes], None]) -> str:
    """One set of axes as an `svg` element; the same drawing gives the same text.

    Args:
        title: shown by the page; told to screen readers here.
        told: what is to be seen, for those who do not see it.
    """
    import matplotlib
    from matplotlib.figure import Figure

    options: dict[Any, Any] = {
        "svg.hashsalt": title,
        "svg.fonttype": "none",
        "text.parse_math": False,  # a model's name may hold dollar signs
        "axes.edgecolor": LINES,
        "xtick.color": LINES,
        "ytick.color": LINES,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "font.size": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with matplotlib.rc_context(options), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # glyphs that its font lacks: the page's fonts have them
        figure = Figure(figsize=(INCHES_WIDE, inches_high), layout="constrained")
        axes = figure.add_subplot()
        axes.set_axisbelow(True)
        draw(axes)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return inline(out.getvalue(), title, told)


def inline(svg: bytes, title: str, told: str) -> str:
    """The drawing as an element of an HTML page."""
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if _name(child.tag) in ("metadata", "style"):
                parent.remove(child)
    for element in root.iter():
        _plain(element)
    names = {"title": title, "desc": told}
    for at, (tag, text) in enumerate(names.items()):
        told_to = ElementTree.Element(tag)
        told_to.text = text
        root.insert(at, told_to)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.set("role", "img")
    return ElementTree.tostring(root, encoding="unicode")


def _plain(element: ElementTree.Element) -> None:
    """Names without namespaces, and presentation attributes in place of the style that a strict CSP drops."""
    element.tag = _name(element.tag)
    found = {_name(name): value for name, value in element.attrib.items()}
    for part in found.pop("style", "").split(";"):
        name, _, value = (piece.strip() for piece in part.partition(":"))
        if name == "font":  # 10px 'DejaVu Sans', ...
            found["font-size"] = value.split()[0]
        elif name and name not in _DROPPED:
            found[name] = _PAINT.get(value.lower(), value)
    if element.tag == "g":
        found.pop("id", None)  # nothing refers to it, and every drawing has the same
    element.attrib.clear()
    element.attrib.update(found)
    if element.tag == "text" and "fill" not in found:
        element.set("fill", "currentColor")
    if element.text:
        element.text = re.sub(r"\s+", " ", element.text) if element.text.strip() else None
    element.tail = None


def _name(qualified: str) -> str:
    return qualified.rpartition("}")[2]
