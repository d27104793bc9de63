"""One table from day to day: a Kalman filter of every cell's share of the trips.

A cell has a level, its share on working days, and a contrast, what weekends add to it. The level
walks at random, which also follows the seasons; the contrast forgets slowly. A day's count is drawn
around the number of trips times the share, and noise of known size is on it. Cells are independent,
as their noise is. Everything is linear and Gaussian (R. E. Kalman, "A New Approach to Linear
Filtering and Prediction Problems", 1960) but for surprises: what is far from its prediction is
believed of its own day, and hardly of the days after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.synthesis.trip_field.lattice import Floats
from tasks.synthesis.trip_field.layout import Layout
from tasks.synthesis.trip_field.surprise import loosening

_SPREAD = 4
"""What is new at a place has at least so many hours, distances and so on."""


@dataclass(frozen=True)
class Dynamics:
    """How shares are believed to change. All fields are public, and none affects privacy.

    Attributes:
        drift: Standard deviation of a day's step of a level, as a part of it, >= 0.
        contrast: Standard deviation of a contrast before a weekend is known, likewise, >= 0.
        hour_contrast: The same for hours, as a part of the mean of level and place.
        memory_days: In this many days a contrast falls to 1/e, if no weekend is seen, > 0.
        surprise: More standard deviations than this loosen a prediction, > 0.
        adoption: How much of a cell's surprise, as variance, the next day is prepared for, >= 0.
    """

    drift: float = 0.02
    contrast: float = 0.3
    hour_contrast: float = 1.0
    memory_days: float = 120.0
    surprise: float = 4.0
    adoption: float = 0.03

    def unknown(self, size: Floats, layout: Layout) -> Floats:
        """Variances of the contrasts of levels, before a weekend is known.

        An hour that is empty on working days may be a busy one on weekends, so hours are held
        against the other hours of their place too.
        """
        if not layout.is_hourly:
            return np.asarray((self.contrast * size) ** 2)
        place = layout.scales[0]
        mean = np.bincount(place, size) / np.bincount(place)
        return np.asarray((self.hour_contrast * (size + mean[place]) / 2) ** 2)


@dataclass(frozen=True)
class Track:
    """What is known of the shares of a table's cells.

    Attributes:
        mean: Level and contrast, shape (2, cells).
        covariance: Variance of the level, covariance of both, variance of the contrast,
            shape (3, cells).
    """

    mean: Floats
    covariance: Floats


@dataclass(frozen=True)
class Counted:
    """A table of a day.

    Attributes:
        values: Noisy counts, shape (cells,).
        stddev: Standard deviation of their noise.
        rows: Number of trips of the day.
        is_weekend: Whether the day is a Saturday or a Sunday.
    """

    values: Floats
    stddev: float
    rows: int
    is_weekend: bool


@dataclass(frozen=True)
class Estimate:
    """Counts and the standard deviations of their errors, shape (cells,) each."""

    values: Floats
    stddev: Floats


def begun(counted: Counted, layout: Layout, dynamics: Dynamics) -> tuple[Estimate, Track]:
    """The first day as it was measured, and the track after it; nothing is known before."""
    share, noise = counted.values / counted.rows, (counted.stddev / counted.rows) ** 2
    size = _size(share, noise)
    unknown = dynamics.unknown(size, layout)
    weekend = float(counted.is_weekend)
    estimate = Estimate(counted.values, np.full(len(share), counted.stddev))
    return estimate, _track(
        [share, np.zeros_like(share)],
        [
            noise + _variation(size, counted.rows) + weekend * unknown,
            -weekend * unknown,
            unknown,
        ],
    )


def aged(track: Track, days: int, layout: Layout, dynamics: Dynamics) -> Track:
    """The track some days later."""
    level, difference = track.mean.astype(float)
    variance, both, other = track.covariance.astype(float)
    size = _size(level, variance)
    kept = np.exp(-days / dynamics.memory_days)
    return _track(
        [level, difference * kept],
        [
            variance + days * (dynamics.drift * size) ** 2,
            both * kept,
            other * kept**2 + (1 - kept**2) * dynamics.unknown(size, layout),
        ],
    )


def predicted(track: Track, rows: int, is_weekend: bool, away: float = 0) -> Estimate:
    """The counts of a day before it is measured.

    Args:
        track: What is known.
        rows: Number of trips of the day.
        is_weekend: Whether the day is a Saturday or a Sunday.
        away: Variance of a step that lies between the track and the day, as a part of the level.
    """
    share, variance = _share(track, is_weekend)
    size = _size(share, variance)
    variance = variance + away * size**2 + _variation(size, rows)
    return Estimate(rows * share, np.asarray(rows * np.sqrt(variance)))


def summing_to(whole: Estimate, summands: Estimate, layout: Layout) -> Estimate:
    """Predicted counts, given what is known of their sums.

    Where all of an area deviate from their prediction alike, as hours do on the first weekend, one
    cell shows nothing and the sum does. What is learnt about the standard deviations is left out.
    """
    sums = np.bincount(layout.summand_of, summands.values, len(whole.values))
    variance = np.bincount(layout.summand_of, summands.stddev**2, len(whole.values))
    pull = (whole.values - sums) / (variance + whole.stddev**2)
    values = summands.values + summands.stddev**2 * pull[layout.summand_of]
    return Estimate(np.asarray(values), summands.stddev)


def loosened_by(surprises: Floats, prior: Estimate, layout: Layout) -> Estimate:
    """A prediction where places are unusual: what is new there may be of any hour and distance.

    Args:
        surprises: Variance of the trips that are new at every place, as of `layout.by_place`.
        prior: What was predicted.
        layout: How the cells lie.
    """
    variance = prior.stddev**2
    for place in layout.within:
        cells = np.bincount(place, minlength=len(surprises))
        each = surprises / np.maximum(cells * np.minimum(cells, _SPREAD), 1)
        variance = variance + each[place]
    return Estimate(prior.values, np.asarray(np.sqrt(variance)))


def updated(
    track: Track, counted: Counted, prior: Estimate, layout: Layout, dynamics: Dynamics
) -> tuple[Estimate, Track, Floats]:
    """What is known of a day's counts once they are measured, and of the shares.

    Args:
        track: What is known before.
        counted: The day.
        prior: What the track, and whatever else is known of the day, predict.
        layout: How the cells lie.
        dynamics: How shares change.

    Returns:
        The counts, the track, and the variance that cells needed by themselves to be admitted.
    """
    rows, noise = counted.rows, counted.stddev**2
    variance, innovation = prior.stddev**2, counted.values - prior.values
    loose = loosening(innovation, variance, noise, layout.scales, dynamics.surprise)
    total = loose.together * variance + noise
    gain = loose.together * variance / total
    estimate = Estimate(prior.values + gain * innovation, counted.stddev * np.sqrt(gain))

    weekend = float(counted.is_weekend)
    level, both, other = track.covariance.astype(float)
    pull = np.stack([level + weekend * both, both + weekend * other])  # covariance with the share
    per_share = pull / (total / rows**2)
    away = counted.values / rows - _share(track, counted.is_weekend)[0]
    adopted = dynamics.adoption * (loose.alone - 1) * variance / rows**2
    known = _track(
        [*(track.mean + per_share * away)],
        [
            level - per_share[0] * pull[0] + adopted,
            both - per_share[0] * pull[1],
            other - per_share[1] * pull[1],
        ],
    )
    return estimate, known, (loose.alone - 1) * variance


def _share(track: Track, is_weekend: bool) -> tuple[Floats, Floats]:
    """The share on such a day, and its variance."""
    weekend = float(is_weekend)
    level, both, other = track.covariance.astype(float)
    mean = track.mean.astype(float)
    return mean[0] + weekend * mean[1], level + weekend * (2 * both + other)


def _size(share: Floats, variance: Floats | float) -> Floats:
    """A share without what may be noise: small, and never negative, where it is not certain."""
    return np.asarray(np.maximum(share, 0) * share**2 / np.maximum(share**2 + variance, 1e-30))


def _variation(size: Floats, rows: int) -> Floats:
    """Variance of a day's share around the rate; one trip may always be there."""
    return np.asarray(np.maximum(size, 1 / rows) / rows)


def _track(mean: Sequence[Floats], covariance: Sequence[Floats]) -> Track:
    return Track(np.stack(mean).astype(np.float32), np.stack(covariance).astype(np.float32))
