import numpy as np
import pyarrow as pa
import pytest

from tasks.mobility.areas import held
from tasks.region import Box
from tasks.synthesis.grid import HOURS
from tasks.synthesis.trip_ends import EndsField, log_density
from tasks.synthesis.trip_ends.sampling import sample
from tasks.synthesis.trip_ends.tables import KINDS, Kind
from tasks.synthesis.trip_field.lattice import METRES_PER_DEGREE
from tests.tasks.synthesis.boxes import star
from tests.tasks.synthesis.trip_ends.conftest import TOWN, random_field


def spread(box: Box, kind: Kind, number: int) -> tuple[pa.Table, float]:
    """Events uniform over the hours and a box, and the share of those that are in its outline."""
    generator = np.random.default_rng(0)
    latitude, longitude = (
        generator.uniform(low, high, number)
        for low, high in ((box.south, box.north), (box.west, box.east))
    )
    inside = held((box,), np.zeros(number, np.int64), (latitude, longitude))
    columns = {
        "kind": [kind] * number,
        "hour": generator.integers(HOURS, size=number).astype(np.int8),
        "latitude": latitude,
        "longitude": longitude,
        "area": [box.name] * number,
    }
    return pa.table(columns).filter(pa.array(inside)), float(inside.mean())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("box", [TOWN, star(52.3, 10.6, 0.2)], ids=["box", "star"])
def test_it_integrates_to_one(box: Box, kind: Kind) -> None:
    field = random_field((box,), 1)
    some, share = spread(box, kind, 60_000)
    density = np.exp(log_density(field, some, kind))
    assert len(density) == some.num_rows
    metres = METRES_PER_DEGREE**2 * np.cos(np.radians((box.south + box.north) / 2))
    square_m = (box.north - box.south) * (box.east - box.west) * metres * share
    error = density.std() / len(density) ** 0.5 * square_m * HOURS
    assert density.mean() * square_m * HOURS == pytest.approx(1, abs=4 * error + 0.005)
    assert error < 0.02


def test_what_is_drawn_is_denser_under_its_own_kind(town_field: EndsField) -> None:
    for kind, other in (KINDS, KINDS[::-1]):
        drawn = sample(town_field, kind, np.random.default_rng(2), 5000)
        own, wrong = (
            log_density(town_field, drawn.append_column("kind", pa.array([as_] * 5000)), as_)
            for as_ in (kind, other)
        )
        assert own.mean() > wrong.mean()
    assert (
        log_density(town_field, drawn.append_column("kind", pa.array(["start"] * 5000)), "end").size
        == 0
    )
