import datetime as dt

import pytest

from tasks.archive.calendar import calendar, grades
from tasks.archive.entry import Entry, Withdrawn

AT = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


def entry(day: str, coverage: float = 1.0, withdrawn: bool = False) -> Entry:
    return Entry(
        region="town",
        name="Town",
        service_day=dt.date.fromisoformat(day),
        revision=1,
        path=f"town/{day}/r1",
        manifest_sha256="0" * 64,
        day_end=AT,
        tables={"trips": 1},
        unit="trip",
        adjacency="zero_out",
        epsilon=1.0,
        delta=1e-6,
        coverage=coverage,
        licence="CC0-1.0",
        link=None,
        parent=None,
        revised_at=None,
        reason=None,
        withdrawn=Withdrawn(at=AT, reason="x") if withdrawn else None,
    )


def test_a_calendar_has_whole_weeks_from_the_first_to_the_last_day_of_each_year() -> None:
    days = [entry(day) for day in ("2025-12-29", "2025-12-31", "2026-01-01", "2026-02-02")]
    new, old = calendar(days)
    assert (new.year, old.year) == (2026, 2025)
    assert [len(week) for week in new.weekdays] == [6] * 7
    assert new.months == (("January", 4), ("February", 2))
    assert old.months == (("December", 1),)
    monday, tuesday, wednesday, thursday = (week[0] for week in old.weekdays[:4])
    assert monday is not None
    assert tuesday is not None
    assert wednesday is not None
    assert (monday.kind, tuesday.kind, wednesday.kind) == ("g4", "none", "g4")
    assert thursday is None  # the first of January
    first = new.weekdays[3][0]
    assert first is not None
    assert first.day == dt.date(2026, 1, 1)
    shown = [day for week in new.weekdays for day in week if day and day.entry]
    assert [day.day.isoformat() for day in shown] == ["2026-02-02", "2026-01-01"]


@pytest.mark.parametrize(
    ("coverage", "kind"),
    [(0.5, "g0"), (0.8, "g1"), (0.9499, "g2"), (0.95, "g3"), (0.989, "g3"), (1.0, "g4")],
)
def test_the_colour_is_that_of_the_coverage(coverage: float, kind: str) -> None:
    ((week, *_),) = (year.weekdays for year in calendar([entry("2026-06-01", coverage)]))
    assert week[0] is not None
    assert week[0].kind == kind
    assert int(kind[1]) < len(grades())


def test_a_withdrawn_day_is_drawn_as_such() -> None:
    ((week, *_),) = (y.weekdays for y in calendar([entry("2026-06-01", withdrawn=True)]))
    assert week[0] is not None
    assert week[0].kind == "withdrawn"
