from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.synthesis.trip_field.lattice import Floats
from tasks.synthesis.trip_field.layout import Layout
from tasks.synthesis.trip_field.tracks import (
    Counted,
    Dynamics,
    Estimate,
    Track,
    aged,
    begun,
    loosened_by,
    predicted,
    summing_to,
    updated,
)

DYNAMICS = Dynamics()
ROWS = 20_000
NOISE = 17.0
WEEK = (False, False, False, False, False, True, True)


def layout_of(cells: int, is_hourly: bool = False) -> Layout:
    everywhere = np.zeros(cells, np.int64)
    return Layout((everywhere,), is_hourly, None, everywhere, ())


def day_after(
    track: Track | None, values: Floats, is_weekend: bool, dynamics: Dynamics = DYNAMICS
) -> tuple[Estimate, Track]:
    counted, layout = Counted(values, NOISE, ROWS, is_weekend), layout_of(len(values))
    if track is None:
        return begun(counted, layout, dynamics)
    track = aged(track, 1, layout, dynamics)
    return updated(track, counted, predicted(track, ROWS, is_weekend), layout, dynamics)[:2]


def noisy(counts: Floats, generator: np.random.Generator) -> Floats:
    return counts + generator.normal(0, NOISE, len(counts))


def textbook(values: list[float], weekends: list[bool]) -> tuple[NDArray[np.float64], ...]:
    """Mean and covariance of level and contrast by matrices (Kalman 1960), for one cell."""

    def size(share: Any, variance: Any) -> float:
        return float(max(share, 0) * share**2 / (share**2 + variance))

    kept = np.exp(-1 / DYNAMICS.memory_days)
    mean, covariance = np.zeros(2), np.diag([1e6, 0.0])
    first = size(values[0] / ROWS, (NOISE / ROWS) ** 2)
    covariance[1, 1] = (DYNAMICS.contrast * first) ** 2
    for day, (value, weekend) in enumerate(zip(values, weekends, strict=True)):
        seen = np.array([1.0, float(weekend)])
        if day:
            level = size(mean[0], covariance[0, 0])
            step = np.diag([1.0, kept])
            unknown = (DYNAMICS.contrast * level) ** 2
            walk = np.diag([(DYNAMICS.drift * level) ** 2, (1 - kept**2) * unknown])
            mean, covariance = step @ mean, step @ covariance @ step + walk
        share = size(seen @ mean, seen @ covariance @ seen) if day else first
        noise = (NOISE / ROWS) ** 2 + max(share, 1 / ROWS) / ROWS
        gain = covariance @ seen / (seen @ covariance @ seen + noise)
        mean = mean + gain * (value / ROWS - seen @ mean)
        covariance = covariance - np.outer(gain, seen @ covariance)
    return mean, covariance


@pytest.mark.parametrize("first", range(7))
def test_one_cell_is_a_textbook_kalman_filter(first: int) -> None:
    generator = np.random.default_rng(first)
    weekends = [WEEK[(first + day) % 7] for day in range(20)]
    values = [float(noisy(np.array([900.0]), generator)[0]) for _ in weekends]
    calm, track = replace(DYNAMICS, surprise=1e9), None
    for value, weekend in zip(values, weekends, strict=True):
        _, track = day_after(track, np.array([value]), weekend, calm)
    assert track is not None
    mean, covariance = textbook(values, weekends)
    assert track.mean[:, 0] == pytest.approx(mean, rel=1e-3)
    upper = covariance[np.triu_indices(2)]
    assert track.covariance[:, 0] == pytest.approx(upper, rel=5e-3, abs=1e-12)


