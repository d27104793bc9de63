import datetime as dt
from collections.abc import Callable

import pytest

from tasks.privacy.ledger import ChargeRequest

MakeRequest = Callable[..., ChargeRequest]


@pytest.fixture
def make_request() -> MakeRequest:
    """A request for one day of one source at its full cap; keywords replace fields."""

    def make(**changes: object) -> ChargeRequest:
        fields: dict[str, object] = {
            "sources": ("fleet",),
            "start": dt.datetime(2026, 5, 20, tzinfo=dt.UTC),
            "end": dt.datetime(2026, 5, 21, tzinfo=dt.UTC),
            "region": "demo",
            "service_day": dt.date(2026, 5, 20),
            "mechanism": {"name": "trip_net"},
            "epsilon": 1.0,
            "delta": 1e-6,
            "cap_epsilon": 1.0,
            "cap_delta": 1e-6,
            "fingerprint": "first",
            "steps_allowed": 330,
            **changes,
        }
        return ChargeRequest(**fields)  # type: ignore[arg-type]

    return make
