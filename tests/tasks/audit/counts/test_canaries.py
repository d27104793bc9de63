import numpy as np
import pytest

from tasks.audit.counts.canaries import cell_weights, count_canaries
from tasks.audit.counts.field import AuditedField
from tasks.audit.errors import AuditError
from tasks.region import Box
from tasks.synthesis.trip_field import FieldMechanism, FieldSettings, Plan
from tasks.synthesis.trip_field.tables import touched

TINY = Box(name="yard", south=52.3, west=10.6, north=52.311, east=10.611)


@pytest.fixture(scope="module")
def plan(field: AuditedField) -> Plan:
    """So many trips that every table is measured."""
    return field.plan(field.twin.claimed, 8000)


def test_canaries_are_trips_and_give_away_what_the_sensitivity_allows(plan: Plan) -> None:
    made = count_canaries(plan, 500, np.random.default_rng(0))
    places = plan.lattice.encode(made.trips)
    assert len(places.row) == 500
    given_away = np.asarray(made.weights.power(2).sum(axis=1)).ravel()
    allowed = plan.mechanism.event().noise_multiplier ** -2
    assert (given_away > 0.98 * allowed).all()
    assert (given_away <= allowed).all()


def test_canaries_are_spread_over_the_parts_of_the_map_and_the_day(plan: Plan) -> None:
    places = plan.lattice.encode(count_canaries(plan, 500, np.random.default_rng(0)).trips)
    ends = touched(plan.lattice, places)["sixteenths"]
    _, times = np.unique(ends, return_counts=True)
    assert times.max() == 1
    assert np.bincount(places.hour, minlength=24).min() > 5


def test_more_canaries_than_parts_share_them(plan: Plan) -> None:
    parts = int((plan.lattice.cover > 0).sum())
    made = count_canaries(plan, parts, np.random.default_rng(0))
    assert made.trips.num_rows == made.weights.shape[0] == parts


@pytest.mark.parametrize("boxes", [(TINY,), (TINY.model_copy(update={"name": "a"}), TINY)])
def test_a_service_area_of_a_cell_has_canaries_too(boxes: tuple[Box, ...]) -> None:
    plan = FieldMechanism(boxes, FieldSettings(), 1.2).plan(5000)
    made = count_canaries(plan, 64, np.random.default_rng(0))
    assert len(plan.lattice.encode(made.trips).row) == 64


def test_an_area_too_narrow_for_canaries_is_refused() -> None:
    """A frame of 12 m around a field: no middle of a part lies in it."""
    rings = [
        ((10.6 + e, 52.3 + e), (10.65 - e, 52.3 + e), (10.65 - e, 52.35 - e), (10.6 + e, 52.35 - e))
        for e in (0.0, 0.00011)
    ]
    frame = Box.model_validate(
        {"name": "frame", "polygons": [[(*ring, ring[0]) for ring in rings]]}
    )
    plan = FieldMechanism((frame,), FieldSettings(), 1.2).plan(5000)
    with pytest.raises(AuditError, match="so narrow that no canary"):
        count_canaries(plan, 64, np.random.default_rng(0))


def test_weights_are_counts_in_standard_deviations_of_the_noise(plan: Plan) -> None:
    made = count_canaries(plan, 64, np.random.default_rng(0))
    cells = touched(plan.lattice, plan.lattice.encode(made.trips))
    weights = cell_weights(plan.mechanism, cells)
    start = 0
    for table in plan.mechanism.tables:
        of_table = weights[:, start : start + table.cells].toarray()
        start += table.cells
        row = of_table[0]
        assert set(np.flatnonzero(row)) == {cell for cell in cells[table.name][0] if cell >= 0}
        assert row.max() == pytest.approx(1 / table.stddev)
