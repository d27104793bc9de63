"""Maps of where trips start, real ones beside synthetic ones.

    python -m tests.benchmarks.trip_maps MAPS.svg                   a simulated day in ten areas
    python -m tests.benchmarks.trip_maps MAPS.svg --file FILE.csv   a table of trips

A row for each of the areas with most trips, a column for the day and for each epsilon: origins per
cell of 100 m, in colours that follow the logarithm of the count, within the square of 7.5 km where
most trips of the day start. A table's real trips are in the picture: it stays where the table is.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from tasks.quality.rows import ends
from tasks.region import Box, Guarantee
from tasks.release.figures import METRES_PER_DEGREE
from tasks.release.plots import MapStyle, Ramp, density_map
from tasks.release.svg import drawing, number, text
from tasks.synthesis.trip_field import Evidence, FieldSettings, make_plan, measure
from tasks.synthesis.trip_field.fit import fit
from tasks.synthesis.trip_field.sampling import sample
from tests.benchmarks.svg_file import write_alone
from tests.benchmarks.trip_field_quality import DELTA, days

EPSILONS = (0.666, 1.0)
AREAS = 3
CELL_M, CELLS = 100, 75
"""Side of a cell, and cells along the side of a map."""

_PANEL, _HEAD, _SIDE = 250.0, 24.0, 22.0
_MAP = MapStyle("map", width=_PANEL, left=1, bottom=24, degrees=False)
_ROW = _PANEL + _MAP.bottom
_STYLE = Markup(
    "<style>"
    "text{font:12px sans-serif;fill:#333}.head{font-weight:bold}"
    ".ground{fill:#f0eee8}.frame{fill:none;stroke:#999}.bar{fill:none;stroke:#555}"
    ".c0{fill:#bce9de}.c1{fill:#68d0cc}.c2{fill:#00b0c3}.c3{fill:#008bb6}"
    ".c4{fill:#00649c}.c5{fill:#1a4075}.c6{fill:#1d2248}"
    "</style>"
)


def synthetic(trips: pa.Table, areas: tuple[Box, ...], epsilon: float) -> pa.Table:
    """As many trips, made of one measurement."""
    guarantee = Guarantee(epsilon=epsilon, delta=DELTA)
    plan = make_plan(areas, len(trips), guarantee, FieldSettings())
    field = fit(plan, Evidence.of(measure(trips, plan)))
    return sample(field, len(trips), np.random.default_rng())


def busiest(trips: pa.Table, areas: Sequence[Box], most: int) -> list[Box]:
    """The areas with most trips, the first with most of all."""
    of_area = {row["values"]: row["counts"] for row in pc.value_counts(trips["area"]).to_pylist()}
    return sorted(areas, key=lambda area: -of_area.get(area.name, 0))[:most]


def window(trips: pa.Table, area: Box) -> Box:
    """The square in which most trips of an area start, of `CELLS` by `CELLS` cells."""
    shrink = math.cos(math.radians((area.south + area.north) / 2))
    cell = CELL_M / METRES_PER_DEGREE * np.array([1, 1 / shrink])
    corner, far = np.array([[area.south, area.west], [area.north, area.east]])
    edges = [np.arange(math.ceil(side) + 1) for side in (far - corner) / cell]
    rows, columns = ((origins(trips, area) - corner) / cell).T
    counts, *_ = np.histogram2d(rows, columns, edges)
    sums = uniform_filter(counts, CELLS, mode="constant")
    middle = np.array(np.unravel_index(sums.argmax(), sums.shape))
    south, west = corner + np.maximum(middle - CELLS // 2, 0) * cell
    north, east = np.array([south, west]) + CELLS * cell
    return Box(name=area.name, south=south, west=west, north=north, east=east)


def origins(trips: pa.Table, area: Box) -> NDArray[np.float64]:
    """Latitude and longitude of the origins in an area, shape (n, 2)."""
    return np.asarray(ends(trips.filter(pc.equal(trips["area"], area.name)))[:, :2])


def cells(trips: pa.Table, square: Box) -> NDArray[np.int64]:
    """Origins per cell of a window, shape (`CELLS`, `CELLS`), from the south-west corner."""
    within = [(square.south, square.north), (square.west, square.east)]
    latitude, longitude = origins(trips, square).T
    counts, *_ = np.histogram2d(latitude, longitude, CELLS, within)
    return np.asarray(counts, np.int64)


def draw(tables: dict[str, pa.Table], areas: Sequence[Box]) -> Markup:
    """The maps.

    Args:
        tables: What is drawn, from left to right, by what stands above; windows are of the first.
        areas: A row for each.
    """
    first = next(iter(tables.values()))
    squares = [window(first, area) for area in areas]
    counts = [[cells(table, square) for table in tables.values()] for square in squares]
    ramp = Ramp.up_to(int(np.max(counts)))
    parts = [Markup('<rect width="100%" height="100%" fill="#fff"/>'), _STYLE]
    for column, head in enumerate(tables):
        parts.append(
            Markup('<text class="head" x="{}" y="16">{}</text>').format(number(_left(column)), head)
        )
    for row, square in enumerate(squares):
        top = _HEAD + row * _ROW
        parts.append(
            Markup(
                '<text transform="translate(14 {}) rotate(-90)" text-anchor="middle">{}</text>'
            ).format(number(top + _PANEL / 2), square.name)
        )
        for column, head in enumerate(tables):
            panel = density_map(
                counts[row][column], square, CELL_M, ramp, _MAP, f"{square.name}, {head}"
            )
            parts.append(
                Markup('<svg x="{}" y="{}" width="{}" height="{}">{}</svg>').format(
                    number(_left(column)), number(top), number(_PANEL), number(_ROW), panel
                )
            )
    bottom = _HEAD + len(areas) * _ROW + 4
    title = "Origins per cell of 100 m, real and synthetic"
    return drawing(_left(len(tables)), bottom + 22, title, [*parts, *_key(ramp, bottom)], "maps")


def _left(column: int) -> float:
    return _SIDE + column * (_PANEL + 8)


def _key(ramp: Ramp, top: float) -> list[Markup]:
    """The colours, with the counts that they stand for."""
    parts, left = [], _SIDE
    for colour, label in zip(ramp.colours, ramp.labels(), strict=True):
        parts.append(
            Markup('<rect class="c{}" x="{}" y="{}" width="12" height="12"/>').format(
                colour, number(left), number(top)
            )
        )
        parts.append(text(left + 17, top + 10, label, "start"))
        left += 36 + 7 * len(label)
    parts.append(text(left, top + 10, "origins in a cell of 100 m", "start"))
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path, metavar="MAPS.svg")
    parser.add_argument("--file", type=Path, help="a table of trips, as the replay server plays it")
    parser.add_argument("--epsilon", type=float, nargs="+", default=EPSILONS)
    parser.add_argument("--areas", type=int, default=AREAS, help="rows of maps")
    arguments = parser.parse_args()
    _, areas, trips = next(iter(days(arguments.file)))
    tables = {"real" if arguments.file else "simulated day": trips}
    for epsilon in arguments.epsilon:
        tables[f"synthetic, epsilon {epsilon:g}"] = synthetic(trips, areas, epsilon)
    write_alone(arguments.picture, draw(tables, busiest(trips, areas, arguments.areas)))


if __name__ == "__main__":
    main()
