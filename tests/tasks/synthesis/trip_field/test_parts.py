import numpy as np
import pytest

from tasks.synthesis.trip_field.lattice import PARTS, Floats
from tasks.synthesis.trip_field.parts import part_shares
from tasks.synthesis.trip_field.tables import QUARTER_OF_PART, QUARTERS

CELLS = 400
WHOLE = np.ones((CELLS, PARTS))


@pytest.fixture
def counted() -> Floats:
    """Ends by part, uneven, in small and large cells."""
    generator = np.random.default_rng(0)
    law = generator.dirichlet(np.full(PARTS, 0.5), CELLS)
    mass = generator.lognormal(4, 1.5, (CELLS, 1))
    return generator.poisson(law * mass) + 1.0


def by_quarter(parts: Floats) -> Floats:
    quarters = np.zeros((len(parts), QUARTERS))
    for part, quarter in enumerate(QUARTER_OF_PART):
        quarters[:, quarter] += parts[:, part]
    return quarters


def noisy(values: Floats, stddev: float, seed: int) -> Floats:
    return values + np.random.default_rng(seed).normal(0, stddev, values.shape)


def error(shares: Floats, counted: Floats) -> float:
    return float(np.abs(shares * counted.sum(axis=1, keepdims=True) - counted).sum())


@pytest.mark.parametrize("stddev", [0.5, 5.0, 50.0, 500.0])
def test_shares_are_closer_than_even_ones_and_than_what_was_measured(
    counted: Floats, stddev: float
) -> None:
    ends = counted.sum(axis=1)
    seen = noisy(counted, stddev, 1)
    shares = part_shares(WHOLE, ends, {"sixteenths": (seen, stddev)})
    assert shares.sum(axis=1) == pytest.approx(1)
    assert (shares >= 0).all()
    even, raw = WHOLE / PARTS, np.maximum(seen, 0)
    raw = raw / np.maximum(raw.sum(axis=1, keepdims=True), 1e-9)
    assert error(shares, counted) < 1.01 * min(error(even, counted), error(raw, counted))


def test_two_tables_tell_more_than_one(counted: Floats) -> None:
    ends = counted.sum(axis=1)
    sixteenths = noisy(counted, 10, 1), 10.0
    quarters = noisy(by_quarter(counted), 5, 2), 5.0
    found = [
        error(part_shares(WHOLE, ends, seen), counted)
        for seen in (
            {},
            {"quarters": quarters},
            {"sixteenths": sixteenths},
            {"quarters": quarters, "sixteenths": sixteenths},
        )
    ]
    assert found[3] < found[2] < found[0]
    assert found[3] < found[1] < found[0]


def test_noise_of_a_cells_own_is_heeded(counted: Floats) -> None:
    ends = counted.sum(axis=1)
    stddev = np.where(np.arange(CELLS) % 2, 1.0, 1e6)[:, None] * np.ones(PARTS)
    shares = part_shares(WHOLE, ends, {"sixteenths": (counted, stddev)})
    assert shares[::2] == pytest.approx(1 / PARTS, abs=1e-3)
    assert error(shares[1::2], counted[1::2]) < 0.1 * error(WHOLE[1::2] / PARTS, counted[1::2])


def test_parts_outside_the_area_get_nothing() -> None:
    cover = np.ones((3, PARTS))
    cover[0, :8] = 0
    cover[1, 1:] = 0
    cover[2, :4] = 0.5
    nothing = part_shares(cover, np.full(3, 10.0), {})
    assert nothing == pytest.approx(cover / cover.sum(axis=1, keepdims=True))
    seen = np.random.default_rng(0).normal(5, 10, cover.shape)
    shares = part_shares(cover, np.full(3, 10.0), {"sixteenths": (seen, 10.0)})
    assert (shares[cover == 0] == 0).all()
    assert shares.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("far", [-1e4, -3.0, 3.0, 1e4])
def test_counts_that_no_share_explains_give_a_share_at_the_edge(far: float) -> None:
    seen = np.zeros((1, PARTS))
    seen[0, 0] = far * 100
    shares = part_shares(np.ones((1, PARTS)), np.array([100.0]), {"sixteenths": (seen, 1.0)})
    assert np.isfinite(shares).all()
    assert shares[0, 0] == pytest.approx(float(far > 0), abs=0.02)
