import time
from dataclasses import replace
from fractions import Fraction

import dp_accounting
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.privacy import accountant
from tasks.privacy.accountant import (
    epsilon_by_pld,
    epsilon_by_rdp,
    epsilons,
    solve_noise,
    solve_noise_multiplier,
)
from tasks.privacy.counts import NoisyCount
from tasks.privacy.errors import AccountingError, TargetUnreachableError
from tasks.privacy.mechanism import Composition, Mechanism, SubsampledGaussian
from tasks.privacy.votes import NoisyVotes
from tasks.privacy.weighted_counts import WeightedMeasurement
from tasks.region import Guarantee


@settings(max_examples=4, deadline=None)
@given(
    epsilon=st.floats(0.2, 1.5),
    probability=st.floats(0.05, 0.3),
    steps=st.integers(100, 300),
    reserve=st.integers(0, 60),
)
def test_rule_4_solved_noise_keeps_the_guarantee_and_wastes_little(
    epsilon: float, probability: float, steps: int, reserve: int
) -> None:
    guarantee = Guarantee(epsilon=epsilon, delta=1e-6)
    mechanism = solve_noise_multiplier(guarantee, probability, steps, reserve)
    assert mechanism.steps_allowed == steps + reserve
    cost = epsilons(mechanism.event(), guarantee.delta)
    assert cost.pld <= epsilon
    assert cost.pld <= cost.rdp
    if mechanism.noise_multiplier > 0.3:
        less = replace(mechanism, noise_multiplier=mechanism.noise_multiplier * 0.99)
        assert epsilon_by_pld(less.event(), guarantee.delta) > epsilon


def test_rule_4_the_reserve_is_paid_for() -> None:
    guarantee = Guarantee(epsilon=1, delta=1e-6)
    without = solve_noise_multiplier(guarantee, 0.1, 300)
    assert solve_noise_multiplier(guarantee, 0.1, 300, 30).noise_multiplier > (
        without.noise_multiplier * 1.03
    )


subsampled = st.builds(
    SubsampledGaussian,
    sampling_probability=st.floats(0.02, 0.4),
    noise_multiplier=st.floats(3.0, 12.0),
    steps=st.integers(1, 60),
    reserve_steps=st.integers(0, 9),
    l2_norm_clip=st.just(1.0),
)
counts = st.builds(
    NoisyCount, st.integers(1, 8), st.fractions(1, 90, max_denominator=1000).map(Fraction)
)
measurements = st.builds(
    lambda noise, distinct: WeightedMeasurement.within(noise, {"cells": (9, distinct, 1.0)}),
    st.floats(5, 30),
    st.integers(1, 3),
)
votes = st.builds(
    NoisyVotes, st.just(9), st.just(3), st.fractions(20, 90, max_denominator=9), st.integers(1, 9)
)
mechanisms: st.SearchStrategy[Mechanism] = st.one_of(subsampled, counts, measurements, votes)


def coarse(mechanism: Mechanism, delta: float = 1e-6) -> float:
    """Epsilon by PLD at an interval ten times the usual: still a bound, and fast."""
    return epsilon_by_pld(mechanism.event(), delta, interval=1e-3)


@settings(max_examples=6, deadline=None)
@given(mechanism=subsampled, more=st.floats(1.02, 2))
def test_rule_4_cost_falls_with_noise_and_grows_with_steps_and_sampling(
    mechanism: SubsampledGaussian, more: float
) -> None:
    noise, probability = mechanism.noise_multiplier, mechanism.sampling_probability
    for cheaper, dearer in (
        (replace(mechanism, noise_multiplier=noise * more), mechanism),
        (mechanism, replace(mechanism, steps=mechanism.steps + 3)),
        (mechanism, replace(mechanism, sampling_probability=probability * more)),
    ):
        assert coarse(cheaper) < coarse(dearer)
        assert epsilon_by_rdp(cheaper.event(), 1e-6) < epsilon_by_rdp(dearer.event(), 1e-6)
    # the clip norm is a unit of length; noise is counted in it
    assert replace(mechanism, l2_norm_clip=7.0).event() == mechanism.event()


