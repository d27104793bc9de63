"""What intervals are given of: places, pairs of places, hours and distances, on a public grid."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.schema import GRIDS
from tasks.synthesis.trip_field.lattice import CELLS, Integers, Lattice
from tasks.synthesis.trip_field.tables import displacements

FINE, COARSE = GRIDS


@dataclass(frozen=True)
class Kind:
    """A kind of targets.

    Attributes:
        counted: What is counted, of `tasks.schema.ESTIMATED`.
        grid: Height of the places, degrees; none where there are no places.
    """

    counted: str
    grid: float | None = None


KINDS = (
    *(Kind(counted, grid) for counted in ("origins", "destinations", "flows") for grid in GRIDS),
    Kind("hours"),
    Kind("distances"),
)


def places_of(public: Lattice, grid: float) -> int:
    """Number of places of that height.

    Args:
        public: The lattice of the service area with the largest cells.
        grid: One of `tasks.schema.GRIDS`.
    """
    return public.blocks * (CELLS if grid == FINE else 1)


def targets_of(public: Lattice, trips: pa.Table) -> dict[Kind, Integers]:
    """The target of each kind that each trip is in, shape (n,), in the order of `KINDS`.

    A pair of places is the first times the number of places, plus the second.

    Args:
        public: The lattice of the service area with the largest cells.
        trips: Columns of `tasks.schema.RELEASE`; all rows are trips of the area.
    """
    encoded = public.encode(trips)
    edges = displacements(public).edges
    ring = np.searchsorted(edges, trips["distance_m"].to_numpy(), "right") - 1
    found = {
        Kind("hours"): encoded.hour,
        Kind("distances"): np.clip(ring, 0, len(edges) - 2).astype(np.int64),
    }
    for grid, origin, destination in (
        (
            FINE,
            encoded.origin * CELLS + encoded.origin_cell,
            encoded.destination * CELLS + encoded.destination_cell,
        ),
        (COARSE, encoded.origin, encoded.destination),
    ):
        found[Kind("origins", grid)] = origin
        found[Kind("destinations", grid)] = destination
        found[Kind("flows", grid)] = origin * places_of(public, grid) + destination
    return {kind: found[kind] for kind in KINDS}


def pair(public: Lattice, grid: float, flows: Integers) -> tuple[Integers, Integers]:
    """Both places of flows."""
    first, second = np.divmod(flows, places_of(public, grid))
    return first, second
