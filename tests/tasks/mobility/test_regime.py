import datetime as dt
import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.gbfs.parse import parse
from tasks.mobility.regime import IdRegime, measure_regime, why_no_trips
from tasks.mobility.runs import RunsOfDay
from tasks.schema import POLLS, SIGHTINGS
from tests.tasks.mobility.simulated_fleet import (
    Day,
    Fleet,
    NameOf,
    gradual,
    moment_of,
    one_by_one,
    per_poll,
    per_trip,
    periodic,
    positions_in_the_list,
    simulate,
    static,
    then,
)

FLEETS = st.builds(
    Fleet,
    vehicles=st.integers(30, 80),
    polls=st.integers(150, 300),
    minutes=st.integers(1, 5),
    rides=st.floats(3, 6),
    seed=st.integers(0, 2**32 - 1),
    absences=st.floats(0, 2),
)
ROWS = st.integers(50, 20_000)
SOME = settings(max_examples=15, deadline=None)


def measure(day: Day, rows: int = 5_000, encode: bool = False) -> IdRegime:
    chunks = day.cut(rows)
    if encode:
        chunks = [
            chunk.set_column(0, "vehicle_id", chunk["vehicle_id"].dictionary_encode())
            for chunk in chunks
        ]
    return measure_regime(RunsOfDay.of(chunks, day.polls))


@SOME
@given(FLEETS, ROWS, st.booleans())
@pytest.mark.parametrize("name_of", [static, per_trip, per_poll], ids=lambda f: f.__name__)
def test_each_regime_is_recognised_in_any_fleet(
    name_of: NameOf, fleet: Fleet, rows: int, encode: bool
) -> None:
    found = measure(simulate(fleet, name_of), rows, encode)
    assert found.regime == name_of.__name__, found.sentence
    assert not found.in_ride_visible
    assert len(found.phases) == 1
    assert "\n" not in found.sentence


@SOME
@given(FLEETS, st.integers(8, 50), ROWS)
def test_a_clock_that_changes_all_ids_is_found_with_its_period(
    fleet: Fleet, polls: int, rows: int
) -> None:
    found = measure(simulate(fleet, periodic(polls)), rows)
    assert (found.regime, found.period_s) == ("periodic", polls * fleet.minutes * 60)


@SOME
@given(
    FLEETS,
    st.permutations([static, per_trip, per_poll, periodic(15)]),
    st.floats(0.4, 0.6),
)
def test_a_change_during_the_day_is_found_with_its_time(
    fleet: Fleet, names: list[NameOf], share: float
) -> None:
    at = int(share * fleet.polls)
    fleet = Fleet(**{**vars(fleet), "minutes": 5, "rides": 8.0})
    found = measure(simulate(fleet, then(names[0], names[1], at)))
    kinds = [getattr(name, "__name__", "") for name in names[:2]]
    expected = ["periodic" if kind == "<lambda>" else kind for kind in kinds]
    assert [phase.regime for phase in found.phases] == expected, found.sentence
    assert found.regime == "mixed"
    error = abs(found.phases[1].start - moment_of(at, fleet))
    # a clock's phase is known from its first change to its last one, a period more or less
    slack = 16 if "periodic" in expected else 3
    assert error <= dt.timedelta(minutes=slack * fleet.minutes)
    assert "changed during the day" in found.sentence


