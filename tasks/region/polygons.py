"""Polygons of a service area: what they may be, and which places they hold.

Coordinates are those of GeoJSON (RFC 7946): a position is [longitude, latitude] in degrees; a ring
is closed and crosses no ring; a polygon is its outline and then its holes. Which way a ring turns
says nothing.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

import numpy as np
import shapely
from numpy.typing import NDArray
from pydantic import Field

Degrees = Annotated[float, Field(allow_inf_nan=False)]
Position = tuple[Degrees, Degrees]
Ring = tuple[Position, ...]
Polygon = tuple[Ring, ...]
Edges = tuple[float, float, float, float]
"""South, west, north and east, degrees."""

MOST_POSITIONS = 10_000
"""Of all rings of an area together; they travel as a parameter of every run."""
SMALLEST_KM2 = 0.1
"""Wherever a trip begins in an area of this size, most of the area is over 100 m away."""
SMALLEST_SHARE = 0.001
"""Of the box, so that places can be drawn in it and kept if they lie in a polygon."""

_NORTHERNMOST = 85.0
KM_PER_DEGREE = 111.195


def edges_of(polygons: Sequence[Polygon]) -> Edges:
    """The smallest box around all outlines.

    Raises:
        ValueError: If there is no position.
    """
    positions = [position for polygon in polygons for ring in polygon[:1] for position in ring]
    if not positions:
        raise ValueError("the polygons are empty")
    longitudes, latitudes = zip(*positions, strict=True)
    return min(latitudes), min(longitudes), max(latitudes), max(longitudes)


def fault_of(polygons: Sequence[Polygon], edges: Edges) -> str | None:
    """What is wrong with the polygons of a box, and what to do; None if nothing is.

    Args:
        polygons: At least one.
        edges: Of the box.

    Examples:
        >>> corner = ((8.0, 50.0), (8.1, 50.0), (8.1, 50.1))
        >>> fault_of([(corner,)], (50, 8, 50.1, 8.1))
        'ring 1 of polygon 1 has 3 positions; a ring is closed and has at least 4'
        >>> fault_of([((*corner, corner[0]),)], (50, 8, 50.1, 8.1))
    """
    for number, polygon in enumerate(polygons, 1):
        if not polygon:
            return f"polygon {number} is empty; remove it"
        for count, ring in enumerate(polygon, 1):
            fault = _fault_of_ring(ring, edges)
            if fault is not None:
                return f"ring {count} of polygon {number} {fault}"
    total = sum(len(ring) for polygon in polygons for ring in polygon)
    if total > MOST_POSITIONS:
        return f"its polygons have {total:,} positions; simplify them to {MOST_POSITIONS:,} or less"
    shape = _shape(tuple(polygons))
    if not shape.is_valid:
        reason = shapely.is_valid_reason(shape).replace("[", " at [")
        return f"its polygons cross themselves or each other: {reason}; correct their rings"
    south, west, north, east = edges
    share = shape.area / ((north - south) * (east - west))
    size = shape.area * KM_PER_DEGREE**2 * math.cos(math.radians((south + north) / 2))
    if size < SMALLEST_KM2 or share < SMALLEST_SHARE:
        return (
            f"its polygons cover {size:.3g} square kilometres, {share:.2g} of their box; "
            f"they must cover {SMALLEST_KM2} and {SMALLEST_SHARE} of it at least"
        )
    return None


def _fault_of_ring(ring: Ring, edges: Edges) -> str | None:
    if len(ring) < 4:
        return f"has {len(ring)} positions; a ring is closed and has at least 4"
    if ring[0] != ring[-1]:
        return f"is open: it begins at {list(ring[0])} and ends at {list(ring[-1])}; close it"
    outside = [position for position in ring if not _within(position[::-1], edges)]
    if not outside:
        return None
    if all(_within(position, edges) for position in ring) or any(
        abs(latitude) > _NORTHERNMOST for _, latitude in ring
    ):
        return (
            f"has latitude and longitude exchanged, or is off the map, at {list(outside[0])}; "
            "a position is [longitude, latitude]"
        )
    return f"leaves the box at {list(outside[0])}; enlarge the box or leave its edges out"


def _within(place: Sequence[float], edges: Edges) -> bool:
    """Whether a latitude and longitude lie in a box."""
    south, west, north, east = edges
    return south <= place[0] <= north and west <= place[1] <= east


@lru_cache(maxsize=256)
def shape_of(polygons: tuple[Polygon, ...]) -> shapely.MultiPolygon:
    """Valid polygons as one geometry, prepared for questions about many places."""
    shape = _shape(polygons)
    shapely.prepare(shape)
    return shape


def hold(
    polygons: tuple[Polygon, ...], latitude: NDArray[np.float64], longitude: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether each place lies in one of the polygons; their edges, and those of holes, belong.

    Examples:
        >>> square = ((8.0, 50.0), (9.0, 50.0), (9.0, 51.0), (8.0, 51.0), (8.0, 50.0))
        >>> hold(((square,),), np.array([50.5, 50, 49]), np.array([8.5, 9, 8.5])).tolist()
        [True, True, False]
    """
    return np.asarray(shapely.intersects_xy(shape_of(polygons), longitude, latitude))


def _shape(polygons: tuple[Polygon, ...]) -> shapely.MultiPolygon:
    return shapely.MultiPolygon([shapely.Polygon(rings[0], rings[1:]) for rings in polygons])
