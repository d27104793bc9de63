import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.mobility.ends import ends_table
from tasks.mobility.runs import RunsOfDay
from tasks.region import Region
from tasks.schema import ENDS, POLLS
from tests.tasks.mobility.simulated_fleet import (
    Day,
    Fleet,
    degrees_of,
    per_poll,
    per_trip,
    periodic,
    simulate,
    time_of,
)

REGION = Region.model_validate(
    {
        "id": "test",
        "name": "Test",
        "time_zone": "Europe/Berlin",
        "service_area": [
            {"name": "west", "south": 50.3, "west": 8.4, "north": 50.5, "east": 8.415},
            {"name": "east", "south": 50.3, "west": 8.415, "north": 50.5, "east": 8.43},
        ],
        "feeds": [{"id": "f", "url": "http://127.0.0.1/gbfs.json", "id_regime": "per_trip"}],
    }
)


def ends(day: Day, rows: int = 1_000, id_regime: str = "per_trip") -> pa.Table:
    (feed,) = REGION.feeds
    feeds = (feed.model_copy(update={"id_regime": id_regime}),)
    region = REGION.model_copy(update={"feeds": feeds})
    return ends_table(RunsOfDay.of(day.cut(rows), day.polls), "f", region)


def found(table: pa.Table, kind: str) -> list[tuple[int, float, float]]:
    rows = table.filter(pc.equal(table["kind"], kind))
    times = rows["time"].cast(pa.int64()).to_pylist()
    places = zip(rows["latitude"].to_pylist(), rows["longitude"].to_pylist(), strict=True)
    return sorted((time, *place) for time, place in zip(times, places, strict=True))


def happened(events: list[tuple[int, int, int]], fleet: Fleet) -> list[tuple[int, float, float]]:
    return sorted((time_of(poll, fleet), *degrees_of((y, x))) for poll, y, x in events)


@settings(max_examples=15, deadline=None)
@given(
    st.builds(
        Fleet,
        vehicles=st.integers(20, 50),
        polls=st.integers(60, 200),
        rides=st.floats(0.5, 5),
        seed=st.integers(0, 2**32 - 1),
        absences=st.floats(0, 3),
    ),
    st.integers(20, 3_000),
)
def test_they_are_the_starts_and_ends_of_the_rides_and_no_others(fleet: Fleet, rows: int) -> None:
    day = simulate(fleet, per_trip)
    table = ends(day, rows)
    assert found(table, "start") == happened(day.starts, fleet)
    assert found(table, "end") == happened(day.ends, fleet)


def test_the_table_names_no_vehicle_and_its_order_tells_nothing_of_the_ids() -> None:
    day = simulate(Fleet(), per_trip)
    renamed = simulate(Fleet(), lambda vehicle, ridden, poll: f"x{ridden}-{999 - vehicle}")
    table = ends(day)
    assert table.schema.equals(ENDS.arrow(), check_metadata=True)
    assert "vehicle_id" not in table.column_names
    assert table.equals(ends(renamed))


def test_hours_are_local_and_areas_hold_the_place() -> None:
    table = ends(simulate(Fleet(), per_trip))
    for row in table.to_pylist():
        assert row["hour"] == (row["time"].hour + 2) % 24
        assert row["area"] == (
            "west" if row["longitude"] <= 8.415 else "east" if row["longitude"] <= 8.43 else None
        )


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), vehicles=st.integers(1, 8), keep=st.floats(0, 1))
def test_rule_5_what_one_vehicle_does_changes_nothing_of_what_is_told_of_others(
    seed: int, vehicles: int, keep: float
) -> None:
    """Of few vehicles, most ids may change in a step: each is told of all the same."""
    day = simulate(Fleet(vehicles=vehicles, polls=60, rides=6, seed=seed), per_trip)
    ids = sorted(set(day.sightings["vehicle_id"].to_pylist()))
    some = pa.array(ids[: round(keep * len(ids))], pa.string())
    chosen = pc.is_in(day.sightings["vehicle_id"], some)
    parts = [
        ends_table(RunsOfDay.of([day.sightings.filter(mask)], day.polls), "f", REGION)
        for mask in (chosen, pc.invert(chosen))
    ]
    for kind in ("start", "end"):
        together = [each for part in parts for each in found(part, kind)]
        assert sorted(together) == found(ends(day), kind)


def test_an_end_is_not_told_where_all_ids_change() -> None:
    assert ends(simulate(Fleet(), per_poll), id_regime="per_poll").num_rows == 0
    fleet = Fleet()
    day = simulate(fleet, periodic(60))
    known = {time_of(60 * n, fleet) for n in range(8)}
    table = ends(day, id_regime="periodic")
    told = {time for time, *_ in found(table, "end")}
    assert told
    assert not told & known


@pytest.mark.parametrize(("gap_polls", "counted"), [(4, True), (7, False)])
def test_a_gap_tells_no_ends(gap_polls: int, counted: bool) -> None:
    """Polls are 3 minutes apart; 15 minutes are the longest gap a region bridges by default."""
    fleet = Fleet(rides=20)
    day = simulate(fleet, per_trip)
    blind = {time_of(poll, fleet) for poll in range(200, 200 + gap_polls - 1)}
    times = day.polls["fetched_at"].cast(pa.int64()).to_pylist()
    outcome = pa.array(["timeout" if time in blind else "ok" for time in times])
    index = POLLS.names.index("outcome")
    polls = day.polls.set_column(index, POLLS.arrow().field(index), outcome)
    seen = day.sightings["fetched_at"].cast(pa.int64()).to_pylist()
    sightings = day.sightings.filter(pa.array([time not in blind for time in seen]))
    table = ends_table(RunsOfDay.of([sightings], polls), "f", REGION)
    after = time_of(200 + gap_polls - 1, fleet)
    assert (after in {time for time, *_ in found(table, "end")}) == counted


def test_a_start_is_when_the_vehicle_was_last_known_to_stand_there() -> None:
    fleet = Fleet(vehicles=20, polls=30, rides=8)
    day = simulate(fleet, per_trip)
    start = happened(day.starts, fleet)[0][0]
    confirmed = {**day.polls.slice(0, 1).to_pylist()[0], "outcome": "not_modified"}
    confirmed["fetched_at"] = pa.scalar(start + 60_000, pa.timestamp("ms", "UTC")).as_py()
    more = pa.Table.from_pylist([confirmed], schema=POLLS.arrow())
    table = ends_table(
        RunsOfDay.of([day.sightings], pa.concat_tables([day.polls, more])), "f", REGION
    )
    times = [time for time, *_ in found(table, "start")]
    assert start + 60_000 in times
    assert start not in times
