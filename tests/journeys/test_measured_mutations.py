"""Neighbouring pairs for the measured mechanisms, and mutants of them that the pairs refute."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tasks.audit.pairs import PairBound, Scores, distinguish
from tasks.privacy.accountant import epsilon_by_pld
from tasks.privacy.counts import CountTable, GaussianMeasurement, NoisyCount
from tasks.privacy.votes import NoisyVotes
from tests.conftest import Show
from tests.coupling import coupled_secrets

DELTA = 1e-6
COUNT = NoisyCount.within(1.0, sensitivity=1)
ENDS = GaussianMeasurement.with_noise((CountTable(1, per_record=2),), 1.3)
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


def ends_pair(mechanism: GaussianMeasurement, replicas: int = 40_000) -> Pair:
    """Records both ends of which lie in one cell, each in a cell of its own, or nowhere."""
    tables = (CountTable(2 * replicas, mechanism.tables[0].per_record),)
    present = np.arange(replicas)
    (counts,) = replace(mechanism, tables=tables).begin().measure([np.column_stack([present] * 2)])
    scores = counts.astype(np.float64)
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
    ends, votes = (epsilon_by_pld(each.event(), DELTA) for each in (ENDS, VOTES))
    for bound in (
        judged("count", lambda: count_pair(COUNT), COUNT.epsilon, 0.0),
        judged("ends", lambda: ends_pair(ENDS), ends, DELTA),
        judged("votes", lambda: votes_pair(VOTES, swayed=1), votes, DELTA),
    ):
        show(HEAD, [line(f"(none) {bound.mechanism}", bound)])
        assert 0 < bound.epsilon_lower < bound.epsilon_claimed, bound


def test_rule_13_a_count_with_half_of_its_noise_is_caught(show: Show) -> None:
    broken = replace(COUNT, scale=COUNT.scale / 2)
    bound = judged("count", lambda: count_pair(broken), COUNT.epsilon, 0.0)
    show(HEAD, [line("HalfNoise count", bound)])
    assert bound.is_violation


def test_rule_15_a_sensitivity_that_forgets_that_both_ends_share_a_cell_is_caught(
    show: Show,
) -> None:
    claimed = replace(ENDS, tables=(CountTable(1, per_record=1),), sigma=Fraction(5, 2))
    touched_twice = replace(claimed, tables=(CountTable(1, per_record=2),))
    epsilon = epsilon_by_pld(claimed.event(), DELTA)
    bound = judged("ends", lambda: ends_pair(touched_twice, 800_000), epsilon, DELTA)
    show(HEAD, [line("OneEndOnly ends", bound)])
    assert bound.is_violation


def test_rule_13_teachers_that_share_records_are_caught(show: Show) -> None:
    epsilon = epsilon_by_pld(VOTES.event(), DELTA)
    bound = judged("votes", lambda: votes_pair(VOTES, VOTES.teachers), epsilon, DELTA)
    show(HEAD, [line("SharedTeachers votes", bound)])
    assert bound.is_violation
