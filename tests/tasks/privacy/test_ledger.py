import datetime as dt
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.privacy.errors import CapExceededError, LeaseLostError, LedgerError, StepsSpentError
from tasks.privacy.ledger import ChargeRequest, Ledger

MakeRequest = Callable[..., ChargeRequest]
HOUR = dt.timedelta(hours=1)
START = dt.datetime(2026, 5, 20, tzinfo=dt.UTC)
FAST = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_rule_10_a_second_mechanism_is_refused_and_told_why(
    tmp_path: Path, make_request: MakeRequest
) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.reserve(make_request(), "run-1")
        second = make_request(fingerprint="second", epsilon=0.5, delta=1e-7)
        assert not ledger.can_spend(second)
        with pytest.raises(CapExceededError) as caught:
            ledger.reserve(second, "run-2")
        assert [charge.epsilon for charge in ledger.charges()] == [1.0]
    text = str(caught.value)
    assert "\n" not in text
    for fact in ("fleet", "already charged", "charge 1", "region demo", "cap of epsilon 1"):
        assert fact in text


def test_rule_10_the_same_work_resumes_its_charge_and_fences_the_old_run(
    tmp_path: Path, make_request: MakeRequest
) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        old = ledger.reserve(make_request(), "run-1")
        ledger.start_steps(old, 25)
        new = ledger.reserve(make_request(), "run-2")
        assert (new.charge, new.steps_started, new.token) == (old.charge, 25, old.token + 1)
        with pytest.raises(LeaseLostError, match="another run"):
            ledger.start_steps(old, 50)
        with pytest.raises(LeaseLostError):
            ledger.finish(old)
        ledger.start_steps(new, 50)
        ledger.finish(new)
        (charge,) = ledger.charges()
        assert (charge.steps_started, charge.state, charge.run_id) == (50, "trained", "run-2")


