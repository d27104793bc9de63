import itertools
import math
from statistics import median

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tasks.mobility.pieces import whole_vehicles
from tasks.mobility.updates import updates_of
from tasks.schema import SIGHTINGS

Times = dict[str, list[int]]
"""When each vehicle was seen, milliseconds, ascending."""


def sightings(times: Times) -> pa.Table:
    rows = [(name, at) for name, seen in sorted(times.items()) for at in seen]
    columns = {
        "vehicle_id": [name for name, _ in rows],
        "fetched_at": [at for _, at in rows],
        "latitude_e6": [50_000_000] * len(rows),
        "longitude_e6": [8_000_000] * len(rows),
    }
    values = {name: columns.get(name, [None] * len(rows)) for name in SIGHTINGS.names}
    return pa.table(values, schema=SIGHTINGS.arrow())


def test_sightings_and_the_time_between_them_are_counted_by_vehicle() -> None:
    day = sightings({"a": [0, 60_000, 120_400], "b": [30_000], "c": [0, 180_000]})
    updates = updates_of(whole_vehicles([day]))
    assert updates.of_vehicle.tolist() == [3, 1, 2]
    assert updates.sightings == 6
    assert {seconds: n for seconds, n in enumerate(updates.intervals) if n} == {60: 2, 180: 1}
    assert updates.median_interval_s == 60


def test_a_day_without_sightings_has_no_interval() -> None:
    updates = updates_of([])
    assert updates.sightings == 0
    assert math.isnan(updates.median_interval_s)


@given(
    st.dictionaries(
        st.text("abc", min_size=1, max_size=3),
        st.sets(st.integers(0, 600_000), min_size=1, max_size=12).map(sorted),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 9),
)
def test_no_vehicle_is_split_however_the_day_is_cut(times: Times, rows_per_chunk: int) -> None:
    table = sightings(times)
    chunks = [table.slice(i, rows_per_chunk) for i in range(0, len(table), rows_per_chunk)]
    updates = updates_of(whole_vehicles(chunks))
    assert updates.of_vehicle.tolist() == [len(seen) for _, seen in sorted(times.items())]
    pairs = [pair for seen in times.values() for pair in itertools.pairwise(seen)]
    seconds = sorted(round((after - before) / 1000) for before, after in pairs)
    found = [s for s, n in enumerate(updates.intervals.tolist()) for _ in range(n)]
    assert found == seconds
    if seconds:
        assert updates.median_interval_s == median(seconds)
