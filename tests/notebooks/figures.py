"""What the notebook shows: drawings and tables, each with one sentence that says what is seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from markupsafe import Markup
from numpy.typing import NDArray

from tasks.mobility.updates import Updates
from tasks.release.bars import bar_chart
from tasks.release.figures import Bars, nice_number
from tasks.tables import PublicTable, from_lines
from tests.benchmarks.svg_file import alone

STYLE = (
    "svg{background:#fbfaf7}text{font:11px sans-serif;fill:#565f64}path{fill:none}"
    ".grid{stroke:#dcd8cd}.axis,.tick{stroke:#565f64}.mark{stroke:#b3411f;stroke-dasharray:3 3}"
    ".column,.dot{fill:#0a6b77}.faint{fill-opacity:.45}.mean{stroke:#1c2226;stroke-width:2.5px}"
)
"""The light colours of the pages, for charts that stand alone."""

_CLASSES = 24
"""Bars of a chart of updates, about."""
_TAIL = 0.98
"""Longer intervals than this share of those drawn go into the last bar."""


@dataclass(frozen=True)
class Figure:
    """A drawing in the output of a cell.

    Attributes:
        drawing: See `tasks.release.svg`.
        caption: What is seen on it.
        style: Its style sheet; empty if it holds one itself.
    """

    drawing: Markup
    caption: str
    style: str = STYLE

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"image/svg+xml": alone(self.drawing, self.style), "text/plain": self.caption}


@dataclass(frozen=True)
class Table:
    """A table in the output of a cell.

    Attributes:
        head: Names of the columns.
        rows: Cells; the first of each row names it.
        caption: What is seen on it.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str

    @classmethod
    def of(cls, columns: Mapping[str, Mapping[str, str]], caption: str) -> "Table":
        """A table whose columns are the keys, and whose rows are the keys of the first of them."""
        names = next(iter(columns.values()))
        rows = [[name, *(column.get(name, "") for column in columns.values())] for name in names]
        return cls(["", *columns], rows, caption)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": str(self._html()), "text/plain": self.caption}

    def _html(self) -> Markup:
        head = Markup("").join(Markup("<th>{}</th>").format(name) for name in self.head)
        body = Markup("\n").join(
            Markup("<tr><th>{}</th>{}</tr>").format(
                name, Markup("").join(Markup("<td>{}</td>").format(cell) for cell in cells)
            )
            for name, *cells in self.rows
        )
        return Markup(
            "<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table>"
        ).format(head, body)


def updates_per_vehicle(updates: Updates) -> Markup:
    """Vehicles by how often each was seen, from the one seen least."""
    number = updates.of_vehicle if len(updates.of_vehicle) else np.zeros(1, np.int64)
    step = nice_number(float(np.ptp(number)) / _CLASSES)
    first = int(number.min()) // step
    counts = np.bincount(updates.of_vehicle // step - first, minlength=1)
    edges = (first + np.arange(len(counts) + 1)) * step
    titles = [f"{low:,} to {high - 1:,} updates" for low, high in pairwise(edges.tolist())]
    title = f"Updates per vehicle: median {np.median(number):,.0f}"
    every = max(1, len(counts) // 6)
    ticks = [(float(i), f"{edges[i]:,}") for i in range(0, len(edges), every)]
    return bar_chart(
        Bars(edges.astype(float), counts), "vehicles", titles, ticks, "updates in the day", title
    )


def longer_intervals(updates: Updates, poll_s: int) -> Markup:
    """Reporting intervals of two polls or more: vehicles that were away.

    Args:
        updates: Of the day.
        poll_s: Seconds from poll to poll.
    """
    polls = intervals_in_polls(updates, poll_s)
    counts = polls[2:] if polls[2:].any() else np.zeros(1, np.int64)
    last = int(np.searchsorted(np.cumsum(counts), _TAIL * counts.sum())) + 1
    rest = counts[last:].sum()
    shown = np.append(counts[:last], rest) if rest else counts[:last]
    minutes = (np.arange(len(shown)) + 2) * poll_s / 60
    titles = [f"{m:g} minutes" for m in minutes]
    ticks = [(i + 0.5, f"{minutes[i]:g}") for i in range(0, len(shown), max(1, len(shown) // 8))]
    if rest:
        titles[-1] = f"{minutes[-1]:g} minutes or longer"
    title = f"Reporting intervals of two polls or more: {counts.sum():,}"
    edges = np.arange(len(shown) + 1.0)
    return bar_chart(
        Bars(edges, shown), "intervals", titles, ticks, "time between two updates, minutes", title
    )


def intervals_in_polls(updates: Updates, poll_s: int) -> NDArray[np.int64]:
    """How many reporting intervals lasted that many polls, shape [longest + 1]."""
    polls = np.rint(np.arange(len(updates.intervals)) / poll_s).astype(np.int64)
    return np.bincount(polls, updates.intervals).astype(np.int64)


def trips_of(lines: Sequence[str], table: PublicTable, area: str) -> pa.Table:
    """The trips of the valid lines, with the name of their one service area."""
    rows = from_lines(lines, table)
    return rows.append_column("area", pa.array([area] * rows.num_rows, pa.string()))
