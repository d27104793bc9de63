"""Draws from what a field may be: how far they are apart, and what becomes of them on disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.region import Box, Guarantee
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.trip_field import (
    Evidence,
    Field,
    FieldSettings,
    Spread,
    load_spread,
    make_plan,
    measure,
    save_spread,
)
from tasks.synthesis.trip_field.fit import fit_with_spread
from tasks.synthesis.trip_field.lattice import CELLS, Lattice
from tasks.synthesis.trip_field.law import expected, located
from tasks.synthesis.trip_field.misfit import beyond_gravity
from tasks.synthesis.trip_field.sampling import sample
from tasks.synthesis.trip_field.targets import COARSE, FINE, Kind
from tests.coupling import coupled_secrets
from tests.tasks.synthesis.trip_field.conftest import random_field

BOX = Box(name="town", south=50.0, west=8.0, north=50.1, east=8.1)
ROWS = 6_000
PUBLIC = Lattice((BOX,))

Fitted = tuple[Field, Spread]


def fitted(epsilon: float, draws: int = 6) -> Fitted:
    trips = sample(random_field(BOX, 7), ROWS, np.random.default_rng(0))
    settings = FieldSettings(steps=30)
    plan = make_plan((BOX,), ROWS, Guarantee(epsilon=epsilon, delta=1e-6), settings)
    with coupled_secrets(1):
        measurements = measure(trips, plan)
    return fit_with_spread(plan, Evidence.of(measurements), draws)


@pytest.fixture(scope="module")
def some() -> Fitted:
    return fitted(1.0)


@pytest.fixture(scope="module")
def noisier() -> Fitted:
    return fitted(0.2)


def relative(found: Fitted, kind: Kind, places: int) -> float:
    laws = expected(*found, {kind: np.arange(places)}, np.random.default_rng(0))
    law = laws[kind]
    return float(np.sum(np.sqrt(law.variance)) / np.sum(law.mean))


def alike(spread: Spread) -> Spread:
    """Draws that are the field itself."""
    names = ("origin", "attraction", "pair", "bins", "hours")
    return replace(spread, **{name: np.zeros_like(getattr(spread, name)) for name in names})


@pytest.mark.slow
def test_more_noise_leaves_more_open(some: Fitted, noisier: Fitted) -> None:
    for kind, places in ((Kind("origins", FINE), PUBLIC.blocks * CELLS), (Kind("hours"), 24)):
        assert relative(noisier, kind, places) > 1.3 * relative(some, kind, places)


def test_every_draw_expects_about_as_many_trips(some: Fitted) -> None:
    field, spread = some
    trips = located(field, sample(field, 40_000, np.random.default_rng(0)))
    means = [spread.ratios(draw, trips).mean() for draw in range(spread.draws)]
    assert means == pytest.approx(np.ones(6), abs=0.2)
    assert np.std(means) > 1e-4


def test_what_is_expected_is_what_the_field_says(some: Fitted) -> None:
    field, spread = some
    targets = {
        Kind("origins", COARSE): np.arange(PUBLIC.blocks),
        Kind("origins", FINE): np.arange(PUBLIC.blocks * CELLS),
        Kind("flows", COARSE): np.arange(PUBLIC.blocks**2),
        Kind("within", COARSE): np.arange(PUBLIC.blocks),
    }
    laws = expected(field, alike(spread), targets, np.random.default_rng(0))
    origins = field.flows.sum(axis=2) * ROWS
    assert laws[Kind("origins", FINE)].mean == pytest.approx(origins.ravel(), abs=0.2)
    assert laws[Kind("origins", COARSE)].mean == pytest.approx(origins.sum(axis=1), abs=1)
    flows = laws[Kind("flows", COARSE)].mean.reshape(PUBLIC.blocks, PUBLIC.blocks)
    assert flows.sum(axis=1) == pytest.approx(origins.sum(axis=1), abs=1)
    assert laws[Kind("within", COARSE)].mean == pytest.approx(np.diag(flows))


def test_what_is_expected_is_the_mean_of_the_draws(some: Fitted) -> None:
    """As of places that the field counts as empty and half of the draws do not."""
    field, spread = some
    spread = alike(spread)
    spread.origin[::2] = np.log(10)
    places = {Kind("origins", COARSE): np.arange(PUBLIC.blocks)}
    law = expected(field, spread, places, np.random.default_rng(0))[Kind("origins", COARSE)]
    assert law.mean == pytest.approx(5.5 * field.flows.sum(axis=(1, 2)) * ROWS, rel=0.01)
    assert np.sqrt(law.variance) == pytest.approx(law.mean * 4.5 / 5.5 * np.sqrt(6 / 5), rel=0.05)


def test_two_fits_of_one_measurement_have_one_spread(some: Fitted) -> None:
    _, again = fitted(1.0)
    for name in ("origin", "attraction", "pair", "bins", "hours"):
        assert getattr(again, name) == pytest.approx(getattr(some[1], name), abs=0.02), name


def test_a_spread_can_be_stored(some: Fitted, tmp_path: Path) -> None:
    field, spread = some
    assert save_spread(tmp_path, spread) == ["spread.npz", "spread.json"]
    read = load_spread(tmp_path)
    trips = located(field, sample(field, 500, np.random.default_rng(0)))
    for draw in range(spread.draws):
        assert read.ratios(draw, trips) == pytest.approx(spread.ratios(draw, trips), rel=0.02)
    assert (read.lattice, read.prior) == (spread.lattice, spread.prior)
    assert set(read.evidence.values) == set(spread.evidence.values)
    assert "sixteenths" not in read.evidence.values


def test_files_that_cannot_be_read_are_named(some: Fitted, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="not a spread of this version"):
        load_spread(tmp_path)
    save_spread(tmp_path, replace(some[1], origin=some[1].origin[:, :1]))
    with pytest.raises(ModelFileError, match="does not fit its lattice"):
        load_spread(tmp_path)


@pytest.mark.parametrize("true", [0.1, 0.4])
def test_how_far_flows_are_from_gravity_is_told_from_effects_that_are_pulled_to_zero(
    some: Fitted, true: float
) -> None:
    """Effects as a fit under a prior finds them: the truth and noise, pulled to zero."""
    field, spread = some
    generator = np.random.default_rng(3)
    noise, prior = 0.2, spread.prior.pair
    kept = prior**2 / (prior**2 + noise**2)
    shape = field.pair.shape
    effect = kept * (generator.normal(0, true, shape) + generator.normal(0, noise, shape))
    draws = generator.normal(0, prior * np.sqrt(1 - kept), (60, *shape))
    many = replace(field, pair=np.exp(effect), rows=10**7)
    assert beyond_gravity(many, replace(spread, pair=draws)) == pytest.approx(true, abs=0.1)
    none = replace(field, rows=1)
    assert beyond_gravity(none, spread) == prior
