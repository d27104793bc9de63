"""A whole virtual day of a host that breaks answers in every way: what can be known is known."""

import datetime as dt
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow.parquet as pq
import pytest

from infra.replay import Answer, Chaos, ReplayServer, Served, city_day
from infra.replay.chaos import HARMFUL, HARMLESS
from infra.replay.feeds import TimelineFeed
from infra.replay.server import Alteration
from tasks.files import Layout
from tasks.journal import seal_day
from tasks.mobility.distance import haversine
from tasks.mobility.sealed import trips_of_feed
from tasks.region import Region
from tests.journeys.conftest import DAY, EveryNth, collect_whole_day, region_of, sealed_rows, shift


@dataclass
class ChaoticDay:
    """What was played, what the server says it answered, and what was collected."""

    city: TimelineFeed
    log: list[Served]
    seen: list[int]  # the virtual minutes in which a whole answer reached the collector
    facts: dict[str, Any]
    rows: list[Any]
    polls: list[Any]
    trips: list[Any]

    def moment(self, minute: int) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.city.time(minute), dt.UTC)


def minutes_seen(log: list[Served]) -> list[int]:
    """The polls of the whole answers, which is all that a log can say was seen."""
    return [
        served.poll
        for served in log
        if served.moved and served.status == 200 and served.fault in ("", *HARMLESS)
    ]


def live(layout: Layout, chaos: Chaos, vehicles: int, trips: int) -> ChaoticDay:
    city = city_day(DAY, vehicles=vehicles, trips=trips)
    with ReplayServer(city, faults=chaos) as server:
        region = region_of({"feed": f"{server.url}/2.3/gbfs.json"})
        facts = collect_whole_day(region, layout)["feeds"]["feed"]
        log = server.log
    return sealed_day(layout, region, city, log, minutes_seen(log), facts)


def sealed_day(
    layout: Layout,
    region: Region,
    city: TimelineFeed,
    log: list[Served],
    seen: list[int],
    facts: dict[str, Any],
) -> ChaoticDay:
    sealed = layout.sightings(region.id, DAY)
    table = trips_of_feed(sealed, layout.root / "none", region.feeds[0], region).table
    return ChaoticDay(
        city,
        log,
        seen,
        facts,
        sealed_rows(region, layout, "feed"),
        pq.read_table(sealed / "feed.polls.parquet").to_pylist(),
        table.to_pylist(),
    )


def check_gaps(day: ChaoticDay) -> None:
    """A gap is where the log says that whole minutes went by unseen, and nowhere else."""
    assert len(day.seen) == len(set(day.seen))
    unseen = sorted(set(range(day.city.polls)) - set(day.seen))
    lost = {served.poll for served in day.log if served.moved and served.fault in HARMFUL}
    assert set(unseen) == lost
    runs: list[list[int]] = []
    for minute in unseen:
        if runs and minute == runs[-1][-1] + 1:
            runs[-1].append(minute)
        else:
            runs.append([minute])
    expected = []
    for run in runs:
        # The day begins with its first poll, and ends a minute after its last.
        before = day.moment(max(run[0] - 1, 0))
        after = dt.datetime.fromtimestamp(day.city.day.start + 60 * (run[-1] + 1), dt.UTC)
        if after - before > dt.timedelta(seconds=90):
            expected.append([before.isoformat(), after.isoformat()])
    assert day.facts["gaps"] == expected
    assert day.facts["coverage"] == pytest.approx(len(day.seen) / day.city.polls)


def check_polls(day: ChaoticDay) -> None:
    """Every answer is one poll, the broken ones too; what becomes of the types costs none."""
    outcomes = Counter(poll["outcome"] for poll in day.polls)
    assert outcomes == day.facts["outcomes"]
    assert (outcomes["ok"], outcomes["ended"]) == (len(day.seen), 1)
    polled = [served for served in day.log if "vehicle_types" not in served.path]
    broken = sum(served.fault in HARMFUL for served in polled)
    assert sum(outcomes.values()) - outcomes["ok"] - outcomes["ended"] == broken
    answered = [poll["fetched_at"] for poll in day.polls if poll["outcome"] == "ok"]
    assert answered == [day.moment(minute) for minute in day.seen]


def check_sightings(day: ChaoticDay) -> None:
    """Exactly what the whole answers held, each vehicle once for each of them."""
    expected = set()
    timeline = day.city.timeline
    for minute in day.seen:
        seen, at = timeline.seen(minute), day.moment(minute)
        vehicles = timeline.vehicle[seen.stand].tolist()
        places = zip(vehicles, seen.latitude_e6.tolist(), seen.longitude_e6.tolist(), strict=True)
        expected |= {(timeline.ids[vehicle], at, *place) for vehicle, *place in places}
    names = ("vehicle_id", "fetched_at", "latitude_e6", "longitude_e6")
    rows = [tuple(row[name] for name in names) for row in day.rows]
    assert len(rows) == len(set(rows)) == day.facts["rows"]
    assert set(rows) == expected