def test_rule_10_nothing_is_refunded(tmp_path: Path, make_request: MakeRequest) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        lease = ledger.reserve(make_request(), "run")
        ledger.start_steps(lease, 10)
        ledger.burn(lease)
        assert not ledger.can_spend(make_request(fingerprint="second"))
        with pytest.raises(LedgerError, match="was burned"):
            ledger.reserve(make_request(), "run")
    with sqlite3.connect(path) as raw:  # any program, not only ours
        for statement in (
            "DELETE FROM charges",
            "DELETE FROM charged",
            "DELETE FROM accounts",
            "UPDATE charges SET epsilon = 0.1",
            "UPDATE charges SET steps_started = 0",
            "UPDATE charges SET steps_allowed = 1000",
            "UPDATE charges SET steps_started = 331",
            "UPDATE charges SET state = 'reserved'",
            "UPDATE charges SET state = 'refunded'",
            "UPDATE charged SET start_at = '1970'",
            "UPDATE accounts SET cap_epsilon = 9",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                raw.execute(statement)
    raw.close()


def test_rule_10_the_cap_is_enforced_by_the_database(
    tmp_path: Path, make_request: MakeRequest
) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.reserve(make_request(), "run")
    with sqlite3.connect(path) as raw:
        raw.execute(
            "INSERT INTO charges SELECT 2, 'x', region, service_day, mechanism, 0.01, 1e-9,"
            " 'reserved', 1, 0, 1, 'raw', created_at, updated_at FROM charges"
        )
        with pytest.raises(sqlite3.IntegrityError, match="over the cap"):
            raw.execute("INSERT INTO charged SELECT 2, source, start_at, end_at FROM charged")
        raw.rollback()
    raw.close()


def test_rule_10_the_cap_is_frozen_at_the_first_reservation(
    tmp_path: Path, make_request: MakeRequest
) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.reserve(make_request(), "run")
        assert not ledger.can_spend(
            make_request(fingerprint="second", cap_epsilon=5, cap_delta=1e-5)
        )


def test_rule_10_overlapping_intervals_of_one_source_share_a_cap(
    tmp_path: Path, make_request: MakeRequest
) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.reserve(make_request(), "run")
        elsewhere = make_request(
            fingerprint="b", region="other-zone", start=START + 9 * HOUR, end=START + 33 * HOUR
        )
        assert not ledger.can_spend(elsewhere)
        tomorrow = make_request(fingerprint="c", start=START + 24 * HOUR, end=START + 48 * HOUR)
        assert ledger.can_spend(tomorrow)
        assert ledger.can_spend(make_request(fingerprint="d", sources=("other-fleet",)))


def test_rule_10_several_sources_are_charged_all_or_none(
    tmp_path: Path, make_request: MakeRequest
) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.reserve(make_request(sources=("b",)), "run")
        with pytest.raises(CapExceededError, match="source b"):
            ledger.reserve(make_request(fingerprint="both", sources=("a", "b", "c")), "run")
        lease = ledger.reserve(make_request(fingerprint="rest", sources=("a", "c", "a")), "run")
        assert [charge.sources for charge in ledger.charges()] == [("b",), ("a", "c")]
        assert [charge.id for charge in ledger.charges("c")] == [lease.charge]


def test_can_spend_leaves_no_trace(tmp_path: Path, make_request: MakeRequest) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.can_spend(make_request())
        assert ledger.charges() == []
        lease = ledger.reserve(make_request(), "run")
        assert ledger.can_spend(make_request())
        ledger.start_steps(lease, 1)  # can_spend has not taken the lease


@FAST
@given(
    wishes=st.lists(
        st.tuples(
            st.integers(0, 12),
            st.integers(1, 8),
            st.sampled_from([("a",), ("b",), ("a", "b")]),
            st.sampled_from([0.1, 0.3, 0.5, 1.0]),
            st.sampled_from([1e-7, 5e-7, 1e-6]),
            st.sampled_from([0.5, 1.0]),
        ),
        max_size=12,
    )
)
def test_rule_10_no_instant_of_a_source_is_charged_over_its_cap(
    tmp_path_factory: pytest.TempPathFactory,
    make_request: MakeRequest,
    wishes: list[tuple[int, int, tuple[str, ...], float, float, float]],
) -> None:
    accepted: list[ChargeRequest] = []
    caps: dict[tuple[str, dt.datetime, dt.datetime], tuple[float, float]] = {}

    def load(
        source: str, start: dt.datetime, end: dt.datetime, among: list[ChargeRequest]
    ) -> tuple[float, float]:
        hits = [r for r in among if source in r.sources and r.start < end and r.end > start]
        return sum(r.epsilon for r in hits), sum(r.delta for r in hits)

    with Ledger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite") as ledger:
        for number, (first, hours, sources, epsilon, delta, cap) in enumerate(wishes):
            start, end = START + first * HOUR, START + (first + hours) * HOUR
            request = make_request(
                start=start,
                end=end,
                sources=sources,
                epsilon=epsilon,
                delta=delta,
                cap_epsilon=cap,
                fingerprint=str(number),
            )
            after = dict(caps)
            for source in sources:
                after.setdefault((source, start, end), (cap, 1e-6))
            fits = all(
                load(*account, [*accepted, request])[0] <= cap_epsilon * (1 + 1e-9)
                and load(*account, [*accepted, request])[1] <= cap_delta * (1 + 1e-9)
                for account, (cap_epsilon, cap_delta) in after.items()
            )
            assert ledger.can_spend(request) == fits
            if fits:
                ledger.reserve(request, "run")
                accepted, caps = [*accepted, request], after
            else:
                with pytest.raises(CapExceededError):
                    ledger.reserve(request, "run")
        assert len(ledger.charges()) == len(accepted)


@FAST
@given(counts=st.lists(st.integers(0, 400), max_size=8))
def test_rule_6_steps_only_rise_and_never_pass_what_is_allowed(
    tmp_path_factory: pytest.TempPathFactory, make_request: MakeRequest, counts: list[int]
) -> None:
    with Ledger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite") as ledger:
        lease = ledger.reserve(make_request(), "run")
        started = 0
        for upto in counts:
            if upto > 330:
                with pytest.raises(StepsSpentError):
                    ledger.start_steps(lease, upto)
            elif upto < started:
                with pytest.raises(LeaseLostError):
                    ledger.start_steps(lease, upto)
            else:
                ledger.start_steps(lease, upto)
                started = upto
            assert ledger.lease_now(lease).steps_started == started


def test_a_file_that_is_no_ledger_gets_one_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"not a database, but long enough to be read as a header of one" * 10)
    with pytest.raises(LedgerError, match="never delete it") as caught:
        Ledger(path)
    assert "\n" not in str(caught.value)


def test_a_ledger_of_another_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(LedgerError, match="version 99"):
        Ledger(path)


def test_an_interval_needs_a_time_zone(tmp_path: Path, make_request: MakeRequest) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger, pytest.raises(ValueError, match="zone"):
        ledger.reserve(make_request(start=dt.datetime(2026, 5, 20)), "run")


def test_the_file_is_durable_on_commit(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ask = ledger._database.execute
        assert ask("PRAGMA journal_mode").fetchone() == ("wal",)
        assert ask("PRAGMA synchronous").fetchone() == (2,)
        assert ask("PRAGMA foreign_keys").fetchone() == (1,)
