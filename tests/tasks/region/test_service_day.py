import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.region.service_day import day_bounds, next_shift_change, service_day_of

ZONES = (
    "Europe/Berlin",
    "America/Los_Angeles",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Etc/GMT-4",
)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(dt.date(2026, 3, 29), 23), (dt.date(2026, 10, 25), 25), (dt.date(2026, 5, 20), 24)],
)
def test_a_service_day_lasts_23_to_25_hours(day: dt.date, hours: int) -> None:
    start, end = day_bounds(day, ZoneInfo("Europe/Berlin"))
    assert end - start == dt.timedelta(hours=hours)


@given(st.sampled_from(ZONES), st.datetimes(dt.datetime(2000, 1, 2), dt.datetime(2037, 12, 30)))
def test_every_instant_lies_in_exactly_its_own_day(name: str, instant: dt.datetime) -> None:
    zone, instant = ZoneInfo(name), instant.replace(tzinfo=dt.UTC)
    day = service_day_of(instant, zone)
    start, end = day_bounds(day, zone)
    assert start <= instant < end
    assert day_bounds(day + dt.timedelta(days=1), zone)[0] == end


@given(
    st.sampled_from(ZONES),
    st.datetimes(dt.datetime(2000, 1, 2), dt.datetime(2037, 12, 30)),
    st.sampled_from([10, 60, 240, 1440]),
)
def test_shifts_change_on_the_local_clock_and_with_the_day(
    name: str, instant: dt.datetime, length: int
) -> None:
    zone, instant = ZoneInfo(name), instant.replace(tzinfo=dt.UTC)
    change = next_shift_change(instant, zone, length)
    local = change.astimezone(zone)
    assert (60 * local.hour + local.minute) % length == 0
    # an hour that the clock leaves out may hold the change, one that it repeats may delay it
    assert dt.timedelta() < change - instant <= dt.timedelta(minutes=length + 60)
    _, end = day_bounds(service_day_of(instant, zone), zone)
    assert change <= end
