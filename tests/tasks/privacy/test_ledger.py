import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from tasks.privacy.errors import CapExceededError, LeaseLostError, LedgerError, StepsSpentError
from tasks.privacy.ledger import Ledger
from tests.tasks.privacy.conftest import Place, requested

HOUR = dt.timedelta(hours=1)
START = dt.datetime(2026, 5, 20, tzinfo=dt.UTC)
TOMORROW = START + 24 * HOUR


def test_rule_10_a_second_mechanism_is_refused_and_told_why(place: Place) -> None:
    with Ledger(place) as ledger:
        ledger.reserve(requested(), "run-1")
        second = requested(fingerprint="second", epsilon=0.5, delta=1e-7)
        assert not ledger.can_spend(second)
        with pytest.raises(CapExceededError) as caught:
            ledger.reserve(second, "run-2")
        assert [charge.epsilon for charge in ledger.charges()] == [1.0]
    text = str(caught.value)
    assert "\n" not in text
    for fact in ("fleet", "already charged", "charge 1", "region demo", "cap of epsilon 1"):
        assert fact in text


@pytest.mark.parametrize("part", [{"epsilon": 0.6}, {"delta": 6e-7}])
def test_rule_10_epsilon_and_delta_each_have_their_cap(place: Place, part: dict[str, Any]) -> None:
    small = {"epsilon": 0.1, "delta": 1e-7, **part}
    with Ledger(place) as ledger:
        ledger.reserve(requested(**small), "run")
        with pytest.raises(CapExceededError):
            ledger.reserve(requested(fingerprint="second", **small), "run")
        ledger.reserve(requested(fingerprint="third", epsilon=0.4, delta=0.0), "run")


def test_rule_10_the_same_work_resumes_its_charge_and_fences_the_old_run(place: Place) -> None:
    with Ledger(place) as ledger:
        old = ledger.reserve(requested(), "run-1")
        ledger.start_steps(old, 25)
        new = ledger.reserve(requested(), "run-2")
        assert (new.charge, new.steps_started, new.token) == (old.charge, 25, old.token + 1)
        assert new.charge_key == old.charge_key
        with pytest.raises(LeaseLostError, match="another run"):
            ledger.start_steps(old, 50)
        with pytest.raises(LeaseLostError):
            ledger.finish(old)
        ledger.start_steps(new, 50)
        ledger.finish(new)
        (charge,) = ledger.charges()
        assert (charge.steps_started, charge.state, charge.run_id) == (50, "trained", "run-2")
        assert charge.runs == 2


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"sources": ("fleet", "another")}, "accounts"),
        ({"sources": ("renamed",)}, "accounts"),
        ({"end": START + 25 * HOUR}, "accounts"),
        ({"epsilon": 0.5}, "epsilon"),
        ({"steps_allowed": 331}, "steps_allowed"),
        ({"unit": "vehicle_day", "adjacency": "add_remove"}, "unit, adjacency"),
    ],
)
def test_rule_10_a_charge_is_resumed_for_what_it_was_made_for_only(
    place: Place, change: dict[str, Any], named: str
) -> None:
    """The fingerprint knows nothing of sources: a fleet found to be shared must be charged."""
    with Ledger(place) as ledger:
        lease = ledger.reserve(requested(), "run-1")
        with pytest.raises(LedgerError, match=f"was made for other {named} than") as caught:
            ledger.reserve(requested(**change), "run-2")
        assert "\n" not in str(caught.value)
        ledger.start_steps(lease, 1)  # nobody has taken it over


@pytest.mark.parametrize(
    "other", [{"adjacency": "add_remove"}, {"unit": "vehicle_day", "adjacency": "add_remove"}]
)
def test_rule_10_one_promise_for_one_account(place: Place, other: dict[str, Any]) -> None:
    """A release with an exact number of rows breaks a promise to hide that number."""
    with Ledger(place) as ledger:
        ledger.reserve(requested(epsilon=0.1, delta=1e-8), "run")
        for hours in (0, 3):
            second = requested(
                fingerprint="second", epsilon=0.1, delta=1e-8, start=START + hours * HOUR, **other
            )
            with pytest.raises(LedgerError, match="promise otherwise: charge 1") as caught:
                ledger.reserve(second, "run")
            assert "\n" not in str(caught.value)
        ledger.reserve(
            requested(
                fingerprint="second", start=START + 24 * HOUR, end=START + 48 * HOUR, **other
            ),
            "run",
        )