@settings(max_examples=10, deadline=None)
@given(parts=st.lists(mechanisms, min_size=2, max_size=3))
def test_rule_4_a_composition_costs_at_least_each_part_and_at_most_their_sum(
    parts: list[Mechanism],
) -> None:
    delta = 1e-6
    together = Composition(tuple(parts))
    by_pld, by_rdp = coarse(together, delta), epsilon_by_rdp(together.event(), delta)
    assert by_pld <= by_rdp + 0.01
    for part in parts:
        assert coarse(part, delta) <= by_pld + 1e-9
        assert epsilon_by_rdp(part.event(), delta) <= by_rdp + 1e-9
    assert by_pld <= sum(coarse(part, delta / len(parts)) for part in parts) + 0.01


def test_rule_4_a_composition_is_solved_for_its_one_free_scale() -> None:
    guarantee = Guarantee(adjacency="add_remove", epsilon=0.7, delta=1e-6)
    count = NoisyCount.within(0.7 / 20, 4)

    def training(noise: float) -> SubsampledGaussian:
        return SubsampledGaussian(0.1, noise, 30, 4, 1.0)

    solved = solve_noise(guarantee, lambda noise: Composition((count, training(noise))))
    assert solved.parts[0] is count
    trained = solved.parts[1]
    assert isinstance(trained, SubsampledGaussian)
    assert epsilons(solved.event(), 1e-6).pld <= 0.7
    less = Composition((count, training(trained.noise_multiplier * 0.99)))
    assert epsilon_by_pld(less.event(), 1e-6) > 0.7
    assert epsilon_by_pld(trained.event(), 1e-6) < 0.7


def test_a_pure_guarantee_is_never_stated_smaller_than_it_is() -> None:
    # the event of a count dominates it, so its cost is the count's own epsilon or a little more
    for epsilon in (0.01, 0.05, 0.5, 1.0):
        count = NoisyCount.within(epsilon, 1)
        cost = epsilons(count.event(), 1e-9)
        assert count.epsilon <= cost.pld <= count.epsilon + count.epsilon**2 / 4 + 1e-3


def test_rule_4_pld_above_rdp_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accountant, "epsilon_by_rdp", lambda event, delta: 0.1)
    with pytest.raises(AccountingError, match="above RDP"):
        epsilons(SubsampledGaussian(0.1, 2.0, 10, 0, 1.0).event(), 1e-6)


def test_a_single_gaussian_costs_what_theory_says() -> None:
    # Balle and Wang 2018: noise 3.730632 is the least for epsilon 1, delta 1e-5 at sensitivity 1
    event = dp_accounting.GaussianDpEvent(3.730632)
    assert epsilon_by_pld(event, 1e-5) == pytest.approx(1, abs=2e-3)


def test_an_unreachable_target_gets_one_line() -> None:
    with pytest.raises(TargetUnreachableError, match="take fewer steps") as caught:
        solve_noise_multiplier(Guarantee(epsilon=1e-3, delta=1e-9), 0.9, 100_000)
    assert "\n" not in str(caught.value)


def test_the_default_solve_takes_seconds() -> None:
    start = time.process_time()
    solve_noise_multiplier(Guarantee(epsilon=0.666, delta=3.3e-7), 0.1, 300, 30)
    assert time.process_time() - start < 10


def test_what_was_solved_for_is_known() -> None:
    target = Guarantee(epsilon=0.61, delta=3.3e-7)
    seconds, solved = [], []
    for _ in range(2):
        start = time.process_time()
        solved.append(solve_noise_multiplier(target, 0.1, 300, 30))
        seconds.append(time.process_time() - start)
    assert solved[0] == solved[1]
    assert seconds[1] < seconds[0] / 10
    other = solve_noise_multiplier(Guarantee(epsilon=0.62, delta=3.3e-7), 0.1, 300, 30)
    assert other.noise_multiplier < solved[0].noise_multiplier
