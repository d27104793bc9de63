"""Synthetic ends moved to public roads and docks.

It is post-processing: rows and public geometry are all that is read. An end goes to the nearest
point of the ways in its area, if one is near enough and the point, rounded as it is published,
still lies in the area. A trip whose ends would come within 100 m of each other stays where it was
drawn. So no row is lost, and what could be released before can be released after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.mobility.areas import held
from tasks.mobility.distance import haversine
from tasks.region.model import Box
from tasks.region.ways import Ways
from tasks.synthesis import microdegrees
from tasks.synthesis.microdegrees import MICRO, Bools, Integers
from tasks.synthesis.nearest import NearestWays

_ENDS = ("origin_", "destination_", "")
"""What stands before `latitude` and `longitude` in the names of columns."""


@dataclass(frozen=True)
class Snapped:
    """Tables whose ends were moved.

    Attributes:
        tables: The tables, rows sorted by their values.
        ends: How many ends they have.
        moved: How many of these lie on a way now.
    """

    tables: dict[str, pa.Table]
    ends: int
    moved: int


def snap_tables(areas: Sequence[Box], ways: Ways, tables: Mapping[str, pa.Table]) -> Snapped:
    """Move the ends of every row of some tables.

    Args:
        areas: The service area.
        ways: Its roads and docks.
        tables: Columns as in `tasks.schema.RELEASE`, `MODELLED_TRIPS`, `RELEASE_STARTS` or
            `RELEASE_ENDS`.
    """
    snapper = _Snapper(areas, ways)
    snapped = {name: snapper.snap(table) for name, table in tables.items()}
    moved = [lies for _, lies in snapped.values()]
    return Snapped(
        {name: table for name, (table, _) in snapped.items()},
        sum(lies.size for lies in moved),
        sum(int(lies.sum()) for lies in moved),
    )


class _Snapper:
    """Moves the ends of synthetic rows to the ways of a service area."""

    def __init__(self, areas: Sequence[Box], ways: Ways) -> None:
        self._areas = areas
        self._ways = ways

    def snap(self, table: pa.Table) -> tuple[pa.Table, Bools]:
        """As many rows, sorted by their values; and which ends lie on a way, shape (n, ends)."""
        names = [f"{end}latitude" for end in _ENDS if f"{end}latitude" in table.column_names]
        names = [column for name in names for column in (name, name.replace("lat", "long"))]
        area = self._area_of(table)
        drawn = np.stack([_micro(table, name) for name in names], axis=1)
        placed, moved = drawn.copy(), np.zeros((len(drawn), len(names) // 2), bool)
        for number in range(moved.shape[1]):
            end = slice(2 * number, 2 * number + 2)
            placed[:, end], moved[:, number] = self._placed(area, drawn[:, end])
        if len(names) == 4:
            stay = ~microdegrees.are_trips(self._areas, area, placed)
            placed[stay], moved[stay] = drawn[stay], False
            distance = microdegrees.distance_between(*placed.T)
            table = _with(table, "distance_m", distance)
        for name, column in zip(names, placed.T, strict=True):
            table = _with(table, name, column / MICRO)
        ordered = table.sort_by([(name, "ascending") for name in table.column_names])
        return ordered, moved

    def _placed(self, area: Integers, drawn: Integers) -> tuple[Integers, Bools]:
        """Where each end goes, microdegrees, and which of them move to a way.

        Args:
            area: Index of each row's area, shape (n,).
            drawn: Latitude and longitude in microdegrees, shape (n, 2).
        """
        placed, moved = drawn.copy(), np.zeros(len(drawn), bool)
        for index, nearest in self._nearest.items():
            rows = np.flatnonzero(area == index)
            points, found = nearest.of(drawn[rows] / MICRO)
            rows = rows[found]
            placed[rows] = np.round(points[found] * MICRO).astype(np.int64)
            moved[rows] = True
        after = placed / MICRO
        far = haversine(*(drawn / MICRO).T, *after.T) > self._ways.within_m
        stay = moved & (far | ~held(self._areas, area, (after[:, 0], after[:, 1])))
        placed[stay], moved[stay] = drawn[stay], False
        return placed, moved

    @cached_property
    def _nearest(self) -> dict[int, NearestWays]:
        """For each area with ways, by its index, what finds the nearest."""
        return {
            index: NearestWays(self._ways.of_area[box.name].segments, self._ways.within_m)
            for index, box in enumerate(self._areas)
            if box.name in self._ways.of_area
        }

    def _area_of(self, table: pa.Table) -> Integers:
        names = pa.array([box.name for box in self._areas], pa.string())
        found = pc.index_in(table["area"], value_set=names)
        return np.asarray(found.to_numpy(), np.int64)


def _micro(table: pa.Table, name: str) -> Integers:
    return np.asarray(np.round(table[name].to_numpy() * MICRO), np.int64)


def _with(table: pa.Table, name: str, values: NDArray[np.float64]) -> pa.Table:
    index = table.schema.get_field_index(name)
    return table.set_column(index, table.schema.field(index), pa.array(values))
