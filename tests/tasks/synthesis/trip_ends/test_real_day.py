"""On a real day: what the README says of trips modelled from ends that nothing links."""

from pathlib import Path

import pytest

from tasks.quality.splits import split
from tests.benchmarks.peers import peers_at
from tests.benchmarks.trip_ends_quality import at_random, compare_trips, run
from tests.benchmarks.trip_file import metros, read_trips
from tests.conftest import Show


@pytest.mark.slow
def test_modelled_pairs_of_a_real_day_are_closer_than_pairs_of_peers_that_saw_them(
    shared_data: Path, show: Show
) -> None:
    areas = metros()
    trips = read_trips(shared_data / "trips" / "uber_scooter_rides_1day.csv", areas)
    train, _ = split(trips, 0.8, seed=0)
    found, paired = run(areas, train, 1.0, 0), compare_trips(train, at_random(train, 0))
    show("trip_ends on a real day at epsilon 1", [dict(found), paired])
    for ours, figure in (
        ("od_5km", "pairs_5km"),
        ("od_1km", "pairs_1km"),
        ("starts", "origins_1km"),
    ):
        for peer in peers_at(1.0):
            if peer.figures.get(figure) is not None:
                assert found[ours] < peer.figures[figure], (figure, peer.name)
    assert found["od_5km"] < 0.13
    assert found["od_1km"] < 0.44
    assert found["od_5km"] < paired["od_5km"] / 3
