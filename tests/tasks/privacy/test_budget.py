import dp_accounting
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.privacy.budget import Budget
from tasks.privacy.errors import AccountingError, BudgetExceededError

ONCE = dp_accounting.GaussianDpEvent(6.0)


def test_rule_4_what_does_not_fit_is_refused_by_name_and_costs_nothing() -> None:
    budget = Budget(1.0, 1e-6)
    first = budget.spend(ONCE)
    too_much = dp_accounting.GaussianDpEvent(5.0)
    with pytest.raises(BudgetExceededError, match=r"with GaussianDpEvent\(noise_multiplier=5.0\)"):
        budget.spend(too_much)
    assert budget.spent == dp_accounting.ComposedDpEvent([ONCE])
    little = dp_accounting.GaussianDpEvent(30.0)
    assert budget.can_spend(little)
    both = budget.spend(little)
    assert first.pld < both.pld <= 1.0
    assert both.pld <= both.rdp


@settings(max_examples=8, deadline=None)
@given(noises=st.lists(st.floats(4, 40), min_size=1, max_size=5))
def test_rule_4_can_spend_says_what_spend_does(noises: list[float]) -> None:
    budget = Budget(1.0, 1e-6)
    for noise in noises:
        event = dp_accounting.GaussianDpEvent(noise)
        before = budget.spent
        can = budget.can_spend(event)
        assert budget.spent == before
        if can:
            assert budget.spend(event).pld <= 1.0
        else:
            with pytest.raises(BudgetExceededError):
                budget.spend(event)
            assert budget.spent == before


def test_events_that_no_accountant_knows_are_named() -> None:
    for event in (
        dp_accounting.UnsupportedDpEvent(),
        dp_accounting.SampledWithoutReplacementDpEvent(100, 10, ONCE),
    ):
        with pytest.raises(AccountingError, match=type(event).__name__):
            Budget(1.0, 1e-6).can_spend(event)


def test_a_mechanism_without_noise_is_over_every_budget() -> None:
    budget = Budget(100.0, 1e-6)
    assert not budget.can_spend(dp_accounting.NonPrivateDpEvent())
