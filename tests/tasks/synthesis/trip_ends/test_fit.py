from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tasks.region import Box, Guarantee
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.trip_ends import (
    EndsField,
    EndsMeasurements,
    EndsSettings,
    evidence_of,
    load_field,
    make_plan,
    measure,
    save_field,
)
from tasks.synthesis.trip_ends.fit import fit
from tasks.synthesis.trip_ends.sampling import sample
from tasks.synthesis.trip_ends.tables import Kind
from tasks.synthesis.trip_field.lattice import Floats
from tests.coupling import coupled_secrets
from tests.tasks.synthesis.trip_ends.conftest import drawn, random_field

BOX = Box(name="town", south=50.0, west=8.0, north=50.1, east=8.1)


@pytest.fixture(scope="module")
def truth() -> EndsField:
    return random_field((BOX,), 7, starts=9_000, ends=8_000)


@pytest.fixture(scope="module")
def measurements(truth: EndsField) -> EndsMeasurements:
    settings = EndsSettings(steps=150)
    plan = make_plan((BOX,), 9_000, 8_000, Guarantee(epsilon=2, delta=1e-6), settings)
    with coupled_secrets(seed=1):
        return measure(drawn(truth, 0), plan)


@pytest.fixture(scope="module")
def fitted(measurements: EndsMeasurements) -> EndsField:
    return fit(measurements.plan, evidence_of(measurements))


def variation(found: Floats, true: Floats) -> float:
    return float(np.abs(found - true).sum() / 2)


@pytest.mark.parametrize("kind", ["start", "end"])
def test_the_fit_finds_what_was_drawn_from(truth: EndsField, fitted: EndsField, kind: Kind) -> None:
    assert fitted.number(kind) == truth.number(kind)
    assert variation(fitted.cells(kind), truth.cells(kind)) < 0.06
    assert variation(truth.cells(kind).ravel(), np.full(100, 0.01)) > 0.3
    blocks = truth.cells(kind).sum(axis=1)[:, None]
    assert variation(fitted.hours(kind) * blocks, truth.hours(kind) * blocks) < 0.06
    assert fitted.by_hour(kind).sum() == pytest.approx(1, abs=1e-6)


def test_the_fit_tells_starts_from_ends(truth: EndsField, fitted: EndsField) -> None:
    for name, least in (("cells", 0.5), ("hours", 0.2)):
        apart = [
            np.log(getattr(field, f"start_{name}") / getattr(field, f"end_{name}")).ravel()
            for field in (truth, fitted)
        ]
        assert np.corrcoef(*apart)[0, 1] > least, name


def test_one_measurement_one_field(measurements: EndsMeasurements) -> None:
    plan = replace(measurements.plan, settings=EndsSettings(steps=8))
    first, again = (fit(plan, evidence_of(measurements)) for _ in range(2))
    for name in ("start_cells", "end_cells", "start_hours", "end_hours", "parts"):
        assert (getattr(again, name) == getattr(first, name)).all(), name


def test_a_day_without_rides_gives_noise_and_no_error() -> None:
    nothing = drawn(random_field((BOX,), 3, starts=0, ends=0), 0)
    assert nothing.num_rows == 0
    settings = EndsSettings(steps=5)
    plan = make_plan((BOX,), 50, 40, Guarantee(epsilon=0.5, delta=1e-6), settings)
    field = fit(plan, evidence_of(measure(nothing, plan)))
    assert sample(field, "start", np.random.default_rng(0)).num_rows == 50
    assert sample(field, "end", np.random.default_rng(0)).num_rows == 40


def test_a_field_can_be_stored(fitted: EndsField, tmp_path: Path) -> None:
    save_field(tmp_path, fitted)
    tables: list[pa.Table] = [
        sample(field, "start", np.random.default_rng(0), 100)
        for field in (load_field(tmp_path), fitted)
    ]
    assert tables[0].equals(tables[1])
    save_field(tmp_path, replace(fitted, start_cells=fitted.start_cells[:1]))
    with pytest.raises(ModelFileError, match="does not fit"):
        load_field(tmp_path)
