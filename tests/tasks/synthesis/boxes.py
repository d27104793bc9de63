"""Service areas anywhere on the map, for property tests."""

import numpy as np
from hypothesis import strategies as st

from tasks.region import Box


@st.composite
def any_box(draw: st.DrawFn, largest: float = 2.0) -> Box:
    """A box of up to so many degrees; at the edges of the map it may be smaller."""
    south, west = draw(st.floats(-85, 84.98)), draw(st.floats(-180, 179.98))
    height, width = draw(st.floats(0.0101, largest)), draw(st.floats(0.0101, largest))
    return Box(
        name="any",
        south=south,
        west=west,
        north=min(south + height, 85),
        east=min(west + width, 180),
    )


@st.composite
def any_holed_area(draw: st.DrawFn, largest: float = 0.4) -> Box:
    """A star around a hole; near the poles it is not drawn, being too small there."""
    south, west = draw(st.floats(-70, 69)), draw(st.floats(-179, 178))
    size, corners = draw(st.floats(0.03, largest)), draw(st.integers(3, 9))
    return star(south, west, size, corners, draw(st.floats(0.05, 0.45)))


def star(south: float, west: float, size: float, corners: int = 7, hole: float = 0.3) -> Box:
    """A star with a hole that is smaller by a factor, in a box of about so many degrees."""
    turn = np.linspace(0, 2 * np.pi, 2 * corners + 1)[:-1]
    radius = np.where(np.arange(2 * corners) % 2, 0.55, 1.0) * size / 2
    rings = []
    for factor in (1.0, hole):
        longitude = west + size / 2 + factor * radius * np.cos(turn)
        latitude = south + size / 2 + factor * radius * np.sin(turn)
        ring = np.round(np.stack([longitude, latitude], axis=1), 5).tolist()
        rings.append([*ring, ring[0]])
    return Box.model_validate({"name": "star", "polygons": [rings]})
