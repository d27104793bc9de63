import numpy as np
import pyarrow as pa
import pytest

from tasks.region import Box
from tasks.synthesis.trip_field import Field, log_density
from tasks.synthesis.trip_field.lattice import ENDS, FAR, METRES_PER_DEGREE
from tasks.synthesis.trip_field.sampling import sample
from tests.tasks.synthesis.boxes import star
from tests.tasks.synthesis.trip_field.conftest import random_field


def mass(field: Field, points: int, seed: int) -> tuple[float, float]:
    """The integral of the density, by importance sampling, and its standard error."""
    generator = np.random.default_rng(seed)
    (box,) = field.lattice.boxes
    latitude = generator.uniform(box.south, box.north, points)
    longitude = generator.uniform(box.west, box.east, points)
    distance = 100 * 400 ** generator.random(points)
    angle = generator.uniform(0, 2 * np.pi, points)
    ratio = field.lattice.aspect[0] * field.lattice.columns_per_degree[0]
    east = METRES_PER_DEGREE * ratio / field.lattice.cells_per_degree
    to_latitude = latitude + distance * np.cos(angle) / METRES_PER_DEGREE
    to_longitude = longitude + distance * np.sin(angle) / east
    drawn_from = (
        METRES_PER_DEGREE * east / (2 * np.pi * np.log(400) * distance**2)
        / ((box.north - box.south) * (box.east - box.west))
    )  # fmt: skip
    hour = generator.integers(0, 24, points)
    trips = pa.table(
        {
            "area": pa.array([box.name] * points),
            "hour": hour.astype(np.int8),
            **dict(zip(ENDS, (latitude, longitude, to_latitude, to_longitude), strict=True)),
        }
    )
    row = field.lattice.encode(trips).row
    weight = np.zeros(points)
    weight[row] = 24 * np.exp(log_density(field, trips)) / drawn_from[row]
    return float(weight.mean()), float(weight.std() / np.sqrt(points))


def test_the_density_integrates_to_one(town_field: Field, wide_field: Field) -> None:
    for field in (town_field, wide_field):
        integral, error = mass(field, 150_000, 0)
        assert error < 0.03
        assert abs(integral - 1) < 4 * error + 0.01


def test_a_box_near_the_pole_has_a_density_too() -> None:
    field = random_field(Box(name="north", south=84, west=8, north=84.05, east=8.9), 2)
    integral, error = mass(field, 100_000, 3)
    assert abs(integral - 1) < 4 * error + 0.01


def test_ratios_of_counts_are_ratios_of_densities(wide_field: Field) -> None:
    """E[w] over samples is 1 for w = other density / own density: an exact identity."""
    other = random_field(wide_field.lattice.boxes[0], 5)
    drawn = sample(wide_field, 60_000, np.random.default_rng(1))
    ratio = np.exp(log_density(other, drawn) - log_density(wide_field, drawn))
    # heavy tails: compare where the ratio is not among its largest tenth
    most = np.quantile(ratio, 0.9)
    small = ratio < most
    back = sample(other, 60_000, np.random.default_rng(2))
    inverse = log_density(other, back) - log_density(wide_field, back)
    expected = (np.exp(inverse) < most).mean()
    assert ratio[small].sum() / len(ratio) == pytest.approx(expected, rel=0.05)


def test_far_pairs_have_density(wide_field: Field) -> None:
    offset = wide_field.lattice.offset(np.array([0]), np.array([wide_field.lattice.blocks - 1]))
    assert offset.tolist() == [FAR]
    row = dict(zip(("area", "hour", *ENDS), ("wide", 3, -0.09, 8.01, 0.29, 8.39), strict=True))
    assert np.isfinite(log_density(wide_field, pa.Table.from_pylist([row]))).all()
    assert wide_field.flows[:, :, FAR].sum() > 0


def test_the_density_over_polygons_integrates_to_one() -> None:
    field = random_field(star(50.0, 8.0, 0.08), 0)
    integral, error = mass(field, 350_000, 0)
    assert error < 0.03
    assert abs(integral - 1) < 4 * error + 0.01
