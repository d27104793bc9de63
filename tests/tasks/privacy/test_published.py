from pathlib import Path
from typing import Any

import pytest

from tasks.privacy.charge import Charge
from tasks.privacy.errors import LedgerError
from tasks.privacy.ledger import Ledger
from tasks.privacy.published import PublishedCharge, refuse_if_older
from tests.tasks.privacy.conftest import requested


def published(charge_key: str | None, steps: int = 300, day: str = "2026-05-20") -> PublishedCharge:
    return PublishedCharge(f"release demo {day} r1", "demo", day, steps, charge_key)


@pytest.fixture
def finished(tmp_path: Path) -> list[Charge]:
    """The charges of a ledger with one finished training."""
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        lease = ledger.reserve(requested(), "run")
        ledger.start_steps(lease, 300)
        ledger.finish(lease)
        return ledger.charges()


def test_a_ledger_that_knows_what_is_published_is_used(finished: list[Charge]) -> None:
    refuse_if_older("ledger", finished, [])
    refuse_if_older("ledger", finished, [published(finished[0].charge_key)])
    refuse_if_older("ledger", finished, [published(None)])


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("f" * 32, {}),  # the same day, charged again by a ledger that had forgotten it
        (None, {"day": "2026-05-19"}),
        (None, {"steps": 301}),
    ],
)
def test_rule_10_a_ledger_that_lacks_a_published_charge_is_refused(
    finished: list[Charge], key: str | None, changes: dict[str, Any]
) -> None:
    release = published(key, **changes)
    with pytest.raises(LedgerError, match="older than what is published") as caught:
        refuse_if_older("place", finished, [published(None), release, release])
    assert release.release in str(caught.value)
    assert "(2 such releases)" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("upto", [None, 25, 299, 300])
def test_rule_10_a_charge_that_was_not_finished_then_is_refused(
    tmp_path: Path, upto: int | None
) -> None:
    """A backup made while the published model was still being trained."""
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        lease = ledger.reserve(requested(), "run")
        if upto is not None:
            ledger.start_steps(lease, upto)
        for key in (lease.charge_key, None):
            with pytest.raises(LedgerError, match="older"):
                refuse_if_older("ledger", ledger.charges(), [published(key)])
