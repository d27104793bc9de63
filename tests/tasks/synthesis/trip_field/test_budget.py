from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.privacy.accountant import epsilon_by_pld
from tasks.region import Box, Guarantee
from tasks.synthesis.trip_field import FieldSettings, Shares, budget, make_plan
from tasks.synthesis.trip_field.budget import divide, error_left, resolved
from tasks.synthesis.trip_field.lattice import COARSEST, Lattice
from tasks.synthesis.trip_field.tables import table_sizes

TOWN = Lattice((Box(name="town", south=52.3, west=10.6, north=52.5, east=10.9),))
STATE = Lattice(
    tuple(
        Box(name=f"area-{k}", south=30 + k, west=8, north=30.45 + k, east=8.45) for k in range(10)
    )
)
ORDINARY = asdict(Shares())
FINE = ("quarters", "sixteenths", "origins")


@settings(max_examples=40, deadline=None)
@given(signal=st.floats(0.01, 1e7), halvings=st.integers(0, 2))
def test_shares_are_a_division_whatever_the_day(signal: float, halvings: int) -> None:
    lattice = Lattice(TOWN.boxes, COARSEST << halvings)
    shares = divide(ORDINARY, lattice, signal)
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares.values()) > 0
    assert set(shares) <= set(table_sizes(lattice))


def test_an_ordinary_day_gets_its_shares() -> None:
    shares = divide(ORDINARY, STATE, 3_500)
    assert list(shares) == list(ORDINARY)
    for name, share in shares.items():
        assert share == pytest.approx(ORDINARY[name], rel=0.15), name


def test_a_table_that_gains_less_than_it_costs_gets_nothing() -> None:
    small, large = (divide(ORDINARY, STATE, trips / 4.3) for trips in (100, 1_000_000))
    assert not set(small) & set(FINE)
    assert set(large) >= set(FINE)
    assert small["ends"] + small["block_ends"] > 1 / 3
    left_out = {name: 0.0 if name == "ends" else share for name, share in ORDINARY.items()}
    assert "ends" not in divide(left_out, STATE, 3_500)


def worth_of_errors(
    shares: Mapping[str, float], ordinary: Mapping[str, float], signal: float
) -> float:
    """The error of all tables, each over what an ordinary day still gains by it."""
    tables, whole = budget._tables(STATE, signal), sum(ordinary.values())
    return sum(
        tables[name].error(shares.get(name, 0.0)) / budget._worth(name, share / whole)
        for name, share in ordinary.items()
    )


def test_no_other_division_leaves_less_error() -> None:
    """By what an ordinary day shows the error of each table to be worth."""
    generator = np.random.default_rng(0)
    names = ("ends", "sixteenths", "block_hours")
    ordinary = {name: ORDINARY[name] for name in names}
    for signal in (200.0, 3_500.0, 200_000.0):
        shares = divide(ordinary, STATE, signal)
        best = np.array([shares.get(name, 0) for name in names])
        least = worth_of_errors(shares, ordinary, signal) * (1 - 1e-3)  # shares are found on a grid
        for _ in range(20):
            other = (best + generator.dirichlet(np.ones(3))) / 2
            found = worth_of_errors(dict(zip(names, other, strict=True)), ordinary, signal)
            assert found >= least


def test_error_falls_with_the_share_and_the_size_of_the_day() -> None:
    left = [
        [error_left("ends", STATE, {"ends": share}, signal) for share in (0, 0.1, 0.5, 1)]
        for signal in (10, 1_000, 100_000)
    ]
    assert (np.diff(left, axis=1) < 0).all()
    assert (np.diff(np.array(left)[:, 1:], axis=0) < 0).all()
    assert [row[0] for row in left] == [1, 1, 1]


def test_cells_are_as_small_as_the_day_allows() -> None:
    found = [
        resolved(TOWN, ORDINARY, trips / 4.3).cells_per_degree
        for trips in (100, 2_000, 27_000, 100_000, 500_000)
    ]
    assert found == sorted(found)
    assert found[0] == found[1] == COARSEST
    assert found[-1] == 4 * COARSEST  # 0.0025 degrees, and parts of a quarter of that
    assert resolved(STATE, ORDINARY, 27_000 / 6.3) == STATE


@pytest.mark.parametrize("adjacency", ["zero_out", "add_remove"])
def test_the_cost_of_a_measurement_does_not_depend_on_the_size_of_the_day(adjacency: str) -> None:
    """Under add_remove the number of trips is not known when the noise is solved for."""
    guarantee = Guarantee(adjacency=adjacency, epsilon=1, delta=1e-8)
    small, large = (
        make_plan(TOWN.boxes, rows, guarantee, FieldSettings()).mechanism for rows in (100, 800_000)
    )
    assert {table.name for table in small.tables} != {table.name for table in large.tables}
    for mechanism in (small, large):
        assert epsilon_by_pld(mechanism.event(), guarantee.delta) <= guarantee.epsilon
    noise = [mechanism.event().noise_multiplier for mechanism in (small, large)]
    assert noise[0] == pytest.approx(noise[1], rel=1e-3)
