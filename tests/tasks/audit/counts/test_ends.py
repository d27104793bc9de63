import numpy as np
import pyarrow as pa
import pytest

from tasks.audit.counts.ends import AuditedEnds
from tasks.privacy.weighted_counts import multiplied
from tasks.schema import RELEASE


@pytest.mark.slow
def test_a_model_without_privacy_fits_better_and_draws_rides(
    ends: AuditedEnds, rows: pa.Table
) -> None:
    trips = rows.take(ends.twin.halves(seed=0)[0])
    private, openly = (ends.train(trips, is_private) for is_private in (True, False))
    gain = openly.log_likelihood(trips) - private.log_likelihood(trips)
    assert gain.mean() > 0.5
    assert np.isfinite(gain).all()
    drawn = openly.draw(100)
    assert drawn.schema == RELEASE.arrow()
    assert 95 <= drawn.num_rows <= 101
    assert (openly.field.starts, openly.field.ends) == (200, 200)


def test_a_ride_is_one_start_and_one_end(ends: AuditedEnds, rows: pa.Table) -> None:
    counting = ends.counting(ends.twin.claimed, 8000)
    cells = counting.touched(rows)
    assert {name.split("_")[0] for name in cells} == {"start", "end"}
    assert all(values.shape == (rows.num_rows, 1) for values in cells.values())
    moved = rows.set_column(
        rows.schema.get_field_index("destination_latitude"),
        rows.schema.field("destination_latitude"),
        rows["origin_latitude"],
    )
    other = counting.touched(moved)
    for name, values in cells.items():
        assert (other[name] == values).all() or name.startswith("end_"), name
    measured = counting.measure(rows)
    for table in counting.mechanism.tables:
        noise = measured[table.name] - multiplied(table, cells[table.name])
        assert noise.std() == pytest.approx(float(table.sigma), rel=0.4), table.name
