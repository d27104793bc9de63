from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from tasks.quality.likelihood import bits_per_trip, uniform_bits
from tasks.quality.metrics import compare
from tasks.quality.splits import split
from tasks.region import Guarantee
from tasks.synthesis.trip_field import Evidence, FieldSettings, log_density, make_plan, measure
from tasks.synthesis.trip_field.fit import fit
from tasks.synthesis.trip_field.sampling import sample
from tests.benchmarks.peers import peers_at
from tests.benchmarks.trip_file import metros, read_trips
from tests.conftest import Show

LOWER_IS_BETTER = (
    "pairs_5km",
    "pairs_1km",
    "origins_1km",
    "destinations_1km",
    "hour_origins_5km",
    "length",
    "auc",
)


@pytest.mark.slow
def test_a_real_day_comes_out_closer_than_any_peers(shared_data: Path, show: Show) -> None:
    areas = metros()
    trips = read_trips(shared_data / "trips" / "uber_scooter_rides_1day.csv", areas)
    train, held_out = split(trips, 0.8, seed=0)
    plan = make_plan(areas, len(train), Guarantee(epsilon=1, delta=6.53e-7), FieldSettings())
    field = fit(plan, Evidence.of(measure(train, plan)))
    found = asdict(compare(train, sample(field, len(train), np.random.default_rng()), areas))
    gain = uniform_bits(areas) - bits_per_trip(log_density(field, held_out))
    show("trip_field on a real day at epsilon 1", [found, f"{gain:.2f} bits better than uniform"])
    for name in LOWER_IS_BETTER:
        for peer in peers_at(1.0):
            if peer.figures.get(name) is not None:
                assert found[name] < peer.figures[name], (name, peer.name)
    assert gain > 16.5
