"""What the live map draws, as small as a page can carry it: typed arrays in base64, and facts.

The arrays lie one after the other, little-endian, each from a multiple of 4 bytes on. Positions
are in steps, of which the box of an area has 65,535 from west to east and from south to north: one
is at most 9 m long in the largest area there can be, and about 0.2 m in a city.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from tasks.region import Box
from tasks.region.ways import Lines, Ways
from tasks.release.figures import METRES_PER_DEGREE, size_m

STEPS = 65_535
"""Positions along a side of an area's box."""
MOST_ROWS = 50_000
"""Rows of a table that are drawn; of a longer one a systematic sample."""
MOST_POSITIONS = 40_000
"""Positions of all roads and docks together; roads are simplified until there are no more."""

_FEWEST = 2
"""Flows of fewer rows are not drawn, so their intervals need not be there."""
_ROADS_M = (5.0, 10.0, 20.0, 50.0, 100.0)
"""How far a drawn road may be from the true one, tried one after the other."""


@dataclass(frozen=True)
class LiveMap:
    """A map's data as the page holds them.

    Attributes:
        facts: JSON values: `arrays` (of each its type, its first byte and its length), and what
            refers to them by number. Of each area `areas` has the box in degrees, the sides in
            metres and the outline in steps; of each layer `layers` has the words, the arrays and
            `rows`, the number of rows of each area and hour, which lie in that order.
        content: The arrays, base64.
    """

    facts: Mapping[str, Any]
    content: str


@dataclass
class _Arrays:
    """Arrays on their way into one string."""

    facts: list[tuple[str, int, int]] = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)

    def add(self, values: NDArray[Any], kind: str = "<u2") -> int:
        """Append an array; returns the number by which the facts refer to it."""
        self.content += bytes(-len(self.content) % 4)
        self.facts.append((kind[1:], len(self.content), len(values)))
        self.content += values.astype(kind).tobytes()
        return len(self.facts) - 1


def live_map(
    tables: Mapping[str, pa.Table], areas: Sequence[Box], ways: Ways | None = None
) -> LiveMap:
    """Pack published rows for the live map.

    Args:
        tables: The published tables: `trips`, or `starts`, `ends` and `modelled_trips`; of a table
            `intervals` the places of the finest grid are kept, and the flows of several trips.
        areas: The service area, in the order in which it is offered.
        ways: The published roads and docks, if there are any.
    """
    arrays = _Arrays()
    facts = {
        "areas": [_area(box) for box in areas],
        "layers": _layers(arrays, tables, areas),
        "ways": None if ways is None else _ways(arrays, ways, areas),
        "intervals": _intervals(arrays, tables.get("intervals"), areas),
        "arrays": arrays.facts,
    }
    return LiveMap(facts, base64.b64encode(arrays.content).decode())


