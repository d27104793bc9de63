import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from infra.replay.land_use import USES, lay_out
from infra.replay.service_box import LOUISVILLE, ServiceBox
from infra.replay.source import ReplayError


@settings(max_examples=30, deadline=None)
@given(
    south=st.floats(-80, 79),
    west=st.floats(-179, 178),
    height=st.floats(0.01, 1),
    width=st.floats(0.01, 1),
    seed=st.integers(0, 1000),
)
def test_every_place_lies_in_the_box(
    south: float, west: float, height: float, width: float, seed: int
) -> None:
    try:
        box = ServiceBox(south, west, south + height, west + width)
    except ReplayError:  # too narrow, this far north
        assume(False)
    city = lay_out(box, seed)
    latitude, longitude = city.degrees(city.east, city.north)
    assert ((latitude > box.south) & (latitude < box.north)).all()
    assert ((longitude > box.west) & (longitude < box.east)).all()


def test_downtown_is_denser_than_the_rest() -> None:
    city = lay_out(LOUISVILLE, 0)
    assert set(city.use.tolist()) == set(range(len(USES)))

    def spread(use: str) -> float:
        of = city.use == USES.index(use)
        return float(np.hypot(city.east[of].std(), city.north[of].std()))

    assert spread("downtown") < 1_000
    assert spread("home") > 3 * spread("downtown")
