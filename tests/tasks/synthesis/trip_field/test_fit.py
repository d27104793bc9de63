from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tasks.mobility.areas import held
from tasks.region import Box, Guarantee
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.trip_field import (
    Evidence,
    Field,
    FieldSettings,
    Measurements,
    load_field,
    load_measurements,
    log_density,
    make_plan,
    measure,
    save_field,
    save_measurements,
)
from tasks.synthesis.trip_field.fit import fit
from tasks.synthesis.trip_field.lattice import CELLS, Lattice
from tasks.synthesis.trip_field.sampling import sample
from tests.tasks.synthesis.boxes import star
from tests.tasks.synthesis.trip_field.conftest import random_field

BOX = Box(name="town", south=50.0, west=8.0, north=50.1, east=8.1)
SETTINGS = FieldSettings(steps=100)


@pytest.fixture(scope="module")
def truth() -> Field:
    return random_field(BOX, 7)


@pytest.fixture(scope="module")
def trips(truth: Field) -> pa.Table:
    return sample(truth, 8_000, np.random.default_rng(0))


@pytest.fixture(scope="module")
def measurements(trips: pa.Table) -> Measurements:
    # less noise than epsilon 1.3 needs, and cells of 0.01 degrees would be halved
    plan = make_plan((BOX,), len(trips), Guarantee(epsilon=1.3, delta=1e-6), SETTINGS)
    assert plan.lattice == Lattice((BOX,))
    return measure(trips, plan)


@pytest.fixture(scope="module")
def fitted(measurements: Measurements) -> Field:
    return fit(measurements.plan, Evidence.of(measurements))


def test_the_fit_finds_what_the_trips_were_drawn_from(
    truth: Field, fitted: Field, trips: pa.Table
) -> None:
    found, true = fitted.flows.sum(axis=2), truth.flows.sum(axis=2)
    assert np.abs(found - true).sum() / 2 < 0.09
    assert np.abs(found.ravel() - 1 / true.size).sum() / 2 > 0.3
    gain = log_density(fitted, trips).mean() - log_density(truth, trips).mean()
    assert gain > -0.6
    rings = fitted.bins.reshape(-1, 8).sum(axis=1)
    assert np.abs(rings - truth.bins.reshape(-1, 8).sum(axis=1)).sum() / 2 < 0.08


def test_one_measurement_one_field(measurements: Measurements) -> None:
    plan = replace(measurements.plan, settings=FieldSettings(steps=12))
    first, again = (fit(plan, Evidence.of(measurements)) for _ in range(2))
    for name in ("origin", "attraction", "pair", "bins", "local", "hours", "tilt", "parts"):
        assert (getattr(again, name) == getattr(first, name)).all(), name


def test_what_was_measured_can_be_stored_before_it_is_fitted(
    measurements: Measurements, tmp_path: Path
) -> None:
    assert save_measurements(tmp_path, measurements) == ["measurements.npz", "measurements.json"]
    read = load_measurements(tmp_path)
    assert read.plan == measurements.plan
    assert {name: counts.tolist() for name, counts in read.counts.items()} == {
        name: counts.tolist() for name, counts in measurements.counts.items()
    }


def test_a_field_can_be_stored(fitted: Field, tmp_path: Path) -> None:
    save_field(tmp_path, fitted)
    read = load_field(tmp_path)
    tables = [sample(field, 100, np.random.default_rng(0)) for field in (read, fitted)]
    assert tables[0].equals(tables[1])


def test_files_that_cannot_be_read_are_named(
    measurements: Measurements, fitted: Field, tmp_path: Path
) -> None:
    with pytest.raises(ModelFileError, match=str(tmp_path)):
        load_measurements(tmp_path)
    with pytest.raises(ModelFileError, match=str(tmp_path)):
        load_field(tmp_path)
    less = {name: counts for name, counts in measurements.counts.items() if name != "ends"}
    save_measurements(tmp_path, replace(measurements, counts=less))
    with pytest.raises(ModelFileError, match="do not fit"):
        load_measurements(tmp_path)
    save_field(tmp_path, replace(fitted, origin=fitted.origin[:1]))
    with pytest.raises(ModelFileError, match="does not fit"):
        load_field(tmp_path)


def test_a_small_day_is_measured_coarsely_and_still_fits() -> None:
    trips = sample(random_field(BOX, 3), 100, np.random.default_rng(0))
    settings = FieldSettings(steps=20)
    plan = make_plan((BOX,), 100, Guarantee(epsilon=0.666, delta=1e-6), settings)
    names = {table.name for table in plan.mechanism.tables}
    assert {"ends", "block_ends"} <= names
    assert not names & {"origins", "area_hours", "quarters", "sixteenths"}
    assert plan.lattice == Lattice((BOX,))
    field = fit(plan, Evidence.of(measure(trips, plan)))
    assert np.isfinite(log_density(field, trips)).all()
    assert sample(field, 100, np.random.default_rng(0)).num_rows == 100
    assert field.parts.reshape(-1, CELLS, 16)[0, 0] == pytest.approx(1 / 16)


def test_a_day_without_trips_gives_noise_and_no_error() -> None:
    none = sample(random_field(BOX, 3), 0, np.random.default_rng(0))
    plan = make_plan((BOX,), 50, Guarantee(epsilon=0.5, delta=1e-6), FieldSettings(steps=5))
    field = fit(plan, Evidence.of(measure(none, plan)))
    assert sample(field, 50, np.random.default_rng(0)).num_rows == 50
    with pytest.raises(ValueError, match="rows 0"):
        make_plan((BOX,), 0, Guarantee(), FieldSettings())


def test_over_polygons_every_row_is_inside_and_every_trip_has_a_density(tmp_path: Path) -> None:
    areas = (star(50.0, 8.0, 0.08), BOX.model_copy(update={"name": "plain"}))
    truth = random_field(areas[0], 3)
    trips = sample(truth, 1_500, np.random.default_rng(0))
    plan = make_plan(areas, len(trips), Guarantee(epsilon=3, delta=1e-6), FieldSettings(steps=12))
    save_field(tmp_path, fit(plan, Evidence.of(measure(trips, plan))))
    field = load_field(tmp_path)
    assert field.lattice.boxes == areas
    density = log_density(field, trips)
    assert len(density) == len(trips)
    assert np.isfinite(density).all()
    drawn = sample(field, 3_000, np.random.default_rng(1))
    ends = [
        (drawn[f"{end}_latitude"].to_numpy(), drawn[f"{end}_longitude"].to_numpy())
        for end in ("origin", "destination")
    ]
    by_name = {area.name: number for number, area in enumerate(areas)}
    index = np.array([by_name[name] for name in drawn["area"].to_pylist()])
    assert held(areas, index, *ends).all()