def drawn(table: pa.Table) -> pa.Table:
    """The rows of a table that are drawn: all, or `MOST_ROWS` at equal steps in published order."""
    if table.num_rows <= MOST_ROWS:
        return table
    return table.take(np.arange(MOST_ROWS) * table.num_rows // MOST_ROWS)


def _area(box: Box) -> dict[str, Any]:
    width, height = size_m(box)
    outline = [
        [_steps(np.array(ring), box).astype(int).tolist() for ring in polygon]
        for polygon in box.polygons
    ]
    edges = {edge: getattr(box, edge) for edge in ("south", "west", "north", "east")}
    return {
        "name": box.name,
        **edges,
        "width_m": round(width, 1),
        "height_m": round(height, 1),
        "outline": outline,
    }


def _steps(positions: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    """Longitudes and latitudes, shape (n, 2), as steps from the south-west corner of a box."""
    corner, size = np.array([box.west, box.south]), [box.east - box.west, box.north - box.south]
    steps: NDArray[np.float64] = np.clip(np.round((positions - corner) / size * STEPS), 0, STEPS)
    return steps


def _layers(
    arrays: _Arrays, tables: Mapping[str, pa.Table], areas: Sequence[Box]
) -> dict[str, dict[str, Any]]:
    if "trips" in tables:
        sheet = _sheet(arrays, tables["trips"], ("origin_", "destination_"), areas)
        of_origins, of_destinations, of_flows = sheet, sheet | {"ends": sheet["ends"][1:]}, sheet
        said = ("Origins", "trips start"), ("Destinations", "trips end"), ("Flows", "trips")
    else:
        of_origins, of_destinations, of_flows = (
            _sheet(arrays, tables[name], ends, areas)
            for name, ends in (
                ("starts", ("",)),
                ("ends", ("",)),
                ("modelled_trips", ("origin_", "destination_")),
            )
        )
        said = ("Starts", "rides start"), ("Ends", "rides end"), ("Flows", "modelled trips")
    return {
        name: {"label": label, "words": words, **sheet}
        for name, (label, words), sheet in zip(
            ("origins", "destinations", "flows"),
            said,
            (of_origins, of_destinations, of_flows),
            strict=True,
        )
    }


def _sheet(
    arrays: _Arrays, table: pa.Table, ends: Sequence[str], areas: Sequence[Box]
) -> dict[str, Any]:
    """The rows of a table by area and hour: their number, and the arrays of x and y of each end."""
    rows = drawn(table)
    names = pa.array([box.name for box in areas], pa.string())
    area = pc.index_in(rows["area"], names).to_numpy().astype(np.int64)
    hour = rows["hour"].to_numpy().astype(np.int64)
    order = np.argsort(area * 24 + hour, kind="stable")
    counts = np.bincount(area * 24 + hour, minlength=24 * len(areas)).reshape(-1, 24)
    starts = np.concatenate([[0], np.cumsum(counts.sum(axis=1))])
    packed = []
    for end in ends:
        positions = np.stack(
            [rows[f"{end}{name}"].to_numpy()[order] for name in ("longitude", "latitude")], axis=1
        )
        parts = [
            _steps(positions[first:last], box)
            for box, first, last in zip(areas, starts, starts[1:], strict=False)
        ]
        packed.append([arrays.add(column) for column in np.concatenate(parts).T])
    return {
        "ends": packed,
        "rows": counts.tolist(),
        "drawn": rows.num_rows,
        "all": table.num_rows,
    }


def _ways(arrays: _Arrays, ways: Ways, areas: Sequence[Box]) -> list[dict[str, int] | None]:
    """Of each area the number of positions of each line, and the arrays of x and y; or None."""
    kept = _simplified(ways)
    found: list[dict[str, int] | None] = []
    for box in areas:
        if (lines := kept.get(box.name)) is None:
            found.append(None)
            continue
        x, y = _steps(lines.positions, box).T
        lengths = np.diff(lines.first, append=len(lines.positions))
        found.append(
            {"lengths": arrays.add(lengths, "<u4"), "x": arrays.add(x), "y": arrays.add(y)}
        )
    return found


def _simplified(ways: Ways) -> dict[str, Lines]:
    kept = dict(ways.of_area)
    for metres in _ROADS_M:
        if sum(len(lines.positions) for lines in kept.values()) <= MOST_POSITIONS:
            return kept
        kept = {name: _simpler(lines, metres) for name, lines in ways.of_area.items()}
    return kept if sum(len(each.positions) for each in kept.values()) <= MOST_POSITIONS else {}


def _simpler(lines: Lines, metres: float) -> Lines:
    """The lines less what is shorter than a tolerance, and less positions that it makes needless.

    Degrees of longitude count as much as those of latitude, which errs on the side of detail.
    """
    line = np.repeat(np.arange(len(lines.first)), np.diff(lines.first, append=len(lines.positions)))
    lone = np.bincount(line)[line] == 1
    _, road = np.unique(line[~lone], return_inverse=True)
    roads = shapely.linestrings(lines.positions[~lone], indices=road)
    degrees = metres / METRES_PER_DEGREE
    roads = shapely.simplify(roads[shapely.length(roads) >= degrees], degrees)
    return Lines.of(
        [
            *(tuple(map(tuple, shapely.get_coordinates(each).tolist())) for each in roads),
            *((tuple(position),) for position in lines.positions[lone].tolist()),
        ]
    )


def _intervals(
    arrays: _Arrays, intervals: pa.Table | None, areas: Sequence[Box]
) -> dict[str, dict[str, Any]]:
    """Of each kind of place of the finest grid: edges, interval, and how many each area has.

    Of flows, instead of edges, which of the origins and which of the destinations they join.
    """
    if intervals is None:
        return {}
    finest = intervals.filter(pc.field("grid_degrees") == pc.min(intervals["grid_degrees"]))
    origins, destinations, flows = (
        [
            finest.filter((pc.field("counted") == counted) & (pc.field("area") == box.name))
            for box in areas
        ]
        for counted in ("origins", "destinations", "flows")
    )
    flows = [part.filter(pc.field("rows") >= _FEWEST) for part in flows]
    joined = pa.concat_tables(flows)
    return {
        "origins": _squares(arrays, origins),
        "destinations": _squares(arrays, destinations),
        "flows": {
            "rows": [part.num_rows for part in flows],
            "origin": arrays.add(_joined(joined, "", origins), "<u4"),
            "destination": arrays.add(_joined(joined, "to_", destinations), "<u4"),
            "trips": arrays.add(joined["rows"].to_numpy(), "<u4"),
            **{name: arrays.add(joined[name].to_numpy(), "<f4") for name in ("low", "high")},
        },
    }


def _squares(arrays: _Arrays, parts: Sequence[pa.Table]) -> dict[str, Any]:
    """Squares of every area, with their intervals."""
    rows = pa.concat_tables(parts)
    columns = ("south", "west", "north", "east", "low", "high")
    return {
        "rows": [part.num_rows for part in parts],
        **{name: arrays.add(rows[name].to_numpy(), "<f4") for name in columns},
    }


def _joined(flows: pa.Table, prefix: str, squares: Sequence[pa.Table]) -> NDArray[np.int64]:
    """The square, counted through all areas, in which each flow begins, or ends."""

    def keys(table: pa.Table, prefix: str) -> Iterator[tuple[Any, ...]]:
        names = ("area", f"{prefix}south", f"{prefix}west")
        return zip(*(table[name].to_pylist() for name in names), strict=True)

    known = {key: index for index, key in enumerate(keys(pa.concat_tables(squares), ""))}
    return np.array([known[key] for key in keys(flows, prefix)], np.int64)
