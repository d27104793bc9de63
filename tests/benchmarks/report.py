"""The table of figures in print: one line per synthesizer, one column per figure."""

from collections.abc import Mapping
from dataclasses import fields

from tasks.quality.metrics import Closeness

COLUMNS = tuple(field.name for field in fields(Closeness))

_NAME = 38


def title() -> str:
    """The line above the figures."""
    return " " * _NAME + " ".join(f"{name:>{_width(name)}s}" for name in COLUMNS)


def line(name: str, figures: Mapping[str, object]) -> str:
    """The figures of one synthesizer; a dash where one was not measured.

    Args:
        name: Of the synthesizer.
        figures: Column to number, or to what prints itself, such as an interval.
    """
    cells = [f"{_text(name, figures.get(name)):>{_width(name)}s}" for name in COLUMNS]
    return f"{name:{_NAME}s}" + " ".join(cells)


def _text(column: str, value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if column == "length" else f"{value:.3f}"
    return "-" if value is None else str(value)


def _width(column: str) -> int:
    return max(len(column), 6)
