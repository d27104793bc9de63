"""The ledger against a simple model, over random histories of runs and of other programs."""

import datetime as dt
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tasks.privacy.errors import CapExceededError, LeaseLostError, LedgerError, StepsSpentError
from tasks.privacy.ledger import ChargeRequest, Lease, Ledger
from tests.tasks.privacy.conftest import REFUSED, Place, any_program, requested

HOUR = dt.timedelta(hours=1)
START = dt.datetime(2026, 5, 20, tzinfo=dt.UTC)
STEPS = 10
SLACK = 1 + 1e-9
PROMISES = (("trip", "zero_out"), ("trip", "add_remove"))
TAMPERING = (
    "DELETE FROM charged",
    "DELETE FROM charges",
    "UPDATE charges SET epsilon = epsilon / 2",
    "UPDATE charges SET steps_started = steps_started - 1",
    "UPDATE charges SET token = token - 1",
    "UPDATE accounts SET cap_delta = 1",
)


@dataclass
class Entry:
    """What the model knows of a charge."""

    request: ChargeRequest
    token: int = 1
    started: int = 0
    state: str = "reserved"

    @property
    def is_over(self) -> bool:
        return self.state in ("trained", "burned")


@dataclass(frozen=True)
class Account:
    source: str
    start: dt.datetime
    end: dt.datetime

    def load(self, entries: list[Entry]) -> tuple[float, float]:
        """Epsilon and delta of every charge that overlaps it."""
        hits = [
            entry.request
            for entry in entries
            if self.source in entry.request.sources
            and entry.request.start < self.end
            and entry.request.end > self.start
        ]
        return sum(hit.epsilon for hit in hits), sum(hit.delta for hit in hits)


class LedgerMachine(RuleBasedStateMachine):
    """Histories of reserving, resuming, running, ending and tampering on two sources."""

    place: ClassVar[Place]
    histories: ClassVar[Any]

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(self.place)
        self.prefix = f"history-{next(self.histories)}"  # sources and keys of its own
        self.entries: dict[str, Entry] = {}
        self.accounts: dict[Account, ChargeRequest] = {}
        self.leases: list[tuple[Entry, Lease]] = []

    def teardown(self) -> None:
        self.ledger.close()

    def wish(self, **fields: Any) -> ChargeRequest:
        return requested(
            steps_allowed=STEPS, fingerprint=f"{self.prefix}-{len(self.entries)}", **fields
        )

    @rule(
        first=st.integers(0, 12),
        hours=st.integers(1, 8),
        names=st.sampled_from(["a", "b", "ab"]),
        epsilon=st.sampled_from([0.1, 0.3, 0.5, 1.0]),
        delta=st.sampled_from([0.0, 1e-7, 5e-7, 1e-6]),
        cap=st.sampled_from([0.5, 1.0]),
        promise=st.sampled_from([0, 0, 0, 1]),
    )
    def reserve(
        self,
        first: int,
        hours: int,
        names: str,
        epsilon: float,
        delta: float,
        cap: float,
        promise: int,
    ) -> None:
        unit, adjacency = PROMISES[promise]
        request = self.wish(
            sources=tuple(f"{self.prefix}-{name}" for name in names),
            start=START + first * HOUR,
            end=START + (first + hours) * HOUR,
            epsilon=epsilon,
            delta=delta,
            cap_epsilon=cap,
            unit=unit,
            adjacency=adjacency,
        )
        accounts = dict(self.accounts)
        for source in request.sources:
            accounts.setdefault(Account(source, request.start, request.end), request)
        entry = Entry(request)
        refusal = self.refusal(accounts, entry)
        if refusal is None:
            assert self.ledger.can_spend(request)
            self.leases.append((entry, self.ledger.reserve(request, "run")))
            self.entries[request.fingerprint], self.accounts = entry, accounts
        else:
            with pytest.raises(refusal):
                self.ledger.reserve(request, "run")

    def refusal(
        self, accounts: dict[Account, ChargeRequest], entry: Entry
    ) -> type[LedgerError] | None:
        """Why the model refuses a charge, if it does."""
        request = entry.request
        for account, maker in accounts.items():
            overlaps = account.start < request.end and account.end > request.start
            if (
                account.source in request.sources
                and overlaps
                and maker.adjacency != request.adjacency
            ):
                return LedgerError
        for account, maker in accounts.items():
            epsilon, delta = account.load([*self.entries.values(), entry])
            if epsilon > maker.cap_epsilon * SLACK or delta > maker.cap_delta * SLACK:
                return CapExceededError
        return None

    @precondition(lambda self: self.entries)
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(list(self.entries.values())))
        if entry.state == "burned":
            with pytest.raises(LedgerError, match="was burned"):
                self.ledger.reserve(entry.request, "run")
            return
        lease = self.ledger.reserve(entry.request, "run")
        entry.token += 1
        assert (lease.token, lease.steps_started, lease.state) == (
            entry.token,
            entry.started,
            entry.state,
        )
        self.leases.append((entry, lease))

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), upto=st.integers(0, STEPS + 2))
    def start_steps(self, data: st.DataObject, upto: int) -> None:
        entry, lease = data.draw(st.sampled_from(self.leases))
        if upto > STEPS:
            with pytest.raises(StepsSpentError):
                self.ledger.start_steps(lease, upto)
        elif lease.token < entry.token or entry.is_over or upto < entry.started:
            with pytest.raises(LeaseLostError):
                self.ledger.start_steps(lease, upto)
        else:
            self.ledger.start_steps(lease, upto)
            entry.started, entry.state = upto, "running"

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), state=st.sampled_from(["trained", "burned"]))
    def end(self, data: st.DataObject, state: str) -> None:
        entry, lease = data.draw(st.sampled_from(self.leases))
        say = self.ledger.finish if state == "trained" else self.ledger.burn
        if lease.token < entry.token or (entry.is_over and entry.state != state):
            with pytest.raises(LeaseLostError):
                say(lease)
        else:
            say(lease)
            entry.state = state

    @precondition(lambda self: self.entries)
    @rule(statement=st.sampled_from(TAMPERING))
    def tamper(self, statement: str) -> None:
        with any_program(self.place) as program, pytest.raises(REFUSED):
            program.execute(statement)

    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = Ledger(self.place, must_exist=True)

    @invariant()
    def the_ledger_is_as_the_model(self) -> None:
        found = {
            charge.id: (
                charge.epsilon,
                charge.delta,
                charge.runs,
                charge.steps_started,
                charge.state,
            )
            for name in "ab"
            for charge in self.ledger.charges(f"{self.prefix}-{name}")
        }
        expected = [
            (entry.request.epsilon, entry.request.delta, entry.token, entry.started, entry.state)
            for entry in self.entries.values()
        ]
        assert [found[number] for number in sorted(found)] == expected

    @invariant()
    def no_account_is_over_its_cap(self) -> None:
        for account, maker in self.accounts.items():
            epsilon, delta = account.load(list(self.entries.values()))
            assert epsilon <= maker.cap_epsilon * SLACK
            assert delta <= maker.cap_delta * SLACK


@pytest.mark.parametrize(
    "examples", [6, pytest.param(100, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_rule_10_every_history_keeps_the_caps_the_counts_and_the_fences(
    place: Place, examples: int
) -> None:
    class Machine(LedgerMachine):
        histories = count()

    Machine.place = place
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            suppress_health_check=list(HealthCheck),
        ),
    )
