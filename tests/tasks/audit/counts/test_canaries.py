import numpy as np
import pytest

from tasks.audit.counts.canaries import cell_weights, count_canaries
from tasks.audit.counts.counting import Counting
from tasks.audit.counts.ends import AuditedEnds
from tasks.audit.counts.field import AuditedField, CountedTrips
from tasks.audit.counts.rides import CountedRides
from tasks.audit.errors import AuditError
from tasks.region import Box
from tasks.synthesis.trip_ends import EndsMechanism, EndsSettings
from tasks.synthesis.trip_field import FieldMechanism, FieldSettings
from tests.tasks.synthesis.boxes import star

TINY = Box(name="yard", south=52.3, west=10.6, north=52.311, east=10.611)


@pytest.fixture(scope="module", params=["trip_field", "trip_ends"])
def counting(request: pytest.FixtureRequest, field: AuditedField, ends: AuditedEnds) -> Counting:
    """So many trips that every table is measured."""
    audited = field if request.param == "trip_field" else ends
    return audited.counting(field.twin.claimed, 8000)


def test_canaries_are_trips_and_give_away_what_the_sensitivity_allows(counting: Counting) -> None:
    made = count_canaries(counting, 500, np.random.default_rng(0))
    assert len(counting.lattice.encode(made.trips).row) == 500
    given_away = np.asarray(made.weights.power(2).sum(axis=1)).ravel()
    allowed = counting.mechanism.event().noise_multiplier ** -2
    assert (given_away > 0.98 * allowed).all()
    assert (given_away <= allowed).all()


def test_canaries_are_spread_over_the_parts_of_the_map_and_the_day(counting: Counting) -> None:
    trips = count_canaries(counting, 500, np.random.default_rng(0)).trips
    for name, cells in counting.touched(trips).items():
        if name.endswith("sixteenths"):
            _, times = np.unique(cells, return_counts=True)
            assert times.max() == 1
    assert np.bincount(trips["hour"].to_numpy(), minlength=24).min() > 5


def test_more_canaries_than_parts_share_them(counting: Counting) -> None:
    parts = int((counting.lattice.cover > 0).sum())
    made = count_canaries(counting, parts, np.random.default_rng(0))
    assert made.trips.num_rows == made.weights.shape[0] == parts


@pytest.mark.parametrize("boxes", [(TINY,), (TINY.model_copy(update={"name": "a"}), TINY)])
def test_a_service_area_of_a_cell_has_canaries_too(boxes: tuple[Box, ...]) -> None:
    for counting in (
        CountedTrips(FieldMechanism(boxes, FieldSettings(), 1.2).plan(5000)),
        CountedRides(EndsMechanism(boxes, EndsSettings(), 1.2).plan(5000, 5000)),
    ):
        made = count_canaries(counting, 64, np.random.default_rng(0))
        assert len(counting.lattice.encode(made.trips).row) == 64


def test_an_area_too_narrow_for_canaries_is_refused() -> None:
    """A frame of 12 m around a field: no middle of a part lies in it."""
    rings = [
        ((10.6 + e, 52.3 + e), (10.65 - e, 52.3 + e), (10.65 - e, 52.35 - e), (10.6 + e, 52.35 - e))
        for e in (0.0, 0.00011)
    ]
    frame = Box.model_validate(
        {"name": "frame", "polygons": [[(*ring, ring[0]) for ring in rings]]}
    )
    counting = CountedTrips(FieldMechanism((frame,), FieldSettings(), 1.2).plan(5000))
    with pytest.raises(AuditError, match="so narrow that no canary"):
        count_canaries(counting, 64, np.random.default_rng(0))


def test_canaries_of_an_area_with_an_outline_lie_in_it() -> None:
    area = star(52.3, 10.6, 0.2)
    counting = CountedRides(EndsMechanism((area,), EndsSettings(), 1.2).plan(5000, 5000))
    made = count_canaries(counting, 500, np.random.default_rng(0))
    assert len(counting.lattice.encode(made.trips).row) == 500
    assert all(len(cells) == 500 for cells in counting.touched(made.trips).values())


def test_weights_are_counts_in_standard_deviations_of_the_noise(counting: Counting) -> None:
    made = count_canaries(counting, 64, np.random.default_rng(0))
    cells = counting.touched(made.trips)
    weights = cell_weights(counting.mechanism, cells)
    start = 0
    for table in counting.mechanism.tables:
        of_table = weights[:, start : start + table.cells].toarray()
        start += table.cells
        row = of_table[0]
        assert set(np.flatnonzero(row)) == {cell for cell in cells[table.name][0] if cell >= 0}
        assert row.max() == pytest.approx(1 / table.stddev)
