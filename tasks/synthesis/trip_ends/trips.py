"""Modelled trips drawn from a pairing of two densities.

Starts are drawn systematically by hour and cell. How far into its stretch each mark falls, which is
spread evenly, says in which cell and hour the trip ends. Positions are one of several pairs drawn
from the densities inside the two cells, chosen in proportion to the density of the displacement.
"""

import numpy as np
import pyarrow as pa

from tasks.schema import MODELLED_TRIPS
from tasks.synthesis import microdegrees
from tasks.synthesis.grid import HOURS
from tasks.synthesis.microdegrees import MICRO, MIN_DISTANCE_M
from tasks.synthesis.systematic import pick, systematic
from tasks.synthesis.trip_ends.field import EndsField
from tasks.synthesis.trip_ends.pairing import AreaPairing, Pairing
from tasks.synthesis.trip_ends.rides import SHIFTS
from tasks.synthesis.trip_ends.sampling import positions
from tasks.synthesis.trip_field.lattice import Floats, Integers
from tasks.synthesis.trip_field.tables import displacements

_CHOICES = 16
"""Pairs of positions of which one is chosen."""
_TRIES = 4
_ROWS_AT_ONCE = 16_384


def modelled_trips(pairing: Pairing, generator: np.random.Generator) -> pa.Table:
    """Draw modelled trips; every row is valid by construction.

    The few whose cells hold no two places that are 100 m apart are left out.

    Returns:
        Columns of `tasks.schema.MODELLED_TRIPS`, sorted by their values.
    """
    field = pairing.field
    drawn = [
        np.insert(_trips(field, paired, generator), 0, area, axis=1)
        for area, paired in enumerate(pairing.areas)
        if paired is not None
    ]
    rows = np.concatenate([np.zeros((0, 7), np.int64), *drawn])
    rows = rows[np.lexsort(rows.T[::-1])]
    names = pa.array([box.name for box in field.lattice.boxes], pa.string())
    values = [
        names.take(pa.array(rows[:, 0])),
        rows[:, 1].astype(np.int8),
        rows[:, 2].astype(np.int8),
        *rows[:, 3:].T / MICRO,
        microdegrees.distance_between(*rows[:, 3:].T),
    ]
    return pa.table(values, schema=MODELLED_TRIPS.arrow())


def _trips(field: EndsField, paired: AreaPairing, generator: np.random.Generator) -> Integers:
    """Trips of one area: hours of start and end, both ends in microdegrees; shape (n, 6)."""
    rows = int(paired.trips + generator.random())
    index, rest = systematic(paired.starts.ravel(), rows, generator)
    later, destination = _destinations(paired, index, rest)
    hour, origin = np.divmod(index, paired.starts[0].size)
    places = np.stack([origin, destination])
    trips = np.zeros((rows, 6), np.int64)
    trips[:, 0], trips[:, 1] = hour, (hour + later) % HOURS
    left = np.arange(rows)
    for _ in range(_TRIES):
        for first in range(0, len(left), _ROWS_AT_ONCE):
            some = left[first : first + _ROWS_AT_ONCE]
            trips[some, 2:] = _positions(field, paired, places[:, some], later[some], generator)
        left = left[(trips[left, 2:] == 0).all(axis=1)]
    return np.delete(trips, left, axis=0)


def _destinations(paired: AreaPairing, index: Integers, rest: Floats) -> tuple[Integers, Integers]:
    """How many hours later each trip ends, and in which flat place of the map.

    Args:
        paired: The pairing.
        index: Flat hour and place of each start, in ascending order.
        rest: A number from 0 to below 1 for each, by which the end is drawn.
    """
    _, height, width = paired.kernel.shape
    _, rows, columns = paired.starts.shape
    drawn = np.empty(len(index), np.int64)
    groups, first = np.unique(index, return_index=True)
    last = np.append(first[1:], len(index))
    for group, some in zip(groups.tolist(), map(slice, first, last), strict=True):
        hour, row, column = np.unravel_index(group, paired.starts.shape)
        window = np.ix_(
            np.arange(SHIFTS),
            (np.arange(rows) - row) % height,
            (np.arange(columns) - column) % width,
        )
        hours = (hour + np.arange(SHIFTS)) % HOURS
        line = np.cumsum(paired.kernel[window] * paired.end[hours])
        drawn[some] = np.searchsorted(line, rest[some] * line[-1], "right")
    later, destination = np.divmod(drawn, rows * columns)
    return later, destination


def _positions(
    field: EndsField,
    paired: AreaPairing,
    places: Integers,
    later: Integers,
    generator: np.random.Generator,
) -> Integers:
    """Both ends of each trip in microdegrees, shape (n, 4); zeros where no choice will do.

    Args:
        field: The field.
        paired: The pairing.
        places: Flat places of start and end on the map, shape (2, n).
        later: Hours from start to end, shape (n,).
        generator: Source of randomness.
    """
    count = places.shape[1]
    choices = []
    for place in places:
        block, cell = np.repeat(paired.cells.reshape(2, -1)[:, place], _CHOICES, axis=1)
        part = pick(field.parts[block, cell], generator.random(len(block)))
        choices.append(positions(field.lattice, block, cell, part, generator))
    ends = np.concatenate(choices, axis=1)
    distance = microdegrees.distance_between(*ends.T)
    edges = displacements(field.lattice).edges
    ring = np.clip(np.searchsorted(edges, distance, "right") - 1, 0, len(edges) - 2)
    weights = paired.lengths[ring] * paired.shifts[np.repeat(later, _CHOICES), ring]
    weights *= (distance > MIN_DISTANCE_M) / np.maximum(distance, 1) ** 2
    weights = weights.reshape(count, _CHOICES)
    chosen = pick(weights, generator.random(count))
    found = ends.reshape(count, _CHOICES, 4)[np.arange(count), chosen]
    return np.where(weights.any(axis=1, keepdims=True), found, 0)
