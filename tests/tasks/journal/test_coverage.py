import datetime as dt
import random
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.journal import Poll
from tasks.journal.coverage import coverage, due_polls, gaps, latest_due
from tasks.region.service_day import day_bounds
from tests.tasks.conftest import START, minutes
from tests.tasks.journal.conftest import poll

END = START + dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (dt.date(2026, 3, 29), 23 * 60),
        (dt.date(2026, 5, 20), 24 * 60),
        (dt.date(2026, 10, 25), 25 * 60),
    ],
)
def test_due_polls_of_days_on_which_the_clocks_change(day: dt.date, due: int) -> None:
    assert due_polls(*day_bounds(day, ZoneInfo("Europe/Berlin")), 60) == due


def test_an_interval_that_does_not_divide_the_day() -> None:
    assert due_polls(START, END, 7 * 60) == 9
    assert latest_due(START + dt.timedelta(minutes=20), START, 7 * 60) == minutes(14)[0]


def test_a_full_hour() -> None:
    polls = [poll(minute) for minute in range(60)]
    assert coverage(polls, START, END, 60) == 1
    assert gaps(polls, START, END, 60) == []


def test_failed_polls_leave_gaps_and_unchanged_ones_do_not() -> None:
    outcomes = {20: "timeout", 21: "http_error", 30: "not_modified", 40: "not_json"}
    polls = [poll(minute, outcome=outcomes.get(minute, "ok")) for minute in range(60)]
    assert coverage(polls, START, END, 60) == 57 / 60
    assert gaps(polls, START, END, 60) == [tuple(minutes(19, 22)), tuple(minutes(39, 41))]


def test_the_edges_of_the_day_count() -> None:
    polls = [poll(minute) for minute in range(10, 50)]
    assert gaps(polls, START, END, 60) == [tuple(minutes(0, 10)), tuple(minutes(49, 60))]
    assert coverage(polls, START, END, 60) == 40 / 60
    assert gaps([], START, END, 60) == [(START, END)]
    assert coverage([], START, END, 60) == 0


def test_one_and_a_half_intervals_are_no_gap_yet() -> None:
    polls = [poll(minute) for minute in (0, 1.5, 3, 4.6)]
    assert gaps(polls, START, START + dt.timedelta(minutes=5), 60) == [tuple(minutes(3, 4.6))]


def late(minute: float, seconds: float, outcome: str = "ok") -> Poll:
    each = poll(minute, outcome=outcome)
    return replace(each, fetched_at=each.due_at + dt.timedelta(seconds=seconds))


def test_gaps_are_the_polls_that_failed_however_late_answers_come() -> None:
    draw = random.Random(3)
    for _ in range(50):
        failed = {minute for minute in range(1, 60) if draw.random() < 0.1}
        polls = [
            late(minute, draw.uniform(0, 44), "timeout" if minute in failed else "ok")
            for minute in range(60)
        ]
        runs = [minute for minute in failed if minute - 1 not in failed]
        found = gaps(polls, START, END, 60)
        assert len(found) == len(runs)
        answered = [each.fetched_at for each in polls if each.is_answered]
        edges = {START, END, *answered}
        assert all(before in edges and after in edges for before, after in found)
        assert not any(before < moment < after for moment in answered for before, after in found)
        assert coverage(polls, START, END, 60) == (60 - len(failed)) / 60


def test_a_replay_that_polls_a_little_slower_has_no_gaps() -> None:
    polls = []
    for number in range(56):
        at = START + dt.timedelta(seconds=65 * number)
        polls.append(replace(poll(0), due_at=latest_due(at, START, 60), fetched_at=at))
    assert gaps(polls, START, END, 60) == []


def test_two_polls_of_one_due_time_count_once() -> None:
    assert coverage([poll(0), poll(0.4), poll(1)], START, END, 60) == 2 / 60


@given(st.lists(st.tuples(st.integers(-5, 70), st.sampled_from(["ok", "timeout"]))))
def test_coverage_and_gaps_agree(tried: list[tuple[int, str]]) -> None:
    polls = [poll(minute, outcome=outcome) for minute, outcome in tried]
    inside = [each for each in polls if START <= each.fetched_at < END]
    share = coverage(polls, START, END, 60)
    holes = gaps(inside, START, END, 60)
    assert 0 <= share <= 1
    assert (share == 1) <= (holes == [])
    blind = sum(((after - before) for before, after in holes), dt.timedelta())
    assert blind <= END - START
    # every gap is at least two due times wide, one of which was missed
    assert round(60 * (1 - share)) >= len(holes)