@SOME
@given(st.integers(0, 1000))
def test_ids_that_begin_to_change_after_rides_at_noon(seed: int) -> None:
    fleet = Fleet(seed=seed, vehicles=80, rides=6)
    found = measure(simulate(fleet, gradual(fleet.polls // 2)))
    assert [phase.regime for phase in found.phases] == ["static", "per_trip"]
    assert abs(found.phases[1].start - moment_of(240, fleet)) < dt.timedelta(hours=1)


@SOME
@given(st.integers(0, 1000), st.sampled_from([static, per_trip]))
def test_vehicles_that_are_seen_while_ridden(seed: int, name_of: NameOf) -> None:
    fleet = Fleet(seed=seed, minutes=1, visible=True)
    found = measure(simulate(fleet, name_of))
    assert found.in_ride_visible
    assert "stay in the feed while they are ridden" in found.sentence


def test_a_flickering_position_is_no_ride() -> None:
    day = simulate(Fleet(), static)
    jumped = [
        place + 3_000 * (row % 10 == 0)
        for row, place in enumerate(day.sightings["latitude_e6"].to_pylist())
    ]
    column = SIGHTINGS.names.index("latitude_e6")
    flickering = day.sightings.set_column(
        column, SIGHTINGS.arrow().field(column), pa.array(jumped, pa.int32())
    )
    found = measure_regime(RunsOfDay.of([flickering], day.polls))
    assert found.hops > 1_000
    assert not found.in_ride_visible


@pytest.mark.parametrize(
    ("fleet", "names"),
    [
        (Fleet(vehicles=4), static),
        (Fleet(vehicles=4), per_poll),
        (Fleet(polls=8), per_poll),
        (Fleet(polls=1), static),
        (Fleet(vehicles=40, rides=0.01, absences=0), static),
        (Fleet(minutes=90, polls=100), static),
    ],
)
def test_thin_evidence_gives_no_regime(fleet: Fleet, names: NameOf) -> None:
    found = measure(simulate(fleet, names))
    assert found.regime == "unknown"
    assert "too thin" in found.sentence


def test_a_day_without_polls_or_vehicles_is_unknown() -> None:
    found = measure_regime(RunsOfDay.of([], POLLS.arrow().empty_table()))
    assert (found.regime, found.steps, found.evidence()["persistence"]) == ("unknown", 0, None)
    assert measure_regime(RunsOfDay.of([], simulate(Fleet(), static).polls)).regime == "unknown"


@pytest.mark.parametrize(
    ("name_of", "regime"),
    [(one_by_one, "mixed"), (positions_in_the_list(60), "per_poll"), (periodic(240), "periodic")],
)
def test_other_ways_of_naming_are_not_taken_for_static(name_of: NameOf, regime: str) -> None:
    assert measure(simulate(Fleet(), name_of)).regime == regime


def test_failed_polls_do_not_change_the_regime() -> None:
    day = simulate(Fleet(), per_trip)
    hours = [time.hour for time in day.polls["fetched_at"].to_pylist()]
    outcome = ["timeout" if 9 <= hour < 11 else "ok" for hour in hours]
    index = POLLS.names.index("outcome")
    polls = day.polls.set_column(index, POLLS.arrow().field(index), pa.array(outcome))
    seen = [not 9 <= time.hour < 11 for time in day.sightings["fetched_at"].to_pylist()]
    found = measure_regime(RunsOfDay.of([day.sightings.filter(pa.array(seen))], polls))
    assert (found.regime, found.steps) == ("per_trip", 438)


@pytest.mark.parametrize("regime", ["per_trip", "per_poll", "periodic"])
def test_each_regime_without_trips_has_its_sentence(regime: str) -> None:
    assert why_no_trips(regime).startswith("it ")


def test_the_captures_of_wolfsburg_are_static(shared_data: Path) -> None:
    folder = shared_data / "gbfs" / "tier_wolfsburg" / "captures"
    tables, rows = [], []
    for path in sorted(folder.glob("*_20230801T*.json.gz")):
        parsed = parse(gzip.decompress(path.read_bytes()))
        at = parsed.last_updated
        column = pa.array([at] * parsed.sightings.num_rows, pa.timestamp("ms", "UTC"))
        tables.append(pa.table(parsed.sightings).append_column("fetched_at", column))
        filler = {"feed": "f", "latency_ms": 1, "bytes": 0, "vehicles": 0, "quarantined": []}
        rows.append({"due_at": at, "fetched_at": at, "outcome": "ok", **filler})
    sightings = pa.concat_tables(tables).sort_by(
        [("vehicle_id", "ascending"), ("fetched_at", "ascending")]
    )
    polls = pa.Table.from_pylist(rows, schema=POLLS.arrow())
    found = measure_regime(RunsOfDay.of([sightings], polls))
    assert (found.regime, found.moves, found.polls) == ("static", 178, 41)
    assert not found.in_ride_visible


def test_the_evidence_is_made_of_json_values() -> None:
    evidence = measure(simulate(Fleet(), periodic(60))).evidence()
    assert evidence["phases"][0]["period_s"] == 10_800
    assert all(isinstance(value, int | float | str | list | bool) for value in evidence.values())
