"""The ground of plots with a row for each thing: its name on the left, values along one axis."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from tasks.release.svg import drawing, line, text

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _BOTTOM = 640.0, 250.0, 20.0, 26.0, 24.0, 44.0


@dataclass(frozen=True)
class RowPlot:
    """Rows below each other, and a horizontal axis from 0.

    Attributes:
        most: Where the axis ends.
        rows: How many rows.
    """

    most: float
    rows: int

    def x(self, value: float) -> float:
        """Where a value is; those beyond the ends are at the ends."""
        return _LEFT + min(max(value / self.most, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, row: int) -> float:
        """The middle of a row."""
        return _TOP + (row + 0.5) * _ROW

    @property
    def top(self) -> float:
        """Above the first row."""
        return _TOP

    @property
    def floor(self) -> float:
        """Below the last row."""
        return _TOP + self.rows * _ROW

    def axis(self, step: float, words: str) -> Iterator[Markup]:
        """Grid, ticks and the axis's name."""
        for i in range(int(self.most / step + 1e-9) + 1):
            at = self.x(i * step)
            yield line(at, _TOP, at, self.floor, "grid")
            yield text(at, self.floor + 16, f"{i * step:g}", "middle")
        yield text(_WIDTH - _RIGHT, self.floor + 36, words, "end")

    def mark(self, value: float, words: str) -> Iterator[Markup]:
        """A dashed line over all rows."""
        yield line(self.x(value), _TOP - 6, self.x(value), self.floor, "mark")
        yield text(self.x(value), _TOP - 11, words, "middle")

    def name(self, row: int, words: str) -> Markup:
        """What stands on the left of a row."""
        return text(_LEFT - 10, self.y(row) + 4, words, "end")

    def heading(self, row: int, words: str) -> Markup:
        """Words in the place of a row."""
        return text(0, self.y(row) + 4, words, "start")

    def drawn(self, title: str, parts: list[Markup]) -> Markup:
        """The whole drawing; see `tasks.release.svg.drawing`."""
        return drawing(_WIDTH, self.floor + _BOTTOM, title, parts, "chart")
