import datetime as dt
import json
from pathlib import Path
from typing import Any, cast

import pytest
import requests

from tasks.deployment_run import NoDeploymentError
from tasks.files import Layout, write_manifest
from tasks.foresee import Foresight
from tasks.ledger import charge_request
from tasks.privacy.ledger import Ledger
from tasks.refusal import note_refusal
from tasks.tabulate import DayRow, failed_row, foreseen_row, settled_row, summary, tabulate
from tests.tasks.conftest import DAY, region_of

REGION = region_of("https://fleet.example/gbfs.json", source="fleet")
SINCE = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=5)


def foreseen(would: str = "release", epsilon: float = 1.0) -> Foresight:
    return Foresight("test", DAY, cast(Any, would), epsilon, "because")


def finish(directory: Path) -> None:
    directory.mkdir(parents=True)
    write_manifest(directory, {}, [])


def settled(
    would: str = "release", error: BaseException | None = None, since: dt.datetime = SINCE
) -> tuple[str, str]:
    row = settled_row(REGION, foreseen(would), error, since)
    assert (row.region, row.day, row.would_charge) == ("test", str(DAY), 0.0)
    return row.outcome, row.reason


@pytest.mark.parametrize(
    ("would", "how"),
    [
        ("release", "charged and trained"),
        ("resume", "went on from what was charged"),
        ("publish", "from its stored model"),
    ],
)
def test_a_published_day(layout: Layout, would: str, how: str) -> None:
    finish(layout.releases("test", DAY) / "r1")
    assert settled(would) == ("published", how)


def test_a_refused_day_has_the_public_reason(layout: Layout) -> None:
    finish(layout.sightings("test", DAY))
    note_refusal(REGION, DAY, "coverage")
    assert settled(error=RuntimeError("x")) == ("refused", "coverage")


def test_a_refusal_of_long_ago_is_not_that_of_now(layout: Layout) -> None:
    finish(layout.sightings("test", DAY))
    note_refusal(REGION, DAY, "coverage")
    later = SINCE + dt.timedelta(days=1)
    assert settled(error=NoDeploymentError("x"), since=later) == ("failed", "x")


def test_a_day_of_which_nothing_was_collected(layout: Layout) -> None:
    assert settled(error=RuntimeError("x")) == ("skipped", "nothing collected")


def test_our_errors_are_told_and_of_others_only_the_kind(layout: Layout) -> None:
    finish(layout.sightings("test", DAY))
    assert settled(error=NoDeploymentError("no deployment")) == ("failed", "no deployment")
    told = settled(error=ValueError("vehicle 4711 at 52.41, 10.77"))
    assert told == ("failed", "ValueError; its run's log says more")


def test_rows_tell_what_is_charged_and_what_is_burned(layout: Layout) -> None:
    with Ledger(layout.ledger) as ledger:
        lease = ledger.reserve(
            charge_request(REGION, DAY, mechanism={}, fingerprint="x", steps_allowed=1), "run"
        )
        row = failed_row(REGION, DAY, ValueError())
        assert (row.charged, row.burned) == (1.0, 0.0)
        ledger.burn(lease)
    row = foreseen_row(REGION, foreseen("skip", 0.0))
    assert (row.outcome, row.charged, row.burned) == ("skipped", 1.0, 1.0)


def test_a_broken_ledger_is_told_of_and_breaks_nothing(layout: Layout) -> None:
    layout.ledger.parent.mkdir(parents=True)
    layout.ledger.write_bytes(b"no database at all" * 100)
    row = failed_row(REGION, DAY, NoDeploymentError("first"))
    assert (row.outcome, row.reason) == ("failed", "first")


@pytest.mark.usefixtures("tasks_alone")
def test_the_table_is_shown_with_its_sums(layout: Layout, prefect_server: str) -> None:
    rows = [
        foreseen_row(REGION, foreseen()),
        foreseen_row(REGION, foreseen("skip", 0.0)),
        DayRow("two", str(DAY), "published", 1.0, 0.0, 0.0, "charged and trained"),
    ]
    said = "3 days: 1 published, 1 skipped, 1 would release; 1 would be charged, at most epsilon 1"
    assert summary(rows) == f"{said} a day"
    assert summary([]) == "0 days: no days"
    table = tabulate(rows, "Dry run")
    shown = requests.get(f"{prefect_server}/artifacts/backfill/latest", timeout=30).json()
    assert json.loads(shown["data"]) == table
    assert shown["description"] == f"Dry run. {said} a day"
    assert table[0] == {
        "region": "test",
        "day": str(DAY),
        "outcome": "would release",
        "charged": 0,
        "burned": 0,
        "would_charge": 1.0,
        "reason": "because",
    }
