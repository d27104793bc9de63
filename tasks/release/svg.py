"""The pieces that plots are made of: inline SVG whose colours are left to the style sheet."""

from collections.abc import Iterable

from markupsafe import Markup


def drawing(width: float, height: float, title: str, parts: Iterable[Markup], kind: str) -> Markup:
    """A whole drawing.

    Args:
        width: In SVG units; the page scales it.
        height: Likewise.
        title: What it shows, for those who hear it and those who point at it.
        parts: What is drawn, first to last.
        kind: Its classes, beside `plot`.
    """
    return Markup(
        '<svg class="plot {0}" viewBox="0 0 {1} {2}" role="img" aria-label="{3}">'
        "<title>{3}</title>{4}</svg>"
    ).format(kind, number(width), number(height), title, Markup("").join(parts))


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "tick") -> Markup:
    """A straight line of a class."""
    return Markup('<path class="{}" d="M{} {}L{} {}"/>').format(
        kind, number(x1), number(y1), number(x2), number(y2)
    )


def text(x: float, y: float, words: str, anchor: str) -> Markup:
    """Words that begin at a point, are centred on it or end there (start, middle, end)."""
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
        number(x), number(y), anchor, words
    )


def dot(x: float, y: float, radius: float, title: str, kind: str) -> Markup:
    """A disc of a class, and what is said of it to those who point at it."""
    return Markup('<circle class="{}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>').format(
        kind, number(x), number(y), number(radius), title
    )


def rectangle(x: float, y: float, width: float, height: float, title: str, kind: str) -> Markup:
    """A rectangle of a class, and what is said of it to those who point at it."""
    return Markup(
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>'
    ).format(kind, number(x), number(y), number(width), number(height), title)


def number(value: float) -> str:
    """A coordinate with two decimals and no trailing zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
