"""Charges: what a run asks the ledger for, the lease it gets, the row that stands."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PUBLIC = (
    "charge_key",
    "region",
    "service_day",
    "sources",
    "start",
    "end",
    "unit",
    "adjacency",
    "epsilon",
    "delta",
    "cap_epsilon",
    "cap_delta",
    "state",
    "steps_started",
    "steps_allowed",
)
"""What an export says of a charge. The fingerprint stays private: it is a hash of the private
input, and whoever knows all trips but one could tell by it whether that one is there. Runs and
times stay with the staff."""

PUBLIC_MECHANISM = ("synthesizer", "guarantee", "mechanism", "count", "event")
"""What an export says of a charge's mechanism. The number of records is not among it: under
`add_remove` it is private. `count` is the mechanism of its noisy count."""


@dataclass(frozen=True)
class ChargeRequest:
    """What a run asks the ledger for.

    Attributes:
        sources: Source systems whose trips are read; every one is charged in full.
        start: First instant of the interval, UTC.
        end: First instant after it, UTC.
        region: Id of the region, for people.
        service_day: The service day, for people.
        mechanism: Description of the mechanism, JSON values.
        epsilon: Cost, > 0.
        delta: Cost, >= 0.
        cap_epsilon: Cap of an account made by this request; later requests do not change it.
        cap_delta: Likewise.
        fingerprint: Idempotency key of mechanism, code and input.
        steps_allowed: Most steps that may ever be started under the charge, >= 1.
        unit: What epsilon is promised for; fixed for an account as its cap is.
        adjacency: Which days are neighbours; likewise.
    """

    sources: Sequence[str]
    start: dt.datetime
    end: dt.datetime
    region: str
    service_day: dt.date
    mechanism: Mapping[str, Any]
    epsilon: float
    delta: float
    cap_epsilon: float
    cap_delta: float
    fingerprint: str
    steps_allowed: int
    unit: str = "trip"
    adjacency: str = "zero_out"

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("a charge needs a source system")

    @property
    def accounts(self) -> list[tuple[str, str, str]]:
        """The accounts charged: source, start and end; ISO text in UTC."""
        start, end = iso(self.start), iso(self.end)
        return [(source, start, end) for source in sorted(set(self.sources))]


@dataclass(frozen=True)
class Lease:
    """The right to write to a charge, until a newer token is given out.

    Attributes:
        charge: Id of the charge in this ledger.
        token: Fencing token; only the newest may write.
        steps_started: Steps counted when the lease was given.
        steps_allowed: Most steps that may ever be started.
        state: State of the charge when the lease was given.
        charge_key: The charge's public name, drawn at random when it was made.
    """

    charge: int
    token: int
    steps_started: int
    steps_allowed: int
    state: str
    charge_key: str


@dataclass(frozen=True)
class Charge:
    """A row of the ledger, for people and for the privacy statement.

    Attributes:
        id: Its number in this ledger.
        charge_key: Its public name, 32 random hexadecimal digits.
        sources: Source systems charged.
        start: First instant of the interval, ISO text in UTC.
        end: First instant after it.
        region: Id of the region.
        service_day: The service day, ISO text.
        unit: What epsilon is promised for.
        adjacency: Which days are neighbours.
        mechanism: Description of the mechanism.
        epsilon: Cost.
        delta: Cost.
        cap_epsilon: Lowest cap of its accounts.
        cap_delta: Likewise.
        state: `reserved`, `running`, `trained` or `burned`.
        steps_allowed: Most steps that may ever be started.
        steps_started: Steps started so far, or about to be.
        runs: How many runs have held it: the newest fencing token.
        run_id: The last of them.
        created_at: When it was made, ISO text in UTC.
        updated_at: When it was last written to.
    """

    id: int
    charge_key: str
    sources: tuple[str, ...]
    start: str
    end: str
    region: str
    service_day: str
    unit: str
    adjacency: str
    mechanism: Mapping[str, Any]
    epsilon: float
    delta: float
    cap_epsilon: float
    cap_delta: float
    state: str
    steps_allowed: int
    steps_started: int
    runs: int
    run_id: str
    created_at: str
    updated_at: str

    @property
    def name(self) -> str:
        """The charge as messages name it."""
        return (
            f"charge {self.id} (region {self.region}, day {self.service_day}, "
            f"epsilon {self.epsilon:g}, delta {self.delta:g}, {self.state}, {self.created_at})"
        )

    def public(self) -> dict[str, Any]:
        """What may be shown to anyone; JSON values."""
        described = {key: self.mechanism[key] for key in PUBLIC_MECHANISM if key in self.mechanism}
        return {name: getattr(self, name) for name in PUBLIC} | {"mechanism": described}


def iso(instant: dt.datetime) -> str:
    """An instant as the ledger writes it, in UTC to the second.

    Raises:
        ValueError: If it has no time zone.

    Examples:
        >>> iso(dt.datetime(2026, 5, 20, 9, 30, tzinfo=dt.timezone(dt.timedelta(hours=2))))
        '2026-05-20T07:30:00Z'
    """
    if instant.tzinfo is None:
        raise ValueError("an interval's bounds need a time zone")
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now() -> str:
    """This moment as the ledger writes it."""
    return iso(dt.datetime.now(dt.UTC))
