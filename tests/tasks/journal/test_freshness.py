import datetime as dt

import pytest

from tasks.files import Layout
from tasks.journal import Poll, seal_day
from tasks.journal.freshness import STALE_POLLS, skew_seconds, stale
from tests.tasks.conftest import DAY
from tests.tasks.journal.conftest import poll
from tests.tasks.journal.test_sealing import REGION, journal_of


def updated(minute: float, seconds_behind: float | None, outcome: str = "ok") -> Poll:
    at = poll(minute).fetched_at
    told = None if seconds_behind is None else at - dt.timedelta(seconds=seconds_behind)
    return poll(minute, outcome=outcome, last_updated=told)


@pytest.mark.parametrize("skew", [0, 7200, -7200, 95.5])
def test_the_skew_is_found_behind_the_age_of_the_data(skew: float) -> None:
    polls = [updated(minute, skew + minute * 7 % 31) for minute in range(120)]
    found = skew_seconds(polls)
    assert found is not None
    assert skew <= found <= skew + 30


def test_an_outlier_does_not_move_the_skew() -> None:
    polls = [updated(minute, 5) for minute in range(9)]
    assert skew_seconds([*polls, updated(9, 1e9)]) == 5


def test_a_frozen_feed_does_not_move_the_skew() -> None:
    frozen = [updated(minute, 5 + 60 * (minute - 9)) for minute in range(9, 400)]
    assert skew_seconds([*(updated(minute, 5) for minute in range(9)), *frozen]) == 5


def test_a_feed_that_tells_no_time_has_no_skew_and_is_never_stale() -> None:
    polls = [updated(minute, None) for minute in range(100)]
    assert skew_seconds(polls) is None
    assert stale(polls) == []


@pytest.mark.parametrize("quiet", ["ok", "not_modified"])
@pytest.mark.parametrize(("length", "is_stale"), [(STALE_POLLS - 1, False), (STALE_POLLS, True)])
def test_a_frozen_feed_is_stale(length: int, is_stale: bool, quiet: str) -> None:
    first = updated(10, 5)
    frozen = [
        poll(
            10 + minute,
            outcome=quiet,
            last_updated=None if quiet == "not_modified" else first.last_updated,
        )
        for minute in range(1, length)
    ]
    polls = [updated(9, 5), first, *frozen, updated(10 + length, 5)]
    polls.insert(5, poll(12.5, outcome="timeout", last_updated=None))  # is no sign of life
    expected = [(first.fetched_at, frozen[-1].fetched_at)] if is_stale else []
    assert stale(polls) == expected


def test_a_feed_that_goes_back_in_time_is_not_stale() -> None:
    polls = [updated(minute, 120 if minute % 2 else 0) for minute in range(100)]
    assert stale(polls) == []


def test_the_manifest_reports_skew_and_staleness(layout: Layout) -> None:
    polls = [updated(minute, -7200) for minute in range(20)]
    frozen = [poll(minute, last_updated=polls[-1].last_updated) for minute in range(20, 60)]
    journal_of(layout, REGION, [(each, None) for each in (*polls, *frozen)])
    facts = seal_day(REGION, DAY, layout)["feeds"]["feed"]
    assert facts["skew_seconds"] == -7200
    assert facts["stale"] == [["2026-05-20T00:19:00+00:00", "2026-05-20T00:59:00+00:00"]]
