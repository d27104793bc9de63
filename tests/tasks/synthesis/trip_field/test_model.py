from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from tasks.region import Box
from tasks.synthesis.trip_field import Field, Prior
from tasks.synthesis.trip_field.lattice import CELLS, FAR, PARTS, Floats, Lattice
from tasks.synthesis.trip_field.model import Factors, FieldModel
from tasks.synthesis.trip_field.sampling import sample
from tasks.synthesis.trip_field.tables import table_sizes, touched
from tests.tasks.synthesis.trip_field.conftest import random_field

BOX = Box(name="wide", south=-0.1, west=8.0, north=0.3, east=8.4)


@pytest.fixture(scope="module")
def field() -> Field:
    fitted = random_field(BOX, 1)
    # tilt and parts are fitted after, and are no part of the model
    tilt, parts = np.ones_like(fitted.tilt), np.full_like(fitted.parts, 1 / PARTS)
    return replace(fitted, tilt=tilt, parts=parts)


@pytest.fixture(scope="module")
def expected(field: Field) -> dict[str, Floats]:
    model = FieldModel(field.lattice, Prior())
    factors = Factors(
        **{
            name: tf.constant(getattr(field, name), tf.float32)
            for name in ("origin", "attraction", "pair", "bins", "hours")
        }
    )
    return {name: table.numpy() for name, table in model.expected(factors, 50_000).items()}


def test_expected_counts_are_those_of_samples(field: Field, expected: dict[str, Floats]) -> None:
    cells = touched(
        field.lattice, field.lattice.encode(sample(field, 50_000, np.random.default_rng(0)))
    )
    for name, (size, _) in table_sizes(field.lattice).items():
        if name not in expected:
            continue
        table = cells[name]
        counts = np.bincount(table[table >= 0], minlength=size)
        assert expected[name].shape == (size,)
        error = (counts - expected[name]) / np.sqrt(np.maximum(expected[name], 1))
        assert np.abs(error).max() < 6, name
        assert (error**2).mean() < 1.2, name
        assert counts.sum() == pytest.approx(expected[name].sum(), abs=300), name


def test_expected_flows_are_those_of_the_field(field: Field, expected: dict[str, Floats]) -> None:
    flows = field.flows.sum(axis=1) * 50_000
    assert expected["flows"].reshape(-1, FAR + 1) == pytest.approx(flows, rel=2e-3, abs=1e-3)
    origins = field.flows.sum(axis=2) * 50_000
    assert expected["origins"].reshape(-1, CELLS) == pytest.approx(origins, rel=2e-3, abs=1e-3)


def test_without_effects_ends_are_uniform_over_the_box() -> None:
    lattice = Lattice((Box(name="a", south=50.003, west=8, north=50.1, east=8.1),))
    model = FieldModel(lattice, Prior())
    effects = {name: tf.zeros(shape) for name, shape in model.shapes.items()}
    factors = model.factors(effects)
    cover = lattice.cover.mean(axis=2)
    assert factors.origin.numpy() == pytest.approx(cover, abs=1e-6)
    assert factors.attraction.numpy() == pytest.approx(cover, abs=1e-6)
    assert factors.hours.numpy() == pytest.approx(1 / 24, abs=1e-6)


def test_areas_do_not_reach_into_each_other() -> None:
    beside = Box(name="b", south=-0.1, west=8.4, north=0.3, east=8.6)
    lattice = Lattice((BOX, beside))
    first = lattice.starts[1]
    to = lattice.neighbours
    assert (to[:, :first][to[:, :first] < lattice.blocks] < first).all()
    assert (to[:, first:] >= first).all()
