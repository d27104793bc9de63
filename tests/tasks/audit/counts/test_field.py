import numpy as np
import pyarrow as pa
import pytest

from tasks.audit.counts.field import AuditedField
from tasks.audit.counts.synthesizer import QUICK_FIT_STEPS
from tasks.audit.twin import Twin
from tasks.region import TripField
from tasks.schema import RELEASE


@pytest.mark.slow
def test_a_field_without_privacy_fits_better(field: AuditedField, rows: pa.Table) -> None:
    trips = rows.take(field.twin.halves(seed=0)[0])
    private, openly = (field.train(trips, is_private) for is_private in (True, False))
    gain = openly.log_likelihood(trips) - private.log_likelihood(trips)
    assert gain.mean() > 0.5
    assert np.isfinite(gain).all()
    assert openly.draw(30).schema == RELEASE.arrow()
    assert openly.field.rows == trips.num_rows


def test_a_quick_audit_fits_in_fewer_steps(twin: Twin) -> None:
    assert AuditedField(twin, TripField(), is_quick=True).steps == QUICK_FIT_STEPS
    assert AuditedField(twin, TripField(steps=7), is_quick=False).steps == 7


def test_the_control_measures_what_the_guarantee_measures(field: AuditedField) -> None:
    plan = field.counting(field.twin.region.guarantee, field.twin.trips.num_rows).plan
    assert plan.mechanism.event().noise_multiplier > 4
    assert plan.rows == 400


@pytest.mark.slow
def test_runs_with_as_many_canaries_are_of_one_audit(field: AuditedField) -> None:
    runs = [field.one_run(64, seed) for seed in (0, 1)]
    assert [(run.seed, run.canaries, run.epsilon_claimed) for run in runs] == [
        (0, 64, 4.0),
        (1, 64, 4.0),
    ]
