import time
from dataclasses import replace

import dp_accounting
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.privacy import accountant
from tasks.privacy.accountant import epsilon_by_pld, epsilons, solve_noise_multiplier
from tasks.privacy.errors import AccountingError, TargetUnreachableError
from tasks.privacy.mechanism import SubsampledGaussian
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
