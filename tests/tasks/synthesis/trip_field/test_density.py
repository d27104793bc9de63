import numpy as np
import pyarrow as pa
import pytest

from tasks.region import Box
from tasks.synthesis.trip_field import Field, log_density
from tasks.synthesis.trip_field.kernel import SECTORS
from tasks.synthesis.trip_field.lattice import CELLS, ENDS, FAR, METRES_PER_DEGREE, PARTS
from tasks.synthesis.trip_field.sampling import sample
from tests.tasks.synthesis.boxes import star
from tests.tasks.synthesis.trip_field.conftest import random_field

POINTS, DRAWN = 60_000, 30_000


def mass(field: Field, points: int, seed: int) -> tuple[float, float]:
    """The integral of the density, by importance sampling, and its standard error.

    Origins are drawn by the factors of their parts, displacements by their distance, hours by the
    origin's block: from what is known in closed form and is near the density, if it is right.
    """
    generator = np.random.default_rng(seed)
    lattice, (box,) = field.lattice, field.lattice.boxes
    chance = (field.origin[:, :, None] * field.parts).ravel()
    chance = chance / chance.sum()
    part = generator.choice(len(chance), points, p=chance)
    edges = lattice.part_edges(*np.unravel_index(part, field.parts.shape))
    latitude, longitude = generator.uniform(edges[:, :2], edges[:, 2:]).T
    drawn_from = chance[part] / np.prod(edges[:, 2:] - edges[:, :2], axis=1)

    lengths = field.displacements.edges
    far = field.bins[0].reshape(-1, SECTORS).sum(axis=1)
    far = far / far.sum()
    bin_ = generator.choice(len(far), points, p=far)
    ratio = lengths[bin_ + 1] / lengths[bin_]
    distance = lengths[bin_] * ratio ** generator.random(points)
    angle = generator.uniform(0, 2 * np.pi, points)
    east = METRES_PER_DEGREE * lattice.aspect[0] * lattice.columns_per_degree[0]
    east = east / lattice.cells_per_degree
    to_latitude = latitude + distance * np.cos(angle) / METRES_PER_DEGREE
    to_longitude = longitude + distance * np.sin(angle) / east
    drawn_from *= METRES_PER_DEGREE * east * far[bin_] / (2 * np.pi * np.log(ratio) * distance**2)

    by_hour = np.cumsum(field.hours[part // (CELLS * PARTS)], axis=1)
    hour = (by_hour < generator.random((points, 1)) * by_hour[:, -1:]).sum(axis=1)
    drawn_from *= field.hours[part // (CELLS * PARTS), hour]
    trips = pa.table(
        {
            "area": pa.array([box.name] * points),
            "hour": hour.astype(np.int8),
            **dict(zip(ENDS, (latitude, longitude, to_latitude, to_longitude), strict=True)),
        }
    )
    row = lattice.encode(trips).row
    weight = np.zeros(points)
    weight[row] = np.exp(log_density(field, trips)) / drawn_from[row]
    return float(weight.mean()), float(weight.std() / np.sqrt(points))


TOWN = Box(name="town", south=50.013, west=8.0077, north=50.0831, east=8.07)
WIDE = Box(name="wide", south=-0.1, west=8.0, north=0.3, east=8.4)


@pytest.mark.parametrize("cells_per_degree", [100, 200, 400])
@pytest.mark.parametrize("box", [TOWN, WIDE], ids=["town", "wide"])
def test_the_density_integrates_to_one(box: Box, cells_per_degree: int) -> None:
    integral, error = mass(random_field(box, 0, cells_per_degree), POINTS, 0)
    assert error < 0.01
    assert abs(integral - 1) < 4 * error


def test_a_box_near_the_pole_has_a_density_too() -> None:
    field = random_field(Box(name="north", south=84, west=8, north=84.05, east=8.9), 2)
    integral, error = mass(field, 2 * POINTS, 0)
    assert error < 0.01
    assert abs(integral - 1) < 4 * error


@pytest.mark.parametrize("cells_per_degree", [100, 200, 400])
def test_ratios_of_counts_are_ratios_of_densities(cells_per_degree: int) -> None:
    """E[w] over samples is 1 for w = other density / own density: an exact identity."""
    field, other = (random_field(WIDE, seed, cells_per_degree) for seed in (1, 5))
    drawn = sample(field, DRAWN, np.random.default_rng(1))
    ratio = np.exp(log_density(other, drawn) - log_density(field, drawn))
    # heavy tails: compare where the ratio is not among its largest tenth
    most = np.quantile(ratio, 0.9)
    small = ratio < most
    back = sample(other, DRAWN, np.random.default_rng(2))
    inverse = log_density(other, back) - log_density(field, back)
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
    integral, error = mass(field, POINTS, 0)
    assert error < 0.01
    assert abs(integral - 1) < 4 * error