def check_trips(day: ChaoticDay) -> None:
    """Every ride of the day whose two ends were seen is a move, from minute to minute."""
    by_vehicle: dict[str, list[Any]] = {}
    for row in day.rows:
        by_vehicle.setdefault(row["vehicle_id"], []).append(row)
    expected = {}
    for vehicle, rows in by_vehicle.items():
        for start, end in pairwise(sorted(rows, key=lambda row: row["fetched_at"])):
            ends = [row[name] / 1e6 for row in (start, end) for name in POSITION]
            if haversine(*ends) > 100:
                expected[vehicle, end["fetched_at"]] = (start["fetched_at"], *ends)
    names = ("start_time", *(f"{end}_{name}" for end in ENDS for name in ("latitude", "longitude")))
    found = {
        (trip["vehicle_id"], trip["end_time"]): tuple(trip[name] for name in names)
        for trip in day.trips
    }
    assert len(found) == len(day.trips)
    assert found == expected

    timeline = day.city.timeline
    seen = set(day.seen)
    untouched = 0
    for ride in range(1, len(timeline.vehicle)):
        vehicle, departs, arrives = (
            timeline.vehicle[ride],
            int(timeline.last[ride - 1]),
            int(timeline.first[ride]),
        )
        if vehicle != timeline.vehicle[ride - 1] or not {departs, arrives} <= seen:
            continue
        untouched += 1
        start, *_ = found[timeline.ids[vehicle], day.moment(arrives)]
        assert start == day.moment(departs)
    assert untouched > 0.5 * len(day.trips)
    calm = [trip for trip in day.trips if not trip["spans_gap"]]
    assert all(trip["is_trip"] for trip in calm)


POSITION = ("latitude_e6", "longitude_e6")
ENDS = ("origin", "destination")


def check(day: ChaoticDay, least_of_each: int) -> None:
    faults = Counter(served.fault for served in day.log if served.fault)
    assert all(faults[name] >= least_of_each for name in (*HARMLESS, *HARMFUL)), faults
    check_gaps(day)
    check_polls(day)
    check_sightings(day)
    check_trips(day)


@pytest.mark.slow
def test_a_day_with_one_broken_answer_in_twenty(layout: Layout) -> None:
    day = live(layout, Chaos(7, share=0.05), vehicles=25, trips=300)
    assert 0.94 < day.facts["coverage"] < 0.99
    check(day, least_of_each=1)


@pytest.mark.slow
def test_a_replay_that_begins_again_adds_nothing_twice(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = city_day(DAY, vehicles=25, trips=300)
    region = region_of({"feed": "${OPENTRIPS_REPLAY}/2.3/gbfs.json"})
    six, noon = (dt.datetime.combine(DAY, dt.time(hour), region.zone) for hour in (6, 12))
    with ReplayServer(city, faults=Chaos(1)) as server:
        monkeypatch.setenv("OPENTRIPS_REPLAY", server.url)
        assert not shift(region, region.feeds[0], layout, until=six)
        early = server.log
    with ReplayServer(city, faults=Chaos(2)) as server:
        monkeypatch.setenv("OPENTRIPS_REPLAY", server.url)
        assert not shift(region, region.feeds[0], layout, until=noon)
        again = server.log
    facts = seal_day(region, DAY, layout)["feeds"]["feed"]
    first = minutes_seen(early)
    assert 350 < first[-1] < 370
    rest = [minute for minute in minutes_seen(again) if minute > first[-1]]
    day = sealed_day(layout, region, city, early + again, first + rest, facts)
    check_sightings(day)
    check_trips(day)
    assert facts["outcomes"]["ok"] == len(day.seen)


@pytest.mark.slow
def test_bytes_that_come_too_slowly_cost_one_poll_and_no_minute(layout: Layout) -> None:
    """A byte now and then keeps a connection from falling silent; the whole has a limit too."""

    def drip(answer: Answer) -> Answer:
        return Answer(200, {}, drops(), fault="drip")

    def drops() -> Iterator[bytes]:
        for _ in range(200):
            time.sleep(0.5)
            yield b" "

    def faults(path: str, before: int) -> Alteration | None:
        return drip if "free_bike_status" in path and before == 2 else None

    city = EveryNth(city_day(DAY, vehicles=5, trips=50), 240)
    start = time.monotonic()
    with ReplayServer(city, faults=faults) as server:
        region = region_of({"feed": f"{server.url}/2.3/gbfs.json"})
        facts = collect_whole_day(region, layout)["feeds"]["feed"]
    assert facts["outcomes"] == {"ended": 1, "ok": 6, "timeout": 1}
    assert time.monotonic() - start < 60


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_day_with_four_broken_answers_in_ten(layout: Layout, seed: int) -> None:
    """Often more in a row than a shift bears; the next shift goes on."""
    day = live(layout, Chaos(seed, share=0.4), vehicles=200, trips=3000)
    check(day, least_of_each=20)