def test_rule_10_the_cap_is_frozen_at_the_first_reservation(place: Place) -> None:
    with Ledger(place) as ledger:
        ledger.reserve(requested(), "run")
        assert not ledger.can_spend(requested(fingerprint="second", cap_epsilon=5, cap_delta=1e-5))


def test_rule_10_overlapping_intervals_of_one_source_share_a_cap(place: Place) -> None:
    with Ledger(place) as ledger:
        ledger.reserve(requested(), "run")
        elsewhere = requested(
            fingerprint="b", region="other-zone", start=START + 9 * HOUR, end=START + 33 * HOUR
        )
        assert not ledger.can_spend(elsewhere)
        tomorrow = requested(fingerprint="c", start=START + 24 * HOUR, end=START + 48 * HOUR)
        assert ledger.can_spend(tomorrow)
        assert ledger.can_spend(requested(fingerprint="d", sources=("other-fleet",)))


def test_rule_10_several_sources_are_charged_all_or_none(place: Place) -> None:
    with Ledger(place) as ledger:
        ledger.reserve(requested(sources=("b",)), "run")
        with pytest.raises(CapExceededError, match="source b"):
            ledger.reserve(requested(fingerprint="both", sources=("a", "b", "c")), "run")
        lease = ledger.reserve(requested(fingerprint="rest", sources=("a", "c", "a")), "run")
        assert [charge.sources for charge in ledger.charges()] == [("b",), ("a", "c")]
        assert [charge.id for charge in ledger.charges("c")] == [lease.charge]


def test_can_spend_leaves_no_trace(place: Place) -> None:
    with Ledger(place) as ledger:
        assert ledger.can_spend(requested())
        assert ledger.charges() == []
        lease = ledger.reserve(requested(), "run")
        assert ledger.can_spend(requested())
        ledger.start_steps(lease, 1)  # can_spend has not taken the lease


def test_rule_10_a_burned_charge_stands(place: Place) -> None:
    with Ledger(place) as ledger:
        lease = ledger.reserve(requested(), "run")
        ledger.start_steps(lease, 10)
        ledger.burn(lease)
        assert not ledger.can_spend(requested(fingerprint="second"))
        with pytest.raises(LedgerError, match="was burned"):
            ledger.reserve(requested(), "run")
        with pytest.raises(LeaseLostError, match="is burned under token 1"):
            ledger.finish(lease)
        ledger.burn(lease)  # saying it twice changes nothing
        (charge,) = ledger.charges()
        assert (charge.state, charge.steps_started) == ("burned", 10)


def test_rule_6_no_step_runs_after_the_last(place: Place) -> None:
    with Ledger(place) as ledger:
        lease = ledger.reserve(requested(), "run")
        with pytest.raises(StepsSpentError, match="331 steps would exceed the 330"):
            ledger.start_steps(lease, 331)
        ledger.start_steps(lease, 300)
        with pytest.raises(LeaseLostError, match="what is counted or ended stays so"):
            ledger.start_steps(lease, 299)
        ledger.finish(lease)
        ledger.finish(lease)
        told = "is trained under token 1 with 300 steps"
        with pytest.raises(LeaseLostError, match=told):
            ledger.start_steps(lease, 301)
        with pytest.raises(LeaseLostError, match=told):
            ledger.burn(lease)
        again = ledger.reserve(requested(), "run")
        assert (again.state, again.steps_started) == ("trained", 300)
        with pytest.raises(LeaseLostError):
            ledger.start_steps(again, 301)


def test_a_charge_is_named_at_random(place: Place) -> None:
    with Ledger(place) as ledger:
        keys = {
            ledger.reserve(requested(fingerprint=name, sources=(name,)), "run").charge_key
            for name in ("a", "b", "c")
        }
        assert {charge.charge_key for charge in ledger.charges()} == keys
    assert len(keys) == 3
    assert all(len(bytes.fromhex(key)) == 16 for key in keys)


def test_an_interval_needs_a_time_zone_and_a_charge_a_source(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger, pytest.raises(ValueError, match="zone"):
        ledger.reserve(requested(start=dt.datetime(2026, 5, 20)), "run")
    with pytest.raises(ValueError, match="source"):
        requested(sources=())
