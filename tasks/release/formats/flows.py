"""Trips between the cells of a public grid: the pair of files that viewers of flow maps open.

`locations` and `flows` have the columns that flowmap.blue and Flowmap City read.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.schema import FLOWS, LOCATIONS

CELLS = 100
"""Cells per degree; edges are multiples of 0.01 degrees."""
_MICRO = 1_000_000

_Integers = NDArray[np.int64]


def flow_tables(trips: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The places of published trips and the numbers of trips between them.

    Args:
        trips: Published rows with an origin and a destination.

    Returns:
        Columns as `tasks.schema.LOCATIONS`, from south to north and west to east; and as
        `tasks.schema.FLOWS`, in the same order of origins, then of destinations.
    """
    ends = [
        _cells(trips[f"{end}_{axis}"].to_numpy())
        for end in ("origin", "destination")
        for axis in ("latitude", "longitude")
    ]
    flows, counts = np.unique(np.stack(ends, axis=1), axis=0, return_counts=True)
    places = np.unique(flows.reshape(-1, 2), axis=0)
    centres = (places + 0.5) / CELLS
    ids = [_id(*place) for place in places.tolist()]
    locations = [ids, [_name(*centre) for centre in centres.tolist()], *centres.T.round(3)]
    pairs = [[_id(*place) for place in flows[:, at : at + 2].tolist()] for at in (0, 2)]
    return (
        pa.table(dict(zip(LOCATIONS.names, locations, strict=True)), LOCATIONS.arrow()),
        pa.table(dict(zip(FLOWS.names, [*pairs, counts], strict=True)), FLOWS.arrow()),
    )


def _cells(degrees: NDArray[np.float64]) -> _Integers:
    """The cell that holds each position, which are whole microdegrees: edges are exact."""
    micro: _Integers = np.rint(degrees * _MICRO).astype(np.int64)
    return np.asarray(micro // (_MICRO // CELLS))


def _id(south: int, west: int) -> str:
    """A place by its south-western corner; it begins with a digit, so no spreadsheet runs it.

    Examples:
        >>> _id(-3387, 15121)
        '33.87S_151.21E'
    """
    latitude = f"{abs(south) / CELLS:.2f}{'S' if south < 0 else 'N'}"
    longitude = f"{abs(west) / CELLS:.2f}{'W' if west < 0 else 'E'}"
    return f"{latitude}_{longitude}"


def _name(latitude: float, longitude: float) -> str:
    """The centre of a place, for people.

    Examples:
        >>> _name(-33.865, 151.215)
        '33.865 S, 151.215 E'
    """
    return (
        f"{abs(latitude):.3f} {'S' if latitude < 0 else 'N'}, "
        f"{abs(longitude):.3f} {'W' if longitude < 0 else 'E'}"
    )
