"""Neighbouring-pair distinguishers: tell a day with a record from the day without it.

A mechanism runs many times on both days, and every run gives a score. For every event S of the
scores (epsilon, delta)-DP demands P(S) <= e^epsilon P'(S) + delta, both ways round. The event is
chosen on one half of the scores; on the other half, which knows nothing of the choice,
Clopper-Pearson bounds of both probabilities give a lower bound on epsilon.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import dp_accounting
import numpy as np
from numpy.typing import NDArray

from tasks.audit.statistics import CONFIDENCE, Estimate, rate
from tasks.privacy.accountant import epsilon_by_pld
from tasks.region.guarantee import Guarantee

Scores = NDArray[np.float64]
Pair = tuple[Scores, Scores]
"""Scores with the record and without it, shape (n,) each."""

LARGE_DELTA = 0.05
"""Here likelier and rarer events are both frequent, so that few scores prove nearly all there is:
what is accounted for holds at every delta."""
REPLAYED = ", the noise of another attempt subtracted"
_THRESHOLDS = 120


@dataclass(frozen=True)
class PairBound:
    """What a distinguisher proves of a mechanism.

    Attributes:
        mechanism: Its name.
        epsilon_claimed: What the accountant promises at `delta`.
        delta: Of both.
        epsilon_lower: Proven with the confidence of the bound; 0 if nothing is.
        event: The event chosen, in words.
        likelier: How often it happens on the day on which it is likelier.
        rarer: How often it happens on the other day.
        samples: Scores of each day, both halves together.
    """

    mechanism: str
    epsilon_claimed: float
    delta: float
    epsilon_lower: float
    event: str
    likelier: Estimate
    rarer: Estimate
    samples: int

    @property
    def is_violation(self) -> bool:
        """Whether more is proven than is promised."""
        return self.epsilon_lower > self.epsilon_claimed


def distinguish_twice(
    mechanism: str, fresh: Pair, replayed: Pair, event: dp_accounting.DpEvent, claimed: Guarantee
) -> tuple[PairBound, ...]:
    """All that two attackers prove of one mechanism.

    Args:
        mechanism: Its name, for people.
        fresh: Scores of independent runs.
        replayed: Scores from which those of another attempt on a null day are subtracted: useless
            against fresh noise, fatal to noise that is repeated.
        event: What the mechanism says that it costs.
        claimed: Epsilon and delta that the event keeps.
    """
    epsilon = epsilon_by_pld(event, LARGE_DELTA)
    return (
        distinguish(mechanism, *fresh, claimed.epsilon, claimed.delta),
        distinguish(mechanism, *fresh, epsilon, LARGE_DELTA),
        distinguish(f"{mechanism}{REPLAYED}", *replayed, claimed.epsilon, claimed.delta),
    )


def distinguish(
    mechanism: str,
    with_record: Scores,
    without_record: Scores,
    epsilon_claimed: float,
    delta: float,
    confidence: float = CONFIDENCE,
) -> PairBound:
    """The lower bound on epsilon that independent scores of two neighbouring days prove.

    Args:
        mechanism: Its name, for people.
        with_record: One score per run on the day with the record, shape (n,).
        without_record: One score per run on the day without it, shape (n,).
        epsilon_claimed: What is promised, to compare with.
        delta: What is promised.
        confidence: Of the bound; shared by the bounds of the two probabilities.

    Raises:
        ValueError: If the two days have not been run equally often, or too seldom to halve.
    """
    if len(with_record) != len(without_record) or len(with_record) < 4:
        raise ValueError("a distinguisher needs as many scores of both days, at least 4")
    choosing, proving = (
        (np.sort(with_record[half::2]), np.sort(without_record[half::2])) for half in (0, 1)
    )

    def promise(event: _Event) -> float:
        likelier, rarer = event.rates(*choosing, confidence)
        return _bound(likelier, rarer, delta)

    best = max(_events(*choosing), key=promise)
    likelier, rarer = best.rates(*proving, confidence)
    return PairBound(
        mechanism,
        epsilon_claimed,
        delta,
        _bound(likelier, rarer, delta),
        best.words,
        likelier,
        rarer,
        len(with_record),
    )


@dataclass(frozen=True)
class _Event:
    """Scores on one side of a threshold, on the day on which they are thought likelier."""

    threshold: float
    is_above: bool
    with_is_likelier: bool

    @property
    def words(self) -> str:
        side = "over" if self.is_above else "at most"
        day = "with" if self.with_is_likelier else "without"
        return f"score {side} {self.threshold:.4g}, likelier {day} the record"

    def rates(
        self, with_record: Scores, without_record: Scores, confidence: float
    ) -> tuple[Estimate, Estimate]:
        """How often it happens on the likelier day and on the other; scores ascend."""
        here, there = (self._rate(day, confidence) for day in (with_record, without_record))
        return (here, there) if self.with_is_likelier else (there, here)

    def _rate(self, ascending: Scores, confidence: float) -> Estimate:
        at_most = int(np.searchsorted(ascending, self.threshold, "right"))
        count = len(ascending) - at_most if self.is_above else at_most
        return rate(count, len(ascending), confidence)


def _events(with_record: Scores, without_record: Scores) -> Iterator[_Event]:
    pooled = np.concatenate([with_record, without_record])
    # dense in the tails, where the privacy loss is largest
    shares = 1 / (1 + np.exp(-np.linspace(-12, 12, _THRESHOLDS)))
    for threshold in np.unique(np.quantile(pooled, shares)).tolist():
        for is_above in (True, False):
            for with_is_likelier in (True, False):
                yield _Event(threshold, is_above, with_is_likelier)


def _bound(likelier: Estimate, rarer: Estimate, delta: float) -> float:
    """What the two intervals prove: each may fail on one side only, half the error for each."""
    if likelier.low <= delta:
        return 0.0
    return max(0.0, log((likelier.low - delta) / rarer.high))
