"""Full audits over seeds: what the stated power promises is what is found."""

import datetime as dt

import numpy as np
import pytest

from tasks.audit.campaign import attack_release, distinguish_mechanisms
from tasks.audit.findings import Effort
from tasks.audit.one_run import INFLATED_EPSILON, one_run, power_of
from tasks.audit.twin import Twin

SEEDS = 5
CANARIES = 4096


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_rule_13_one_run_audits_over_seeds_prove_between_1_and_4(twin: Twin) -> None:
    claimed = twin.region.guarantee.model_copy(update={"epsilon": INFLATED_EPSILON})
    mechanism = twin.shortened(300).mechanism(INFLATED_EPSILON)  # as long as a night's training
    power = power_of(mechanism, claimed, CANARIES)
    network = twin.network
    bounds = [
        one_run(network, network.start(), twin.records, mechanism, claimed, CANARIES, seed)
        for seed in range(SEEDS)
    ]
    proven = [bound.epsilon_lower for bound in bounds]
    assert all(power.low - 0.3 < each <= power.hardly_ever for each in proven), (proven, power)
    assert 1 < np.mean(proven) < 4
    # the mean of several runs is where the simulation of the mechanism says
    assert np.mean(proven) == pytest.approx(power.expected, abs=0.35)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_rule_13_every_pair_proves_something_and_never_more_than_is_claimed(twin: Twin) -> None:
    claimed = twin.region.guarantee.model_copy(update={"epsilon": INFLATED_EPSILON})
    pairs = distinguish_mechanisms(claimed, 500_000)
    assert len(pairs) == 2
    for pair in pairs:
        assert 0 < pair.epsilon_lower < claimed.epsilon, pair
    assert pairs[0].epsilon_lower > 1.5


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_quick_campaign_finds_what_it_must_and_nothing_else(twin: Twin) -> None:
    told: list[str] = []
    found = attack_release(
        twin.region,
        dt.date(2026, 5, 20),
        twin.rows,
        "ab" * 32,
        Effort.quick(1),
        True,
        told.append,
    )
    assert len(told) == 5
    assert found.violations() == []
    copies = [risk for risk in found.risks if risk.release == "a copy of the trips"]
    assert all(risk.risk.low > 0.5 for risk in copies)
    private, control = found.memberships
    assert control.area.low > private.area.high
