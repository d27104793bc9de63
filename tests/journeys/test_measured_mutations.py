"""Neighbouring pairs for the measured mechanisms, and mutants of them that the pairs refute."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tasks.audit.pairs import PairBound, Scores, distinguish
from tasks.privacy.accountant import epsilon_by_pld
from tasks.privacy.counts import NoisyCount
from tasks.privacy.votes import NoisyVotes
from tasks.privacy.weighted_counts import WeightedMeasurement
from tasks.region import Box, Guarantee
from tasks.synthesis.trip_ends import EndsSettings, make_plan
from tests.conftest import Show
from tests.coupling import coupled_secrets

DELTA = 1e-6
LARGE_DELTA = 0.01
"""At which fewer scores prove as much of a Gaussian; what is claimed holds at every delta."""
COUNT = NoisyCount.within(1.0, sensitivity=1)
ENDS = WeightedMeasurement.within(1.3, {"ends": (2, 2, 1.0)})
RIDES = make_plan(
    (Box(name="town", south=52.3, west=10.6, north=52.4, east=10.75),),
    starts=5_000,
    ends=5_000,
    guarantee=Guarantee(epsilon=4, delta=1e-6),
    settings=EndsSettings(),
).mechanism
VOTES = NoisyVotes(teachers=9, labels=2, sigma=Fraction(3), queries=1)

Pair = tuple[Scores, Scores]

HEAD = f"{'measured mutant':<32}{'proven':>9}{'claimed':>9}    (lower bounds on epsilon, by pairs)"


def count_pair(mechanism: NoisyCount, attempts: int = 6000) -> Pair:
    """A day of 100 records and the same with one more, counted over and over."""
    with_record, without = (
        np.array([float(mechanism.begin().measure(count)) for _ in range(attempts)])
        for count in (101, 100)
    )
    return with_record, without


def ends_pair(mechanism: WeightedMeasurement, replicas: int = 40_000) -> Pair:
    """Records whose ends lie in two cells of their own, or nowhere."""
    (table,) = mechanism.tables
    day = replace(mechanism, tables=(replace(table, cells=4 * replicas),))
    touched = np.arange(2 * replicas).reshape(replicas, 2)
    counts = day.begin().measure({table.name: touched})[table.name]
    scores = counts.reshape(-1, 2).sum(axis=1).astype(np.float64)
    return scores[:replicas], scores[replicas:]


def rides_pair(mechanism: WeightedMeasurement, replicas: int = 25_000) -> Pair:
    """Rides whose start and end lie in cells that nobody else touches, or nowhere."""
    scores = np.zeros(2 * replicas)
    day = replace(mechanism, tables=tuple(replace(t, cells=2 * replicas) for t in mechanism.tables))
    ride = np.arange(replicas)[:, None]
    counts = day.begin().measure({table.name: ride for table in mechanism.tables})
    for table in mechanism.tables:  # the likelihood ratio, but for a constant
        scores += counts[table.name] * table.multiplier / float(table.sigma) ** 2
    return scores[:replicas], scores[replicas:]


def votes_pair(mechanism: NoisyVotes, swayed: int, attempts: int = 3000) -> Pair:
    """How often the second label wins, where a record sways so many teachers to it."""

    def wins(for_second: int) -> float:
        # each teacher is an object of its own, as the mechanism demands
        teachers = [
            (lambda question, vote=int(i < for_second): vote) for i in range(mechanism.teachers)
        ]
        asked = mechanism.begin().ask(teachers)
        return float(sum(asked.label(None) for _ in range(mechanism.queries)))

    before = (mechanism.teachers - swayed) // 2
    with_record, without = (
        np.array([wins(votes) for _ in range(attempts)]) for votes in (before + swayed, before)
    )
    return with_record, without


def judged(name: str, pair: Callable[[], Pair], epsilon: float, delta: float) -> PairBound:
    with coupled_secrets(seed=1):
        return distinguish(name, *pair(), epsilon, delta)


def line(name: str, bound: PairBound) -> str:
    return f"{name:<32}{bound.epsilon_lower:>9.2f}{bound.epsilon_claimed:>9.2f}"


@pytest.mark.slow
def test_rule_13_measured_mechanisms_keep_what_they_claim(show: Show) -> None:
    ends, rides, votes = (epsilon_by_pld(each.event(), DELTA) for each in (ENDS, RIDES, VOTES))
    for bound in (
        judged("count", lambda: count_pair(COUNT), COUNT.epsilon, 0.0),
        judged("ends", lambda: ends_pair(ENDS), ends, DELTA),
        judged("rides", lambda: rides_pair(RIDES), rides, DELTA),
        judged("votes", lambda: votes_pair(VOTES, swayed=1), votes, DELTA),
    ):
        show(HEAD, [line(f"(none) {bound.mechanism}", bound)])
        assert 0 < bound.epsilon_lower < bound.epsilon_claimed, bound


def test_rule_13_a_count_with_half_of_its_noise_is_caught(show: Show) -> None:
    broken = replace(COUNT, scale=COUNT.scale / 2)
    bound = judged("count", lambda: count_pair(broken), COUNT.epsilon, 0.0)
    show(HEAD, [line("HalfNoise count", bound)])
    assert bound.is_violation


def test_rule_15_a_sensitivity_that_forgets_one_of_the_ends_is_caught(show: Show) -> None:
    (table,) = ENDS.tables
    claimed = replace(ENDS, tables=(replace(table, distinct=1),))
    epsilon = epsilon_by_pld(claimed.event(), LARGE_DELTA)
    with coupled_secrets(seed=1):
        bound = distinguish("ends", *ends_pair(ENDS, 200_000), epsilon, LARGE_DELTA)
    show(HEAD, [line("OneEndOnly ends", bound)])
    assert bound.is_violation


def test_rule_15_a_sensitivity_that_forgets_the_ends_of_rides_is_caught(show: Show) -> None:
    starts = tuple(table for table in RIDES.tables if table.name.startswith("start"))
    epsilon = epsilon_by_pld(replace(RIDES, tables=starts).event(), LARGE_DELTA)
    with coupled_secrets(seed=1):
        bound = distinguish("rides", *rides_pair(RIDES), epsilon, LARGE_DELTA)
    show(HEAD, [line("StartsOnly rides", bound)])
    assert bound.is_violation


def test_rule_13_rides_with_half_of_their_noise_are_caught(show: Show) -> None:
    broken = replace(RIDES, tables=tuple(replace(t, sigma=t.sigma / 2) for t in RIDES.tables))
    epsilon = epsilon_by_pld(RIDES.event(), LARGE_DELTA)
    with coupled_secrets(seed=1):
        bound = distinguish("rides", *rides_pair(broken), epsilon, LARGE_DELTA)
    show(HEAD, [line("HalfNoise rides", bound)])
    assert bound.is_violation


def test_rule_13_teachers_that_share_records_are_caught(show: Show) -> None:
    epsilon = epsilon_by_pld(VOTES.event(), DELTA)
    bound = judged("votes", lambda: votes_pair(VOTES, VOTES.teachers), epsilon, DELTA)
    show(HEAD, [line("SharedTeachers votes", bound)])
    assert bound.is_violation
