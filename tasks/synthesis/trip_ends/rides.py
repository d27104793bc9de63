"""What is publicly known about rides: how far and how fast people go. No feed's data are in here.

Jiao and Bai, "Understanding the Shared E-scooter Travels in Austin, TX", ISPRS International
Journal of Geo-Information 9(2):135, 2020: 1.7 million trips of 0.77 miles and 7.55 minutes in the
mean. The law around that mean is log-normal; its spread is a choice of ours, made on simulated
cities: two rides in three are at most twice as long, or as short, as the middle one. Every
direction is as likely as any other.
"""

from dataclasses import dataclass
from math import log

import numpy as np
from scipy.special import ndtr

from tasks.synthesis.trip_field.lattice import Floats

SHIFTS = 2
"""A ride ends in the hour in which it starts, or in the next."""


@dataclass(frozen=True)
class RidePrior:
    """A public law of rides.

    Attributes:
        mean_m: Mean length, metres.
        spread: Standard deviation of the logarithm of the length.
        mean_s: Mean duration, seconds; rides of any length are as fast as the mean one.

    Examples:
        >>> prior = RidePrior()
        >>> round(prior.median_m), round(prior.speed_kmh, 1)
        (970, 9.8)
        >>> prior.lengths(np.array([100.0, 900.0, 20_000.0])).round(3).tolist()
        [0.457, 0.543]
        >>> prior.shifts(np.array([100.0, 200.0, 20_000.0])).round(3).tolist()
        [[0.986, 0.797], [0.014, 0.203]]
    """

    mean_m: float = 0.77 * 1609.344
    spread: float = 0.7
    mean_s: float = 7.55 * 60

    @property
    def median_m(self) -> float:
        """Median length, metres."""
        return float(self.mean_m * np.exp(-(self.spread**2) / 2))

    @property
    def speed_kmh(self) -> float:
        """Speed of all rides."""
        return self.mean_m / self.mean_s * 3.6

    def lengths(self, edges_m: Floats) -> Floats:
        """Probability of each bin of length among those given, shape (bins,)."""
        below = ndtr((np.log(edges_m) - log(self.median_m)) / self.spread)
        return np.asarray(np.diff(below) / (below[-1] - below[0]))

    def shifts(self, edges_m: Floats) -> Floats:
        """Probability of ending so many hours later by bin of length, shape (SHIFTS, bins).

        Starts are uniform in their hour; rides of more than an hour count as an hour.
        """
        middle = np.sqrt(edges_m[:-1] * edges_m[1:])
        later = np.minimum(middle / self.mean_m * self.mean_s / 3600, 1)
        return np.stack([1 - later, later])
