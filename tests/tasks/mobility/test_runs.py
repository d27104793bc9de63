import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.mobility import runs as module
from tasks.mobility.distance import haversine
from tasks.mobility.errors import MobilityError
from tasks.mobility.runs import Polls, RunsOfDay
from tasks.schema import POLLS, SIGHTINGS

STEP_E6 = 500  # microdegrees: 55.6 m of latitude, so that one step is no hop and two are
Sighting = tuple[str, int, int]
"""Vehicle, time, position on a line."""


def sightings(rows: list[Sighting]) -> pa.Table:
    nothing = [None] * len(rows)
    columns = {
        "vehicle_id": [row[0] for row in rows],
        "fetched_at": [row[1] for row in rows],
        "latitude_e6": [50_000_000 + row[2] * STEP_E6 for row in rows],
        "longitude_e6": [8_000_000] * len(rows),
    }
    values = {name: columns.get(name, nothing) for name in SIGHTINGS.names}
    return pa.table(values, schema=SIGHTINGS.arrow())


def polls(outcomes: dict[int, str]) -> pa.Table:
    filler = {"feed": "f", "latency_ms": 1, "bytes": 0, "vehicles": 0, "quarantined": []}
    rows = [
        {"due_at": at, "fetched_at": at, "outcome": outcome, **filler}
        for at, outcome in outcomes.items()
    ]
    return pa.Table.from_pylist(rows, schema=POLLS.arrow())


@st.composite
def days(draw: st.DrawFn) -> tuple[list[int], list[Sighting]]:
    times = sorted(draw(st.sets(st.integers(0, 40), min_size=1, max_size=12)))
    rows = []
    for vehicle in range(draw(st.integers(0, 4))):
        seen = sorted(draw(st.sets(st.sampled_from(times), min_size=1)))
        rows += [(f"v{vehicle}", at, draw(st.integers(0, 3))) for at in seen]
    return times, rows


@settings(deadline=None)
@given(days(), st.integers(1, 9))
def test_a_run_is_a_vehicle_in_poll_after_poll(
    day: tuple[list[int], list[Sighting]], rows_per_chunk: int
) -> None:
    times, rows = day
    table = sightings(rows)
    chunks = [table.slice(i, rows_per_chunk) for i in range(0, len(rows), rows_per_chunk)]
    found = []
    hops = []
    for runs in RunsOfDay.of(chunks, polls(dict.fromkeys(times, "ok"))):
        ends = (runs.first, runs.last, runs.is_first, runs.is_last)
        parts = (*ends, *runs.first_place, runs.last_place[0])
        found += list(zip(*(part.tolist() for part in parts), strict=True))
        hops += list(zip(runs.hops.tolist(), runs.chained.tolist(), strict=True))
        behind = [place for place in runs.away_m().tolist() if not np.isnan(place)]
        assert len(behind) == int((~runs.is_first).sum())

    expected, expected_hops = [], []
    for vehicle in sorted({row[0] for row in rows}):
        own = [(times.index(at), place) for name, at, place in rows if name == vehicle]
        begins = [i for i in range(len(own)) if i == 0 or own[i][0] != own[i - 1][0] + 1] + [
            len(own)
        ]
        for n, (a, b) in enumerate(itertools.pairwise(begins)):
            expected.append(
                (
                    own[a][0],
                    own[b - 1][0],
                    n == 0,
                    b == len(own),
                    50_000_000 + own[a][1] * STEP_E6,
                    8_000_000,
                    50_000_000 + own[b - 1][1] * STEP_E6,
                )
            )
            for i in range(a, b - 1):
                if abs(own[i + 1][1] - own[i][1]) > 1:
                    chained = (
                        i > a
                        and abs(own[i][1] - own[i - 1][1]) > 1
                        and abs(own[i + 1][1] - own[i - 1][1]) > 1
                    )
                    expected_hops.append((own[i][0], chained))
    assert found == expected
    assert hops == expected_hops


def test_away_is_the_distance_from_where_the_id_was_seen_last() -> None:
    rows = [("a", 0, 0), ("a", 2, 9), ("b", 0, 5), ("b", 1, 5)]
    (runs,) = RunsOfDay.of([sightings(rows)], polls({0: "ok", 1: "ok", 2: "ok"}))
    away = runs.away_m()
    assert np.isnan(away).tolist() == [True, False, True]
    assert away[1] == haversine(50, 8, 50 + 9 * STEP_E6 / 1e6, 8)


def test_who_stood_still_in_between_is_not_on_the_way() -> None:
    rows = [("a", 0, 0), ("a", 1, 4), ("a", 3, 8)]
    table = sightings(rows)
    going = polls({0: "ok", 1: "ok", 3: "ok"})
    standing = polls({0: "ok", 1: "ok", 2: "not_modified", 3: "ok"})
    assert [r.chained.tolist() for r in RunsOfDay.of([table], going)] == [[False, True]]
    assert [r.chained.tolist() for r in RunsOfDay.of([table], standing)] == [[False, False]]
    assert Polls.of(standing).step_ms.tolist() == [1, 1]


def test_a_sighting_of_no_poll_is_an_error() -> None:
    with pytest.raises(MobilityError, match="that of no answered poll"):
        list(RunsOfDay.of([sightings([("a", 5, 0)])], polls({0: "ok"})))


@given(days())
def test_a_day_of_more_runs_than_are_kept_is_read_again(
    day: tuple[list[int], list[Sighting]],
) -> None:
    times, rows = day
    table, polled = sightings(rows), polls(dict.fromkeys(times, "ok"))
    chunks = [table.slice(i, 3) for i in range(0, len(rows), 3)]
    kept = [str(vars(runs)) for runs in RunsOfDay.of(chunks, polled)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "KEPT_RUNS", 1)
        again = RunsOfDay.of(chunks, polled)
        assert [str(vars(runs)) for runs in again] == kept
        assert [str(vars(runs)) for runs in again] == kept
