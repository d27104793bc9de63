"""Canary exposure: how far a trained model prefers the very record that it was shown.

After Carlini et al. (2019), "The Secret Sharer". A canary is one of R records that are equally
likely a priori; the model ranks it among the others by their likelihood. Its exposure is
log2 R - log2 rank, in bits: how much easier the model makes it to guess. A record that the model
never saw has a uniform rank, and so an exposure of x bits or more with probability 2^-x: 1.44
bits in the mean. (epsilon, delta)-DP lets one that was shown once have them with probability
e^eps 2^-x + delta.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tasks.audit.likelihood import Likelihood
from tasks.synthesis.grid import Tokens

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
        candidates: Number R of records that each is ranked among, itself one of them.
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
    """Records that are equally likely a priori, dealt out.

    Attributes:
        unseen: Never planted.
        once: Planted once, as a trip is.
        often: Planted `copies` times, as no trip is.
        references: What canaries are ranked among.
        copies: See `often`.
    """

    unseen: Tokens
    once: Tokens
    often: Tokens
    references: Tokens
    copies: int

    @classmethod
    def deal(cls, candidates: Tokens, each: int, copies: int) -> "Canaries":
        """Take `each` canaries of every kind from independent, identically drawn records."""
        unseen, once, often, references = np.split(candidates, [each, 2 * each, 3 * each])
        return cls(unseen, once, often, references, copies)

    def plant(self, records: Tokens) -> Tokens:
        """A day's records and the canaries among them."""
        return np.concatenate([records, self.once, np.repeat(self.often, self.copies, axis=0)])


def exposures(model: Likelihood, canaries: Canaries, is_private: bool) -> tuple[Exposure, ...]:
    """The exposure of every kind of canary in a model trained on the day they were planted in."""
    references = np.sort(model.log_likelihood(canaries.references))
    return tuple(
        exposure(model, references, records, group, is_private, copies)
        for group, records, copies in (
            ("never planted", canaries.unseen, 0),
            ("planted once", canaries.once, 1),
            (f"planted {canaries.copies} times", canaries.often, canaries.copies),
        )
    )


def exposure(
    model: Likelihood,
    references: NDArray[np.float64],
    records: Tokens,
    group: str,
    is_private: bool,
    copies: int,
) -> Exposure:
    """The exposures of some canaries.

    Args:
        model: The trained model.
        references: Log-likelihoods of the records they are ranked among, ascending.
        records: The canaries.
        group: What was done with them.
        is_private: Whether the model was trained under the guarantee.
        copies: How many times each was planted.
    """
    likelihoods = model.log_likelihood(records)
    # of equally likely records the canary is ranked last
    ranks = 1 + len(references) - np.searchsorted(references, likelihoods, "left")
    candidates = len(references) + 1
    bits = np.log2(candidates) - np.log2(ranks)
    p_value = _p_value(float(np.log(2) * bits.sum()), len(bits))
    return Exposure(group, is_private, copies, tuple(bits.tolist()), candidates, p_value)
