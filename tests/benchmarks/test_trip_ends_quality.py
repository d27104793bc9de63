import numpy as np
import pyarrow.compute as pc
import pytest

from tasks.cities import transit
from tasks.quality import rows
from tests.benchmarks.trip_ends_quality import at_place, at_random, compare, unlinked


def test_cutting_trips_keeps_every_start_and_end_and_no_order() -> None:
    trips = transit.day(500, 1)
    events = unlinked(trips, 0)
    ends = rows.ends(trips)
    for kind, places in (("start", ends[:, :2]), ("end", ends[:, 2:])):
        some = events.filter(pc.equal(events["kind"], kind))
        found = np.column_stack([some["latitude"].to_numpy(), some["longitude"].to_numpy()])
        assert (np.sort(found, axis=0) == np.sort(places, axis=0)).all()
        assert (found != places).any(axis=1).mean() > 0.95
    starts = events.filter(pc.equal(events["kind"], "start"))
    assert np.bincount(starts["hour"].to_numpy(), minlength=24).sum() == 500


def test_a_release_that_is_the_day_itself_is_no_distance_away() -> None:
    trips = transit.day(500, 1)
    events = unlinked(trips, 0)
    made = {kind: events.filter(pc.equal(events["kind"], kind)) for kind in ("start", "end")}
    assert all(at_place(table).num_rows == 500 for table in made.values())
    figures = compare(events, trips, {**made, "trips": trips})
    assert figures == pytest.approx(dict.fromkeys(figures, 0.0))
    exchanged = compare(events, trips, {**made, "trips": at_random(trips, 0)})
    assert exchanged["od_1km"] > 0.3
    assert exchanged["starts"] == 0