def simulated(days: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """True counts, what is known of them and its stated error, shape (days, cells)."""
    generator = np.random.default_rng(seed)
    level = generator.gamma(0.5, 2e-3, 3000)
    contrast = level * generator.normal(0, DYNAMICS.contrast, len(level))
    true, known, track = [], [], None
    for day in range(days):
        level = np.maximum(level * (1 + generator.normal(0, DYNAMICS.drift, len(level))), 0)
        share = np.maximum(level + WEEK[day % 7] * contrast, 0)
        true.append(generator.poisson(ROWS * share).astype(float))
        estimate, track = day_after(track, noisy(true[-1], generator), WEEK[day % 7])
        known.append(estimate)
    return (
        np.array(true),
        np.array([estimate.values for estimate in known]),
        np.array([estimate.stddev for estimate in known]),
    )


def test_errors_are_as_large_as_stated_and_shrink() -> None:
    true, known, stddev = simulated(28, 0)
    squares = ((known - true) / stddev) ** 2
    assert squares[0].mean() == pytest.approx(1, abs=0.1)
    assert squares[1:].mean() == pytest.approx(1, abs=0.1)
    assert squares[1:].mean(axis=1) == pytest.approx(np.ones(27), abs=0.2)
    errors = np.abs(known - true).mean(axis=1)
    assert errors[0] == pytest.approx(NOISE * np.sqrt(2 / np.pi), rel=0.05)
    assert errors[21:26].mean() < 0.45 * errors[0]
    assert errors[26:].mean() < 0.5 * errors[0]


def test_an_unusual_day_is_believed_and_forgotten() -> None:
    generator = np.random.default_rng(1)
    usual, fair = np.full(200, 40.0), np.full(200, 40.0)
    fair[7] = 2000
    track: Track | None = None
    for _ in range(12):
        _, track = day_after(track, noisy(usual, generator), False)
    known, track = day_after(track, noisy(fair, generator), False)
    assert known.values[7] == pytest.approx(2000, abs=60)
    assert known.stddev[7] == pytest.approx(NOISE, rel=0.01)
    assert known.stddev[8] < 0.6 * NOISE
    for day in range(3):
        known, track = day_after(track, noisy(usual, generator), False)
        assert known.values[7] < (100 if day < 2 else 80)


def test_a_change_that_stays_is_adopted() -> None:
    generator = np.random.default_rng(2)
    track: Track | None = None
    for day in range(24):
        counts = np.full(50, 40.0)
        counts[3] = 40 if day < 12 else 800
        known, track = day_after(track, noisy(counts, generator), False)
        if day >= 12:
            assert known.values[3] == pytest.approx(800, abs=60)
    assert track is not None
    assert ROWS * track.mean[0, 3] == pytest.approx(800, abs=40)


def test_a_weekend_is_learnt_beside_the_working_days() -> None:
    generator = np.random.default_rng(3)
    track: Track | None = None
    for day in range(28):
        counts = np.array([200.0, 300.0]) if WEEK[day % 7] else np.array([300.0, 200.0])
        _, track = day_after(track, noisy(counts, generator), WEEK[day % 7])
    assert track is not None
    assert predicted(track, ROWS, False).values == pytest.approx([300, 200], abs=25)
    assert predicted(track, ROWS, True).values == pytest.approx([200, 300], abs=35)


def test_hours_that_are_empty_on_working_days_may_be_busy_on_weekends() -> None:
    counted = Counted(np.array([0.0, 400.0]), NOISE, ROWS, False)
    for is_hourly, least in ((False, 0.0), (True, 80.0)):
        _, track = begun(counted, layout_of(2, is_hourly), DYNAMICS)
        assert ROWS * np.sqrt(track.covariance[2, 0]) == pytest.approx(least, abs=20)


def test_new_trips_of_a_place_may_be_any_of_its_cells() -> None:
    layout = Layout((), False, None, np.zeros(0, np.int64), (np.repeat([0, 1], 10), np.full(20, 2)))
    prior = Estimate(np.zeros(20), np.ones(20))
    found = loosened_by(np.array([0.0, 400.0, 0.0]), prior, layout)
    assert found.values.tolist() == [0.0] * 20
    assert found.stddev[:10].tolist() == [1.0] * 10
    assert found.stddev[10:] == pytest.approx(np.sqrt(np.full(10, 1 + 400 / (10 * 4))))


def test_summands_follow_what_is_known_of_their_sum() -> None:
    layout = Layout((), True, "hours", np.array([0, 0, 1, 1]), ())
    prior = Estimate(np.array([10.0, 20, 30, 40]), np.array([1.0, 3, 2, 2]))
    whole = Estimate(np.array([30.0, 52]), np.array([1e9, 1.0]))
    found = summing_to(whole, prior, layout)
    assert found.values[:2] == pytest.approx(prior.values[:2])
    assert found.values[2:] == pytest.approx([30 - 8, 40 - 8], abs=1.1)
    certain = summing_to(Estimate(np.array([50.0, 70]), np.full(2, 1e-9)), prior, layout)
    assert certain.values == pytest.approx([12, 38, 30, 40])
