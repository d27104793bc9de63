import datetime as dt
from pathlib import Path

import pytest

from infra.replay import trips_day
from infra.replay.day import ServiceDay
from infra.replay.source import ReplayError


@pytest.mark.parametrize(
    ("date", "hours"),
    [(dt.date(2026, 3, 29), 23), (dt.date(2026, 10, 25), 25), (dt.date(2026, 5, 20), 24)],
)
def test_a_day_has_its_local_hours(date: dt.date, hours: int) -> None:
    day = ServiceDay(date, "Europe/Berlin")
    assert day.polls == hours * 60
    assert day.time(day.polls - 1) == day.end - 60


def test_the_day_of_the_trip_table_begins_at_20_utc() -> None:
    day = ServiceDay(dt.date(2026, 5, 20), "Etc/GMT-4")
    assert dt.datetime.fromtimestamp(day.start, dt.UTC) == dt.datetime(
        2026, 5, 19, 20, tzinfo=dt.UTC
    )


def test_the_end_lies_within_the_day() -> None:
    day = ServiceDay(dt.date(2026, 5, 20), "UTC", 20)
    assert day.polls == 4320
    assert day.time(day.polls) == day.end - 1


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
def test_an_unknown_time_zone_is_one_line(zone: str) -> None:
    with pytest.raises(ReplayError, match="unknown time zone"):
        ServiceDay(dt.date(2026, 5, 20), zone)


@pytest.mark.parametrize("seconds", [0, -60, 7, 61, 120])
def test_polls_must_part_a_minute(seconds: int) -> None:
    with pytest.raises(ReplayError, match="divisor of 60"):
        ServiceDay(dt.date(2026, 5, 20), "UTC", seconds)


def test_a_table_that_is_played_on_two_days_is_two_fleets(tmp_path: Path) -> None:
    table = tmp_path / "trips.csv"
    table.write_text("7, a, 50.0, 8.0, 50.01, 8.0\n9, b, 50.0, 8.0, 50.0, 8.01\n")
    days = [dt.date(2026, 5, 20), dt.date(2026, 5, 21), dt.date(2027, 5, 20)]
    ids = [set(trips_day(table, day).timeline.ids) for day in days]
    assert ids == [
        {"a-20260520", "b-20260520"},
        {"a-20260521", "b-20260521"},
        {"a-20270520", "b-20270520"},
    ]
