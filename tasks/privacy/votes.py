"""Labels by the noisy plurality of teachers (PATE's GNMax), every query charged.

Papernot et al. 2018, "Scalable private learning with PATE". Records are divided among teachers by
a keyed hash of each record, so that a record reaches exactly one teacher, and which one owes
nothing to other records. With the record or without it, that teacher casts one vote per query:
one label loses a vote, another gains one. The L2 norm of that change is the square root of 2.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import dp_accounting
import numpy as np
from numpy.typing import NDArray

from tasks.privacy.discrete_noise import DiscreteNoise
from tasks.privacy.domination import dominating_gaussian
from tasks.privacy.errors import StepsSpentError
from tasks.privacy.keyed_hash import KeyedHash

Teacher = Callable[[Any], int]
"""Votes for a label, 0 to labels - 1, on what it is asked."""

_L2_SENSITIVITY_SQUARED = 2


@dataclass(frozen=True)
class NoisyVotes:
    """A fixed number of label queries to teachers. All fields are public.

    Attributes:
        teachers: Number of teachers, >= 1.
        labels: Number of labels, >= 2.
        sigma: Parameter of the discrete Gaussian noise on every label's votes, >= 2.
        queries: Number of queries that may ever be asked, >= 1.

    Examples:
        >>> votes = NoisyVotes(teachers=200, labels=24, sigma=Fraction(40), queries=100)
        >>> votes.event().count, round(votes.event().event.noise_multiplier, 3)
        (100, 28.267)
    """

    teachers: int
    labels: int
    sigma: Fraction
    queries: int

    def __post_init__(self) -> None:
        if self.teachers < 1 or self.labels < 2 or self.queries < 1:
            raise ValueError(f"votes need a teacher, two labels and a query, got {self}")
        self.event()

    def event(self) -> dp_accounting.DpEvent:
        """The event of all queries."""
        query = dominating_gaussian(self.sigma, _L2_SENSITIVITY_SQUARED)
        return dp_accounting.SelfComposedDpEvent(query, self.queries)

    def begin(self) -> "Shards":
        """Start an attempt: a fresh secret division of records among teachers."""
        return Shards(self)


class Shards:
    """One attempt's division of the day's records.

    Args:
        mechanism: What is run.
    """

    def __init__(self, mechanism: NoisyVotes) -> None:
        self.mechanism = mechanism
        self._hash = KeyedHash()

    def of(self, records: Iterable[bytes]) -> NDArray[np.int64]:
        """The teacher of each record, shape (records,), by the record's own content."""
        teachers = self.mechanism.teachers
        return np.array([self._hash.of([record]) % teachers for record in records], np.int64)

    def ask(self, teachers: Sequence[Teacher]) -> "NoisyVotesRun":
        """Begin to ask teachers, one trained on each shard.

        Raises:
            ValueError: If they are not as many as the mechanism says, or one occurs twice: a
                record would then sway more than one vote.
        """
        expected = self.mechanism.teachers
        if len(teachers) != expected or len({id(teacher) for teacher in teachers}) != expected:
            raise ValueError(f"{expected} different teachers are needed, each with its own shard")
        return NoisyVotesRun(self.mechanism, teachers)


class NoisyVotesRun:
    """One attempt's queries."""

    def __init__(self, mechanism: NoisyVotes, teachers: Sequence[Teacher]) -> None:
        self.mechanism = mechanism
        self._teachers = tuple(teachers)
        self._noise = DiscreteNoise()
        self._asked = 0

    def label(self, question: Any) -> int:
        """The label with the most votes after noise; of equals, the first.

        Raises:
            StepsSpentError: If every accounted query was asked.
            ValueError: If a teacher votes for a label that does not exist.
        """
        if self._asked >= self.mechanism.queries:
            raise StepsSpentError(
                f"all {self.mechanism.queries} accounted queries were asked; none is left"
            )
        self._asked += 1
        votes = self._count(question)
        return int(np.argmax(votes + self._noise.gaussian(self.mechanism.sigma, votes.size)))

    def _count(self, question: Any) -> NDArray[np.int64]:
        """The true votes for each label, private: one of each teacher."""
        votes = np.zeros(self.mechanism.labels, np.int64)
        for teacher in self._teachers:
            vote = teacher(question)
            if not 0 <= vote < self.mechanism.labels:
                raise ValueError(f"a teacher's vote is not one of {self.mechanism.labels} labels")
            votes[vote] += 1
        return votes
