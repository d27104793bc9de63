"""Canary exposure: how far a model prefers the very trip that it was shown.

After Carlini et al. (2019), "The Secret Sharer". A canary is one of R trips that are equally
likely a priori; they are ranked by how much likelier the model makes them than a reference does,
a model of the same day that saw none of them (Watson et al. 2022, "On the importance of difficulty
calibration in membership inference attacks"). Exposure is log2 R - log2 rank, in bits: how much
easier the model makes the canary to guess. A trip that the model never saw has a uniform rank, and
so an exposure of x bits or more with probability 2^-x: 1.44 bits in the mean. (epsilon, delta)-DP
lets one that was shown once have them with probability e^eps 2^-x + delta.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import stats

from tasks.audit.likelihood import Likelihood

UNSEEN_BITS = 1 / np.log(2)
"""Mean exposure of records that the model never saw."""
NOTICEABLE = 0.001
"""A p-value under this says that a model has noticed its canaries."""


@dataclass(frozen=True)
class Exposure:
    """The exposures of a group of canaries in one model.

    Attributes:
        group: What was done with them, in words.
        is_private: Whether the model was trained under the guarantee.
        copies: How many times each was planted; 0 for those that never were.
        bits: Their exposures.
        candidates: Number R of trips that each is ranked among, itself one of them.
        p_value: How likely canaries never seen are to be as exposed in the mean.
    """

    group: str
    is_private: bool
    copies: int
    bits: tuple[float, ...]
    candidates: int
    p_value: float

    @property
    def mean(self) -> float:
        """Mean exposure, bits."""
        return float(np.mean(self.bits))

    @property
    def is_noticed(self) -> bool:
        """Whether the model prefers its canaries."""
        return self.p_value < NOTICEABLE

    def exceeds(self, epsilon: float) -> bool:
        """Whether the canaries are more exposed than epsilon allows those planted once to be.

        At most, each exposure is eps / ln 2 bits over that of an unseen record.
        """
        excess = np.log(2) * sum(self.bits) - epsilon * len(self.bits)
        return bool(_p_value(excess, len(self.bits)) < NOTICEABLE)


def allowed_mean(epsilon: float) -> float:
    """Mean exposure, bits, that epsilon allows a canary planted once at most, delta aside.

    Examples:
        >>> round(allowed_mean(0.0), 2), round(allowed_mean(1.0), 2)
        (1.44, 2.89)
    """
    return float(UNSEEN_BITS * (1 + epsilon))


def _p_value(nats: float, canaries: int) -> float:
    """How likely exposures of unseen canaries are to sum to so many nats or more.

    -2 ln of a uniform number is chi-squared with two degrees of freedom (Fisher 1925).
    """
    return float(stats.chi2.sf(2 * nats, 2 * canaries))


@dataclass(frozen=True)
class Canaries:
    """Trips that are equally likely a priori, dealt out.

    Attributes:
        unseen: Never planted.
        once: Planted once, as a trip is.
        often: Planted `copies` times, as no trip is.
        references: What canaries are ranked among.
        copies: See `often`.
    """

    unseen: pa.Table
    once: pa.Table
    often: pa.Table
    references: pa.Table
    copies: int

    @classmethod
    def deal(cls, candidates: pa.Table, each: int, copies: int) -> "Canaries":
        """Take `each` canaries of every kind from independent, identically drawn trips."""
        unseen, once, often = (candidates.slice(kind * each, each) for kind in range(3))
        return cls(unseen, once, often, candidates.slice(3 * each), copies)

    def plant(self, trips: pa.Table) -> pa.Table:
        """A day's trips and the canaries among them."""
        return pa.concat_tables([trips, self.once, *[self.often] * self.copies])


def exposures(
    model: Likelihood, reference: Likelihood, canaries: Canaries, is_private: bool
) -> tuple[Exposure, ...]:
    """The exposure of every kind of canary in a model of the day they were planted in.

    Args:
        model: The model.
        reference: A model of the day without any canary.
        canaries: The canaries.
        is_private: Whether the model was made under the guarantee.
    """

    def gain(trips: pa.Table) -> NDArray[np.float64]:
        return model.log_likelihood(trips) - reference.log_likelihood(trips)

    ranked_among = np.sort(gain(canaries.references))
    return tuple(
        exposure(gain(trips), ranked_among, group, is_private, copies)
        for group, trips, copies in (
            ("never planted", canaries.unseen, 0),
            ("planted once", canaries.once, 1),
            (f"planted {canaries.copies} times", canaries.often, canaries.copies),
        )
    )


def exposure(
    gains: NDArray[np.float64],
    ranked_among: NDArray[np.float64],
    group: str,
    is_private: bool,
    copies: int,
) -> Exposure:
    """The exposures of some canaries.

    Args:
        gains: How much likelier the model makes them than the reference, nats.
        ranked_among: The same of the trips they are ranked among, ascending.
        group: What was done with them.
        is_private: Whether the model was made under the guarantee.
        copies: How many times each was planted.
    """
    # of trips with equal gains the canary is ranked last
    ranks = 1 + len(ranked_among) - np.searchsorted(ranked_among, gains, "left")
    candidates = len(ranked_among) + 1
    bits = np.log2(candidates) - np.log2(ranks)
    p_value = _p_value(float(np.log(2) * bits.sum()), len(bits))
    return Exposure(group, is_private, copies, tuple(bits.tolist()), candidates, p_value)
