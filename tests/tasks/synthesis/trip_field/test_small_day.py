import numpy as np
import pyarrow as pa
import pytest

from tasks.cities import transit
from tasks.cities.plane import Plane
from tasks.quality.histograms import ORIGINS_1KM, PAIRS_5KM, total_variation
from tasks.region import Guarantee
from tasks.synthesis.trip_field import Evidence, FieldSettings, make_plan, measure
from tasks.synthesis.trip_field.fit import fit
from tasks.synthesis.trip_field.sampling import sample
from tests.conftest import Show
from tests.coupling import coupled_secrets

MANY = 40_000


def error(law: pa.Table, trips: pa.Table) -> float:
    return total_variation(law, trips, ORIGINS_1KM) + total_variation(law, trips, PAIRS_5KM)


def knowing_nothing(generator: np.random.Generator) -> pa.Table:
    """Trips that start anywhere in the area, and go about as far as trips go, in any direction."""
    plane = Plane(transit.BOX)
    origins = plane.size * generator.random((2 * MANY, 2))
    length = generator.lognormal(np.log(1_200), 0.8, (2 * MANY, 1))
    angle = generator.random((2 * MANY, 1)) * 2 * np.pi
    ends = origins + length * np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    return plane.trips(generator.integers(0, 24, 2 * MANY), origins, ends).slice(0, MANY)


@pytest.mark.slow
def test_a_hundred_trips_tell_more_than_knowing_nothing(show: Show) -> None:
    """Of another day of the same law: what the noise adds must not exceed what the trips tell."""
    law = transit.day(MANY, 99)
    nothing = error(law, knowing_nothing(np.random.default_rng(0)))
    plan = make_plan((transit.BOX,), 100, Guarantee(epsilon=1, delta=6.53e-7), FieldSettings())
    found = []
    for seed in range(5):
        with coupled_secrets(seed):
            evidence = Evidence.of(measure(transit.day(100, seed), plan))
        field = fit(plan, evidence)
        found.append(error(law, sample(field, MANY, np.random.default_rng(seed))))
    show("a hundred trips at epsilon 1", [f"{np.mean(found):.3f}, knowing nothing {nothing:.3f}"])
    assert np.mean(found) < nothing
