import numpy as np
import pytest

from tasks.synthesis.trip_field.kernel import SECTORS, Displacements

HEIGHT, WIDTH = 1112.0, 900.0


@pytest.fixture
def bins() -> Displacements:
    return Displacements(100 * 2 ** (np.arange(25) / 4))


def test_landing_agrees_with_simulated_displacements(bins: Displacements) -> None:
    landed = bins.landing(HEIGHT, WIDTH, 8, 8)
    generator = np.random.default_rng(3)
    for ring, sector in ((0, 0), (7, 3), (12, 5), (20, 6)):
        low, high = bins.edges[ring : ring + 2]
        radius = low * (high / low) ** generator.random(200_000)
        angle = (sector + generator.random(200_000)) * 2 * np.pi / SECTORS
        y = np.floor(generator.random(200_000) + radius * np.cos(angle) / HEIGHT).astype(int)
        x = np.floor(generator.random(200_000) + radius * np.sin(angle) / WIDTH).astype(int)
        inside = (np.abs(y) <= 8) & (np.abs(x) <= 8)
        simulated = np.bincount((y[inside] + 8) * 17 + x[inside] + 8, minlength=289) / 200_000
        exact = landed[ring * SECTORS + sector]
        assert np.abs(exact.ravel() - simulated).max() < 0.006


def test_all_that_stays_in_reach_is_kept(bins: Displacements) -> None:
    landed = bins.landing(HEIGHT, WIDTH, 8, 8).sum(axis=(1, 2))
    within = bins.edges[1:] < 8 * WIDTH
    assert landed[np.repeat(within, SECTORS)] == pytest.approx(1, abs=1e-5)
    assert (landed <= 1 + 1e-5).all()


def test_a_mixture_lands_where_its_bins_do(bins: Displacements) -> None:
    weights = np.random.default_rng(0).dirichlet(np.ones(bins.bins))
    landed, densest = bins.landing_of(weights, HEIGHT, WIDTH, 5, 6)
    assert landed == pytest.approx(
        np.tensordot(weights, bins.landing(HEIGHT, WIDTH, 5, 6), 1), abs=1e-6
    )
    assert (densest[landed > 1e-9] > 0).all()


def test_no_displacement_is_denser_than_the_bound(bins: Displacements) -> None:
    generator = np.random.default_rng(1)
    weights = generator.dirichlet(np.ones(bins.bins))
    _, densest = bins.landing_of(weights, HEIGHT / 4, WIDTH / 4, 30, 30)
    start = generator.random((200_000, 2))
    radius = 100 * 40 ** generator.random(200_000)
    angle = generator.random(200_000) * 2 * np.pi
    north, east = radius * np.cos(angle), radius * np.sin(angle)
    y = np.floor(start[:, 0] + north / HEIGHT * 4).astype(int)
    x = np.floor(start[:, 1] + east / WIDTH * 4).astype(int)
    inside = (np.abs(y) <= 30) & (np.abs(x) <= 30)
    bin_of = bins.bin_of(north, east)
    density = weights[bin_of] * bins.density[bin_of] / radius**2
    above = density[inside] > densest[y[inside] + 30, x[inside] + 30] * (1 + 1e-9)
    assert above.mean() < 1e-3  # slivers of bins that fall between the nodes


def test_densities_integrate_to_one(bins: Displacements) -> None:
    side = np.arange(-6500, 6500, 20.0) + 10
    north, east = np.meshgrid(side, side, indexing="ij")
    squared = north**2 + east**2
    bin_of = bins.bin_of(north, east)
    inside = (squared >= bins.edges[0] ** 2) & (squared < bins.edges[-1] ** 2)
    weights = np.full(bins.bins, 1 / bins.bins)
    density = weights[bin_of] * bins.density[bin_of] / squared
    assert density[inside].sum() * 400 == pytest.approx(1, abs=0.01)
