"""Service areas anywhere on the map, for property tests."""

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
