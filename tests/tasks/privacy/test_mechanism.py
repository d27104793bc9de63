from dataclasses import replace
from typing import Any

import dp_accounting
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.privacy.errors import StepsSpentError
from tasks.privacy.mechanism import Composition, SubsampledGaussian

MECHANISM = SubsampledGaussian(0.1, 2.0, steps=3, reserve_steps=1, l2_norm_clip=0.5)


@given(
    probability=st.floats(0.001, 0.999),
    noise=st.floats(0.1, 100),
    steps=st.integers(1, 10_000),
    reserve=st.integers(0, 1000),
)
def test_rule_4_the_event_is_made_from_the_fields_that_run(
    probability: float, noise: float, steps: int, reserve: int
) -> None:
    mechanism = SubsampledGaussian(probability, noise, steps, reserve, 1.0)
    assert mechanism.event() == dp_accounting.SelfComposedDpEvent(
        dp_accounting.PoissonSampledDpEvent(probability, dp_accounting.GaussianDpEvent(noise)),
        steps + reserve,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"sampling_probability": 0.2},
        {"noise_multiplier": 1.0},
        {"steps": 4},
        {"reserve_steps": 2},
    ],
)
def test_rule_4_a_changed_field_changes_the_event(change: dict[str, Any]) -> None:
    assert replace(MECHANISM, **change).event() != MECHANISM.event()


def test_rule_4_the_noise_that_runs_is_the_noise_that_is_accounted() -> None:
    run = MECHANISM.begin(records=50)
    run.draw()
    noised = run.release(np.zeros(100_000)) * (0.1 * 50)
    assert noised.std() == pytest.approx(2.0 * 0.5, rel=0.02)


def test_rule_6_an_attempt_stops_at_the_steps_accounted_for() -> None:
    run = MECHANISM.begin(records=5)
    for _ in range(4):
        run.draw()
        run.release(np.zeros(2))
    with pytest.raises(StepsSpentError, match="all 4 accounted steps"):
        run.draw()


def test_one_noise_per_step() -> None:
    run = MECHANISM.begin(records=5)
    run.draw()
    run.release(np.zeros(2))
    with pytest.raises(ValueError, match="one noise per step"):
        run.release(np.zeros(2))


@pytest.mark.parametrize(
    "change",
    [
        {"sampling_probability": 0.0},
        {"sampling_probability": 1.0},
        {"noise_multiplier": 0.0},
        {"noise_multiplier": float("nan")},
        {"l2_norm_clip": 0.0},
        {"steps": 0},
        {"reserve_steps": -1},
    ],
)
def test_impossible_mechanisms_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        replace(MECHANISM, **change)


def test_rule_4_a_composition_is_the_events_of_its_parts() -> None:
    composition = Composition((MECHANISM, replace(MECHANISM, steps=7)))
    assert composition.event() == dp_accounting.ComposedDpEvent(
        [part.event() for part in composition.parts]
    )
    assert composition.event() != Composition((MECHANISM, MECHANISM)).event()


@given(records=st.integers(0, 500), expected=st.integers(1, 500))
def test_rule_2_the_divisor_owes_nothing_to_the_private_number_of_records(
    records: int, expected: int
) -> None:
    run = MECHANISM.begin(records, expected)
    run.draw()
    assert run.expected_batch == 0.1 * expected


def test_a_day_that_seems_to_have_no_records_is_refused() -> None:
    for records, expected in ((0, None), (5, 0), (5, -3)):
        with pytest.raises(ValueError, match="at least one expected record"):
            MECHANISM.begin(records, expected)


def test_a_day_without_records_is_noise_alone() -> None:
    run = MECHANISM.begin(records=0, expected_records=50)
    assert run.draw().size == 0
    assert run.release(np.zeros(3)).shape == (3,)
